"""Short ways to say clusters, placements and bindings in scheduler tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from reconciler.model.binding import Binding, Claim, ReplicaRequirements, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.cluster_document import decode_cluster
from reconciler.model.identity import ObjectId
from reconciler.model.policy import Placement
from reconciler.policy.decode import decode_placement, default_placement
from reconciler.scheduler.outcome import Attempt, Decision
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.schedule import contexts, schedule, schedule_binding
from reconciler.scheduler.state import Options, new_state

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
DEPLOYMENTS = [{"groupVersion": "apps/v1", "resources": [{"name": "deployments", "kind": "Deployment"}]}]
DYNAMIC = {
    "replicaSchedulingType": "Divided",
    "replicaDivisionPreference": "Weighted",
    "weightPreference": {"dynamicWeight": "AvailableReplicas"},
}
AGGREGATED = {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Aggregated"}


def cluster(name: str, pods: int = 100, *, labels: dict[str, str] | None = None, **spec: Any) -> Cluster:
    """A ready cluster that serves Deployments and has room for `pods` pods."""
    status = {
        "apiEnablements": spec.pop("apis", DEPLOYMENTS),
        "resourceSummary": spec.pop("summary", {"allocatable": {"pods": str(pods), "cpu": "1000"}}),
    }
    metadata: dict[str, Any] = {"name": name, "labels": labels or {}}
    if spec.pop("deleting", False):
        metadata["deletionTimestamp"] = "2025-03-01T00:00:00Z"
    return decode_cluster({"metadata": metadata, "spec": spec, "status": status}, stored=True)


def clusters(*pods: int) -> list[Cluster]:
    """m1, m2, ... with room for that many pods each."""
    return [cluster(f"m{number}", room) for number, room in enumerate(pods, start=1)]


def placement(**body: Any) -> Placement:
    """A placement with a policy's defaults."""
    return decode_placement(default_placement(body))


def previous(**replicas: int) -> tuple[TargetCluster, ...]:
    """A previous result."""
    return tuple(TargetCluster(name=name, replicas=count) for name, count in replicas.items())


def binding(
    name: str = "web",
    replicas: int = 0,
    *,
    placed: Placement | None = None,
    cpu: str = "1m",
    namespace: str = "shop",
    **fields: Any,
) -> Binding:
    """A Deployment's binding; with replicas it asks for a little cpu, without it is no workload."""
    fields.setdefault("claim", Claim(name="p"))
    requirements = ReplicaRequirements(resource_request={"cpu": cpu}) if replicas else None
    return Binding(
        resource=ObjectId(group="apps", kind="Deployment", namespace=namespace, name=name),
        api_version="apps/v1",
        replicas=replicas,
        requirements=fields.pop("requirements", requirements),
        placement=placed or placement(),
        **fields,
    )


def attempt(given: Binding, among: Iterable[Cluster], options: Options | None = None) -> Attempt:
    """The first attempt to schedule the binding."""
    return schedule(contexts(given)[0], Profile(), new_state(among, options))


def decide(given: Binding, among: Iterable[Cluster]) -> Decision:
    """What a pass makes of the binding alone."""
    return schedule_binding(given, Profile(), new_state(among), NOW)


def result(outcome: Attempt | Decision) -> dict[str, int]:
    """Cluster to replicas."""
    targets = outcome.clusters if isinstance(outcome, Attempt) else outcome.binding.clusters
    return {target.name: target.replicas for target in targets}
