"""FleetConfig and Approval documents as values, and an Approval back as a document. DESIGN sections 2 and 5.

Decoding expects what the schema and `validate.settings` accepted.
"""

from __future__ import annotations

import re
from typing import Any, Final

from reconciler.model.config import (
    Approval,
    FleetConfig,
    KindScope,
    PathNamespace,
    SecretRule,
    SecretsMode,
)
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body, Origin
from reconciler.model.time import format_time, parse_time

API_VERSION: Final = "fleet-reconciler/v1alpha1"
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)


def decode_config(body: Body, origin: Origin | None = None) -> FleetConfig:
    """The settings that a FleetConfig states; what it leaves out has the model's defaults."""
    spec: Body = body.get("spec") or {}
    guards: Body = spec.get("guards") or {}
    skipped = spec.get("skippedNamespaces")
    interval = spec.get("statusInterval")
    return FleetConfig(
        include=_texts(spec.get("include")),
        default_namespaces=tuple(
            PathNamespace(path=item["path"].strip("/"), namespace=item["namespace"])
            for item in spec.get("defaultNamespaces") or ()
        ),
        **({} if skipped is None else {"skipped_namespaces": _texts(skipped)}),
        secrets=SecretsMode(spec.get("secrets") or "refuse"),
        secret_rules=tuple(
            SecretRule(
                mode=SecretsMode(item["mode"]), path=item.get("path") or "", name=item.get("name") or ""
            )
            for item in spec.get("secretRules") or ()
        ),
        scopes=tuple(
            KindScope(group=item["group"], kind=item["kind"], namespaced=item["namespaced"])
            for item in spec.get("scopes") or ()
        ),
        max_deletions=_whole(guards.get("maxDeletions")),
        max_deletion_percent=_whole(guards.get("maxDeletionPercent")),
        protected_kinds=_texts(guards.get("protectedKinds")),
        suspend=bool(spec.get("suspend")),
        suspended_clusters=_texts(spec.get("suspendedClusters")),
        observe_clusters=_texts(spec.get("observeClusters")),
        status_interval=None if interval is None else duration_seconds(interval),
        independent_scheduling=bool(spec.get("independentScheduling")),
        origin=origin,
    )


def decode_approval(body: Body, origin: Origin | None = None) -> Approval:
    """The approval that a document states."""
    spec: Body = body.get("spec") or {}
    return Approval(
        name=body["metadata"]["name"],
        objects=tuple(
            ObjectId(
                group=item.get("group") or "",
                kind=item["kind"],
                namespace=item.get("namespace") or "",
                name=item["name"],
            )
            for item in spec["objects"]
        ),
        clusters=_texts(spec.get("clusters")) or ("*",),
        expires=parse_time(spec["expires"]),
        reason=spec.get("reason") or "",
        origin=origin,
    )


def encode_approval(approval: Approval) -> Body:
    """The document of an approval; `decode_approval` gives the value back. Objects are sorted."""
    spec: Body = {
        "objects": [
            {key: value for key, value in _object(id_).items() if value} for id_ in sorted(approval.objects)
        ],
        "clusters": list(approval.clusters),
        "expires": format_time(approval.expires),
    }
    if approval.reason:
        spec["reason"] = approval.reason
    return {
        "apiVersion": API_VERSION,
        "kind": "Approval",
        "metadata": {"name": approval.name},
        "spec": spec,
    }


def duration_seconds(text: str) -> float:
    """`1h30m` in seconds. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"not a duration: {text!r}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _object(id_: ObjectId) -> dict[str, str]:
    return {"group": id_.group, "kind": id_.kind, "namespace": id_.namespace, "name": id_.name}


def _texts(items: Any) -> tuple[str, ...]:
    return tuple(items or ())


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
