"""Kinds as people type them: `deployment`, `Deployments`, `deploy`, `deployment.apps`, as kubectl takes them."""

from __future__ import annotations

from typing import Final

from reconciler.model.identity import ObjectId

_SHORT: Final = {
    "cj": "cronjob",
    "cm": "configmap",
    "crd": "customresourcedefinition",
    "deploy": "deployment",
    "ds": "daemonset",
    "hpa": "horizontalpodautoscaler",
    "ing": "ingress",
    "ns": "namespace",
    "pdb": "poddisruptionbudget",
    "po": "pod",
    "pv": "persistentvolume",
    "pvc": "persistentvolumeclaim",
    "rs": "replicaset",
    "sa": "serviceaccount",
    "sts": "statefulset",
    "svc": "service",
}
"""Kubectl's short names."""


def names_object(word: str, id_: ObjectId) -> bool:
    """Whether `KIND/NAME` means that object, in whatever namespace it is."""
    kind, _, name = word.partition("/")
    return id_.name == name and names_kind(kind, id_.kind, id_.group)


def names_kind(word: str, kind: str, group: str) -> bool:
    """Whether `word` means that kind of that group."""
    asked, _, asked_group = word.lower().partition(".")
    asked = _SHORT.get(asked, asked)
    return asked in (kind.lower(), _plural(kind.lower())) and asked_group in ("", group)


def _plural(kind: str) -> str:
    if kind.endswith(("s", "x", "ch", "sh")):
        return f"{kind}es"
    return f"{kind[:-1]}ies" if kind.endswith("y") and kind[-2:-1] not in "aeiou" else f"{kind}s"
