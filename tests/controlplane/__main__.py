"""`python -m tests.controlplane build | up --clusters N --dir DIR | down --dir DIR`: control planes for people."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from tests.controlplane.binaries import NAMES, BinariesError, binaries
from tests.controlplane.components import STOP_ORDER
from tests.controlplane.plane import ControlPlane, ControlPlaneError, start_all
from tests.controlplane.processes import command_of, end

_RECORD = "clusters.json"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0, or 1 with one message on the error output."""
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the binaries that are missing, and print where they are")
    up = commands.add_parser("up", help="start clusters that go on running after this command")
    up.add_argument("--dir", type=Path, required=True, help="where their data, kubeconfigs and logs go")
    up.add_argument(
        "--clusters", type=int, default=3, help="how many (default 3), named member1, member2, ..."
    )
    up.add_argument("--names", help="their names instead, separated by commas")
    down = commands.add_parser("down", help="stop them and remove their directory")
    down.add_argument("--dir", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    try:
        match chosen.command:
            case "build":
                print(binaries(_say).directory)
            case "up":
                names = (
                    chosen.names.split(",")
                    if chosen.names
                    else [f"member{n + 1}" for n in range(chosen.clusters)]
                )
                _up(chosen.dir.absolute(), names)
            case "down":
                _down(chosen.dir.absolute())
    except (BinariesError, ControlPlaneError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _up(directory: Path, names: list[str]) -> None:
    if (directory / _RECORD).exists():
        raise ControlPlaneError(
            f"{directory} already holds clusters; stop them first: down --dir {directory}"
        )
    found = binaries(_say)
    planes = [ControlPlane(name, directory / name, found, tethered=False) for name in names]
    directory.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    start_all(planes)
    record = {
        "kubectl": str(found.path("kubectl")),
        "clusters": [
            {
                "name": plane.name,
                "kubeconfig": str(plane.kubeconfig),
                "powerless_kubeconfig": str(plane.powerless_kubeconfig),
                "pids": plane.pids,
            }
            for plane in planes
        ],
    }
    (directory / _RECORD).write_text(json.dumps(record, indent=2) + "\n")
    _say(f"{len(planes)} clusters in {time.monotonic() - started:.1f} s")
    for plane in planes:
        print(f"{plane.name}\t{plane.server}\t{plane.kubeconfig}")
    print(f"kubectl\t{found.path('kubectl')}")


def _down(directory: Path) -> None:
    record = directory / _RECORD
    if not record.exists():
        raise ControlPlaneError(f"{directory} holds no clusters")
    content = json.loads(record.read_text())
    clusters = [cluster["pids"] for cluster in content["clusters"]]
    for name in STOP_ORDER:
        end(
            [pids[name] for pids in clusters if name in pids],
            lambda pid: _is_ours(pid, directory),
            grace=10,
        )
    shutil.rmtree(directory)


def _is_ours(pid: int, directory: Path) -> bool:
    command = command_of(pid)
    return str(directory) in command and any(name in command for name in NAMES)


if __name__ == "__main__":
    sys.exit(main())
