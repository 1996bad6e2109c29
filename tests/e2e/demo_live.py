"""`make demo-live`: the whole line on three real control planes, one of them with the agent; left running to try things.

    python -m tests.e2e.demo_live up --dir DIR      start, wait until everything is applied, print what to try
    python -m tests.e2e.demo_live down --dir DIR    stop it all and remove DIR

The fleet is the example, less one cluster. Everything lives in DIR: control planes, a bare repository, a clone to edit, logs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import yaml

from tests.controlplane.__main__ import main as control_planes
from tests.controlplane.polling import eventually
from tests.controlplane.processes import command_of, end

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PUSH: Final = ("frankfurt", "virginia")
PULL: Final = ("lyon-shop",)
LEFT_OUT: Final = ("paris",)
RECORD: Final = "demo.json"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 with one message when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.demo_live", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("--dir", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    directory: Path = chosen.dir.absolute()
    if chosen.command == "down":
        return down(directory)
    if directory.exists():
        print(f"error: {directory} is there already; first: make demo-live-down", file=sys.stderr)
        return 1
    try:
        return up(directory)
    except BaseException:
        print(
            f"it did not work; the logs are in {directory}, `make demo-live-down` stops what runs",
            file=sys.stderr,
        )
        raise


def up(directory: Path) -> int:
    """Start everything, wait for the first status commit that says that all clusters stand at the source commit."""
    directory.mkdir(parents=True)
    names = (*PUSH, *PULL)
    _say(
        f"1. Three Kubernetes control planes: {', '.join(names)} (the first time they are built: some minutes)"
    )
    if control_planes(["up", "--dir", str(directory / "clusters"), "--names", ",".join(names)]):
        return 1
    planes = json.loads((directory / "clusters" / "clusters.json").read_text())
    kubeconfig = merged(planes["clusters"], directory / "kubeconfig")

    _say("2. A fleet repository: the example, on a Git remote of its own")
    commit = repository(directory)
    print(f"   {directory / 'fleet.git'} at {commit[:12]}; your clone: {directory / 'fleet'}")

    _say("3. The reconciler pushes to frankfurt and virginia; the agent of lyon-shop pulls its branch")
    pids = programs(directory, kubeconfig)
    (directory / RECORD).write_text(json.dumps({"pids": pids}) + "\n")

    _say("4. Until every cluster has it")
    started = time.monotonic()
    summary = eventually(
        "the status of all clusters", lambda: settled(directory, commit), within=180, every=0.5
    )
    print(
        f"   {len(summary['clusters'])} clusters at commit {commit[:12]} after {time.monotonic() - started:.1f} s\n"
    )
    _run("reconciler", "status", "--path", str(directory / "fleet.git"))
    print(hints(directory, Path(planes["kubectl"])))
    return 0


def repository(directory: Path) -> str:
    """The bare repository and a clone with the example fleet pushed; the commit's id."""
    bare, clone = directory / "fleet.git", directory / "fleet"
    _git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    shutil.copytree(REPOSITORY / "fleet-repo-example", clone)
    for name in LEFT_OUT:
        (clone / "clusters" / f"{name}.yaml").unlink()
    weights = clone / "policies" / "api.yaml"
    weights.write_text(
        "".join(line for line in weights.read_text().splitlines(keepends=True) if "- paris" not in line)
    )
    _git("init", "--quiet", "--initial-branch=main", cwd=clone)
    _git("config", "user.name", "You", cwd=clone)
    _git("config", "user.email", "you@example.com", cwd=clone)
    _git("config", "commit.gpgSign", "false", cwd=clone)
    _git("remote", "add", "origin", str(bare), cwd=clone)
    _git("add", ".", cwd=clone)
    _git("commit", "--quiet", "--message", "The shop on three clusters", cwd=clone)
    _git("push", "--quiet", "--set-upstream", "origin", "main", cwd=clone)
    return _git("rev-parse", "HEAD", cwd=clone).strip()


