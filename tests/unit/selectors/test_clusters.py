"""Cluster affinity: the four parts are ANDed, and absent fields are absent."""

import pytest

from reconciler.model.cluster import Cluster
from reconciler.model.selector import ClusterAffinity, LabelSelector, Requirement
from reconciler.selectors.clusters import matches_cluster

EU = Cluster(name="eu", region="eu-west-1", provider="aws", zones=("a", "b"), labels={"env": "prod"})
BARE = Cluster(name="bare")


def field(key: str, operator: str, *values: str) -> ClusterAffinity:
    return ClusterAffinity(field_selector=(Requirement(key=key, operator=operator, values=values),))


@pytest.mark.parametrize(
    ("affinity", "eu", "bare"),
    [
        (None, True, True),
        (ClusterAffinity(), True, True),
        (ClusterAffinity(field_selector=()), True, True),
        (ClusterAffinity(label_selector=LabelSelector()), True, True),
        (ClusterAffinity(cluster_names=("eu",)), True, False),
        (ClusterAffinity(cluster_names=("eu", "bare"), exclude=("eu",)), False, True),
        (ClusterAffinity(label_selector=LabelSelector(match_labels=(("env", "prod"),))), True, False),
        (field("region", "In", "eu-west-1"), True, False),
        (field("region", "NotIn", "eu-west-1"), False, True),
        (field("provider", "Exists"), True, False),
        (field("provider", "DoesNotExist"), False, True),
        (field("zone", "In", "b", "c"), True, False),
        (field("zone", "NotIn", "b"), False, True),
        (field("zone", "NotIn", "c"), True, True),
        (field("zone", "Exists"), True, False),
        (field("zone", "DoesNotExist"), False, True),
        (field("zone", "Gt", "1"), False, False),
        (field("region", "In", "not a label value"), False, False),
        (field("colour", "NotIn", "blue"), True, True),
    ],
)
def test_an_affinity_selects_the_clusters_it_describes(affinity, eu, bare):
    assert (matches_cluster(affinity, EU), matches_cluster(affinity, BARE)) == (eu, bare)


def test_all_field_expressions_must_hold():
    affinity = ClusterAffinity(
        field_selector=(
            Requirement(key="zone", operator="In", values=("a",)),
            Requirement(key="region", operator="In", values=("us-east-1",)),
        )
    )
    assert not matches_cluster(affinity, EU)
