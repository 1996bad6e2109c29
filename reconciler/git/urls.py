"""Addresses of remotes: which forms are taken, which are refused, and which role has which.

Pure functions on text. A URL never carries a credential; `{cluster}` stands for one cluster's name where a role has it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from reconciler.errors import SettingsError
from reconciler.git.errors import scrub
from reconciler.settings import RemoteUrls

_SCP: Final = re.compile(
    r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>\[[0-9a-fA-F:]+\]|[^@/:\s\[\]]+):(?P<path>[^\s]+)"
)
_CLUSTER: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_PLACEHOLDER: Final = "{cluster}"


class Role(StrEnum):
    """What a remote is for."""

    SOURCE = "source"
    RENDERED = "rendered"
    CLUSTER = "cluster"
    REPORT = "report"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address. `scheme` is file, http, https or ssh; `base` is scheme, host and port of an HTTP one."""

    text: str
    scheme: str
    host: str = ""
    base: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def is_http(self) -> bool:
        """Whether it is reached over HTTP or HTTPS."""
        return self.scheme in {"http", "https"}

    @property
    def is_loopback(self) -> bool:
        """Whether it never leaves this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(url: str) -> Address:
    """Check a remote's address: a path, file://, https://, http://, ssh:// or user@host:path.

    Raises SettingsError for userinfo with a password (or any, over HTTP), for other transports and for what is no address.
    """
    shown = scrub(url)
    if not url or url != url.strip() or url.startswith("-") or any(ord(one) < 0x20 for one in url):
        raise SettingsError(f"{shown!r} is not the address of a Git remote")
    if "://" not in url:
        return _path_or_scp(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"{shown!r} is not the address of a Git remote: {error}") from error
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    if scheme == "file":
        return Address(url, "file")
    if scheme not in {"http", "https", "ssh"}:
        raise SettingsError(f"{shown}: only https, http, ssh, file and paths are taken as remotes")
    if not host or host.startswith("-"):
        raise SettingsError(f"{shown} names no host")
    if "@" in parts.netloc and (scheme != "ssh" or parts.password is not None):
        raise SettingsError(
            f"{shown} carries a user or password: put it into the remote's credential directory"
        )
    if parts.query or parts.fragment:
        raise SettingsError(f"{shown} has a query or fragment: a remote's address has none")
    if scheme == "ssh":
        return Address(url, scheme, host)
    shown_host = f"[{host}]" if ":" in host else host
    return Address(url, scheme, host, f"{scheme}://{shown_host}{f':{port}' if port else ''}")


def role_url(urls: RemoteUrls, role: Role, cluster: str = "") -> str:
    """The URL of a role, for one cluster where the role has one each. An empty one falls back to the source's.

    Raises SettingsError for `{cluster}` where it means nothing, or a cluster's name that is none.
    """
    own = str(getattr(urls, role.value))
    url = own or urls.source
    if _PLACEHOLDER in url:
        if role not in {Role.CLUSTER, Role.REPORT}:
            raise SettingsError(
                f"{_PLACEHOLDER} in the {role} remote means nothing: it is one for all clusters"
            )
        if not _CLUSTER.fullmatch(cluster) or ".." in cluster:
            raise SettingsError(f"{cluster!r} cannot be put into the {role} remote's address")
        url = url.replace(_PLACEHOLDER, cluster)
    if re.search(r"[{}]", url):
        raise SettingsError(f"the {role} remote {scrub(url)} has a placeholder other than {_PLACEHOLDER}")
    return url


def _path_or_scp(url: str) -> Address:
    if "::" in url.split("/", 1)[0]:
        raise SettingsError(f"{scrub(url)}: remote helpers are not taken as remotes")
    before_colon = url.split(":", 1)[0]
    if ":" not in url or "/" in before_colon:
        return Address(url, "file")
    match = _SCP.fullmatch(url)
    if match is None or match["host"].startswith("-") or (match["user"] or "").startswith("-"):
        raise SettingsError(f"{url!r} is not the address of a Git remote")
    return Address(url, "ssh", match["host"])
