"""The only list of CamelCase reasons: Kubernetes events, notifications and status conditions share it.

Each is documented in `docs/reference/events.md` and said once per state change.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something is reported. Names follow Kubernetes' and Karmada's where they have one."""

    SYNCED = "Synced"
    SYNC_FAILED = "SyncFailed"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    GUARD_TRIPPED = "GuardTripped"
    CONFLICT = "Conflict"
    PRUNE_HELD = "PruneHeld"
    RENDER_INCOMPLETE = "RenderIncomplete"
    CLUSTER_UNREACHABLE = "ClusterUnreachable"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    DRIFT_CORRECTED = "DriftCorrected"
    FIGHT_DETECTED = "FightDetected"
    HISTORY_REWRITTEN = "HistoryRewritten"
