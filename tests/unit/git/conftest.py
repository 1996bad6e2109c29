"""A bare repository with `git` as its witness, and small render trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.git.repository import Repository, open_repository
from reconciler.git.writer import CommitFacts
from reconciler.model.tree import RenderTree, Variant
from tests.gitservers import BareRepository, bare_repository

SOURCE_TIME = datetime(2024, 5, 1, 10, 0, 0, tzinfo=UTC)
NOW = datetime(2024, 5, 1, 10, 0, 30, tzinfo=UTC)


@pytest.fixture
def bare(tmp_path: Path) -> BareRepository:
    """The repository as `git` sees it."""
    return bare_repository(tmp_path / "repository.git")


@pytest.fixture
def repository(bare: BareRepository) -> Repository:
    """The same repository as we open it."""
    return open_repository(bare.path)


@pytest.fixture
def facts() -> Callable[..., CommitFacts]:
    """A factory of commit facts with fixed times."""

    def make(message: str = "render", **trailers: str) -> CommitFacts:
        named = {key.replace("_", "-"): value for key, value in trailers.items()}
        return CommitFacts(
            message=message,
            author_time=SOURCE_TIME,
            committer_time=NOW,
            trailers={"Source-Commit": "1" * 40, "Complete": "true", **named},
        )

    return make


def render_tree(
    contents: Mapping[str, Mapping[str, bytes]], bindings: Mapping[str, bytes] | None = None
) -> RenderTree:
    """A RenderTree from cluster -> path -> bytes: equal contents of several clusters are one variant."""
    variants: dict[tuple[str, bytes], list[str]] = {}
    for cluster, files in contents.items():
        for path, data in files.items():
            variants.setdefault((path, data), []).append(cluster)
    return RenderTree(
        clusters=tuple(sorted(contents)),
        variants=tuple(
            sorted(
                (
                    Variant(path=path, data=data, clusters=tuple(sorted(names)))
                    for (path, data), names in variants.items()
                ),
                key=lambda one: (one.path, one.clusters),
            )
        ),
        bindings=dict(bindings or {}),
    )
