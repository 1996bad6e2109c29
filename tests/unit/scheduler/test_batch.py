"""A pass over all bindings: one order, capacity that is used up, and groups that see each other."""

import dataclasses

import pytest

from reconciler.model.policy import Suspension
from reconciler.scheduler.batch import Placed, order_of, placed_since, schedule_all
from reconciler.scheduler.outcome import FailureKind
from reconciler.scheduler.state import Options
from tests.unit.scheduler.build import (
    AGGREGATED,
    DYNAMIC,
    NOW,
    binding,
    cluster,
    clusters,
    placement,
    previous,
    result,
)

PACKED = placement(replicaScheduling=AGGREGATED)


def run(given, among, **kwargs):
    scheduled = schedule_all(given, among, NOW, **kwargs)
    return {id_.name: decision for id_, decision in scheduled.decisions.items()}


def test_the_order_is_priority_then_namespace_then_name():
    given = [
        binding("b", namespace="x"),
        binding("a", namespace="y"),
        binding("z", namespace="y", schedule_priority=5),
        binding("a", namespace="x"),
    ]
    ordered = [(each.namespace, each.resource.name) for each in sorted(given, key=order_of)]
    assert ordered == [("y", "z"), ("x", "a"), ("x", "b"), ("y", "a")]


def test_each_binding_sees_what_those_before_it_took():
    given = [binding(name, 6, placed=PACKED) for name in ("c", "b", "a")]
    for arrival in (given, given[::-1]):
        decisions = run(arrival, clusters(10, 9))
        # a takes the largest; b finds 4 and 9 there, c 4 and 3.
        assert result(decisions["a"]) == {"m1": 6}
        assert result(decisions["b"]) == {"m2": 6}
        assert result(decisions["c"]) == {"m1": 3, "m2": 3}


def test_capacity_runs_out_for_the_last_in_order():
    decisions = run([binding(name, 6, placed=PACKED) for name in "abc"], clusters(9, 6))
    assert [decisions[name].failure is None for name in "abc"] == [True, True, False]
    failure = decisions["c"].failure
    assert failure is not None
    assert failure.kind is FailureKind.UNSCHEDULABLE
    assert "available replicas 3 " in failure.message


def test_a_higher_priority_goes_first():
    given = [binding("a", 6, placed=PACKED), binding("b", 6, placed=PACKED, schedule_priority=1)]
    decisions = run(given, clusters(6, 3))
    assert (decisions["a"].failure is None, decisions["b"].failure is None) == (False, True)


def test_independent_bindings_all_see_the_same_capacity():
    given = [binding(name, 6, placed=PACKED) for name in "abc"]
    decisions = run(given, clusters(10, 9), options=Options(independent=True), placed=[
        Placed(cluster="m1", requirements=None, replicas=10)
    ])  # fmt: skip
    assert [result(decisions[name]) for name in "abc"] == [{"m1": 6}] * 3


def test_copied_replicas_use_up_capacity_too():
    given = [binding("a", 4), binding("b", 7, placed=placement(replicaScheduling=DYNAMIC))]
    assert result(run(given, clusters(10, 5))["b"]) == {"m1": 6, "m2": 1}


def test_what_was_placed_since_the_observation_is_not_there():
    given = [binding("a", 6, placed=PACKED)]
    placed = [Placed(cluster="m1", requirements=given[0].requirements, replicas=8)]
    assert result(run(given, clusters(10, 9), placed=placed)["a"]) == {"m2": 6}


def test_what_a_binding_holds_is_its_own_whether_observed_or_not():
    placed = placement(replicaScheduling=AGGREGATED)
    old = binding("a", 8, placed=placed, clusters=previous(m1=6), applied_placement=placed)
    unseen = placed_since({old.resource: old}, {})
    # 10 pods of which 6 are its own, not yet observed: 4 are left, and 2 are wanted.
    assert result(run([old], clusters(10, 3), placed=unseen)["a"]) == {"m1": 8}


def test_only_what_the_observation_did_not_see_counts_as_placed():
    before = binding("a", 6, clusters=previous(m1=2, m2=4))
    after = binding("a", 9, clusters=previous(m1=5, m2=1, m3=3))
    other = binding("config", clusters=previous(m1=0))
    now = {each.resource: each for each in (after, other)}
    seen = {"m1": {before.resource: before}, "m2": {before.resource: before}}
    assert [(item.cluster, item.replicas) for item in placed_since(now, seen)] == [("m1", 3), ("m3", 3)]


@pytest.mark.parametrize(
    "fields",
    [
        {"claim": None},
        {"suspension": Suspension(scheduling=True)},
        {"scheduler_name": "volcano"},
    ],
)
def test_what_does_not_take_part_is_left_alone(fields):
    given = binding("a", 2, **fields)
    decision = run([given], clusters(9))["a"]
    assert decision.binding == given
    assert decision.trigger is None


def test_managed_bindings_take_part_without_a_claim():
    given = binding("a", claim=None, managed_by="MultiClusterService")
    assert result(run([given], clusters(9))["a"]) == {"m1": 0}


def test_anti_affinity_keeps_a_group_apart_in_the_same_pass():
    one = placement(spreadConstraints=[{"minGroups": 1, "maxGroups": 1}])
    given = [binding(name, placed=one, workload_anti_affinity_group="app=db") for name in "abc"]
    decisions = run(given, clusters(1, 1))
    assert (result(decisions["a"]), result(decisions["b"])) == ({"m1": 0}, {"m2": 0})
    assert decisions["c"].failure is not None


def test_affinity_follows_whoever_settled_first_also_outside_the_pass():
    first = binding("z", clusters=previous(m2=0), workload_affinity_group="app=web")
    follower = binding("a", workload_affinity_group="app=web")
    stranger = dataclasses.replace(first, workload_affinity_group="app=api")
    assert result(run([follower], clusters(1, 1), others=[first])["a"]) == {"m2": 0}
    assert len(result(run([follower], clusters(1, 1), others=[stranger])["a"])) == 2
    elsewhere = binding("z", namespace="far", clusters=previous(m2=0), workload_affinity_group="app=web")
    assert len(result(run([follower], clusters(1, 1), others=[elsewhere])["a"])) == 2


def test_an_explanation_is_made_before_the_result_is_deducted():
    given = [binding(name, 6, placed=PACKED) for name in "ab"]
    scheduled = schedule_all(given, clusters(10, 9), NOW, explained={given[1].resource})
    (explanation,) = scheduled.explanations[given[1].resource]
    assert {verdict.name: verdict.allocatable for verdict in explanation.clusters} == {"m1": 4, "m2": 9}
    assert explanation.steps[0].votes == {"m2": 9}
    assert explanation.steps[0].result == {"m2": 6}
    assert [verdict.name for verdict in explanation.clusters if verdict.replicas] == ["m2"]


def test_explaining_changes_nothing():
    given = [binding(name, 6, placed=PACKED) for name in "abc"]
    among = [*clusters(10, 9), cluster("m3", taints=[{"key": "k", "effect": "NoSchedule"}])]
    plain = schedule_all(given, among, NOW)
    explained = schedule_all(given, among, NOW, explained=[each.resource for each in given])
    assert explained.decisions == plain.decisions
    (first, *_) = explained.explanations[given[0].resource]
    refused = {
        verdict.name: [r.filter for r in verdict.refusals] for verdict in first.clusters if verdict.refusals
    }
    assert refused == {"m3": ["TaintToleration"]}
