"""Signatures of commits with SSH keys: made by `ssh-keygen`, checked by `git verify-commit`.

Ed25519 alone is used for signing, because its signatures are deterministic: the same commit has the same id each time.
"""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.errors import ForeignCommit, GitError, SettingsError
from reconciler.git.command import isolated_environment, run_program, with_settings
from reconciler.git.repository import Repository

_TIMEOUT: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSigner:
    """Signs with an Ed25519 key without passphrase (a commits.Signer).

    `key` is a private key's file, read anew for each signature. Raises SettingsError for another type of key.
    """

    key: Path

    def __post_init__(self) -> None:
        public = self._run(["-y"], stdin=b"")
        if not public.startswith(b"ssh-ed25519 "):
            raise SettingsError(
                f"the signing key {self.key} is not an Ed25519 key: its signatures differ each time"
            )

    def sign(self, data: bytes) -> bytes:
        """The armoured signature of these bytes in the namespace `git`."""
        return self._run(["-Y", "sign", "-n", "git"], stdin=data)

    def _run(self, arguments: list[str], stdin: bytes) -> bytes:
        try:
            with tempfile.TemporaryDirectory(prefix="reconciler-git-") as private:
                key = usable_key(self.key, self.key.read_bytes(), Path(private))
                done = subprocess.run(  # noqa: S603 - fixed program, no shell
                    ["ssh-keygen", *arguments, "-f", str(key)],  # noqa: S607 - found on PATH, as git does
                    input=stdin,
                    capture_output=True,
                    timeout=_TIMEOUT,
                    check=False,
                    start_new_session=True,  # no terminal to ask for a passphrase on
                )
        except FileNotFoundError as error:
            raise SettingsError(
                f"the signing key {self.key} cannot be used: {error.filename} is missing"
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitError(f"cannot sign with {self.key}: {error}") from error
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise SettingsError(f"the signing key {self.key} cannot be used: {words}")
        return done.stdout


def require_signature(repository: Repository, commit: str, allowed_signers: Path) -> None:
    """Raise ForeignCommit unless the commit is signed by a key of the `allowed_signers` file (ssh-keygen's format)."""
    if not allowed_signers.is_file():
        raise SettingsError(f"the file of allowed signers {allowed_signers} is not there")
    settings = [
        ("gpg.ssh.allowedSignersFile", str(allowed_signers)),
        ("gpg.minTrustLevel", "fully"),
        ("gpg.program", os.devnull),  # SSH signatures alone: no key ring of the machine is asked
        ("safe.directory", str(repository.directory)),
    ]
    with tempfile.TemporaryDirectory(prefix="reconciler-git-") as home:
        answer = run_program(
            ["git", f"--git-dir={repository.directory}", "verify-commit", commit],
            environment=with_settings(isolated_environment(os.environ, Path(home)), settings),
            timeout=_TIMEOUT,
        )
    if answer.code or answer.timed_out:
        words = " ".join(answer.err.split()) or "it has no signature"
        raise ForeignCommit(f"commit {commit} is not signed by an allowed key: {words}")


def usable_key(path: Path, content: bytes, private: Path) -> Path:
    """The key's file, or a copy in `private`: ssh refuses one of ours that others may read or that lacks its last line break."""
    found = path.stat()
    others_may_read = found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o077
    if not others_may_read and content.endswith(b"\n") and b"\r" not in content:
        return path
    copy = private / "identity"
    copy.touch(mode=0o600)
    copy.write_bytes(content.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n")
    return copy
