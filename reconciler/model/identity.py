"""Names of things: an object's identity, and its place in a render tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_PLAIN_NAME = re.compile(r"[a-z0-9.-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ObjectId:
    """What makes an object the same object: group, kind, namespace (empty: cluster-scoped) and name; not its version."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind_group} {where}"

    @property
    def kind_group(self) -> str:
        """`Kind.group`, or `Kind` for the core group, as `kubectl` accepts it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def tree_path(self) -> str:
        """The file of this object inside a cluster's tree (DESIGN §2)."""
        return f"{self.namespace or '_cluster'}/{self.kind_group}/{encode_name(self.name)}.yaml"


def encode_name(name: str) -> str:
    """`name` with every character outside `[a-z0-9.-]` percent-encoded, so that it is a safe, case-proof file name."""
    if _PLAIN_NAME.match(name):
        return name
    return "".join(
        c if _PLAIN_NAME.match(c) else "".join(f"%{byte:02X}" for byte in c.encode()) for c in name
    )


@lru_cache(maxsize=1 << 17)
def object_id_of_path(path: str) -> ObjectId | None:
    """The object a tree path stands for, or None where the path is not one of a render tree."""
    parts = path.split("/")
    if len(parts) != 3 or not parts[2].endswith(".yaml"):
        return None
    kind, _, group = parts[1].partition(".")
    namespace = "" if parts[0] == "_cluster" else parts[0]
    return ObjectId(group=group, kind=kind, namespace=namespace, name=unquote(parts[2][: -len(".yaml")]))


def group_of(api_version: str) -> str:
    """The API group of an `apiVersion`; empty for the core group."""
    return api_version.rpartition("/")[0]


def metadata_of(body: dict[str, Any]) -> dict[str, Any]:
    """An object's metadata; empty where it has none, or an override has put something else there."""
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def id_of_body(body: dict[str, Any]) -> ObjectId:
    """The identity that an object's own fields state. Absent fields read as empty."""
    metadata = metadata_of(body)
    return ObjectId(
        group=group_of(str(body.get("apiVersion") or "")),
        kind=str(body.get("kind") or ""),
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
    )


def fnv1a32(text: str) -> int:
    """The 32-bit FNV-1a hash of the UTF-8 bytes (spec scheduling §0.3.2)."""
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) % 2**32
    return value


def hash_name(text: str) -> str:
    """A short name-safe hash, as Karmada puts into names (spec scheduling §0.3.4)."""
    return "".join(_SAFE[ord(digit) % len(_SAFE)] for digit in str(fnv1a32(text)))
