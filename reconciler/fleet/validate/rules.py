"""The literal table of rules by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from reconciler.fleet.finding import Finding
from reconciler.fleet.validate import (
    approval,
    autoscaler,
    cluster,
    cron,
    multicluster_ingress,
    multicluster_service,
    override,
    propagation,
    quota,
    settings,
    taint_policy,
    webhook,
)

Rule = Callable[[Mapping[str, Any]], Iterable[Finding]]

RULES: Final[Mapping[tuple[str, str], tuple[Rule, ...]]] = {
    ("policy.karmada.io", "PropagationPolicy"): (propagation.check,),
    ("policy.karmada.io", "ClusterPropagationPolicy"): (propagation.check,),
    ("policy.karmada.io", "OverridePolicy"): (override.check,),
    ("policy.karmada.io", "ClusterOverridePolicy"): (override.check,),
    ("policy.karmada.io", "ClusterTaintPolicy"): (taint_policy.check,),
    ("policy.karmada.io", "FederatedResourceQuota"): (quota.check,),
    ("cluster.karmada.io", "Cluster"): (cluster.check,),
    ("config.karmada.io", "ResourceInterpreterWebhookConfiguration"): (webhook.check,),
    ("autoscaling.karmada.io", "FederatedHPA"): (autoscaler.check,),
    ("autoscaling.karmada.io", "CronFederatedHPA"): (cron.check,),
    ("networking.karmada.io", "MultiClusterService"): (multicluster_service.check,),
    ("networking.karmada.io", "MultiClusterIngress"): (multicluster_ingress.check,),
    ("fleet-reconciler", "FleetConfig"): (settings.check,),
    ("fleet-reconciler", "Approval"): (approval.check,),
}
"""(group, kind) to its rules, in the order in which they are asked. Kinds without a row need none beyond their schema."""
