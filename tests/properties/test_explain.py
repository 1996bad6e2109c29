"""An explanation is of the decision, not of one like it; and what concerns a template not at all changes nothing of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from reconciler.model.tree import PreviousRender
from reconciler.render.explain import explain
from reconciler.render.render import render
from reconciler.render.tree import directories
from tests.cases.render.fleets import read_back
from tests.properties.fleets import World, histories, worlds
from tests.searching import examples

LAWS = settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@LAWS
@given(histories(length=2))
def test_what_is_explained_is_what_was_decided(history):
    """Also where reports are older than what was placed: then that is deducted, in the explanation too."""
    previous = PreviousRender()
    for world in history:
        fleet = world.fleet(previous)
        blind = replace(previous, seen={name: {} for name in previous.trees})
        rendered = render(fleet, world.observation(), blind, world.now)
        for template in fleet.templates:
            found = explain(fleet, world.observation(), blind, world.now, template.id)
            assert found is not None
            assert found.binding == rendered.bindings.get(template.id)
            if not found.attempts or found.is_hypothetical:
                continue
            last = found.attempts[-1]
            if last.failure is None:
                assert {t.name: t.replicas for t in last.result} == {
                    t.name: t.replicas for t in found.binding.clusters
                }
                chosen = {each.name: each.replicas for each in last.clusters if each.replicas is not None}
                assert chosen == {t.name: t.replicas for t in last.result}
            else:
                assert found.decision is not None
                assert found.decision.failure == found.attempts[0].failure
        previous = read_back(rendered)


STRANGER = {
    "apiVersion": "cluster.karmada.io/v1alpha1",
    "kind": "Cluster",
    "metadata": {"name": "e"},
    "spec": {"syncMode": "Push", "taints": [{"key": "nobody", "effect": "NoSchedule"}]},
}
UNRELATED = {
    "apiVersion": "policy.karmada.io/v1alpha1",
    "kind": "ClusterPropagationPolicy",
    "metadata": {"name": "a-first-of-all"},
    "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "Service"}], "priority": 9},
}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}}


@LAWS
@given(worlds())
def test_a_cluster_and_a_policy_that_match_nothing_of_a_template_change_nothing_of_it(world):
    """Neither has a part in anybody's estimated capacity: the cluster takes nothing, the policy's object needs nothing."""
    reports = world.reports | {"e": "True"}
    more = world.documents | {"cluster-e": STRANGER, "policy-zero": UNRELATED, "service": SERVICE}
    before = decided(world)
    after = decided(World(documents=more, reports=reports))
    assert {id_: (each.claim, each.clusters) for id_, each in before.bindings.items()} == {
        id_: (each.claim, each.clusters) for id_, each in after.bindings.items() if id_.kind != "Service"
    }
    trees = directories(after.tree)
    for cluster, files in directories(before.tree).items():
        assert {path: data for path, data in trees[cluster].items() if "/Service/" not in path} == dict(files)


def decided(world: World):
    return render(world.fleet(PreviousRender()), world.observation(), PreviousRender(), world.now)
