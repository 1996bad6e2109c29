"""Guards between two rendered trees (DESIGN §5, promise 2)."""

from datetime import UTC, datetime, timedelta

from reconciler.model.config import Approval
from reconciler.model.identity import ObjectId
from reconciler.plan.release import CLUSTER_REMOVAL, cluster_id, gone, release_verdict
from reconciler.settings import GuardLimits

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def config_map(index):
    return ObjectId(group="", kind="ConfigMap", namespace="shop", name=f"c{index:03}")


NAMESPACE = ObjectId(group="", kind="Namespace", namespace="", name="shop")


def maps(count):
    return {config_map(i) for i in range(count)}


def judge(before, after, approvals=()):
    return release_verdict(before, after, limits=GuardLimits(), approvals=approvals, now=NOW)


def approval(objects, clusters=("*",), expires=NOW + timedelta(hours=1)):
    return Approval(name="a", objects=tuple(objects), clusters=clusters, expires=expires)


def test_ten_deletions_are_allowed_and_eleven_are_not():
    assert judge({"m1": maps(20)}, {"m1": maps(10)}).allowed
    verdict = judge({"m1": maps(20)}, {"m1": maps(9)})
    assert list(verdict.by_cluster) == ["m1"]
    assert verdict.asked["m1"] == tuple(sorted(maps(20) - maps(9)))


def test_a_fifth_of_a_large_inventory_is_allowed():
    assert judge({"m1": maps(200)}, {"m1": maps(160)}).allowed
    assert not judge({"m1": maps(200)}, {"m1": maps(159)}).allowed


def test_few_deletions_on_each_of_many_clusters_trip_the_fleet_guard():
    before = {f"m{i}": maps(6) for i in range(10)}
    after = {f"m{i}": maps(4) for i in range(10)}
    verdict = judge(before, after)  # 2 of 6 each: fine alone; 20 of 60 together: more than 12
    assert not verdict.by_cluster
    assert [guard.name for guard in verdict.fleet] == ["too-many-deletions-in-fleet"]


def test_a_namespace_needs_an_approval_that_lists_it_for_that_cluster_and_has_not_expired():
    before, after = {"m1": {NAMESPACE, *maps(1)}}, {"m1": maps(1)}
    assert judge(before, after).asked == {"m1": (NAMESPACE,)}
    assert judge(before, after, [approval([NAMESPACE])]).allowed
    assert not judge(before, after, [approval([NAMESPACE], clusters=("m2",))]).allowed
    assert not judge(before, after, [approval([NAMESPACE], expires=NOW)]).allowed


def test_an_approval_covers_any_subset_of_what_it_lists():
    listed = approval(maps(20))
    assert judge({"m1": maps(20)}, {"m1": maps(5)}, [listed]).allowed


def test_a_cluster_that_leaves_is_asked_for_and_its_objects_are_not_counted_as_deletions():
    verdict = judge({"m1": maps(20), "m2": maps(50)}, {"m1": maps(20)})
    assert [guard.name for guard in verdict.fleet] == [CLUSTER_REMOVAL]
    assert verdict.asked == {"": (cluster_id("m2"),)}
    assert judge({"m2": maps(50)}, {}, [approval([cluster_id("m2")], clusters=("m2",))]).allowed
    assert gone({"m2": maps(50)}, {}) == {}
