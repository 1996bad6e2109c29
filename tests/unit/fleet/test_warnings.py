"""Warnings that need the whole fleet: said where they are certain, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.fleet.assemble import assemble
from tests.unit.fleet.sources import source

CLUSTER = """
apiVersion: cluster.karmada.io/v1alpha1
kind: Cluster
metadata:
  name: {name}
spec:
  syncMode: Push
  region: {region}
"""
POLICY = """
apiVersion: policy.karmada.io/v1alpha1
kind: {kind}
metadata:
  name: {name}
  {namespace}
spec:
  priority: {priority}
  resourceSelectors:
    - {{apiVersion: apps/v1, kind: Deployment{selected}}}
  placement: {placement}
"""


def policy(name, *, namespace="shop", priority=0, selected="", placement="{}"):
    return POLICY.format(
        kind="PropagationPolicy" if namespace else "ClusterPropagationPolicy",
        name=name,
        namespace=f"namespace: {namespace}" if namespace else "annotations: {}",
        priority=priority,
        selected=f", {selected}" if selected else "",
        placement=placement,
    )


def cluster(name, region="europe"):
    return CLUSTER.format(name=name, region=region)


def codes(*documents, **more):
    fleet = assemble(source({"fleet.yaml": "\n---\n".join(documents), **more}))
    return [(problem.code, problem.subject.rpartition(" ")[2]) for problem in fleet.problems]


LABELS = "labelSelector: {matchLabels: {tier: gold}}"


@pytest.mark.parametrize(
    ("first", "second", "beaten"),
    [
        # Priority decides between equals, whatever the names.
        (policy("a"), policy("b", priority=1), ["shop/a"]),
        # Then how specifically they select: the wider policy of the same priority keeps the rest.
        (policy("a"), policy("b", selected=LABELS), []),
        (policy("a", priority=1), policy("b", selected=LABELS), ["shop/b"]),
        (policy("a", selected="labelSelector: {}"), policy("b", selected=LABELS), ["shop/b"]),
        # Then the smallest name.
        (policy("a", selected=LABELS), policy("b", selected=LABELS), ["shop/b"]),
        (policy("a", selected="name: web"), policy("b", selected="name: web"), ["shop/b"]),
        (policy("a", selected="name: web"), policy("b", selected="name: api"), []),
        # Other namespaces, and cluster-scoped policies that select beyond one.
        (policy("a", namespace="shop"), policy("b", namespace="lab"), []),
        (policy("a"), policy("b", namespace="", priority=9), []),
        (policy("a"), policy("b", namespace="", priority=9, selected="namespace: shop"), ["b"]),
        (policy("a", namespace=""), policy("b", namespace="", selected="namespace: shop"), ["b"]),
        (policy("b", namespace=""), policy("a", namespace="", selected="namespace: shop"), []),
    ],
)
def test_a_policy_that_another_one_always_beats_is_named(first, second, beaten):
    assert codes(first, second) == [("R232", name) for name in beaten]


def test_a_policy_with_one_selector_of_its_own_is_not_named():
    both = policy("b").replace("  placement", "    - {apiVersion: apps/v1, kind: StatefulSet}\n  placement")
    assert codes(policy("a"), both) == []


def spread(*constraints):
    rows = ", ".join(
        f"{{spreadByField: {field}, minGroups: {least}, maxGroups: {most}}}"
        for field, least, most in constraints
    )
    return f"{{spreadConstraints: [{rows}]}}"


@pytest.mark.parametrize(
    ("constraints", "is_met"),
    [
        ([("cluster", 3, 3)], True),
        ([("cluster", 4, 4)], False),
        ([("region", 2, 2), ("cluster", 3, 3)], True),
        ([("region", 3, 3), ("cluster", 3, 3)], False),
        # One region alone has two clusters at most.
        ([("region", 1, 1), ("cluster", 3, 3)], False),
        ([("region", 1, 1), ("cluster", 2, 2)], True),
    ],
)
def test_a_spread_is_compared_with_the_clusters_that_there_are(constraints, is_met):
    clusters = [cluster("m1"), cluster("m2"), cluster("m3", "america")]
    found = codes(*clusters, policy("web", placement=spread(*constraints)))
    assert found == ([] if is_met else [("R233", "shop/web")])


def test_a_spread_that_some_group_meets_is_none_to_warn_of():
    groups = "[{affinityName: one, clusterNames: [m1]}, {affinityName: all}]"
    wanted = spread(("cluster", 2, 2)).removesuffix("}")
    both = [cluster("m1"), cluster("m2")]
    assert codes(*both, policy("web", placement=f"{wanted}, clusterAffinities: {groups}}}")) == []
    one = groups.replace("all}", "all, clusterNames: [m1]}")
    assert codes(*both, policy("web", placement=f"{wanted}, clusterAffinities: {one}}}")) == [
        ("R233", "shop/web")
    ]


def test_nothing_is_said_where_a_cluster_may_stand_in_a_file_that_cannot_be_read():
    wanted = policy("web", placement=spread(("cluster", 2, 2)))
    assert codes(cluster("m1"), wanted) == [("R233", "shop/web")]
    assert "R233" not in dict(codes(cluster("m1"), wanted, **{"other.yaml": "a: [\n"}))
    assert codes(wanted) == []


def test_nothing_is_said_of_policies_that_another_scheduler_reads():
    wanted = policy("web", placement=f"{spread(('cluster', 2, 2))}\n  schedulerName: mine")
    assert codes(cluster("m1"), wanted) == []


def test_the_order_of_files_does_not_matter():
    texts = {"a.yaml": policy("a"), "b.yaml": policy("b", priority=1), "c.yaml": cluster("m1")}
    given = source(texts)
    fleet = assemble(given)
    assert [problem.code for problem in fleet.problems] == ["R232"]
    assert assemble(replace(given, files=given.files[::-1])) == fleet
