"""Changed facts for `simulate`: nothing is edited in place, and each change is what its name says."""

from datetime import UTC, datetime

from reconciler.model.cluster import Cluster, ClusterStatus, ResourceSummary
from reconciler.model.fleet import Fleet
from reconciler.model.observation import ClusterReport, Observation
from reconciler.model.quantity import parse_quantity as q
from reconciler.render.whatif import UNSCHEDULABLE, Change, groups_of, with_change

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def fleet():
    summary = ResourceSummary(allocatable={"cpu": q("4"), "memory": q("8Gi")}, modelings=((0, 3),))
    status = ClusterStatus(resource_summary=summary)
    clusters = (
        Cluster(name="a", region="eu", zones=("eu-1", "eu-2"), status=status),
        Cluster(name="b", region="eu", zones=("eu-2",)),
        Cluster(name="c", provider="own"),
    )
    observation = Observation(clusters={"a": ClusterReport(name="a", status=status)})
    return Fleet(commit="", time=NOW, clusters=clusters), observation


def test_a_lost_cluster_counts_as_being_deleted_and_the_input_stays_as_it_was():
    before, observation = fleet()
    after, _ = with_change(before, observation, Change(lost=frozenset({"a"})), NOW)
    assert [cluster.deletion_timestamp for cluster in after.clusters] == [NOW, None, None]
    assert all(cluster.deletion_timestamp is None for cluster in before.clusters)


def test_a_cordon_is_karmadas_taint():
    before, observation = fleet()
    after, _ = with_change(before, observation, Change(cordoned=frozenset({"b"})), NOW)
    (taint,) = after.clusters[1].taints
    assert (taint.key, taint.effect) == (UNSCHEDULABLE, "NoSchedule")


def test_capacity_replaces_one_resource_in_the_observation_and_turns_grades_off():
    before, observation = fleet()
    after, facts = with_change(before, observation, Change(capacity={"a": {"cpu": q("10")}}), NOW)
    for status in (after.clusters[0].status, facts.clusters["a"].status):
        assert {name: str(amount) for name, amount in status.resource_summary.allocatable.items()} == {
            "cpu": "10",
            "memory": "8Gi",
        }
        assert status.resource_summary.modelings == ()
    assert str(observation.clusters["a"].status.resource_summary.allocatable["cpu"]) == "4"


def test_a_cluster_is_lost_with_each_of_its_zones():
    clusters = fleet()[0].clusters
    assert groups_of(clusters, "zone") == {"eu-1": {"a"}, "eu-2": {"a", "b"}}
    assert groups_of(clusters, "region") == {"eu": {"a", "b"}}
    assert groups_of(clusters, "provider") == {"own": {"c"}}
    assert list(groups_of(clusters, "cluster")) == ["a", "b", "c"]
