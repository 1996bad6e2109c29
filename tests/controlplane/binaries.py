"""The six binaries a control plane is made of: found, or built with Go and kept.

Promises: `KUBEBUILDER_ASSETS` wins when set; otherwise what is missing is built once a machine, into a directory
named after the module files and the Go version, safely when several processes ask at once. Never downloads a binary.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
KUBERNETES: Final = "1.36.3"
CACHE_VARIABLE: Final = "RECONCILER_TEST_CONTROLPLANE_CACHE"
ASSETS_VARIABLE: Final = "KUBEBUILDER_ASSETS"
_VERSION: Final = "k8s.io/component-base/version"
# Go asks for a module once; where the network is away for a moment it is asked again, and keeps what it has.
_PAUSES: Final = (0, 5, 20)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One Go module of ours, and which package becomes which binary."""

    folder: str
    packages: tuple[tuple[str, str], ...]
    ldflags: str = ""


MODULES: Final = (
    Module(folder="etcd", packages=(("etcd", "go.etcd.io/etcd/server/v3"),)),
    Module(folder="kwok", packages=(("kwok", "sigs.k8s.io/kwok/cmd/kwok"),)),
    Module(
        folder="kubernetes",
        packages=tuple(
            (name, f"k8s.io/kubernetes/cmd/{name}")
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        ),
        # Without these the server says v0.0.0, and clients that compare versions are confused.
        ldflags=" ".join(
            (
                f"-X {_VERSION}.gitVersion=v{KUBERNETES}",
                f"-X {_VERSION}.gitMajor={KUBERNETES.split('.')[0]}",
                f"-X {_VERSION}.gitMinor={KUBERNETES.split('.')[1]}",
            )
        ),
    ),
)
NAMES: Final = tuple(sorted(name for module in MODULES for name, _ in module.packages))


class BinariesError(Exception):
    """The binaries are neither there nor can be built; the words are for the person who runs the tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A directory that holds all six."""

    directory: Path

    def path(self, name: str) -> Path:
        """The binary of that name."""
        return self.directory / name


def binaries(progress: Progress = lambda _line: None) -> Binaries:
    """The binaries, built first when they are not there yet (about five minutes on two cores, once)."""
    assets = os.environ.get(ASSETS_VARIABLE)
    if assets:
        return _assets(Path(assets))
    go = shutil.which("go")
    if go is None:
        raise BinariesError(
            f"real control planes need Go on PATH (they are built once), or {ASSETS_VARIABLE} set to a directory "
            f"that holds {', '.join(NAMES)}"
        )
    directory = cache_directory() / cache_key(go)
    if _missing(directory):
        with _locked(cache_directory() / "lock", progress):
            for module in MODULES:
                _build(go, module, directory, progress)
    return Binaries(directory=directory)


def cache_directory() -> Path:
    """Where built binaries are kept: the variable, or the user's cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "fleet-reconciler" / "controlplane"


def cache_key(go: str) -> str:
    """A name for exactly these module files, built by exactly this Go."""
    digest = hashlib.sha256()
    for module in MODULES:
        for name in ("go.mod", "go.sum"):
            content = (HERE / module.folder / name).read_bytes()
            digest.update(f"{module.folder}/{name} {len(content)}\n".encode())
            digest.update(content)
        # Asked inside the module: Go may switch to the toolchain that the module wants.
        digest.update(_go(go, module, "env", "GOVERSION", "GOOS", "GOARCH").encode())
        digest.update(module.ldflags.encode())
    return digest.hexdigest()[:16]


def _assets(directory: Path) -> Binaries:
    missing = _missing(directory)
    if missing:
        raise BinariesError(
            f"{ASSETS_VARIABLE} is {directory}, which lacks {', '.join(missing)}: "
            "add them there, or unset it and have Go on PATH"
        )
    return Binaries(directory=directory.absolute())


def _missing(directory: Path, names: tuple[str, ...] = NAMES) -> list[str]:
    return [name for name in names if not os.access(directory / name, os.X_OK)]


def _build(go: str, module: Module, directory: Path, progress: Progress) -> None:
    names = tuple(name for name, _ in module.packages)
    if not _missing(directory, names):
        return
    progress(f"building {', '.join(names)} (once; minutes when Go's own cache is empty)")
    started = time.monotonic()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix="building-") as scratch:
        # A package's own name is not always the binary's (etcd's is "server"): one by one where they differ.
        ldflags = f"-ldflags=-s -w {module.ldflags}".strip()
        if len(module.packages) == 1:
            name, package = module.packages[0]
            _go(go, module, "build", "-trimpath", ldflags, "-o", f"{scratch}/{name}", package)
        else:
            packages = [package for _, package in module.packages]
            _go(go, module, "build", "-trimpath", ldflags, "-o", f"{scratch}/", *packages)
        for name in names:
            Path(scratch, name).rename(directory / name)
    progress(f"built {', '.join(names)} in {time.monotonic() - started:.0f} s")


def _go(go: str, module: Module, *arguments: str) -> str:
    for pause in _PAUSES:
        time.sleep(pause)
        result = subprocess.run(
            [go, *arguments],
            cwd=HERE / module.folder,
            # A workspace around the checkout must not change what is built.
            env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode == 0:
            break
    else:
        tail = "\n".join(result.stderr.strip().splitlines()[-15:])
        raise BinariesError(
            f"`go {' '.join(arguments)}` in {module.folder}/ failed:\n{tail}\n"
            f"(or set {ASSETS_VARIABLE} to a directory that holds {', '.join(NAMES)})"
        )
    return result.stdout


@contextlib.contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            progress(f"another process builds the binaries; waiting for {path}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
