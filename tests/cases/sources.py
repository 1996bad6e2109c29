"""A case folder as the Source that the commands would read: a commit in a real repository, or a work tree."""

from __future__ import annotations

from pathlib import Path

import pygit2

from reconciler.git.checkout import read_commit
from reconciler.git.worktree import read_work_tree
from reconciler.model.fleet import Source
from tests.cases.trees import Tree, commit_tree, write_work_tree


def source_of(tree: Tree, folder: Path) -> Source:
    """The tree below the empty `folder`, read back. Raises FleetError for a tree that is not read at all."""
    if tree.pipes:
        write_work_tree(tree, folder)
        return read_work_tree(folder)
    commit = commit_tree(tree, folder)
    return read_commit(pygit2.Repository(str(folder)), commit)