def programs(directory: Path, kubeconfig: Path) -> dict[str, int]:
    """The reconciler and the agent, detached; their process ids."""
    url = f"--url={(directory / 'fleet.git').as_uri()}"
    reach = f"--kubeconfig={kubeconfig}"
    run = ("run", url, reach, f"--data-dir={directory / 'run'}", "--poll-interval=5")
    agents = {
        f"agent-{name}": (
            "agent", f"--cluster={name}", url, reach, f"--data-dir={directory / f'agent-{name}'}", "--poll-interval=5",
        )
        for name in PULL
    }  # fmt: skip
    return {
        name: _detached(directory / f"{name}.log", *words) for name, words in {"run": run, **agents}.items()
    }


def settled(directory: Path, commit: str) -> dict[str, Any] | None:
    """The committed summary once it is of this commit and every cluster stands there; else None."""
    shown = subprocess.run(
        ["git", "--git-dir", str(directory / "fleet.git"), "show", "reconciler/status:summary.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode:
        return None
    summary = yaml.safe_load(shown.stdout)
    done = (
        summary["sourceCommit"] == commit
        # On a cluster that has not reported nothing is placed, and at that it stands soon.
        and "R340" not in summary["problems"]
        and all(cluster.get("current") for cluster in summary["clusters"])
    )
    return summary if done else None


def merged(clusters: list[dict[str, Any]], path: Path) -> Path:
    """One kubeconfig with a context for each cluster, named after it."""
    whole: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [],
        "users": [],
        "contexts": [],
    }
    for cluster in clusters:
        own = yaml.safe_load(Path(cluster["kubeconfig"]).read_text())
        name = cluster["name"]
        whole["clusters"].append({"name": name, "cluster": own["clusters"][0]["cluster"]})
        whole["users"].append({"name": name, "user": own["users"][0]["user"]})
        whole["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    path.write_text(json.dumps(whole, indent=2) + "\n")
    path.chmod(0o600)
    return path


def hints(directory: Path, kubectl: Path) -> str:
    """What to try now."""
    cwd = Path.cwd()
    here = directory.relative_to(cwd) if directory.is_relative_to(cwd) else directory
    return f"""
Things to try, from {cwd}:

    export PATH={kubectl.parent}:{Path(sys.executable).parent}:$PATH KUBECONFIG={directory}/kubeconfig
    kubectl --context frankfurt -n shop get deployments,statefulsets,promotions
    kubectl --context lyon-shop -n shop get deployment web --show-labels      # the agent's work, with its overrides
    kubectl --context virginia -n shop delete deployment api                  # drift: it is back in a moment
    git -C {here}/fleet.git log --oneline --all --graph | head -20            # what was rendered, released, reported
    git -C {here}/fleet.git show reconciler/status:STATUS.md

    cd {here}/fleet
    sed -i 's/replicas: 3/replicas: 5/' apps/shop/web.yaml
    git fetch -q origin '+refs/heads/reconciler/*:refs/remotes/origin/reconciler/*'
    reconciler diff                                                           # what that would do, before anybody sees it
    git commit -qam 'web: scale up' && git push -q                            # and there it goes
    kubectl --context virginia -n shop get deployment web --watch
    git rm -qr apps/shop && git commit -qm 'The shop closes' && git push -q   # a guard stops this:
    reconciler status                                                         # nothing is deleted before `reconciler approve`

Logs: {here}/run.log, {here}/agent-lyon-shop.log. Stop all of it: make demo-live-down
"""


def down(directory: Path) -> int:
    """Stop what `up` left running, by its process ids, and remove the directory."""
    if not directory.exists():
        print(f"nothing runs from {directory}")
        return 0
    record = directory / RECORD
    pids = json.loads(record.read_text())["pids"].values() if record.exists() else ()
    end(pids, lambda pid: str(directory) in command_of(pid), grace=20)
    if (directory / "clusters" / "clusters.json").exists():
        control_planes(["down", "--dir", str(directory / "clusters")])
    # A git of theirs may come to its own end while we look.
    eventually(f"{directory} is removed", lambda: _removed(directory), ignoring=(OSError,))
    print("stopped and removed")
    return 0


def _removed(directory: Path) -> bool:
    if directory.exists():
        shutil.rmtree(directory)
    return not directory.exists()


def _detached(log: Path, *words: str) -> int:
    """A `reconciler` process that outlives this one."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ).pid


def _run(*words: str) -> None:
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", *words], check=True)


def _git(*words: str, cwd: Path | None = None) -> str:
    return subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True, text=True).stdout


def _say(line: str) -> None:
    print(f"\n{line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
