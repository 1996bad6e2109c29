"""What a verb loads before it works: a completion or a validation must not wait for HTTP clients and differs."""

import json
import subprocess
import sys

import pytest

from reconciler.cli.demo import example

HEAVY = ("kubernetes", "aiohttp", "deepdiff", "ruamel", "prometheus_client", "watchdog", "asyncssh")
OFFLINE_HALF = ("reconciler.wiring", "reconciler.telemetry", "reconciler.kube.client", "reconciler.loop.run")

PROGRAM = """
import contextlib, io, json, sys
from reconciler.cli.main import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
"""


def modules_of(*arguments, cwd):
    """What is loaded when the verb has ended."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=cwd, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A rendered copy of the example with a change on a branch."""
    directory = tmp_path_factory.mktemp("fleet") / "fleet"
    subprocess.run(
        [sys.executable, "-m", "reconciler", "demo", "--keep", str(directory)],
        capture_output=True,
        check=True,
    )
    return directory


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("version",),
        ("completion", "bash"),
        ("validate",),
        ("render",),
        ("diff", "main...more-web"),
        ("diff", "main...more-web", "-o", "markdown"),
        ("explain", "deployment/web"),
        ("status",),
    ],
    ids=" ".join,
)
def test_an_offline_verb_loads_no_client_and_no_server(arguments, fleet):
    loaded = modules_of(*arguments, cwd=fleet)
    assert "reconciler.cli.main" in loaded
    assert {name for name in loaded if name.split(".")[0] in HEAVY} == set()
    assert loaded & set(OFFLINE_HALF) == set()


def test_help_loads_no_verb(tmp_path):
    loaded = modules_of("--help", cwd=tmp_path)
    assert {name for name in loaded if name.startswith("reconciler.")} == {
        "reconciler.cli",
        "reconciler.cli.main",
        "reconciler.errors",
    }


def test_the_check_sees_what_is_loaded(tmp_path):
    loaded = modules_of("apply", "--dry-run", str(example()), cwd=tmp_path)
    assert "aiohttp" in loaded
