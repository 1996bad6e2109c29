"""Credentials of a remote: one mounted directory with Flux's keys, read anew for each connection.

Nothing of them reaches an argument, a URL, a file of the repository or a message. They travel in the environment of the
one `git` process that needs them, bound to the remote's own scheme and host. What would weaken them is a SettingsError.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.errors import SettingsError
from reconciler.git import github_app
from reconciler.git.command import isolated_environment, laptop_environment, run_program, with_settings
from reconciler.git.signatures import usable_key
from reconciler.git.urls import Address

USERNAME: Final = "username"
PASSWORD: Final = "password"  # noqa: S105 - a key's name
BEARER: Final = "bearerToken"
IDENTITY: Final = "identity"
KNOWN_HOSTS: Final = "known_hosts"
AUTHORITY: Final = "ca.crt"
_SIZE: Final = 1 << 20

# Printed by the shell itself: no other process, so no argument, ever holds the secret.
_HELPER: Final = (
    '!f() { if test "$1" = get; then printf "username=%s\\npassword=%s\\n" "$RECONCILER_GIT_USERNAME" '
    '"$RECONCILER_GIT_PASSWORD"; fi; }; f'
)
_ASKPASS: Final = '#!/bin/sh\nprintf "%s\\n" "$RECONCILER_GIT_PASSPHRASE"\n'
_UNCHECKED_HOST: Final = re.compile(
    r"StrictHostKeyChecking[ =]\"?(no|off|accept-new)|UserKnownHostsFile[ =]\"?/dev/null", re.IGNORECASE
)
_SSH_OPTIONS: Final = (
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "PreferredAuthentications=publickey",
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What one `git` process needs to reach a remote. `secrets` are the words to keep out of every message."""

    environment: Mapping[str, str]
    secrets: tuple[str, ...] = ()
    interactive: bool = False


@contextmanager
def connect(
    address: Address,
    directory: Path | None,
    *,
    laptop: bool,
    interactive: bool,
    plain_http: bool,
    stall: float,
    settings: Iterable[tuple[str, str]] = (),
    inherited: Mapping[str, str] | None = None,
) -> Iterator[Connection]:
    """The environment for one connection; its private files are gone afterwards.

    Without a directory: the user's own helpers and agent on a laptop, else no credential at all. `stall` is the seconds
    without progress after which an HTTP transfer ends. Raises SettingsError for what is missing or would be unsafe.
    """
    inherited = os.environ if inherited is None else inherited
    _refuse_unchecked_tls(inherited, address)
    settings = [*settings, ("http.lowSpeedLimit", "100"), ("http.lowSpeedTime", str(max(1, int(stall))))]
    if address.is_http:
        settings.append((f"http.{address.base}.sslVerify", "true"))
    with TemporaryDirectory(prefix="reconciler-git-") as name:
        private = Path(name)
        if directory is None:
            if laptop:
                environment = laptop_environment(inherited, interactive=interactive)
                _refuse_unchecked_hosts(environment, address)
                yield Connection(environment=with_settings(environment, settings), interactive=interactive)
                return
            environment = isolated_environment(inherited, private)
            if address.scheme == "ssh":
                raise SettingsError(f"{address} needs a directory with {IDENTITY} and {KNOWN_HOSTS}")
            yield Connection(environment=with_settings(environment, settings))
            return
        environment = isolated_environment(inherited, private)
        match address.scheme:
            case "ssh":
                more, secrets = _ssh(directory, private)
            case "http" | "https":
                more, secrets = _http(address, directory, settings, plain_http=plain_http)
            case _:
                raise SettingsError(
                    f"{address} is a local path and takes no credential, but {directory} was given"
                )
        yield Connection(environment=with_settings({**environment, **more}, settings), secrets=secrets)


