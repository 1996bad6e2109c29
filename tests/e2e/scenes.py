"""What the scenes on whole clusters share: the two processes as they are started, and what their status says of a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane import ControlPlane
from tests.controlplane.polling import eventually
from tests.e2e.program import Program, cluster_file, config_map, everywhere, merged_kubeconfig, namespace
from tests.gitservers import BareRepository, Clone, bare_repository


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
    found: dict[str, Any] = yaml.safe_load(repository.find("reconciler/status", "summary.yaml") or "{}")
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


class Fleet:
    """A small fleet of its own on clusters that others use too: its repository, its namespaces, its record in each cluster.

    `shop` is the namespace of its objects. Which clusters are pulled to is in `pulled`; nothing is started.
    """

    def __init__(
        self, name: str, planes: Sequence[ControlPlane], directory: Path, *, pulled: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.shop = f"shop-{name}"
        self.planes = tuple(planes)
        self.directory = directory / name
        self.directory.mkdir(parents=True)
        self.repository = bare_repository(self.directory / "fleet.git")
        self.author = Clone(self.directory / "author", self.repository.url)
        self.kubeconfig = merged_kubeconfig(self.planes, self.directory / "kubeconfig")
        self.pulled = frozenset(pulled)
        self.files = {
            **{
                f"clusters/{plane.name}.yaml": cluster_file(
                    plane.name, "Pull" if plane.name in self.pulled else "Push"
                )
                for plane in self.planes
            },
            "policies/all.yaml": everywhere("all", ("v1", "ConfigMap")),
            "apps/namespace.yaml": namespace(self.shop),
        }

    def maps(self, *names: str, **data: str) -> str:
        """A file of ConfigMaps in the shop."""
        return "\n---\n".join(config_map(name, self.shop, **(data or {"a": "1"})) for name in names)

    def commit(self, message: str, files: Mapping[str, str | None]) -> str:
        """What somebody pushes; with everything that makes it a fleet, the first time."""
        first, self.files = self.files, {}
        return self.author.commit_and_push(message, {**first, **files})

    def reconciler(self, *more: str, data: str = "data", crash: Mapping[str, str] | None = None) -> Program:
        """`reconciler run`."""
        return Program(
            self.directory,
            "run",
            f"--url={self.repository.url}",
            f"--data-dir={self.directory / data}",
            f"--kubeconfig={self.kubeconfig}",
            f"--namespace=records-{self.name}",
            "--poll-interval=1",
            *more,
            environment=dict(crash or {}),
        )

    def agent(self, plane: ControlPlane, *more: str) -> Program:
        """`reconciler agent` in one cluster."""
        return Program(
            self.directory,
            "agent",
            f"--cluster={plane.name}",
            f"--url={self.repository.url}",
            f"--data-dir={self.directory / f'agent-{plane.name}'}",
            f"--kubeconfig={self.kubeconfig}",
            f"--namespace=records-{self.name}",
            "--poll-interval=1",
            *more,
        )

    def wait_for(self, commit: str, planes: Iterable[ControlPlane] = (), within: float = 60) -> None:
        """Until these clusters (all of them) stand at what the commit comes to."""
        eventually(
            f"{commit} is delivered",
            delivered(self.repository, commit, tuple(planes) or self.planes),
            within=within,
        )

    def there(self, plane: ControlPlane) -> dict[str, dict[str, str]]:
        """The data of the shop's ConfigMaps in one cluster, by name; those of the cluster itself apart."""
        items = plane.kubectl_json("get", "configmaps", "-n", self.shop)["items"]
        found = {item["metadata"]["name"]: item.get("data", {}) for item in items}
        return {name: data for name, data in found.items() if name != "kube-root-ca.crt"}

    def marks(self) -> dict[str, int]:
        """Now, in the audit log of each cluster."""
        return {plane.name: plane.audit_mark() for plane in self.planes}

    def writes(self, plane: ControlPlane, mark: int) -> list[tuple[str, str]]:
        """(verb, name) of every write in the shop since a mark, by the program under test."""
        return [
            (write.verb, write.name)
            for write in plane.writes(since=mark, failed=False)
            if write.namespace == self.shop
        ]

    def deletions(self, marks: Mapping[str, int]) -> list[tuple[str, str]]:
        """(cluster, name) of everything of the shop that the program deleted since."""
        return [
            (plane.name, name)
            for plane in self.planes
            for verb, name in self.writes(plane, marks[plane.name])
            if verb == "delete"
        ]

    def problems(self, commit: str) -> dict[str, int]:
        """How often the status of a commit counts each code; empty while there is no such status."""
        summary = summary_of(self.repository)
        found: dict[str, int] = summary["problems"] if summary.get("sourceCommit") == commit else {}
        return found

    def rendered_of(self, source: str) -> str:
        """The rendered commit that was made from a source commit; empty while there is none."""
        form = "%H %(trailers:key=Source-Commit,valueonly,separator=)"
        rows = (row.split(" ") for row in self.repository.log("reconciler/rendered", form))
        return next((commit for commit, made_from in rows if made_from == source), "")

    def trailer(self, key: str, branch: str = "reconciler/rendered") -> str:
        """A trailer of the newest commit on a machine branch."""
        return self.repository.git(
            "log", "-1", f"--format=%(trailers:key={key},valueonly,separator=)", branch
        )
