"""The problems of one case folder, by the functions that `reconciler validate` calls; as a program, one line each."""

from __future__ import annotations

import sys
from pathlib import Path

import pygit2

from reconciler.errors import FleetError, Problem
from reconciler.fleet import assemble
from reconciler.git.checkout import read_commit
from reconciler.git.worktree import read_work_tree
from tests.cases.trees import commit_tree, tree_of, write_work_tree


def problems_of(case: Path, folder: Path) -> tuple[Problem, ...]:
    """Commit the case's fleet below the empty `folder`, read the commit, and say what is wrong with it."""
    tree = tree_of(case)
    try:
        if tree.pipes:
            write_work_tree(tree, folder)
            source = read_work_tree(folder)
        else:
            commit = commit_tree(tree, folder)
            source = read_commit(pygit2.Repository(str(folder)), commit)
    except FleetError as error:
        return error.problems
    return assemble(source, previous_paths=tree.previous_paths).problems


if __name__ == "__main__":
    case, folder = map(Path, sys.argv[1:])
    lines = sorted(f"{problem.location} {problem.code}" for problem in problems_of(case, folder))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
