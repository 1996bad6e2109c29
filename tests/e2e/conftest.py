"""Real clusters and real Git servers as fixtures. How to call them: tests/controlplane/README.md.

Promises: clusters start when a test first asks for them, once a session; whoever asks for `clean_clusters` hands them
back as they were. Without the means to build them the tests fail with one line; they are never skipped.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.controlplane import (
    THREE_NODES,
    Binaries,
    BinariesError,
    ControlPlane,
    Node,
    binaries,
    start_all,
    stop_all,
)
from tests.gitservers import BareRepository, Clone, HttpGitServer, SshGitServer, bare_repository
from tests.interpreterwebhook import WebhookServer

Fleet = tuple[ControlPlane, ControlPlane, ControlPlane]
NAMES = ("member1", "member2", "member3")


class StartCluster:
    """`start_cluster("edge", nodes=...)`: a cluster for one test, which may break it."""

    def __init__(self, binaries: Binaries, directory: Path) -> None:
        self.planes: list[ControlPlane] = []
        self._binaries = binaries
        self._directory = directory

    def __call__(self, name: str = "breakable", *, nodes: Iterable[Node] = THREE_NODES) -> ControlPlane:
        plane = ControlPlane(name, self._directory / name, self._binaries, nodes=nodes)
        self.planes.append(plane)
        plane.start()
        return plane


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a control plane, so that `-m "not e2e"` runs without Go."""
    for item in items:
        if "control_plane_binaries" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say after a failure where the clusters' logs are, and show the end of the log of what no longer runs."""
    report = yield
    if report.failed:
        values = getattr(item, "funcargs", {}).values()
        planes = [each for value in values if isinstance(value, tuple) for each in value]
        planes += [each for value in values if isinstance(value, StartCluster) for each in value.planes]
        reports = {each.name: each.report() for each in planes if isinstance(each, ControlPlane)}
        if reports:
            report.sections.append(("control planes", "\n".join(reports.values())))
    return report


@pytest.fixture(scope="session")
def control_plane_binaries(request: pytest.FixtureRequest) -> Binaries:
    """The six binaries, built on the first use (minutes, said on the terminal)."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            print(f"\n{line}", flush=True)

    try:
        return binaries(say)
    except BinariesError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def fleet_of_clusters(
    control_plane_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Three clusters that run for the whole session. Leave them as they were (unique namespaces), and unbroken."""
    directory = tmp_path_factory.mktemp("clusters")
    planes = [ControlPlane(name, directory / name, control_plane_binaries) for name in NAMES]
    start_all(planes)
    one, two, three = planes
    yield one, two, three
    stop_all(planes)


@pytest.fixture
def clean_clusters(fleet_of_clusters: Fleet) -> Iterator[Fleet]:
    """The same three; afterwards everything that the test made in them is removed (CRDs and namespaces too)."""
    yield fleet_of_clusters
    with ThreadPoolExecutor(max_workers=len(fleet_of_clusters)) as pool:
        list(pool.map(ControlPlane.clean, fleet_of_clusters))


@pytest.fixture
def start_cluster(control_plane_binaries: Binaries, tmp_path: Path) -> Iterator[StartCluster]:
    """A factory of clusters that this test alone uses, and may pause, kill and restart."""
    start = StartCluster(control_plane_binaries, tmp_path / "clusters")
    yield start
    stop_all(start.planes)


@pytest.fixture
def git_repository(tmp_path: Path) -> Callable[..., BareRepository]:
    """A factory: `git_repository("fleet")` is a bare repository that only this test knows, reached as a file."""
    return lambda name="fleet": bare_repository(tmp_path / "repositories" / f"{name}.git")


@pytest.fixture
def git_clone(tmp_path: Path) -> Callable[..., Clone]:
    """A factory: `git_clone(url, ...)` is a work tree of a second person, driven by the `git` command."""
    count = itertools.count(1)
    return lambda url, **options: Clone(tmp_path / f"clone-{next(count)}", url, **options)


@pytest.fixture
def http_git_server(tmp_path: Path) -> Iterator[HttpGitServer]:
    """`git http-backend` behind HTTP on 127.0.0.1; `.repository(name)` makes a repository in it."""
    with HttpGitServer(tmp_path / "http-remotes") as server:
        yield server


@pytest.fixture
def https_git_server(tmp_path: Path) -> Iterator[HttpGitServer]:
    """The same behind TLS, with a certificate authority of its own (`.ca_file`)."""
    with HttpGitServer(tmp_path / "https-remotes", tls=True) as server:
        yield server


@pytest.fixture
def ssh_git_server(tmp_path: Path) -> Iterator[SshGitServer]:
    """A real SSH server that runs git's two pack commands and nothing else."""
    with SshGitServer(tmp_path / "ssh-remotes") as server:
        yield server


@pytest.fixture
def webhook_server(tmp_path: Path) -> Iterator[WebhookServer]:
    """An interpreter webhook for Workloads, over TLS; a test may have it answer anything."""
    with WebhookServer(tmp_path) as server:
        yield server
