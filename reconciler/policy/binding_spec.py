"""What a policy puts on the binding of a template it owns (spec scheduling §2.6-§2.8).

Pure. Schedule results, eviction tasks, `requiredBy` and a third party's suspension of scheduling come from the previous
binding and are never touched here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from reconciler.errors import Problem
from reconciler.model.binding import Binding, Claim, Component, ReplicaRequirements
from reconciler.model.manifest import Manifest
from reconciler.model.policy import Placement, PropagationPolicy, Suspension

# Kubernetes creates these two in every cluster; no file needs to state them.
SYSTEM_PRIORITY_CLASSES: Final[Mapping[str, int]] = MappingProxyType(
    {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
)
_SKIP_AUTO_PROPAGATION = "namespace.karmada.io/skip-auto-propagation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """What the interpreter says of a template (§2.10), and its UID."""

    uid: str = ""
    replicas: int = 0
    requirements: ReplicaRequirements | None = None
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What else of the fleet a policy may refer to. `overrides`: (namespace, name), empty namespace: cluster-scoped."""

    overrides: Container[tuple[str, str]] = ()
    priority_classes: Mapping[str, int] = field(default_factory=dict)


def binding_spec(
    template: Manifest,
    policy: PropagationPolicy,
    interpretation: Interpretation,
    previous: Binding | None = None,
    surroundings: Surroundings | None = None,
) -> Binding | Problem:
    """The binding of `template` under `policy`, with the results of `previous`; or why it stays as it was.

    A Problem (R310, R311) means that the policy is not applied now: the previous binding, if any, stands.
    """
    around = surroundings or Surroundings()
    refusal = _missing_override(template, policy, around) or _missing_priority_class(template, policy, around)
    if refusal is not None:
        return refusal
    claim = Claim(name=policy.name, namespace=policy.namespace)
    lazy = policy.activation_preference == "Lazy"
    digest = template_digest(template) if lazy else ""
    base = previous or Binding(resource=template.id, api_version=template.api_version)
    base = replace(
        base,
        resource=template.id,
        api_version=template.api_version,
        uid=interpretation.uid,
        claim=claim,
        replicas=interpretation.replicas,
        requirements=interpretation.requirements,
        components=interpretation.components,
        source_path=template.origin.path,
        template_digest=digest,
    )
    if lazy and previous is not None and previous.claim == claim and _is_unchanged(previous, base):
        return base
    anti, with_ = _workload_groups(template, policy.placement)
    return replace(
        base,
        placement=policy.placement,
        scheduler_name=policy.scheduler_name,
        propagate_deps=policy.propagate_deps,
        conflict_resolution=policy.conflict_resolution,
        preserve_resources_on_deletion=policy.preserve_resources_on_deletion,
        suspension=_suspension(policy.suspension, base.suspension),
        failover=policy.failover,
        # Karmada sets no priority on cluster-scoped bindings.
        schedule_priority=_priority(policy, around) if template.id.namespace else 0,
        workload_affinity_group=with_,
        workload_anti_affinity_group=anti,
    )


def released(previous: Binding) -> Binding:
    """The binding of a template that nobody claims any more: everything stays, and nobody schedules it (§2.5.4)."""
    return replace(previous, claim=None)


def template_digest(template: Manifest) -> str:
    """A key for what a person changes in a template (§2.6): no status, no server fields, nothing of Karmada's own."""
    body = {key: value for key, value in template.body.items() if key != "status"}
    metadata = {
        key: value
        for key, value in (body.get("metadata") or {}).items()
        if key not in ("managedFields", "resourceVersion", "generation")
    }
    for marks in ("labels", "annotations"):
        own = {
            key: value for key, value in (metadata.pop(marks, None) or {}).items() if not _is_karmadas(key)
        }
        if own:
            metadata[marks] = own
    body["metadata"] = metadata
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def priority_classes(templates: Iterable[Manifest]) -> dict[str, int]:
    """Name to value of every `scheduling.k8s.io/v1` PriorityClass among the templates."""
    return {
        template.id.name: int(template.body.get("value") or 0)
        for template in templates
        if template.api_version == "scheduling.k8s.io/v1" and template.id.kind == "PriorityClass"
    }


def _is_karmadas(key: str) -> bool:
    return ".karmada.io" in key and key != _SKIP_AUTO_PROPAGATION


def _is_unchanged(previous: Binding, now: Binding) -> bool:
    if previous.template_digest:
        return previous.template_digest == now.template_digest
    # The policy has only now become lazy. What the binding knows of the template must do.
    return (previous.replicas, previous.requirements) == (now.replicas, now.requirements)


def _missing_override(template: Manifest, policy: PropagationPolicy, around: Surroundings) -> Problem | None:
    missing = [
        name for name in policy.dependent_overrides if (policy.namespace, name) not in around.overrides
    ]
    if not missing:
        return None
    kind = "OverridePolicy" if policy.namespace else "ClusterOverridePolicy"
    return _problem(
        "R310",
        f"{policy.kind} {policy.name} waits for {kind} {', '.join(missing)}",
        template,
        policy,
        "add the override policy, or take its name out of spec.dependentOverrides",
    )


def _missing_priority_class(
    template: Manifest, policy: PropagationPolicy, around: Surroundings
) -> Problem | None:
    name = _priority_class(policy)
    if (
        not name
        or not template.id.namespace
        or name in around.priority_classes
        or name in SYSTEM_PRIORITY_CLASSES
    ):
        return None
    return _problem(
        "R311",
        f"{policy.kind} {policy.name} names PriorityClass {name}, which is not in the fleet",
        template,
        policy,
        "add the scheduling.k8s.io/v1 PriorityClass, or take spec.schedulePriority out",
    )


def _problem(code: str, message: str, template: Manifest, policy: PropagationPolicy, remedy: str) -> Problem:
    origin = policy.manifest.origin if policy.manifest is not None else template.origin
    return Problem(
        code=code, message=message, location=origin.location, remedy=remedy, subject=str(template.id)
    )


def _priority_class(policy: PropagationPolicy) -> str:
    return str((policy.schedule_priority or {}).get("priorityClassName") or "")


def _priority(policy: PropagationPolicy, around: Surroundings) -> int:
    name = _priority_class(policy)
    return around.priority_classes.get(name, SYSTEM_PRIORITY_CLASSES.get(name, 0)) if name else 0


def _suspension(wanted: Suspension | None, present: Suspension | None) -> Suspension | None:
    # The policy's part is replaced; who suspended scheduling on the binding keeps it suspended.
    if present is not None and present.scheduling:
        return replace(wanted or Suspension(), scheduling=True)
    return wanted


def _workload_groups(template: Manifest, placement: Placement) -> tuple[str, str]:
    """(anti-affinity group, affinity group): `key=value` where the template has the label.

    Karmada needs the gate WorkloadAffinity for this; here a policy that says so means it.
    """
    wanted = placement.workload_affinity
    if wanted is None or not template.id.namespace:
        return "", ""
    labels: Mapping[str, Any] = template.labels
    anti, with_ = wanted.anti_affinity_group_by, wanted.affinity_group_by
    return (
        f"{anti}={labels[anti]}" if anti in labels else "",
        f"{with_}={labels[with_]}" if with_ in labels else "",
    )
