"""Kubeconfig documents: merging files, choosing a context, and what the chosen one says.

Promises: decodes and checks; reads only the files that `read_kubeconfig` is given and, for a kubeconfig of the user's own,
those that it names. A document from a Secret may name none. Errors name keys, never values.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from reconciler.errors import CredentialRefused
from reconciler.kube.plugins import Plugin, decode_plugin

_FILE_KEYS: Final = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_LISTS: Final = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))
_DIRECTORY: Final = "\0directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What one context says: where the server is and who we are. PEM texts, not paths."""

    server: str
    authority: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    insecure: bool = False
    server_name: str = ""
    proxy: str = field(default="", repr=False)
    plugin: Plugin | None = None
    auth_provider: bool = False


def parse_kubeconfig(text: str) -> dict[str, Any]:
    """The document, merely parsed. Raises CredentialRefused where it is no kubeconfig."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        # Without `from`: the parser's message quotes the text.
        raise CredentialRefused("the kubeconfig is not YAML", code="R537") from None
    if not isinstance(document, dict):
        raise CredentialRefused("the kubeconfig is not a mapping", code="R537")
    for plural, single in _LISTS:
        rows = document.get(plural) or []
        shaped = isinstance(rows, list) and all(
            isinstance(row, dict) and isinstance(row.get(single) or {}, dict) for row in rows
        )
        if not shaped:
            raise CredentialRefused(f"the kubeconfig's {plural} are not a list of named entries", code="R537")
    return document


def read_kubeconfig(paths: Sequence[Path]) -> dict[str, Any]:
    """The files merged as kubectl merges them: of two entries with one name the first counts, and a file that is not there is none.

    Raises CredentialRefused where none of them is there.
    """
    merged: dict[str, Any] = {plural: [] for plural, _ in _LISTS}
    missing = 0
    for path in paths:
        try:
            document = parse_kubeconfig(path.read_text())
        except FileNotFoundError:
            missing += 1
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialRefused(f"kubeconfig {path} cannot be read", code="R537") from error
        merged.setdefault("current-context", document.get("current-context") or "")
        merged["current-context"] = merged["current-context"] or document.get("current-context") or ""
        for plural, single in _LISTS:
            known = {row["name"] for row in merged[plural]}
            for row in document.get(plural) or ():
                if row.get("name") not in known:
                    # Relative paths start where the file is.
                    entry = {**(row.get(single) or {}), _DIRECTORY: str(path.absolute().parent)}
                    merged[plural].append({"name": row.get("name"), single: entry})
    if paths and missing == len(paths):
        raise CredentialRefused(f"there is no kubeconfig {' or '.join(map(str, paths))}", code="R537")
    return merged


def context_names(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of all contexts, in their order."""
    return tuple(str(row.get("name")) for row in document.get("contexts") or ())


def access(document: Mapping[str, Any], context: str = "", *, files: bool = False) -> Access:
    """What `context` (empty: the current one) says. Unless `files`, a path in it is refused."""
    chosen = context or str(document.get("current-context") or "")
    scope = _entry(document, "contexts", "context", chosen)
    cluster = _entry(document, "clusters", "cluster", str(scope.get("cluster") or ""))
    user = _entry(document, "users", "user", str(scope["user"])) if scope.get("user") else {}
    if not files:
        _refuse_files(cluster, user)
    server = str(cluster.get("server") or "")
    if not server:
        raise CredentialRefused(f"context {chosen} of the kubeconfig names no server", code="R537")
    section = user.get("exec")
    return Access(
        server=server.rstrip("/"),
        authority=_pem(cluster, "certificate-authority"),
        certificate=_pem(user, "client-certificate"),
        key=_pem(user, "client-key"),
        token=_token(user),
        username=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        server_name=str(cluster.get("tls-server-name") or ""),
        proxy=str(cluster.get("proxy-url") or ""),
        plugin=decode_plugin(section, server=server, directory=_directory(user)) if section else None,
        auth_provider=bool(user.get("auth-provider")),
    )


def _entry(document: Mapping[str, Any], plural: str, single: str, name: str) -> Mapping[str, Any]:
    for row in document.get(plural) or ():
        if row.get("name") == name:
            found: Mapping[str, Any] = row.get(single) or {}
            return found
    what = f"{single} {name!r}" if name else f"current {single}"
    raise CredentialRefused(f"the kubeconfig has no {what}", code="R530")


def _refuse_files(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    for key in _FILE_KEYS:
        if cluster.get(key) or user.get(key):
            raise CredentialRefused(f"the kubeconfig names a file in {key}", code="R535")
    command = (user.get("exec") or {}).get("command") if isinstance(user.get("exec"), Mapping) else None
    if isinstance(command, str) and "/" in command and not command.startswith("/"):
        raise CredentialRefused("the kubeconfig names a file in exec.command", code="R535")


def _pem(entry: Mapping[str, Any], key: str) -> str:
    data = entry.get(f"{key}-data")
    if data:
        return decoded(str(data), f"{key}-data")
    return _read(entry, key) if entry.get(key) else ""


def _token(user: Mapping[str, Any]) -> str:
    # As kubectl: the file wins, it may be renewed.
    return _read(user, "tokenFile").strip() if user.get("tokenFile") else str(user.get("token") or "")


def _read(entry: Mapping[str, Any], key: str) -> str:
    path = Path(_directory(entry)) / Path(str(entry[key])).expanduser()
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialRefused(
            f"the file that the kubeconfig names in {key} cannot be read", code="R537"
        ) from error


def _directory(entry: Mapping[str, Any]) -> str:
    return str(entry.get(_DIRECTORY) or "")


def decoded(data: str, key: str) -> str:
    """Base64 text decoded. Raises CredentialRefused that names `key` where it is none."""
    try:
        return base64.b64decode("".join(data.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise CredentialRefused(f"{key} is not base64 of a text", code="R537") from None
