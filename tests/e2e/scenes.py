"""What the scenes on whole clusters share: the two processes as they are started, and what their status says of a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane import ControlPlane
from tests.e2e.program import Program
from tests.gitservers import BareRepository


def run_arguments(
    repository: BareRepository, directory: Path, kubeconfig: Path, *more: str
) -> tuple[str, ...]:
    """`reconciler run` on a repository that is a directory, polling every second."""
    return (
        "run",
        f"--url={repository.url}",
        f"--data-dir={directory / 'data'}",
        f"--kubeconfig={kubeconfig}",
        "--poll-interval=1",
        *more,
    )


def agent_arguments(
    repository: BareRepository, plane: ControlPlane, directory: Path, kubeconfig: Path, *more: str
) -> tuple[str, ...]:
    """`reconciler agent` in one member, polling every second."""
    return (
        "agent",
        f"--cluster={plane.name}",
        f"--url={repository.url}",
        f"--data-dir={directory / ('agent-' + plane.name)}",
        f"--kubeconfig={kubeconfig}",
        "--poll-interval=1",
        *more,
    )


@contextmanager
def shown_on_failure(*programs: Program) -> Iterator[None]:
    """The end of each program's log, when what is done with them fails."""
    try:
        yield
    except BaseException:
        for program in programs:
            print(f"--- {program.log_path.name}\n{program.text}")
        raise


def summary_of(repository: BareRepository) -> dict[str, Any]:
    """`summary.yaml` of the status branch; empty while there is none."""
    if "reconciler/status" not in repository.branches():
        return {}
    found: dict[str, Any] = yaml.safe_load(repository.read("reconciler/status", "summary.yaml"))
    return found


def delivered(repository: BareRepository, commit: str, planes: Iterable[ControlPlane]) -> Callable[[], bool]:
    """Whether the status names the source commit, and each of these clusters stands at its render.

    The first render of a new fleet places nothing (R340: no cluster has reported yet) and does not count.
    """
    names = {plane.name for plane in planes}

    def asked() -> bool:
        summary = summary_of(repository)
        rows = {row["name"]: row for row in summary.get("clusters", ())}
        return (
            summary.get("sourceCommit") == commit
            and "R340" not in summary["problems"]
            and all(rows.get(name, {}).get("current") is True for name in names)
        )

    return asked


def writes_to_objects(plane: ControlPlane, mark: int) -> list[tuple[str, str, str, str]]:
    """(verb, resource, namespace, name) of every write by the program since a mark; its own record apart."""
    return [
        (write.verb, write.resource, write.namespace, write.name)
        for write in plane.writes(since=mark, failed=False)
        if "fleet-reconciler" not in (write.namespace, write.name)
    ]


def crash_at(point: str, occurrence: int = 1) -> dict[str, str]:
    """The environment in which the program ends itself by SIGKILL at a named point."""
    return {"RECONCILER_CRASH_AT": f"{point}:{occurrence}"}
