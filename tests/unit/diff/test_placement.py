"""Where replicas went, and the reason that is given."""

from __future__ import annotations

import dataclasses

import pytest

from reconciler.diff.placement import placement_changes
from reconciler.model.binding import Claim, EvictionTask, RequiredBy, TargetCluster
from reconciler.model.cluster import Condition
from reconciler.model.identity import ObjectId
from reconciler.model.policy import Placement, ReplicaScheduling
from reconciler.model.selector import ClusterAffinity
from tests.unit.diff.builders import binding

WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
CONFIG = ObjectId(group="", kind="ConfigMap", namespace="shop", name="web")


def texts(before, after):
    return [
        str(change)
        for change in placement_changes({b.resource: b for b in before}, {b.resource: b for b in after})
    ]


def test_replicas_that_move_are_shown_cluster_by_cluster():
    old = binding(WEB, {"a": 3, "b": 0, "c": 2}, replicas=5)
    new = binding(
        WEB, {"a": 2, "b": 1, "c": 2}, replicas=5, placement=Placement(replica_scheduling=ReplicaScheduling())
    )
    assert texts([old], [dataclasses.replace(new, placement=None)]) == [
        "Deployment.apps shop/web: a 3→2, b 0→1; the clusters changed"
    ]


def test_an_unchanged_result_is_not_listed():
    assert texts([binding(WEB, {"a": 3})], [binding(WEB, {"a": 3})]) == []


def test_a_template_without_replicas_is_added_to_and_removed_from_clusters():
    old = binding(CONFIG, {"a": 0, "b": 0}, replicas=0)
    new = binding(CONFIG, {"b": 0, "c": 0}, replicas=0)
    assert texts([old], [new]) == ["ConfigMap shop/web: a removed, c added; the clusters changed"]


BASE = binding(WEB, {"a": 3}, placement=Placement())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (None, binding(WEB, {"a": 3}), "new, placed by PropagationPolicy shop/web"),
        (None, binding(CONFIG, {"a": 0}, claim=None), "new, follows what needs it"),
        (BASE, None, "the template was removed"),
        (binding(CONFIG, {"a": 0}, claim=None), None, "nothing needs it any longer"),
        (BASE, binding(WEB, {"a": 5}, placement=Placement()), "replicas 3→5"),
        (
            BASE,
            binding(
                WEB, {"b": 3}, placement=Placement(cluster_affinity=ClusterAffinity(cluster_names=("b",)))
            ),
            "PropagationPolicy shop/web changed clusterAffinity",
        ),
        (
            BASE,
            binding(WEB, {"b": 3}, placement=Placement(), claim=Claim(name="all")),
            "claimed by ClusterPropagationPolicy all instead of PropagationPolicy shop/web",
        ),
        (
            BASE,
            binding(
                WEB,
                {"b": 3},
                placement=Placement(),
                eviction_tasks=(EvictionTask(from_cluster="a", reason="TaintUntolerated"),),
            ),
            "leaves a: TaintUntolerated",
        ),
        (
            BASE,
            binding(
                WEB,
                {},
                replicas=3,
                scheduled=Condition(
                    type="Scheduled",
                    status="False",
                    reason="NoClusterFit",
                    message="0/2 clusters are available",
                ),
            ),
            "0/2 clusters are available",
        ),
    ],
)
def test_the_reason_is_the_first_thing_that_explains_it(old, new, reason):
    before = {old.resource: old} if old else {}
    after = {new.resource: new} if new else {}
    (change,) = placement_changes(before, after)
    assert change.reason == reason


def test_a_dependency_is_where_its_owners_are():
    owner = RequiredBy(
        namespace="shop", name="web-deployment", clusters=(TargetCluster(name="a", replicas=3),)
    )
    new = binding(CONFIG, {}, replicas=0, claim=None, required_by=(owner,))
    assert texts([], [new]) == ["ConfigMap shop/web: a added; new, follows what needs it"]


def test_totals_count_replicas_and_clusters_of_the_whole_fleet():
    (change,) = placement_changes({WEB: binding(WEB, {"a": 3, "b": 1})}, {WEB: binding(WEB, {"b": 1})})
    assert (change.total_before, change.total_after, change.clusters_before, change.clusters_after) == (
        4,
        1,
        2,
        1,
    )


@pytest.mark.parametrize(
    ("old", "new", "overridden", "shown"),
    [
        (
            {"a": 3, "b": 3},
            {"a": 6, "b": 6},
            ({"b": 1}, {"b": 1}),
            "a 3→6, b 3→6 (override: 1); replicas 6→12",
        ),
        ({"a": 3}, {"a": 6}, ({}, {"a": 1}), "a 3→6 (override: 3→1); replicas 3→6"),
        ({"a": 3}, {"a": 3, "b": 3}, ({}, {"b": 1}), "b 0→3 (override: 0→1); replicas 3→6"),
        # Nothing moves, and what runs there changes.
        (
            {"a": 3, "b": 3},
            {"a": 3, "b": 3},
            ({}, {"b": 1}),
            "b 3 (override: 3→1); what overrides set changed",
        ),
        ({"a": 3}, {"a": 3}, ({"a": 1}, {"a": 2}), "a 3 (override: 1→2); what overrides set changed"),
    ],
)
def test_what_an_override_delivers_stands_beside_the_schedulers_number(old, new, overridden, shown):
    before, after = binding(WEB, old, placement=Placement()), binding(WEB, new, placement=Placement())
    delivered = tuple({WEB: numbers} if numbers else {} for numbers in overridden)
    (change,) = placement_changes({WEB: before}, {WEB: after}, delivered)
    assert str(change) == f"Deployment.apps shop/web: {shown}"


def test_an_override_that_stays_as_it_is_changes_nothing():
    same = binding(WEB, {"a": 3})
    assert placement_changes({WEB: same}, {WEB: same}, ({WEB: {"a": 1}}, {WEB: {"a": 1}})) == ()
