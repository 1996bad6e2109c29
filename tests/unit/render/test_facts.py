"""Clusters as scheduling sees them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.model.cluster import ApiResources, Cluster, ClusterStatus, Condition, Taint
from reconciler.model.fleet import Fleet
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.observation import ClusterReport, Observation
from reconciler.render.facts import cluster_facts, is_definition, served_by, with_apis

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def status(ready: str | None, *kinds: str) -> ClusterStatus:
    conditions = () if ready is None else (Condition(type="Ready", status=ready, last_transition_time=THEN),)
    apis = (ApiResources(group_version="v1", kinds=frozenset(kinds)),) if kinds else ()
    return ClusterStatus(kubernetes_version="v1.34.0", conditions=conditions, api_enablements=apis)


def facts_of(cluster: Cluster, reported: ClusterStatus | None, *, assume: bool = False):
    fleet = Fleet(commit="", time=THEN, clusters=(cluster,))
    reports = {} if reported is None else {cluster.name: ClusterReport(name=cluster.name, status=reported)}
    return cluster_facts(fleet, Observation(clusters=reports), assume_unreported=assume)


@pytest.mark.parametrize(
    ("ready", "declared", "expected"),
    [
        ("True", (), ()),
        ("True", ("not-ready", "unreachable"), ()),
        ("False", (), ("not-ready",)),
        ("False", ("unreachable",), ("not-ready",)),
        ("False", ("not-ready",), ("not-ready",)),
        ("Unknown", (), ("unreachable",)),
        ("Unknown", ("not-ready",), ("unreachable",)),
        (None, (), ("not-ready",)),
        # Nothing is removed while the condition is absent.
        (None, ("not-ready",), ("not-ready",)),
    ],
)
def test_conditions_become_taints_as_in_karmada(ready, declared, expected):
    taints = tuple(Taint(key=f"cluster.karmada.io/{key}", effect="NoSchedule") for key in declared)
    (cluster,) = facts_of(Cluster(name="a", taints=taints), status(ready)).clusters
    assert tuple(taint.key.removeprefix("cluster.karmada.io/") for taint in cluster.taints) == expected


def test_an_absent_condition_removes_nothing():
    taint = Taint(key="cluster.karmada.io/unreachable", effect="NoSchedule")
    (cluster,) = facts_of(Cluster(name="a", taints=(taint,)), status(None)).clusters
    assert [t.key for t in cluster.taints] == [
        "cluster.karmada.io/unreachable",
        "cluster.karmada.io/not-ready",
    ]


def test_a_taint_of_a_condition_begins_when_the_condition_changed():
    (cluster,) = facts_of(Cluster(name="a"), status("False")).clusters
    assert cluster.taints[0].time_added == THEN


def test_other_taints_and_other_effects_stay():
    taints = (
        Taint(key="edge", effect="NoSchedule"),
        Taint(key="cluster.karmada.io/not-ready", effect="NoExecute"),
    )
    (cluster,) = facts_of(Cluster(name="a", taints=taints), status("True")).clusters
    assert cluster.taints == taints


def test_an_observation_counts_before_a_status_in_the_file():
    facts = facts_of(Cluster(name="a", status=status("True", "ConfigMap")), status("False", "Secret"))
    (cluster,) = facts.clusters
    assert cluster.status.api_enablements[0].kinds == {"Secret"}
    assert not facts.unreported


def test_a_status_in_the_file_counts_until_there_is_an_observation():
    facts = facts_of(Cluster(name="a", status=status("True", "ConfigMap")), None)
    assert facts.clusters[0].status.api_enablements[0].kinds == {"ConfigMap"}
    assert (facts.unreported, facts.assumed) == (frozenset(), frozenset())


def test_a_cluster_of_which_nothing_is_known_is_no_candidate():
    facts = facts_of(Cluster(name="a"), None)
    assert facts.unreported == {"a"}
    assert [taint.key for taint in facts.clusters[0].taints] == ["cluster.karmada.io/not-ready"]
    assert not facts.clusters[0].assumed


def test_offline_it_is_assumed_ready_and_marked():
    facts = facts_of(Cluster(name="a"), None, assume=True)
    assert facts.assumed == {"a"}
    assert facts.clusters[0].assumed
    assert facts.clusters[0].taints == ()


def test_an_assumed_cluster_keeps_the_taints_of_its_file():
    taint = Taint(key="edge", effect="NoSchedule")
    assert facts_of(Cluster(name="a", taints=(taint,)), None, assume=True).clusters[0].taints == (taint,)


def definition(*versions: dict[str, object]) -> Manifest:
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": list(versions),
        },
    }
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path="crd.yaml"))


def test_a_definition_serves_its_served_versions():
    crd = definition({"name": "v1", "served": True}, {"name": "v1beta1", "served": False}, {"name": "v2"})
    assert is_definition(crd)
    assert served_by(crd) == (("example.com/v1", "Thing", "things"), ("example.com/v2", "Thing", "things"))


def test_a_cluster_serves_what_is_placed_there_and_what_it_served_before():
    before = Cluster(name="a", status=status("True", "ConfigMap"))
    other = Cluster(name="b", status=status("True", "ConfigMap"))
    after, untouched = with_apis((before, other), {"a": (definition({"name": "v1"}),)})
    assert [(api.group_version, sorted(api.kinds)) for api in after.status.api_enablements] == [
        ("example.com/v1", ["Thing"]),
        ("v1", ["ConfigMap"]),
    ]
    assert untouched is other


def test_a_definition_that_is_served_already_changes_nothing():
    cluster = with_apis((Cluster(name="a"),), {"a": (definition({"name": "v1"}),)})[0]
    assert with_apis((cluster,), {"a": (definition({"name": "v1"}),)})[0] is cluster


def test_a_malformed_definition_serves_nothing():
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "x"},
    }
    crd = Manifest(id=id_of_body(body), body=body, origin=Origin(path="x"))
    assert served_by(crd) == ()
