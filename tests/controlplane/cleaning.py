"""Making a cluster as it was: everything that is not in the baseline goes.

Promises: works on what the server says it serves (custom resources too), asks in an order in which nothing can hang
(aggregated APIs and webhooks first), and ends: what refuses to go is returned by name.

Namespaces are finalised here once they are empty. The controller that does it otherwise waits five seconds a
namespace at least, which is most of a test's time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.controlplane.api import Api

_SECONDS: Final = 120.0
_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

# The cluster itself writes these all the time, or makes and removes them after what they belong to.
_NOT_OURS: Final = frozenset(
    {
        ("", "events"),
        ("events.k8s.io", "events"),
        ("coordination.k8s.io", "leases"),
        ("networking.k8s.io", "ipaddresses"),
        ("", "componentstatuses"),
    }
)
_STANDS_IN_THE_WAY: Final = frozenset(
    {
        ("apiregistration.k8s.io", "apiservices"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
    }
)
# The aggregator makes an APIService for each served version, and takes it away itself when that is not served any more.
_AUTOMATIC: Final = "kube-aggregator.kubernetes.io/automanaged"
# No kubelet has to be waited for, and dependents follow (or are asked themselves).
_AT_ONCE: Final = {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
_CRDS: Final = ("apiextensions.k8s.io", "customresourcedefinitions")
_NAMESPACES: Final = ("", "namespaces")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Kind:
    """One resource that can be listed and deleted, at the version that the server prefers."""

    group: str
    resource: str
    version: str
    by_collection: bool

    @property
    def key(self) -> tuple[str, str]:
        """Group and resource."""
        return self.group, self.resource

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The URL path of a collection or of one object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{inside}/{self.resource}" + (f"/{name}" if name else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One object that is not in the baseline."""

    kind: Kind
    namespace: str
    name: str
    terminating: bool
    finalizers: tuple[str, ...]
    automatic: bool

    @property
    def path(self) -> str:
        """Its URL path."""
        return self.kind.path(self.namespace or None, self.name)

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.resource} {where}{self.name}"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a cluster serves, and everything it holds, by group, resource, namespace and name."""

    kinds: frozenset[Kind]
    objects: frozenset[tuple[str, str, str, str]]


def baseline(api: Api) -> Baseline:
    """What a cluster serves and holds now."""
    kinds = _kinds(api)
    return Baseline(frozenset(kinds), frozenset(_key(found) for found in _found(api, kinds)))


def clean(api: Api, kept: Baseline) -> list[str]:
    """Remove what is not kept; the names of what is still there after the deadline (normally none).

    Waits too until no more is served than at first: discovery forgets a kind some time after its definition has gone.
    """
    deadline = time.monotonic() + _SECONDS
    quiet = 0
    while True:
        kinds = _kinds(api)
        served = [kind for kind in kinds if kind not in kept.kinds]
        extra = [found for found in _found(api, kinds) if _key(found) not in kept.objects]
        quiet = 0 if extra or served else quiet + 1
        # Once more after nothing was found: a controller may have answered the last deletion with an object.
        if quiet == 2:
            return []
        if time.monotonic() > deadline:
            return [*map(str, extra), *(f"the kind {kind.resource} of {kind.group}" for kind in served)]
        _remove(api, [found for found in extra if not found.automatic])
        if not quiet:
            time.sleep(0.02)


def _key(found: Found) -> tuple[str, str, str, str]:
    return found.kind.group, found.kind.resource, found.namespace, found.name


def _found(api: Api, kinds: list[Kind]) -> list[Found]:
    return [found for kind in kinds for found in _objects(api, kind)]


def _remove(api: Api, extra: list[Found]) -> None:
    blocking = [found for found in extra if found.kind.key in _STANDS_IN_THE_WAY]
    for found in blocking:
        _delete(api, found)
    if blocking:
        # What is served may be another list now.
        return
    namespaces = [found for found in extra if found.kind.key == _NAMESPACES]
    for found in namespaces:
        # From here on nothing new is let into it.
        if not found.terminating:
            _delete(api, found)
    definitions = [found for found in extra if found.kind.key == _CRDS]
    others = [found for found in extra if found.kind.key not in {_NAMESPACES, _CRDS}]
    doomed = {found.name for found in namespaces}
    wholes = {
        (each.kind, each.namespace) for each in others if each.namespace in doomed and each.kind.by_collection
    }
    for kind, namespace in sorted(wholes):
        api.request("DELETE", kind.path(namespace), _AT_ONCE)
    for found in others:
        if found.terminating or (found.kind, found.namespace) not in wholes:
            _delete(api, found)
    custom = {found.kind.group for found in others}
    for found in definitions:
        # The definition takes its objects along; those were asked to go first, so that no finalizer holds it.
        if found.name.partition(".")[2] not in custom and not found.terminating:
            _delete(api, found)
    occupied = {found.namespace for found in others}
    for found in namespaces:
        if found.terminating and found.name not in occupied:
            _finalize(api, found.name)


def _delete(api: Api, found: Found) -> None:
    if found.terminating:
        if found.finalizers:
            body = {"metadata": {"finalizers": None}}
            api.request("PATCH", found.path, body, content_type="application/merge-patch+json")
        return
    api.request("DELETE", found.path, _AT_ONCE)


def _finalize(api: Api, namespace: str) -> None:
    answer = api.request("GET", f"/api/v1/namespaces/{namespace}")
    if answer.status != 200:
        return
    document = answer.json
    document["spec"]["finalizers"] = []
    document["metadata"].pop("finalizers", None)
    api.request("PUT", f"/api/v1/namespaces/{namespace}/finalize", document)


def _kinds(api: Api) -> list[Kind]:
    kinds: dict[tuple[str, str], Kind] = {}
    for root in ("/api", "/apis"):
        for group in api.request("GET", root, accept=_AGGREGATED).json["items"]:
            for version in group["versions"]:
                if version.get("freshness") == "Stale":
                    continue
                for resource in version.get("resources", []):
                    if not {"list", "delete"} <= set(resource["verbs"]):
                        continue
                    kind = Kind(
                        group=group["metadata"].get("name", ""),
                        resource=resource["resource"],
                        version=version["version"],
                        by_collection="deletecollection" in resource["verbs"],
                    )
                    if kind.key not in _NOT_OURS:
                        # Versions come in the server's order of preference.
                        kinds.setdefault(kind.key, kind)
    return sorted(kinds.values())


def _objects(api: Api, kind: Kind) -> Iterator[Found]:
    answer = api.request("GET", kind.path(), accept=_METADATA)
    if answer.status != 200:
        # Its definition went away between discovery and now.
        return
    items: list[dict[str, Any]] = answer.json.get("items") or []
    for item in items:
        metadata = item["metadata"]
        yield Found(
            kind=kind,
            namespace=metadata.get("namespace", ""),
            name=metadata["name"],
            terminating="deletionTimestamp" in metadata,
            finalizers=tuple(metadata.get("finalizers", ())),
            automatic=_AUTOMATIC in metadata.get("labels", {}),
        )
