"""One binding through a pass: outcomes in Karmada's words, affinity groups, overflow, and what must not move."""

from datetime import timedelta

import pytest

from reconciler.model.binding import Component
from reconciler.model.cluster import Condition
from reconciler.scheduler.outcome import FailureKind, Trigger
from reconciler.scheduler.state import Options
from tests.unit.scheduler.build import (
    AGGREGATED,
    DYNAMIC,
    NOW,
    attempt,
    binding,
    cluster,
    clusters,
    decide,
    placement,
    previous,
    result,
)


def test_success_records_placement_time_and_condition():
    placed = placement(clusterAffinity={"clusterNames": ["m1"]})
    decision = decide(binding(placed=placed, generation=7), clusters(1, 1))
    after = decision.binding
    assert decision.trigger is Trigger.PLACEMENT_CHANGED
    assert decision.is_renewed
    assert decision.failure is None
    assert result(decision) == {"m1": 0}
    assert after.applied_placement == placed
    assert after.last_scheduled_time == NOW
    assert after.observed_generation == 7
    assert after.scheduled == Condition(
        type="Scheduled",
        status="True",
        reason="Success",
        message="Binding has been scheduled successfully.",
        last_transition_time=NOW,
    )
    assert after.reasons == (
        "1 of 2 clusters fit; 1 cluster(s) did not match the placement cluster affinity constraint"
    )


def test_no_fitting_cluster_empties_the_result_and_counts_the_reasons():
    among = [
        cluster("m1", taints=[{"key": "a", "effect": "NoSchedule"}]),
        cluster("m2", taints=[{"key": "a", "effect": "NoSchedule"}]),
        cluster("m3", apis=[]),
        cluster("m4", deleting=True),
    ]
    decision = decide(binding(clusters=previous(gone=0)), among)
    assert decision.failure is not None
    assert decision.failure.kind is FailureKind.FIT
    # Clusters being deleted count in the total, and nothing is said of them.
    assert decision.failure.message == (
        "0/4 clusters are available: 1 cluster(s) did not have the API resource, "
        "2 cluster(s) had untolerated taint {a:NoSchedule}."
    )
    assert decision.binding.clusters == ()
    assert decision.binding.applied_placement is not None
    assert decision.binding.last_scheduled_time is None
    assert decision.binding.scheduled is not None
    assert decision.binding.scheduled.reason == "NoClusterFit"


def test_without_clusters_there_is_nothing_to_count():
    failure = decide(binding(), []).failure
    assert failure is not None
    assert failure.message == "no cluster exists"


def test_too_little_capacity_keeps_the_result():
    before = binding(replicas=9, placed=placement(replicaScheduling=DYNAMIC), clusters=previous(m1=1))
    decision = decide(before, clusters(2, 2))
    assert decision.binding.clusters == before.clusters
    assert decision.binding.applied_placement is None
    assert decision.binding.scheduled is not None
    assert (decision.binding.scheduled.status, decision.binding.scheduled.reason) == (
        "False",
        "Unschedulable",
    )
    assert decision.binding.scheduled.message == (
        "failed to assign replicas: failed to scale up: Clusters available replicas 4 are not enough to schedule."
    )


def test_a_condition_keeps_its_time_while_its_status_stays():
    first = decide(binding(), clusters(1)).binding
    later = NOW + timedelta(hours=1)
    from reconciler.scheduler.registry import Profile
    from reconciler.scheduler.schedule import schedule_binding
    from reconciler.scheduler.state import new_state

    second = schedule_binding(first, Profile(), new_state(clusters(1)), later).binding
    assert second.scheduled == first.scheduled
    assert second.last_scheduled_time == later


def test_a_binding_that_is_not_due_is_left_as_it_is():
    placed = placement(replicaScheduling=AGGREGATED)
    given = binding(
        replicas=2, placed=placed, applied_placement=placed, clusters=previous(m1=2), generation=3
    )
    decision = decide(given, clusters(0, 50))
    assert (decision.trigger, decision.attempts, decision.is_renewed) == (None, (), False)
    assert decision.binding.clusters == given.clusters
    assert decision.binding.observed_generation == 3


def test_the_same_result_in_another_order_does_not_move():
    given = binding(replicas=2, clusters=previous(m1=2, m2=2))
    # m2 has more room now, so it would come first.
    assert list(result(decide(given, clusters(5, 50)))) == ["m1", "m2"]
    assert list(result(decide(binding(replicas=2), clusters(5, 50)))) == ["m2", "m1"]


def test_components_ask_for_no_room():
    # Karmada's gate MultiplePodTemplatesScheduling is off: there are no component sets, and no replicas to find room for.
    components = (Component(name="jobmanager", replicas=1), Component(name="taskmanager", replicas=2))
    limits = [{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 1}]
    placed = placement(replicaScheduling=AGGREGATED, spreadConstraints=limits)
    assert result(decide(binding(placed=placed, components=components), clusters(0, 0))) == {"m1": 0}


def test_empty_workloads_go_to_selected_clusters_when_asked_for():
    given = binding(replicas=1, placed=placement(replicaScheduling=DYNAMIC))
    options = Options(empty_workload_propagation=True)
    assert result(attempt(given, clusters(4, 4), options)) == {"m1": 1, "m2": 0}
    assert result(attempt(given, clusters(4, 4))) == {"m1": 1}


