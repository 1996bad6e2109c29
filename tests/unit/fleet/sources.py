"""Sources written inline: a path and its text a file."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from reconciler.model.fleet import Source, SourceFile

TIME = datetime(2026, 1, 1, tzinfo=UTC)

SETTINGS = "apiVersion: fleet-reconciler/v1alpha1\nkind: FleetConfig\nspec:\n"


def source(files: dict[str, str | bytes], *, problems=(), commit="c0ffee") -> Source:
    """The files as a commit; every file has an id that its bytes decide."""
    return Source(
        commit=commit,
        time=TIME,
        files=tuple(
            SourceFile(path=path, data=data, oid=hashlib.sha1(data).hexdigest())
            for path, text in files.items()
            for data in [text.encode() if isinstance(text, str) else text]
        ),
        problems=tuple(problems),
    )


def source_of(folder: Path) -> Source:
    """Everything below a folder."""
    return source(
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    )


def manifest(kind: str, name: str, *, api: str = "v1", namespace: str = "", more: str = "") -> str:
    """One document."""
    where = f"  namespace: {namespace}\n" if namespace else ""
    return f"apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name}\n{where}{more}"


def policy(name: str, more: str = "", *, namespace: str = "shop", kind: str = "PropagationPolicy") -> str:
    """A policy for Deployments."""
    where = f"  namespace: {namespace}\n" if namespace else ""
    return (
        f"apiVersion: policy.karmada.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n{where}spec:\n"
        f"  resourceSelectors:\n    - apiVersion: apps/v1\n      kind: Deployment\n{more}"
    )


def cluster(name: str, more: str = "") -> str:
    """A cluster."""
    return (
        f"apiVersion: cluster.karmada.io/v1alpha1\nkind: Cluster\nmetadata:\n  name: {name}\n"
        f"spec:\n  syncMode: Push\n{more}"
    )


def codes(fleet) -> list[str]:
    """`code path:line:column` of every problem."""
    return [f"{problem.code} {problem.location}" for problem in fleet.problems]
