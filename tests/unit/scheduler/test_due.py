"""Whether a binding is scheduled at all, by what is committed about it."""

from datetime import timedelta

import pytest

from reconciler.policy.decode import decode_placement
from reconciler.scheduler.due import trigger_of
from reconciler.scheduler.outcome import Trigger
from reconciler.scheduler.table import table_of
from tests.unit.scheduler.build import AGGREGATED, NOW, binding, cluster, clusters, placement, previous

TABLE = table_of(clusters(10, 10))
DIVIDED = placement(replicaScheduling=AGGREGATED, clusterAffinity={"clusterNames": ["m1", "m2"]})


def settled(**fields):
    """A divided workload with nothing to do."""
    fields = {"placed": DIVIDED, "applied_placement": DIVIDED, "clusters": previous(m1=1, m2=1), **fields}
    return binding(replicas=fields.pop("replicas", 2), **fields)


def test_a_divided_workload_rests_while_nothing_of_its_own_changes():
    assert trigger_of(settled(), TABLE) is None
    tainted = table_of([cluster("m1", 0, taints=[{"key": "k", "effect": "NoSchedule"}]), cluster("m2", 0)])
    assert trigger_of(settled(), tainted) is None


def test_a_binding_that_was_never_placed_is_due():
    assert trigger_of(settled(applied_placement=None), TABLE) is Trigger.PLACEMENT_CHANGED


@pytest.mark.parametrize(
    "change",
    [
        {"clusterAffinity": {"clusterNames": ["m1"]}},
        {"clusterTolerations": [{"operator": "Exists"}]},
        {"spreadConstraints": [{"maxGroups": 2}]},
        {"replicaScheduling": {}},
    ],
)
def test_a_changed_placement_is_due(change):
    changed = placement(
        **({"replicaScheduling": AGGREGATED, "clusterAffinity": {"clusterNames": ["m1", "m2"]}} | change)
    )
    assert trigger_of(settled(placed=changed), TABLE) is Trigger.PLACEMENT_CHANGED


def groups(*names: str, **extra):
    terms = [{"affinityName": name, "clusterNames": ["m1", "m2"]} for name in names]
    return placement(replicaScheduling=AGGREGATED, clusterAffinities=terms, **extra)


@pytest.mark.parametrize(
    ("before", "now", "observed", "due"),
    [
        (groups("a", "b"), groups("b", "a"), "a", False),
        (groups("a"), groups("a", "b"), "a", False),
        (groups("a", "b"), groups("b"), "a", True),
        (groups("a"), groups("a", "b"), "", True),
        (groups("a"), groups("a", "b"), "c", True),
        (groups("a"), groups("a", workloadAffinity={"affinity": {"groupByLabelKey": "k"}}), "a", False),
    ],
)
def test_other_affinity_groups_may_come_and_go(before, now, observed, due):
    given = settled(placed=now, applied_placement=before, observed_affinity=observed)
    assert (trigger_of(given, TABLE) is Trigger.PLACEMENT_CHANGED) is due


def test_the_groups_own_change_is_due():
    changed = decode_placement(
        {
            "replicaScheduling": AGGREGATED,
            "clusterAffinities": [{"affinityName": "a", "clusterNames": ["m1"]}],
        }
    )
    given = settled(placed=changed, applied_placement=groups("a"), observed_affinity="a")
    assert trigger_of(given, TABLE) is Trigger.PLACEMENT_CHANGED


def test_a_changed_number_of_replicas_is_due():
    assert trigger_of(settled(replicas=3), TABLE) is Trigger.REPLICAS_CHANGED
    duplicated = placement(replicaScheduling={"replicaSchedulingType": "Duplicated"})
    given = settled(placed=duplicated, applied_placement=duplicated)
    assert trigger_of(given, TABLE) is Trigger.REPLICAS_CHANGED


@pytest.mark.parametrize(
    ("after", "due"), [(timedelta(seconds=1), True), (timedelta(0), False), (-timedelta(1), False)]
)
def test_a_reschedule_is_due_when_asked_for_later_than_the_last_schedule(after, due):
    given = settled(last_scheduled_time=NOW, reschedule_triggered_at=NOW + after)
    assert (trigger_of(given, TABLE) is Trigger.RESCHEDULE_REQUIRED) is due
    assert trigger_of(settled(reschedule_triggered_at=NOW), TABLE) is None


def test_what_is_not_divided_is_always_due():
    plain = placement()
    assert trigger_of(binding(placed=plain, applied_placement=plain), TABLE) is Trigger.ALWAYS
    given = settled(placed=plain, applied_placement=plain, replicas=2)
    assert trigger_of(given, TABLE) is Trigger.ALWAYS


def test_a_cluster_that_goes_or_has_gone_is_due():
    going = table_of([cluster("m1", deleting=True), cluster("m2")])
    gone = table_of([cluster("m2")])
    assert trigger_of(settled(), going) is Trigger.CLUSTER_GONE
    assert trigger_of(settled(), gone) is Trigger.CLUSTER_GONE
