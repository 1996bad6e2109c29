"""Programs in Go that are asked what Kubernetes or Karmada would say: built once a machine, beside the control planes' binaries.

Must not import `reconciler`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path


def built(sources: Path, what: str) -> Path:
    """The program of the Go module in `sources`. `what` it is, for who has no Go."""
    go = shutil.which("go")
    assert go is not None, f"Go is needed on PATH: the witness is {what}"
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    parts = [(sources / name).read_bytes() for name in ("go.mod", "go.sum", "main.go")]
    key = hashlib.sha256(b"\0".join([*parts, version.encode()])).hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    program = Path(cache) / "fleet-reconciler" / sources.name / key
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        fresh = program.with_name(f"{key}.{os.getpid()}")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
        command = [go, "build", "-trimpath", "-o", str(fresh), "."]
        # The network may be away for a moment; what Go has of the modules it keeps.
        for pause in (0, 5, 20):
            time.sleep(pause)
            done = subprocess.run(command, cwd=sources, env=environment, check=False)
            if done.returncode == 0:
                break
        done.check_returncode()
        fresh.rename(program)
    return program
