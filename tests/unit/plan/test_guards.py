"""Guards on deletions: counts, protected kinds, approvals."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Action, Change, Plan
from reconciler.plan.guards import (
    allowed_deletions,
    cluster_guards,
    deleted_objects,
    fleet_guard,
    held,
    is_approved,
    tightened,
)
from reconciler.settings import GuardLimits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def an(name: str, kind: str = "ConfigMap", group: str = "", namespace: str = "shop") -> ObjectId:
    return ObjectId(group=group, kind=kind, namespace=namespace, name=name)


def a_plan(*ids: ObjectId, inventory: int = 100, recreated: tuple[ObjectId, ...] = ()) -> Plan:
    stage = tuple(Change(id=id_, action=Action.CONFIGURE, recreate=True) for id_ in recreated)
    return Plan(
        cluster="edge-1",
        commit="c",
        stages=(stage,) if stage else (),
        deletions=tuple(Change(id=id_, action=Action.DELETE) for id_ in ids),
        inventory=inventory,
    )


def names(plan, approvals=(), limits=None):
    return [guard.name for guard in cluster_guards(plan, limits or GuardLimits(), approvals, NOW)]


@pytest.mark.parametrize(
    ("inventory", "allowed"), [(0, 10), (10, 10), (50, 10), (54, 10), (55, 11), (100, 20), (1000, 200)]
)
def test_the_larger_of_ten_and_a_fifth_may_go(inventory, allowed):
    assert allowed_deletions(GuardLimits(), inventory) == allowed


def test_at_the_limit_nothing_trips_and_one_more_does():
    many = [an(str(number)) for number in range(21)]
    assert names(a_plan(*many[:20])) == []
    assert names(a_plan(*many)) == ["too-many-deletions"]


@pytest.mark.parametrize(
    "id_",
    [
        an("shop", "Namespace", namespace=""),
        an("widgets.example.com", "CustomResourceDefinition", "apiextensions.k8s.io", ""),
        an("data", "PersistentVolumeClaim"),
    ],
)
def test_a_protected_kind_trips_alone(id_):
    (guard,) = cluster_guards(a_plan(id_, an("a")), GuardLimits(), (), NOW)
    assert guard.name == "protected-kind"
    assert guard.objects == (id_,)


def test_making_an_object_anew_counts_as_its_deletion():
    claim = an("data", "PersistentVolumeClaim")
    assert names(a_plan(recreated=(claim,))) == ["protected-kind"]
    assert deleted_objects(a_plan(an("a"), recreated=(claim,))) == (claim, an("a"))


def test_an_approval_releases_what_it_lists_for_its_clusters_until_it_expires():
    id_ = an("shop", "Namespace", namespace="")

    def approval(**fields):
        return Approval(**{"name": "a", "objects": (id_, an("never there")), "expires": LATER, **fields})

    assert names(a_plan(id_), (approval(),)) == []
    assert names(a_plan(id_), (approval(clusters=("edge-*",)),)) == []
    assert names(a_plan(id_), (approval(clusters=("core-*",)),)) == ["protected-kind"]
    assert names(a_plan(id_), (approval(expires=NOW),)) == ["protected-kind"]
    assert names(a_plan(id_), (approval(objects=(an("other"),)),)) == ["protected-kind"]


def test_approved_deletions_do_not_count_towards_the_limit():
    many = [an(str(number)) for number in range(25)]
    approval = Approval(name="a", objects=tuple(many[:15]), expires=LATER)
    assert names(a_plan(*many, inventory=20)) == ["too-many-deletions"]
    assert names(a_plan(*many, inventory=20), (approval,)) == []


def test_a_tripped_guard_holds_everything_the_approved_too():
    approved, unapproved = (
        an("w.example.com", "CustomResourceDefinition", "apiextensions.k8s.io", ""),
        an("x", "Namespace"),
    )
    plan = a_plan(approved, unapproved, an("a"), recreated=(an("b"),))
    approval = Approval(name="a", objects=(approved,), expires=LATER)
    stopped = held(plan, cluster_guards(plan, GuardLimits(), (approval,), NOW))
    assert {change.action for change in stopped.changes} == {Action.SKIP}
    assert not any(change.recreate for change in stopped.changes)
    assert stopped.is_empty
    assert not stopped.prunes
    assert {change.reason for change in stopped.changes} == {"held by guard protected-kind"}


def test_the_repository_tightens_and_never_loosens():
    operator = GuardLimits(max_deletions=5, max_percent=10, protected_kinds=("Namespace",))
    assert tightened(operator) == operator
    assert tightened(operator, max_deletions=50, max_percent=90) == operator
    strict = tightened(operator, max_deletions=0, max_percent=0, protected_kinds=("StatefulSet.apps",))
    assert strict == GuardLimits(
        max_deletions=0, max_percent=0, protected_kinds=("Namespace", "StatefulSet.apps")
    )
    assert tightened(operator, max_deletions=-3).max_deletions == 0


def test_a_kind_protects_every_group_and_a_kind_with_its_group_only_that():
    job, other = an("j", "Job", "batch"), an("j", "Job", "batch.volcano.sh")
    broad, narrow = GuardLimits(protected_kinds=("Job",)), GuardLimits(protected_kinds=("Job.batch",))
    assert names(a_plan(other), limits=broad) == ["protected-kind"]
    assert names(a_plan(other), limits=narrow) == []
    assert names(a_plan(job), limits=narrow) == ["protected-kind"]


def test_the_fleet_is_counted_over_all_clusters():
    deleted = {f"c{number}": [an(str(index)) for index in range(3)] for number in range(10)}
    inventory = dict.fromkeys(deleted, 10)
    guard = fleet_guard(deleted, inventory, GuardLimits(), (), NOW)
    assert guard is not None
    assert guard.name == "too-many-deletions-in-fleet"
    assert "30 objects of 100" in guard.message
    assert fleet_guard(deleted, dict.fromkeys(deleted, 15), GuardLimits(), (), NOW) is None
    approval = Approval(
        name="a", objects=tuple(an(str(index)) for index in range(3)), clusters=("c[0-3]",), expires=LATER
    )
    assert fleet_guard(deleted, inventory, GuardLimits(), (approval,), NOW) is None


ids = st.builds(
    an, st.text("abc", min_size=1, max_size=3), st.sampled_from(["ConfigMap", "Secret", "Namespace"])
)


@given(st.sets(ids, max_size=40), st.sets(ids, max_size=40), st.integers(0, 100))
def test_an_approval_is_valid_for_every_subset_of_what_it_lists(listed, extra, inventory):
    approval = Approval(name="a", objects=tuple(sorted(listed)), expires=LATER)
    subset = sorted(listed - extra)
    assert cluster_guards(a_plan(*subset, inventory=inventory), GuardLimits(), (approval,), NOW) == ()
    assert all(is_approved(id_, "edge-1", (approval,), NOW) for id_ in subset)


@given(st.sets(ids, max_size=40), st.integers(0, 200), st.integers(0, 40))
def test_what_passed_a_guard_passes_it_again_after_any_part_was_deleted(deleted, rest, done):
    """A restart in the middle of a prune must neither trip on what was allowed nor allow more."""
    order = sorted(deleted)
    inventory = len(order) + rest
    before = cluster_guards(a_plan(*order, inventory=inventory), GuardLimits(protected_kinds=()), (), NOW)
    done = min(done, len(order))
    after = cluster_guards(
        a_plan(*order[done:], inventory=inventory - done), GuardLimits(protected_kinds=()), (), NOW
    )
    if not before:
        assert not after
