"""Division: the vectors of spec scheduling §4.6, through a whole attempt."""

import pytest

from reconciler.scheduler.outcome import FailureKind, Mode
from tests.unit.scheduler.build import (
    AGGREGATED,
    DYNAMIC,
    NOW,
    attempt,
    binding,
    cluster,
    clusters,
    placement,
    previous,
    result,
)

WEIGHTS = {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted"}


def static(*rules: tuple[int, list[str]]) -> dict:
    listed = [{"weight": weight, "targetCluster": {"clusterNames": names}} for weight, names in rules]
    return WEIGHTS | {"weightPreference": {"staticWeightList": listed}}


@pytest.mark.parametrize(
    ("scheduling", "replicas", "before", "rooms", "expected"),
    [
        (DYNAMIC, 12, {}, (6, 8, 10), {"m1": 3, "m2": 4, "m3": 5}),
        (DYNAMIC, 24, {"m1": 2, "m2": 4, "m3": 6}, (10, 10, 10), {"m1": 6, "m2": 8, "m3": 10}),
        (DYNAMIC, 6, {"m1": 2, "m2": 4, "m3": 6}, (10, 10, 10), {"m1": 1, "m2": 2, "m3": 3}),
        (DYNAMIC, 6, {"m1": 2, "m2": 4}, (10, 10, 10), {"m1": 2, "m2": 4}),
        (AGGREGATED, 6, {"m1": 4, "m2": 8}, (10, 10, 10), {"m2": 6}),
        (AGGREGATED, 24, {"m1": 4, "m2": 8}, (4, 6, 8), {"m1": 7, "m2": 12, "m3": 5}),
        (AGGREGATED, 24, {"m1": 4, "m2": 8}, (6, 6, 20), {"m1": 10, "m2": 14}),
        (AGGREGATED, 12, {}, (6, 8, 10), {"m2": 5, "m3": 7}),
    ],
)
def test_replicas_by_capacity(scheduling, replicas, before, rooms, expected):
    given = binding(
        replicas=replicas, placed=placement(replicaScheduling=scheduling), clusters=previous(**before)
    )
    assert result(attempt(given, clusters(*rooms))) == expected


def test_a_candidate_that_is_gone_leaves_its_replicas_to_the_others():
    given = binding(
        replicas=24, placed=placement(replicaScheduling=AGGREGATED), clusters=previous(m1=4, m2=8)
    )
    among = [cluster("m1", 4), cluster("m3", 8), cluster("m4", 12)]
    assert result(attempt(given, among)) == {"m1": 7, "m3": 7, "m4": 10}


def test_a_fresh_division_counts_what_is_held_as_room():
    given = binding(
        replicas=12,
        placed=placement(replicaScheduling=DYNAMIC),
        clusters=previous(m1=12),
        last_scheduled_time=NOW.replace(hour=8),
        reschedule_triggered_at=NOW.replace(hour=9),
    )
    outcome = attempt(given, clusters(6, 8, 10))
    assert result(outcome) == {"m1": 6, "m2": 3, "m3": 3}
    assert outcome.shares[0].mode is Mode.FRESH


@pytest.mark.parametrize(
    ("scheduling", "expected"),
    [
        ({}, {"m1": 3, "m2": 2, "m3": 2}),
        (static((2, ["m1"]), (1, ["m2"])), {"m1": 5, "m2": 2}),
        (static((1, ["m1", "m2", "m3"]), (4, ["m3"])), {"m1": 1, "m2": 1, "m3": 5}),
        (static((5, ["elsewhere"])), {"m1": 3, "m2": 2, "m3": 2}),
        ({"replicaSchedulingType": "Duplicated"}, {"m1": 7, "m2": 7, "m3": 7}),
        (None, {"m1": 7, "m2": 7, "m3": 7}),
    ],
)
def test_replicas_without_regard_to_capacity(scheduling, expected):
    body = {} if scheduling is None else {"replicaScheduling": scheduling}
    given = binding(replicas=7, placed=placement(**body), clusters=previous(m2=5))
    assert result(attempt(given, clusters(1, 1, 1))) == expected


@pytest.mark.parametrize(
    ("scheduling", "words"),
    [
        (DYNAMIC, "failed to scale up: Clusters available replicas 5 are not enough to schedule."),
        (AGGREGATED, "failed to scale up: Clusters available replicas 5 are not enough to schedule."),
    ],
)
def test_too_little_room_is_unschedulable_and_says_how_much_there_is(scheduling, words):
    failure = attempt(
        binding(replicas=6, placed=placement(replicaScheduling=scheduling)), clusters(2, 3)
    ).failure
    assert failure is not None
    assert (failure.kind, failure.message) == (
        FailureKind.UNSCHEDULABLE,
        f"failed to assign replicas: {words}",
    )


def test_a_workload_without_replicas_is_deployed_nowhere_when_divided_and_everywhere_when_it_needs_nothing():
    asking = binding(replicas=1).requirements
    divided = binding(placed=placement(replicaScheduling={}), requirements=asking)
    assert result(attempt(divided, clusters(1, 1))) == {}
    assert result(attempt(binding(placed=placement(replicaScheduling={})), clusters(1, 1))) == {
        "m1": 0,
        "m2": 0,
    }


def test_division_without_a_preference_is_an_error():
    from reconciler.policy.decode import decode_placement

    placed = decode_placement({"replicaScheduling": {"replicaSchedulingType": "Divided"}})
    failure = attempt(binding(replicas=1, placed=placed), clusters(1)).failure
    assert failure is not None
    assert failure.kind is FailureKind.ERROR
    assert "unsupported replica scheduling strategy" in failure.message


def test_steady_keeps_the_order_and_the_shares():
    given = binding(
        replicas=5, placed=placement(replicaScheduling=DYNAMIC), clusters=previous(m2=3, m1=2), uid="x"
    )
    outcome = attempt(given, clusters(1, 100))
    assert outcome.shares[0].mode is Mode.STEADY
    assert list(result(outcome).items()) == [("m2", 3), ("m1", 2)]
