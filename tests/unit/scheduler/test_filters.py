"""Filters: when each refuses, in whose words, and whom it spares."""

from datetime import UTC, datetime

import pytest

from reconciler.model.binding import EvictionTask
from reconciler.model.cluster import Taint
from reconciler.model.policy import Toleration
from reconciler.scheduler.explain import refusals
from reconciler.scheduler.filters.taints import tolerates
from reconciler.scheduler.plugin import Peers
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.schedule import contexts
from reconciler.scheduler.state import new_state
from tests.unit.scheduler.build import binding, cluster, placement, previous

TAINT = {"key": "gpu", "value": "a100", "effect": "NoSchedule"}


def reasons(given, one, peers: Peers | None = None) -> list[str]:
    found = refusals(contexts(given, peers)[0], Profile(), new_state([one]))
    return [refusal.reason for refusal in found.get(one.name, ())]


AFFINITY = "cluster(s) did not match the placement cluster affinity constraint"
NO_API = "cluster(s) did not have the API resource"


def test_an_affinity_refuses_what_it_does_not_select_even_previous_clusters():
    placed = placement(clusterAffinity={"clusterNames": ["m2"]})
    assert reasons(binding(placed=placed, clusters=previous(m1=0)), cluster("m1")) == [AFFINITY]
    assert reasons(binding(placed=placed), cluster("m2")) == []


TERM = {
    "affinityName": "home",
    "clusterNames": ["m1"],
    "overflowAffinities": [{"affinityName": "cloud", "clusterNames": ["c1"]}],
}


@pytest.mark.parametrize(("replicas", "expected"), [(3, []), (0, [AFFINITY])])
def test_overflow_clusters_are_for_workloads_alone(replicas, expected):
    placed = placement(clusterAffinities=[TERM])
    assert reasons(binding(replicas=replicas, placed=placed), cluster("c1")) == expected


def test_a_cluster_that_is_being_left_takes_nothing_back():
    given = binding(
        eviction_tasks=(EvictionTask(from_cluster="m1", purge_mode="Never"),), clusters=previous(m1=0)
    )
    assert reasons(given, cluster("m1")) == ["cluster(s) is in the process of eviction"]
    assert reasons(given, cluster("m2")) == []


@pytest.mark.parametrize(
    ("taint", "words"),
    [
        (TAINT, "{gpu=a100:NoSchedule}"),
        ({"key": "gpu", "effect": "NoExecute"}, "{gpu:NoExecute}"),
    ],
)
def test_a_taint_keeps_newcomers_out_and_leaves_the_others_alone(taint, words):
    one = cluster("m1", taints=[taint])
    assert reasons(binding(), one) == [f"cluster(s) had untolerated taint {words}"]
    assert reasons(binding(clusters=previous(m1=0)), one) == []
    tolerated = placement(clusterTolerations=[{"key": "gpu", "operator": "Exists"}])
    assert reasons(binding(placed=tolerated), one) == []


def test_the_first_untolerated_taint_is_the_one_that_is_named():
    one = cluster(
        "m1",
        taints=[{"key": "soft", "effect": "PreferNoSchedule"}, TAINT, {"key": "b", "effect": "NoSchedule"}],
    )
    tolerated = placement(clusterTolerations=[{"key": "gpu", "operator": "Exists"}])
    assert reasons(binding(placed=tolerated), one) == ["cluster(s) had untolerated taint {b:NoSchedule}"]


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        (Toleration(operator="Exists"), True),
        (Toleration(key="gpu", operator="Exists"), True),
        (Toleration(key="gpu", operator="Exists", effect="NoExecute"), False),
        (Toleration(key="gpu", value="a100"), True),
        (Toleration(key="gpu", operator="Equal", value="a100"), True),
        (Toleration(key="gpu", operator="Equal", value="h100"), False),
        (Toleration(key="other", operator="Exists"), False),
        (Toleration(key="gpu", operator="Gt", value="a100"), False),
    ],
)
def test_a_toleration_covers_a_taint_by_effect_key_and_value(toleration, expected):
    assert tolerates(toleration, Taint(key="gpu", value="a100", effect="NoSchedule")) is expected


def test_the_api_must_be_served_at_the_very_version_unless_it_is_there_already():
    old = [{"groupVersion": "apps/v1beta1", "resources": [{"name": "deployments", "kind": "Deployment"}]}]
    one = cluster("m1", apis=old)
    assert reasons(binding(), one) == [NO_API]
    assert reasons(binding(clusters=previous(m1=0)), one) == []


def test_an_assumed_cluster_serves_everything():
    import dataclasses

    assert reasons(binding(), dataclasses.replace(cluster("m1", apis=[]), assumed=True)) == []


@pytest.mark.parametrize(
    ("field", "words"), [("provider", "provider"), ("region", "region"), ("zone", "zones")]
)
def test_what_is_spread_by_must_be_known(field, words):
    placed = placement(spreadConstraints=[{"spreadByField": field}, {"spreadByField": "cluster"}])
    assert reasons(binding(placed=placed), cluster("m1")) == [f"cluster(s) did not have {words} property"]
    known = cluster("m1", provider="p", region="r", zones=["z"])
    assert reasons(binding(placed=placed), known) == []


def test_workload_groups_keep_together_and_apart():
    affinity = Peers(affinity=(frozenset({"m1", "m2"}), frozenset({"m2"})))
    assert reasons(binding(), cluster("m2"), affinity) == []
    assert reasons(binding(), cluster("m1"), affinity) == [
        "ResourceBinding with the same affinity group does not target this cluster"
    ]
    assert reasons(binding(clusters=previous(m1=0)), cluster("m1"), affinity) == []
    anti = Peers(anti_affinity=(frozenset({"m1"}),))
    assert reasons(binding(), cluster("m1"), anti) == [
        "cluster already has workload with the same anti-affinity group"
    ]
    assert reasons(binding(), cluster("m2"), anti) == []


def test_every_reason_is_told_not_only_the_first():
    placed = placement(clusterAffinity={"clusterNames": ["other"]})
    one = cluster("m1", taints=[TAINT], apis=[])
    assert len(reasons(binding(placed=placed), one)) == 3


def test_a_cluster_that_is_being_deleted_is_not_asked_about():
    gone = cluster("m1", deleting=True)
    assert gone.deletion_timestamp == datetime(2025, 3, 1, tzinfo=UTC)
    assert refusals(contexts(binding())[0], Profile(), new_state([gone])) == {}