def groups(*terms: tuple[str, list[str]], **extra):
    listed = [{"affinityName": name, "clusterNames": names} for name, names in terms]
    return placement(clusterAffinities=listed, **extra)


HOME_AWAY = groups(("home", ["m1"]), ("away", ["m2"]), replicaScheduling=DYNAMIC)


def test_the_first_group_that_works_is_taken_and_remembered():
    decision = decide(binding(replicas=3, placed=HOME_AWAY), clusters(2, 5))
    assert [attempted.affinity_name for attempted in decision.attempts] == ["home", "away"]
    assert result(decision) == {"m2": 3}
    assert decision.binding.observed_affinity == "away"
    assert decision.failure is None


def test_a_group_that_recovers_is_not_gone_back_to():
    given = binding(
        replicas=4,
        placed=HOME_AWAY,
        applied_placement=HOME_AWAY,
        observed_affinity="away",
        clusters=previous(m2=3),
    )
    decision = decide(given, clusters(50, 50))
    assert [attempted.affinity_name for attempted in decision.attempts] == ["away"]
    assert result(decision) == {"m2": 4}


def test_a_reschedule_starts_from_the_first_group():
    given = binding(
        replicas=3,
        placed=HOME_AWAY,
        applied_placement=HOME_AWAY,
        observed_affinity="away",
        clusters=previous(m2=3),
        last_scheduled_time=NOW - timedelta(hours=2),
        reschedule_triggered_at=NOW - timedelta(hours=1),
    )
    decision = decide(given, clusters(50, 50))
    assert decision.trigger is Trigger.RESCHEDULE_REQUIRED
    assert result(decision) == {"m1": 3}
    assert decision.binding.observed_affinity == "home"


def test_a_group_without_a_name_is_never_the_one_that_was_observed():
    terms = [{"affinityName": "home", "clusterNames": ["m1"]}, {"affinityName": "", "clusterNames": ["m2"]}]
    given = binding(replicas=1, placed=placement(clusterAffinities=terms, replicaScheduling=DYNAMIC))
    assert result(decide(given, clusters(5, 5))) == {"m1": 1}


def test_an_unknown_group_name_starts_from_the_first_group():
    given = binding(replicas=1, placed=HOME_AWAY, observed_affinity="renamed")
    assert decide(given, clusters(5, 5)).binding.observed_affinity == "home"


@pytest.mark.parametrize(
    ("rooms", "names", "kind", "kept"),
    [
        ((1, 1), (["m1"], ["m2"]), FailureKind.UNSCHEDULABLE, True),
        ((1, 1), (["m1"], ["nowhere"]), FailureKind.UNSCHEDULABLE, True),
        ((1, 1), (["nowhere"], ["m2"]), FailureKind.FIT, False),
    ],
)
def test_the_first_groups_failure_decides_when_all_fail(rooms, names, kind, kept):
    placed = groups(("home", names[0]), ("away", names[1]), replicaScheduling=DYNAMIC)
    decision = decide(binding(replicas=9, placed=placed, clusters=previous(m1=1)), clusters(*rooms))
    assert decision.failure is not None
    assert decision.failure.kind is kind
    assert bool(decision.binding.clusters) is kept
    assert decision.binding.observed_affinity == ""
    assert len(decision.attempts) == 2


def test_overflow_clusters_take_what_the_group_itself_cannot():
    term = {
        "affinityName": "home",
        "clusterNames": ["m1", "m2"],
        "overflowAffinities": [
            {"affinityName": "near", "clusterNames": ["m3"]},
            {"affinityName": "far", "clusterNames": ["m4"]},
        ],
    }
    placed = placement(clusterAffinities=[term], replicaScheduling=DYNAMIC)
    among = clusters(4, 6, 5, 100)
    assert result(decide(binding(replicas=8, placed=placed), among)) == {"m1": 3, "m2": 5}
    assert result(decide(binding(replicas=14, placed=placed), among)) == {"m1": 4, "m2": 6, "m3": 4}
    full = decide(binding(replicas=20, placed=placed), among)
    assert result(full) == {"m1": 4, "m2": 6, "m3": 5, "m4": 5}
    # On the way down the earlier tiers are kept. What is held counts as room.
    smaller = binding(replicas=11, placed=placed, clusters=full.binding.clusters)
    assert result(decide(smaller, clusters(0, 0, 0, 80))) == {"m1": 4, "m2": 6, "m3": 1}


def test_overflow_that_is_too_small_as_well_is_unschedulable():
    term = {
        "affinityName": "home",
        "clusterNames": ["m1"],
        "overflowAffinities": [{"affinityName": "near", "clusterNames": ["m2"]}],
    }
    placed = placement(clusterAffinities=[term], replicaScheduling=DYNAMIC)
    failure = decide(binding(replicas=9, placed=placed), clusters(4, 4)).failure
    assert failure is not None
    assert (
        failure.message
        == "failed to assign replicas: Clusters available replicas are not enough to schedule."
    )


def test_inputs_are_not_changed():
    import copy

    among = clusters(6, 8)
    given = binding(replicas=5, placed=placement(replicaScheduling=DYNAMIC), clusters=previous(m1=1))
    kept = copy.deepcopy((given, among))
    decide(given, among)
    assert (given, among) == kept