def _http(
    address: Address, directory: Path, settings: list[tuple[str, str]], *, plain_http: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    authority = directory / AUTHORITY
    has_authority = authority.is_file()
    if has_authority:
        if b"-----BEGIN CERTIFICATE-----" not in authority.read_bytes():
            raise SettingsError(f"{authority} is not a certificate in PEM form")
        settings.append((f"http.{address.base}.sslCAInfo", str(authority)))
    app = github_app.AppKey.read(directory)
    bearer = read_key(directory, BEARER)
    username, password = read_key(directory, USERNAME), read_key(directory, PASSWORD)
    chosen = [
        words
        for words, given in (
            ("a GitHub App", app is not None),
            (BEARER, bool(bearer)),
            (f"{USERNAME}/{PASSWORD}", bool(username or password) and not read_key(directory, IDENTITY)),
        )
        if given
    ]
    if len(chosen) > 1:
        raise SettingsError(
            f"{directory} holds {' and '.join(chosen)}: keep one, so that it is clear which is used"
        )
    if not chosen:
        if has_authority:
            return {}, ()
        raise SettingsError(
            f"{directory} holds none of {USERNAME}/{PASSWORD}, {BEARER}, githubApp* or {AUTHORITY}"
        )
    if address.scheme == "http" and not (plain_http or address.is_loopback):
        raise SettingsError(f"{address} would show the credential in {directory} to the network: use https")
    settings.append((f"http.{address.base}.followRedirects", "false"))
    if bearer:
        settings.append((f"http.{address.base}.extraHeader", f"Authorization: Bearer {bearer}"))
        return {}, (bearer,)
    if app is not None:
        username, password = "x-access-token", app.token(authority if has_authority else None)
    if not password:
        raise SettingsError(f"{directory} holds {USERNAME} without {PASSWORD}")
    username = username or "git"
    settings.append((f"credential.{address.base}.helper", _HELPER))
    both = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"RECONCILER_GIT_USERNAME": username, "RECONCILER_GIT_PASSWORD": password}, (password, both)


def _ssh(directory: Path, private: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    identity = _read_bytes(directory / IDENTITY)
    known_hosts = _read_bytes(directory / KNOWN_HOSTS)
    if not identity.strip():
        raise SettingsError(f"{directory} holds no {IDENTITY} (the private key of this remote)")
    if not known_hosts.strip():
        raise SettingsError(
            f"{directory} holds no {KNOWN_HOSTS}: without the host's key the connection could go to anybody; "
            "write it with ssh-keyscan and compare it with what the host publishes"
        )
    key = usable_key(directory / IDENTITY, identity, private)
    hosts = private / "known_hosts"
    hosts.write_bytes(known_hosts)
    passphrase = read_key(directory, PASSWORD)
    options = [*_SSH_OPTIONS, f'UserKnownHostsFile="{hosts}"', f"BatchMode={'no' if passphrase else 'yes'}"]
    # Passphrase prompts go to our own program, once; no other question can be asked with these options.
    options.append("NumberOfPasswordPrompts=1")
    command = ["ssh", "-F", "none", "-T", "-i", str(key)]
    for option in options:
        command += ["-o", option]
    environment = {"GIT_SSH_COMMAND": shlex.join(command), "GIT_SSH_VARIANT": "ssh"}
    if not passphrase:
        return environment, ()
    program = private / "askpass"
    program.write_text(_ASKPASS)
    program.chmod(0o700)
    environment |= {
        "SSH_ASKPASS": str(program),
        "SSH_ASKPASS_REQUIRE": "force",
        "RECONCILER_GIT_PASSPHRASE": passphrase,
    }
    return environment, (passphrase,)


def read_key(directory: Path, name: str) -> str:
    """One key of a mounted Secret without its last line break; empty if it is not there.

    Raises SettingsError for several lines (a header or helper must not be smuggled in) and for what is no text.
    """
    try:
        value = _read_bytes(directory / name).decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{directory / name} is not text") from error
    if any(ord(character) < 0x20 for character in value):
        raise SettingsError(f"{directory / name} holds control characters")
    return value


def _read_bytes(path: Path) -> bytes:
    if not path.parent.is_dir():
        raise SettingsError(f"the credential directory {path.parent} is not there")
    try:
        with path.open("rb") as file:
            return file.read(_SIZE)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _refuse_unchecked_tls(inherited: Mapping[str, str], address: Address) -> None:
    if address.scheme == "https" and inherited.get("GIT_SSL_NO_VERIFY"):
        raise SettingsError(
            f"GIT_SSL_NO_VERIFY would let anybody answer for {address}: unset it, or give {AUTHORITY}"
        )


def _refuse_unchecked_hosts(environment: Mapping[str, str], address: Address) -> None:
    """The user's own settings may not switch verification off either."""
    if address.scheme == "https":
        asked = ["git", "config", "--type=bool", "--get-urlmatch", "http.sslVerify", str(address)]
        if run_program(asked, environment=environment, timeout=20).out.strip() == "false":
            raise SettingsError(f"http.sslVerify=false would let anybody answer for {address}: remove it")
    if address.scheme == "ssh":
        command = environment.get("GIT_SSH_COMMAND", "")
        if not command:
            asked = ["git", "config", "--get", "core.sshCommand"]
            command = run_program(asked, environment=environment, timeout=20).out
        if _UNCHECKED_HOST.search(command):
            raise SettingsError(
                f"GIT_SSH_COMMAND or core.sshCommand accepts any host for {address}: name known hosts"
            )
