"""The composition: what a folder of files cannot show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import Problem
from reconciler.fleet.assemble import assemble
from reconciler.interpreter.registry import NATIVE, NATIVE_RULES
from reconciler.interpreter.rules import InterpretationError, ScriptFailed
from reconciler.manifests.emit import emit
from reconciler.model.cluster import ClusterStatus, ResourceSummary
from reconciler.model.fleet import Fleet, Source, SourceFile
from reconciler.model.identity import ObjectId
from reconciler.model.observation import ClusterReport, Observation
from reconciler.model.quantity import parse_quantity
from reconciler.model.tree import PreviousRender
from reconciler.render.memo import Memo
from reconciler.render.render import render
from reconciler.render.tree import directories
from reconciler.scheduler.registry import Profile, profile
from tests.cases.render.fleets import NOW, read_back, status_of

WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
API = replace(WEB, name="api")
CONFIG = ObjectId(group="", kind="ConfigMap", namespace="shop", name="settings")


def deployment(name: str = "web", replicas: int = 3, **container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"name": "x", "image": "x:1", **container}]}},
        },
    }


def policy(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": "all", "namespace": "shop"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], **spec},
    }


CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}}


def fleet_of(*bodies: dict[str, Any], clusters: tuple[str, ...] = ("a", "b")) -> Fleet:
    members = [
        {
            "apiVersion": "cluster.karmada.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {"syncMode": "Push"},
        }
        for name in clusters
    ]
    files = tuple(
        SourceFile(path=f"{number}.yaml", data=emit(body)) for number, body in enumerate((*members, *bodies))
    )
    fleet = assemble(Source(commit="", time=NOW, files=files))
    assert fleet.problems == ()
    return fleet


def observed(**pods: int) -> Observation:
    def status(count: int) -> ClusterStatus:
        summary = ResourceSummary(allocatable={"pods": parse_quantity(str(count))})
        return replace(status_of({}), resource_summary=summary)

    return Observation(
        clusters={name: ClusterReport(name=name, status=status(n)) for name, n in pods.items()}
    )


HERE = observed(a=100, b=100)
DIVIDED = {"replicaScheduling": {"replicaSchedulingType": "Divided"}}


def failing(**rules: Any) -> Any:
    kind = ("apps/v1", "Deployment")
    return replace(NATIVE, native={**NATIVE_RULES, kind: replace(NATIVE_RULES[kind], **rules)})


def refuse(_body: Any) -> Any:
    raise InterpretationError("it makes no sense")


def test_a_template_that_cannot_be_interpreted_stays_as_it_was_while_others_go_on():
    fleet = fleet_of(deployment(), CONFIG_MAP, policy())
    before = read_back(render(fleet, HERE, PreviousRender(), NOW))
    later = fleet_of(deployment(image="x:2"), CONFIG_MAP, policy())
    rendered = render(later, HERE, before, NOW, interpreters=failing(replicas=refuse))
    assert [problem.code for problem in rendered.problems if problem.severity == "error"] == ["R410"]
    assert not rendered.complete
    assert directories(rendered.tree) == before.trees
    assert rendered.tree.bindings == before.binding_files


def test_a_new_template_that_cannot_be_interpreted_is_nowhere():
    rendered = render(
        fleet_of(deployment(), policy()), HERE, PreviousRender(), NOW, interpreters=failing(replicas=refuse)
    )
    assert rendered.bindings == {}
    assert not rendered.complete


def test_when_dependencies_cannot_be_told_those_of_before_stay():
    environment = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
    fleet = fleet_of(deployment(**environment), CONFIG_MAP, policy(propagateDeps=True))
    before = read_back(render(fleet, HERE, PreviousRender(), NOW))
    assert CONFIG in before.bindings
    rendered = render(fleet, HERE, before, NOW, interpreters=failing(dependencies=refuse))
    assert rendered.bindings[CONFIG].required_by == before.bindings[CONFIG].required_by
    assert [problem.code for problem in rendered.problems] == ["R410"]
    assert not rendered.complete


DYNAMIC = {
    "replicaScheduling": {
        "replicaSchedulingType": "Divided",
        "replicaDivisionPreference": "Weighted",
        "weightPreference": {"dynamicWeight": "AvailableReplicas"},
    }
}


def shares(rendered: Any, id_: ObjectId) -> dict[str, int]:
    return {target.name: target.replicas for target in rendered.bindings[id_].clusters}


def test_what_was_placed_since_a_cluster_was_observed_is_not_given_out_again():
    # `a` holds 8 replicas of web that its report, made before they came, does not show.
    before = read_back(
        render(
            fleet_of(deployment(replicas=8), policy(placement={"clusterAffinity": {"clusterNames": ["a"]}})),
            HERE,
            PreviousRender(),
            NOW,
        )
    )
    later = fleet_of(
        deployment(replicas=8),
        deployment("api", replicas=10),
        policy(placement={"clusterAffinity": {"clusterNames": ["a"]}})
        | {
            "spec": {
                "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}],
                "placement": {"clusterAffinity": {"clusterNames": ["a"]}},
            }
        },
        {
            **policy(placement=DYNAMIC),
            "metadata": {"name": "api", "namespace": "shop"},
            "spec": {
                "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}],
                "placement": DYNAMIC,
            },
        },
    )
    reports = observed(a=10, b=10)
    seen = render(later, reports, before, NOW)
    assert shares(seen, API) == {"a": 5, "b": 5}
    unseen = render(later, reports, replace(before, seen={"a": {}}), NOW)
    assert shares(unseen, API) == {"a": 2, "b": 8}


def test_two_workloads_do_not_get_the_same_room_unless_the_fleet_asks_for_that():
    fleet = fleet_of(deployment(replicas=9), deployment("api", replicas=9), policy(placement=DYNAMIC))
    together = render(fleet, observed(a=10, b=2), PreviousRender(), NOW)
    assert sum(shares(together, API).values()) == 9
    assert shares(together, WEB) == {}
    assert [problem.code for problem in together.problems] == ["R302"]
    independent = replace(fleet, config=replace(fleet.config, independent_scheduling=True))
    alone = render(independent, observed(a=10, b=2), PreviousRender(), NOW)
    assert shares(alone, API) == shares(alone, WEB)
    assert alone.problems == ()


def test_filters_can_be_taken_away():
    without = profile(("*", "-APIEnablement"))
    fleet = fleet_of(deployment(), policy())
    nothing = Observation(
        clusters={name: ClusterReport(name=name, status=status_of({"without": ["apps/v1"]})) for name in "ab"}
    )
    assert render(fleet, nothing, PreviousRender(), NOW).bindings[WEB].clusters == ()
    rendered = render(fleet, nothing, PreviousRender(), NOW, plugins={"default-scheduler": without})
    assert [target.name for target in rendered.bindings[WEB].clusters] == ["a", "b"]


def test_a_scheduler_that_is_there_is_used_and_one_that_is_not_is_said():
    fleet = fleet_of(deployment(), policy(schedulerName="mine"))
    assert [p.code for p in render(fleet, HERE, PreviousRender(), NOW).problems] == ["R304"]
    rendered = render(fleet, HERE, PreviousRender(), NOW, plugins={"mine": Profile(name="mine")})
    assert [target.name for target in rendered.bindings[WEB].clusters] == ["a", "b"]


def test_a_pass_without_news_gives_the_same_tree_and_bindings_themselves():
    memo = Memo()
    fleet = fleet_of(deployment(), CONFIG_MAP, policy())
    before = read_back(render(fleet, HERE, PreviousRender(), NOW))
    first = render(fleet, HERE, before, NOW, memo=memo)
    second = render(fleet, HERE, before, NOW, memo=memo)
    assert second.tree is first.tree
    assert second.bindings[WEB] is first.bindings[WEB]


@pytest.mark.parametrize("operation", ["replicas", "revise"])
@pytest.mark.parametrize("is_transient", [True, False])
def test_a_memo_forgets_a_failure_that_may_be_gone_the_next_time(operation: str, is_transient: bool):
    attempts = []

    def late(*given: Any) -> Any:
        attempts.append(given)
        if len(attempts) == 1:
            problem = Problem(code="R423", message="the script took too long")
            raise ScriptFailed(problem, is_transient=is_transient)
        return getattr(NATIVE_RULES["apps/v1", "Deployment"], operation)(*given)

    memo, rules = Memo(), failing(**{operation: late})
    fleet = fleet_of(deployment(), policy(placement=DIVIDED))
    first = render(fleet, HERE, PreviousRender(), NOW, memo=memo, interpreters=rules)
    assert not first.complete
    again = render(fleet, HERE, PreviousRender(), NOW, memo=memo, interpreters=rules)
    assert again.complete == is_transient
    if is_transient:
        assert again.tree == render(fleet, HERE, PreviousRender(), NOW).tree


def test_a_memo_does_not_carry_one_facts_answer_to_another():
    memo = Memo()
    fleet = fleet_of(deployment(), policy())
    for reports in (HERE, Observation(), observed(a=100), HERE):
        warm = render(fleet, reports, PreviousRender(), NOW, memo=memo)
        assert warm.tree == render(fleet, reports, PreviousRender(), NOW).tree


def test_nothing_that_was_never_rendered_is_an_empty_tree():
    rendered = render(Fleet(commit="", time=NOW), Observation(), PreviousRender(), NOW)
    assert rendered.complete
    assert (rendered.tree.clusters, rendered.tree.variants, rendered.bindings) == ((), (), {})


@pytest.mark.parametrize("assume", [True, False])
def test_a_cluster_without_observation_is_placed_on_offline_alone(assume: bool):
    rendered = render(
        fleet_of(deployment(), policy()), Observation(), PreviousRender(), NOW, assume_unreported=assume
    )
    assert bool(rendered.bindings[WEB].clusters) is assume
    assert rendered.assumed_clusters == (("a", "b") if assume else ())


def test_losing_every_observation_moves_nothing():
    fleet = fleet_of(deployment(), policy())
    before = read_back(render(fleet, HERE, PreviousRender(), NOW))
    assert render(fleet, Observation(), before, NOW).tree == render(fleet, HERE, before, NOW).tree
