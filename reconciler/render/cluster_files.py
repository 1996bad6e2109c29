"""What a cluster's tree holds besides objects: `.fleet-reconciler/`, for whoever delivers it (DESIGN §2).

Pure. JSON in files without a manifest's extension, so that other tools see plain manifests only. Equal content is equal
bytes on every cluster. A file whose content would be empty is not written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from reconciler.model.cluster import Cluster, DeliveryMode
from reconciler.model.config import Approval
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Manifest, Origin

DIRECTORY = ".fleet-reconciler"
SETTINGS = f"{DIRECTORY}/settings"
APPROVALS = f"{DIRECTORY}/approvals"
SUSPENDED = f"{DIRECTORY}/suspended"
CUSTOMIZATIONS = f"{DIRECTORY}/customizations"
WEBHOOKS = f"{DIRECTORY}/webhooks"
RULES = (CUSTOMIZATIONS, WEBHOOKS)
"""The files with the fleet's rules of interpretation."""
_API_VERSION = "fleet-reconciler/v1alpha1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """What the repository asks of the delivery to one cluster. None: the operator's own value stands.

    `status_interval` is in seconds.
    """

    mode: DeliveryMode = DeliveryMode.PUSH
    suspend: bool = False
    observe: bool = False
    max_deletions: int | None = None
    max_deletion_percent: int | None = None
    protected_kinds: tuple[str, ...] = ()
    status_interval: float | None = None


def settings_for(fleet: Fleet, cluster: Cluster) -> ClusterSettings:
    """The settings of one cluster, from `reconciler.yaml` and its Cluster file."""
    config = fleet.config
    return ClusterSettings(
        mode=cluster.sync_mode,
        suspend=cluster.suspended,
        observe=cluster.observe_only,
        max_deletions=config.max_deletions,
        max_deletion_percent=config.max_deletion_percent,
        protected_kinds=tuple(sorted(config.protected_kinds)),
        status_interval=config.status_interval,
    )


def approvals_for(fleet: Fleet, cluster: str) -> tuple[Approval, ...]:
    """The approvals that speak of `cluster`, by name. Whether one has expired is for the reader's clock to say."""
    valid = (approval for approval in fleet.approvals if _named(cluster, approval.clusters))
    return tuple(sorted(valid, key=lambda approval: approval.name))


def files_for(fleet: Fleet, cluster: Cluster, suspended: tuple[str, ...]) -> dict[str, bytes]:
    """Path to bytes below the cluster's tree. `suspended`: tree paths that must not be dispatched there."""
    files = {SETTINGS: encode_settings(settings_for(fleet, cluster))}
    approvals = approvals_for(fleet, cluster.name)
    if approvals:
        files[APPROVALS] = _json([_approval(approval) for approval in approvals])
    if suspended:
        files[SUSPENDED] = _json(sorted(suspended))
    return files | rules_of(fleet)


def rules_of(fleet: Fleet) -> dict[str, bytes]:
    """The files with the rules that the fleet declares; the same for every cluster."""
    declared = {CUSTOMIZATIONS: fleet.customizations, WEBHOOKS: fleet.webhooks}
    return {
        path: _json([manifest.body for manifest in sorted(manifests, key=lambda each: each.id)])
        for path, manifests in declared.items()
        if manifests
    }


def rules_in(files: Mapping[str, bytes], path: str) -> tuple[Manifest, ...]:
    """The interpreter customizations, or webhook configurations, that travel in a cluster's tree."""
    if path not in files:
        return ()
    origin = Origin(path=path)
    return tuple(Manifest(id=id_of_body(body), body=body, origin=origin) for body in json.loads(files[path]))


def encode_settings(settings: ClusterSettings) -> bytes:
    """The bytes of `.fleet-reconciler/settings`."""
    return _json(
        {
            "apiVersion": _API_VERSION,
            "kind": "ClusterSettings",
            "mode": settings.mode.value,
            "suspend": settings.suspend,
            "observe": settings.observe,
            "guards": {
                "maxDeletions": settings.max_deletions,
                "maxDeletionPercent": settings.max_deletion_percent,
                "protectedKinds": list(settings.protected_kinds),
            },
            "statusIntervalSeconds": settings.status_interval,
        }
    )


def decode_settings(data: bytes) -> ClusterSettings:
    """The value of `.fleet-reconciler/settings`. Raises ValueError where it is not one that we wrote."""
    body = json.loads(data)
    if not isinstance(body, dict) or (body.get("apiVersion"), body.get("kind")) != (
        _API_VERSION,
        "ClusterSettings",
    ):
        raise ValueError("not a ClusterSettings document of this version")
    try:
        guards = body["guards"]
        return ClusterSettings(
            mode=DeliveryMode(body["mode"]),
            suspend=bool(body["suspend"]),
            observe=bool(body["observe"]),
            max_deletions=guards["maxDeletions"],
            max_deletion_percent=guards["maxDeletionPercent"],
            protected_kinds=tuple(guards["protectedKinds"]),
            status_interval=body["statusIntervalSeconds"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a ClusterSettings document lacks {error}") from error


def decode_approvals(data: bytes) -> tuple[Approval, ...]:
    """The value of `.fleet-reconciler/approvals`. Raises ValueError where it is not one that we wrote."""
    try:
        return tuple(
            Approval(
                name=item["name"],
                objects=tuple(ObjectId(**object_) for object_ in item["objects"]),
                clusters=tuple(item["clusters"]),
                expires=datetime.fromisoformat(item["expires"]),
                reason=item["reason"],
            )
            for item in json.loads(data)
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a list of approvals: {error}") from error


def decode_suspended(data: bytes) -> tuple[str, ...]:
    """The value of `.fleet-reconciler/suspended`: tree paths. Raises ValueError where it is not one that we wrote."""
    paths = json.loads(data)
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise ValueError("not a list of paths")
    return tuple(paths)


def _named(cluster: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(cluster, glob) for glob in globs)


def _approval(approval: Approval) -> dict[str, Any]:
    return {
        "name": approval.name,
        "objects": [
            {"group": id_.group, "kind": id_.kind, "namespace": id_.namespace, "name": id_.name}
            for id_ in sorted(approval.objects)
        ],
        "clusters": list(approval.clusters),
        "expires": approval.expires.astimezone(UTC).isoformat(),
        "reason": approval.reason,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
