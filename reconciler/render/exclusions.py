"""What never leaves the repository, whatever the policies say (spec scheduling §2.9), and which namespaces go everywhere.

Pure. Each answer is a reason in words, so that nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest

SKIP_LABEL = "namespace.karmada.io/skip-auto-propagation"
_RESERVED = ("karmada-system", "karmada-cluster")
_RESERVED_PREFIX = "karmada-es-"
_CONTROL_PLANE_GROUPS = frozenset(
    f"{name}.karmada.io"
    for name in ("cluster", "policy", "work", "config", "networking", "autoscaling", "remedy", "apps")
)
_AUTHENTICATION = ObjectId(
    group="", kind="ConfigMap", namespace="kube-system", name="extension-apiserver-authentication"
)
# Answers of the API server, not objects: without the verbs delete, list and watch.
_NO_OBJECTS = frozenset(
    {("", "Binding"), ("", "ComponentStatus"), ("authentication.k8s.io", "*"), ("authorization.k8s.io", "*")}
    | {("metrics.k8s.io", "*")}
)


def is_namespace(id_: ObjectId) -> bool:
    """Whether this is a core Namespace."""
    return id_.kind == "Namespace" and not id_.group


def never_propagated(manifest: Manifest, skipped: tuple[str, ...]) -> str:
    """Why `manifest` never goes to a member, or "" where a policy may send it. `skipped`: anchored expressions."""
    id_ = manifest.id
    if is_namespace(id_) and _is_reserved(id_.name):
        return f"namespace {id_.name} is reserved by Karmada"
    if _is_reserved(id_.namespace):
        return f"namespace {id_.namespace} is reserved by Karmada"
    if id_.namespace and _matches(id_.namespace, skipped):
        return f"namespace {id_.namespace} is one of the skipped namespaces"
    if id_ == _AUTHENTICATION:
        return "every API server writes its own"
    if id_.group in _CONTROL_PLANE_GROUPS:
        return f"API group {id_.group} belongs to the fleet, not to a member"
    if (id_.group, id_.kind) == ("", "Event") or id_.group == "events.k8s.io":
        return "events are written by the cluster they happen in"
    if manifest.api_version == "coordination.k8s.io/v1":
        return "leases are held inside one cluster"
    if (id_.group, id_.kind) in _NO_OBJECTS or (id_.group, "*") in _NO_OBJECTS:
        return f"{id_.kind_group} is a question to one API server, not an object"
    return ""


def not_sent_everywhere(namespace: Manifest, skipped: tuple[str, ...]) -> str:
    """Why a Namespace does not go to every cluster by itself, or "" where it does (spec rendering §2.7)."""
    name = namespace.id.name
    if name == "default":
        return "every cluster has a namespace of this name"
    if _matches(name, skipped):
        return "its name is one of the skipped namespaces"
    if str(namespace.labels.get(SKIP_LABEL, "")).lower() == "true":
        return f"it is labelled {SKIP_LABEL}"
    return ""


def _is_reserved(namespace: str) -> bool:
    return namespace in _RESERVED or namespace.startswith(_RESERVED_PREFIX)


def _matches(name: str, expressions: Iterable[str]) -> bool:
    return any(_compiled(expression).fullmatch(name) for expression in expressions)


@lru_cache(maxsize=256)
def _compiled(expression: str) -> re.Pattern[str]:
    # Checked when the configuration is read; what does not compile there never gets here.
    return re.compile(expression)
