"""A real SSH server for Git: two commands, keys only, a host key that nobody knows yet.

Promises: it speaks SSH through a library and Git through git's own pack programs; it runs nothing else for anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

import asyncssh

from tests.gitservers.repository import BareRepository, bare_repository, isolated_environment
from tests.ports import free_port

Access = Literal["read", "write"]
_GRACE: Final = 10.0
_COMMANDS: Final[dict[str, Access]] = {"git-upload-pack": "read", "git-receive-pack": "write"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSession:
    """One command that a client asked for, and its exit code."""

    user: str
    command: str
    protocol: str
    exit_code: int


class SshGitServer:
    """Repositories under one folder at `ssh://git@127.0.0.1:PORT/NAME.git`. Started again, it has the same port.

    `client_key` (a private key file) may write. `new_key` makes another client; `new_host_key` makes us another host.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.root.mkdir(parents=True, exist_ok=True)
        self._keys: dict[str, tuple[str, Access]] = {}
        self._sessions: list[SshSession] = []
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        # Nobody else gets it while the server is stopped.
        self._port = free_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._listener: asyncssh.SSHAcceptor | None = None
        self.client_key = self.new_key("writer", "write")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what clients need ---

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def url(self, name: str) -> str:
        """The URL of a repository."""
        return f"ssh://git@127.0.0.1:{self._port}/{name}.git"

    @property
    def known_hosts(self) -> str:
        """The text of a `known_hosts` file that vouches for this server."""
        return f"[127.0.0.1]:{self._port} {self._host_key.export_public_key().decode().strip()}\n"

    def environment(self, *, key: Path | None = None, known_hosts: str | None = None) -> dict[str, str]:
        """Environment in which the `git` command uses this key and trusts these hosts (ours, unless given)."""
        hosts = self.root / ".ssh" / "known_hosts"
        hosts.write_text(self.known_hosts if known_hosts is None else known_hosts)
        options = (
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={hosts}",
            "BatchMode=yes",
        )
        command = ["ssh", "-F", "none", "-i", str(key or self.client_key)]
        command += [part for option in options for part in ("-o", option)]
        return {"GIT_SSH_COMMAND": shlex.join(command)}

    # --- what it serves, to whom ---

    def repository(self, name: str) -> BareRepository:
        """A new bare repository, served at `url(name)`."""
        return bare_repository(self.root / f"{name}.git")

    def new_key(self, user: str, access: Access | None) -> Path:
        """A new client's private key file; access None: the server has never heard of it."""
        key = asyncssh.generate_private_key("ssh-ed25519", comment=user)
        path = self.root / ".ssh" / f"{user}.key"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
        if access is not None:
            self._keys[key.get_fingerprint()] = (user, access)
        return path

    def new_host_key(self) -> None:
        """Become a host that nobody knows: from the next start on."""
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")

    # --- what was asked ---

    @property
    def sessions(self) -> list[SshSession]:
        """Every command since the start, in the order in which they ended."""
        return list(self._sessions)

    # --- life ---

    def start(self) -> None:
        """Listen on 127.0.0.1, each time on the same port."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ssh-git", daemon=True)
        self._thread.start()
        self._run(self._listen())

    def stop(self) -> None:
        """Close everything; from now on connections are refused."""
        if self._loop is None or self._thread is None:
            return
        self._run(self._close())
        self._run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    # --- private ---

    def _run(self, work: Any) -> Any:
        if self._loop is None:
            raise RuntimeError("the server has not been started")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._listener = await asyncssh.create_server(
            lambda: _Gate(self._keys, self._connections),
            "127.0.0.1",
            self._port,
            server_host_keys=[self._host_key],
            process_factory=self._serve,
            encoding=None,
            allow_scp=False,
        )

    async def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None
        for connection in list(self._connections):
            connection.abort()
            await connection.wait_closed()
        # Sessions see their connection's end and end themselves; a loop that is closed before may not be left to the collector.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            _, late = await asyncio.wait(left, timeout=_GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        user, access = process.get_extra_info("git_user")
        protocol = process.env.get("GIT_PROTOCOL", "")
        exit_code = await self._run_pack(process, access, protocol)
        self._sessions.append(
            SshSession(user=user, command=process.command or "", protocol=protocol, exit_code=exit_code)
        )
        process.exit(exit_code)
        await process.wait_closed()

    async def _run_pack(
        self, process: asyncssh.SSHServerProcess[bytes], access: Access, protocol: str
    ) -> int:
        try:
            program, path = shlex.split(process.command or "")
            needed = _COMMANDS[program]
        except (KeyError, ValueError):
            process.stderr.write(b"only git is served here\n")
            return 128
        repository = (self.root / path.lstrip("/")).resolve()
        if not repository.is_relative_to(self.root) or not (repository / "HEAD").exists():
            process.stderr.write(f"repository '{path}' does not exist\n".encode())
            return 128
        if needed == "write" and access == "read":
            process.stderr.write(b"this key may read only\n")
            return 1
        child = await asyncio.to_thread(
            subprocess.Popen,
            ["git", program.removeprefix("git-"), str(repository)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=isolated_environment({"GIT_PROTOCOL": protocol} if protocol else None),
        )
        await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
        with contextlib.suppress(asyncssh.Error, OSError):
            # Returns when git has said everything.
            await process.stdout.drain()
            await process.stderr.drain()
        return await asyncio.to_thread(child.wait)


class _Gate(asyncssh.SSHServer):
    """Who may come in: holders of a key that we know."""

    def __init__(
        self, keys: dict[str, tuple[str, Access]], connections: set[asyncssh.SSHServerConnection]
    ) -> None:
        self._known = keys
        self._all = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._all.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._all.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return False

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = self._known.get(key.get_fingerprint())
        if known is None or self._connection is None:
            return False
        self._connection.set_extra_info(git_user=known)
        return True
