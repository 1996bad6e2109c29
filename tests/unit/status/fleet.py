"""A fleet as the status sees it: three clusters, one Deployment, and what may be said of them."""

from datetime import UTC, datetime

from reconciler.interpreter.registry import NATIVE
from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Cluster, ClusterStatus, Condition
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.observation import ClusterReport, Health, MemberStatus, Readiness
from reconciler.status.facts import Facts

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)
NAMES = ("oslo", "paris", "rome")
WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
C1, C2, C3 = "1" * 40, "2" * 40, "3" * 40
DIGEST, OTHER = "d" * 16, "e" * 16


def template(**metadata):
    return Manifest(
        id=WEB,
        body={
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", **metadata},
            "spec": {"replicas": 2},
        },
        origin=Origin(path="web.yaml"),
    )


def report(name, commit=C1, sync="Synced", delivered="", **more):
    ready = Condition(type="Ready", status="True", reason="ClusterReady", last_transition_time=NOW)
    return ClusterReport(
        name=name,
        status=ClusterStatus(conditions=(ready,), kubernetes_version="v1.36.3"),
        rendered_commit=commit,
        delivered_commit=delivered or commit,
        sync=sync,
        **more,
    )


def member(name, ready=2, **more):
    status = {"replicas": 2, "readyReplicas": ready, "updatedReplicas": 2, "availableReplicas": ready}
    values = {"applied": True, "health": Health.HEALTHY, "readiness": Readiness.CURRENT, "status": status}
    return MemberStatus(cluster=name, **(values | more))


def binding(*names, **more):
    clusters = tuple(TargetCluster(name=name, replicas=2) for name in names or NAMES)
    return Binding(resource=WEB, api_version="apps/v1", clusters=clusters, **more)


def facts(**more):
    values = {
        "source_commit": "a" * 40,
        "rendered_commit": C1,
        "now": NOW,
        "clusters": tuple(Cluster(name=name) for name in NAMES),
        "reports": {name: report(name) for name in NAMES},
        "bindings": {WEB: binding()},
        "templates": {WEB: template()},
        "members": {WEB: tuple(member(name) for name in NAMES)},
        "digests": {WEB: DIGEST},
    }
    return Facts(**(values | more))


def merge(body, items):
    return NATIVE.aggregate(body, items, NOW)
