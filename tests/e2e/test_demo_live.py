"""`make demo-live` does what it says, and what it tells people to type works."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.controlplane.polling import eventually
from tests.controlplane.processes import command_of

ROOT = Path(__file__).resolve().parents[2]


def live(command, directory):
    return subprocess.run(
        [sys.executable, "-m", "tests.e2e.demo_live", command, "--dir", str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_the_live_demo_runs_its_hints_work_and_it_leaves_nothing_behind(control_plane_binaries, tmp_path):
    directory = tmp_path / "live"
    up = live("up", directory)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert live("up", directory).returncode == 1
        hints = re.search(r"^Things to try.*?^Logs:", up.stdout, re.MULTILINE | re.DOTALL).group()
        setting, *commands = [line.strip() for line in hints.splitlines()[1:-1] if line.startswith("    ")]

        def type_(text, *, code=0):
            # As printed: from where it was started, and from a certain line on in the clone.
            moved = commands.index(hint("cd "))
            if not any(command.startswith(text) for command in commands[:moved]):
                text = f"{commands[moved]}\n{text}"
            done = subprocess.run(
                ["bash", "-c", f"{setting}\n{text}"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                env={**os.environ, "NO_COLOR": "1"},
            )
            assert done.returncode == code, (text, done.stdout, done.stderr)
            return done.stdout

        def hint(start):
            return next(command for command in commands if command.startswith(start))

        assert "statefulset.apps/database" in type_(hint("kubectl --context frankfurt"))
        assert "shop.example.com/site=edge" in type_(hint("kubectl --context lyon-shop"))
        type_(hint("kubectl --context virginia -n shop delete"))
        eventually(
            "the deleted Deployment is back",
            lambda: type_("kubectl --context virginia -n shop get deployment api -o name --ignore-not-found"),
        )
        log = hint("git -C")
        assert type_(log)
        # How far down the last render stands depends on how often the status was written since.
        assert "render" in type_(log.partition(" | ")[0])
        type_(hint("sed"))
        type_(hint("git fetch"))
        assert "virginia 3→5" in type_(hint("reconciler diff"), code=1)
        type_(hint("git commit"))

        def replicas(cluster):
            return type_(
                f"kubectl --context {cluster} -n shop get deployment web -o jsonpath={{.spec.replicas}}"
            )

        eventually(
            "the change arrives", lambda: replicas("virginia") == replicas("frankfurt") == "5", within=60
        )
        assert replicas("lyon-shop") == "1"

        type_(hint("git rm"))
        eventually(
            "a guard stops the deletion of everything",
            lambda: "GuardTripped" in type_("git fetch -q && reconciler status"),
            within=60,
        )
        assert replicas("virginia") == "5"
    finally:
        pids = [pid for pid in _processes() if str(directory) in command_of(pid)]
        down = live("down", directory)
    assert down.returncode == 0, down.stdout + down.stderr
    assert len(pids) >= 2 + 3 * 4
    assert not directory.exists()
    # A child of the reconciler may outlive it by a moment.
    eventually(
        "nothing of it runs",
        lambda: not [pid for pid in pids if str(directory) in command_of(pid)],
        within=10,
    )


def _processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
