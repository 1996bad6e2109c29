"""What each cluster gets of a template: replicas, completions, overrides, pruning and our own marks."""

import copy

import pytest

from reconciler.errors import Severity
from reconciler.interpreter.registry import NATIVE
from reconciler.manifests.load import load
from reconciler.model.binding import Binding, ReplicaRequirements, RequiredBy, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Manifest
from reconciler.model.policy import Placement, ReplicaScheduling
from reconciler.overrides.decode import decode_override_policy
from reconciler.overrides.prepare import prepare
from reconciler.render.works import (
    Tools,
    ineffective_overrides,
    namespace_works,
    scaled_objects,
    work_for,
    works_for,
)

M1, M2, M3 = (
    Cluster(name=f"m{number}", labels={"tier": tier}) for number, tier in ((1, "a"), (2, "b"), (3, "b"))
)
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {replicas: 6, template: {spec: {containers: [{name: app, image: "web:1"}]}}}
"""
LABEL = """\
apiVersion: policy.karmada.io/v1alpha1
kind: OverridePolicy
metadata: {name: tier-b, namespace: shop}
spec:
  overrideRules:
  - targetCluster: {labelSelector: {matchLabels: {tier: b}}}
    overriders:
      labelsOverrider:
      - {operator: add, value: {tier: b}}
"""


def manifest(text, path="web.yaml"):
    (document,) = load(text.encode(), path).documents
    return Manifest(id=id_of_body(document.body), body=document.body, origin=document.origin)


def tools(*policies):
    decoded = [decode_override_policy(manifest(text, "policy.yaml")) for text in policies]
    return Tools(overrides=prepare(decoded, [M1, M2, M3]), interpreters=NATIVE)


def binding(template, *targets, divided=False, **more):
    """A binding of (name, replicas) pairs."""
    return Binding(
        resource=template.id,
        api_version=template.api_version,
        clusters=tuple(TargetCluster(name=name, replicas=count) for name, count in targets),
        placement=Placement(
            replica_scheduling=ReplicaScheduling(type="Divided" if divided else "Duplicated")
        ),
        **{"replicas": max((count for _, count in targets), default=0), **more},
    )


def policy(overriders, name="p", kind="OverridePolicy"):
    namespace = ", namespace: shop" if kind == "OverridePolicy" else ""
    return (
        f"apiVersion: policy.karmada.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}{namespace}}}\n"
        f"spec:\n  overrideRules:\n  - overriders:\n      {overriders}\n"
    )


def test_every_cluster_gets_its_share_of_the_replicas():
    template = manifest(WEB)
    works = works_for(template, binding(template, ("m1", 4), ("m2", 2), divided=True), ["m1", "m2"], tools())
    assert [(work.clusters, work.body["spec"]["replicas"]) for work in works] == [(("m1",), 4), (("m2",), 2)]
    assert template.body["spec"]["replicas"] == 6


def test_clusters_with_the_same_content_share_one_work():
    template = manifest(WEB)
    works = works_for(
        template, binding(template, ("m1", 6), ("m2", 6), ("m3", 6)), ["m1", "m2", "m3"], tools(LABEL)
    )
    assert [work.clusters for work in works] == [("m1",), ("m2", "m3")]
    assert works[1].body["metadata"]["labels"] == {"app": "web", "tier": "b"}
    assert [entry.policy.name for entry in works[1].applied] == ["tier-b"]


def test_duplicated_replicas_are_the_schedulers_number_too():
    template = manifest(WEB)
    (work,) = works_for(template, binding(template, ("m1", 3)), ["m1"], tools())
    assert work.body["spec"]["replicas"] == 3


def test_an_object_that_is_no_workload_keeps_its_number():
    template = manifest(WEB)
    (work,) = works_for(template, binding(template, ("m1", 0)), ["m1"], tools())
    assert work.body["spec"]["replicas"] == 6
    needy = binding(template, ("m1", 0), requirements=ReplicaRequirements())
    assert works_for(template, needy, ["m1"], tools())[0].body["spec"]["replicas"] == 0


def test_only_division_writes_a_number_that_the_file_leaves_out():
    template = manifest(WEB.replace("replicas: 6, ", ""))
    assert "replicas" not in work_for(template, binding(template, ("m1", 1)), "m1", tools()).body["spec"]
    assert (
        work_for(template, binding(template, ("m1", 1), divided=True), "m1", tools()).body["spec"]["replicas"]
        == 1
    )


def test_overrides_beat_the_division_of_replicas():
    template = manifest(WEB)
    fixed = policy("plaintext: [{path: /spec/replicas, operator: replace, value: 9}]")
    assert (
        work_for(template, binding(template, ("m1", 4), divided=True), "m1", tools(fixed)).body["spec"][
            "replicas"
        ]
        == 9
    )


def test_clusters_that_another_object_requires_get_that_owners_number():
    template = manifest(WEB)
    owner = RequiredBy(
        namespace="shop",
        name="x",
        clusters=(TargetCluster(name="m1", replicas=9), TargetCluster(name="m2", replicas=2)),
    )
    works = works_for(template, binding(template, ("m1", 4), required_by=(owner,)), ["m1", "m2"], tools())
    assert [(work.clusters, work.body["spec"]["replicas"]) for work in works] == [(("m1",), 4), (("m2",), 2)]


JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec: {parallelism: 4, completions: 10, ttlSecondsAfterFinished: 60, template: {spec: {}}}
"""


def job_shares(template, bound, *names):
    works = works_for(template, bound, names, tools())
    return {name: work.body["spec"].get("completions") for work in works for name in work.clusters}


def test_completions_of_a_divided_job_follow_its_replicas():
    template = manifest(JOB)
    assert job_shares(template, binding(template, ("m1", 3), ("m2", 1), divided=True), "m1", "m2") == {
        "m1": 7,
        "m2": 3,
    }


def test_completions_stay_whole_where_nothing_is_divided():
    template = manifest(JOB)
    assert job_shares(template, binding(template, ("m1", 4), ("m2", 4)), "m1", "m2") == {"m1": 10, "m2": 10}
    without = manifest(JOB.replace("completions: 10, ", ""))
    assert job_shares(without, binding(without, ("m1", 3), ("m2", 1), divided=True), "m1", "m2") == {
        "m1": None,
        "m2": None,
    }


@pytest.mark.parametrize(
    ("uid", "shares"), [("", {"m1": 6, "m2": 5}), ("a", {"m1": 6, "m2": 5}), ("b", {"m1": 5, "m2": 6})]
)
def test_a_tie_in_completions_goes_by_the_uid(uid, shares):
    # FNV-1a of "a" is even and of "b" odd.
    template = manifest(JOB.replace("completions: 10", "completions: 11"))
    assert (
        job_shares(template, binding(template, ("m1", 2), ("m2", 2), divided=True, uid=uid), "m1", "m2")
        == shares
    )


def test_what_only_servers_write_is_pruned():
    template = manifest(JOB)
    (work,) = works_for(template, binding(template, ("m1", 4)), ["m1"], tools())
    assert "ttlSecondsAfterFinished" not in work.body["spec"]


@pytest.mark.parametrize(
    ("written", "policy_says", "annotation"),
    [
        (None, "Abort", None),
        (None, "Overwrite", "overwrite"),
        ("abort", "Overwrite", "abort"),
        ("overwrite", "Abort", "overwrite"),
        ("other", "Overwrite", "overwrite"),
    ],
)
def test_the_template_decides_a_conflict_before_its_policy(written, policy_says, annotation):
    template = manifest(WEB)
    if written:
        template.body["metadata"]["annotations"] = {"work.karmada.io/conflict-resolution": written}
    work = work_for(template, binding(template, ("m1", 1), conflict_resolution=policy_says), "m1", tools())
    assert (work.body["metadata"].get("annotations") or {}).get(
        "work.karmada.io/conflict-resolution"
    ) == annotation


def test_preserved_objects_are_marked_never_to_be_pruned():
    template = manifest(WEB)
    work = work_for(
        template, binding(template, ("m1", 1), preserve_resources_on_deletion=True), "m1", tools()
    )
    assert work.body["metadata"]["annotations"] == {"fleet-reconciler/prune": "disabled"}


def test_what_asks_to_be_left_carries_a_digest_of_all_that_is_desired():
    def content(image="web:1", drift="ignore", **fields):
        template = manifest(WEB.replace("web:1", image))
        template.body["metadata"]["annotations"] = {"fleet-reconciler/drift": drift}
        work = work_for(template, binding(template, ("m1", 6), **fields), "m1", tools())
        return work.body["metadata"]["annotations"].get("fleet-reconciler/content")

    assert content(drift="other") is None
    contents = [content(), content(image="web:2"), content(preserve_resources_on_deletion=True)]
    assert len({*contents, content()}) == 3
    assert all(len(one) == 16 for one in contents)


def test_nothing_of_ours_is_added_where_nothing_is_asked():
    template = manifest(WEB)
    before = copy.deepcopy(template.body)
    work = work_for(template, binding(template, ("m1", 6)), "m1", tools())
    assert work.body == before == template.body


def test_a_failing_override_holds_its_clusters_and_no_other():
    template = manifest(WEB)
    wrong = LABEL.replace("labelsOverrider:", "plaintext:").replace(
        "{operator: add, value: {tier: b}}", "{path: /spec/absent/x, operator: add, value: 1}"
    )
    ok, failed = works_for(
        template, binding(template, ("m1", 1), ("m2", 1), ("m3", 1)), ["m1", "m2", "m3"], tools(wrong)
    )
    assert ok.clusters == ("m1",)
    assert ok.body is not None
    assert failed.clusters == ("m2", "m3")
    assert failed.body is None
    (problem,) = failed.problems
    assert problem.code == "R401"
    assert str(problem.location) == "policy.yaml:9:9"
    assert problem.message == (
        "OverridePolicy shop/tier-b cannot be applied to Deployment.apps shop/web on m2, m3"
    )


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("/metadata/name", "other", "metadata.name"),
        ("/metadata/namespace", "other", "metadata.namespace"),
        ("/kind", "StatefulSet", "kind"),
        ("/apiVersion", "apps/v1beta1", "apiVersion"),
    ],
)
def test_an_override_that_makes_another_object_is_refused(path, value, field):
    template = manifest(WEB)
    harmless = policy("labelsOverrider: [{operator: add, value: {a: b}}]", name="a")
    changing = policy(f"plaintext: [{{path: {path}, operator: replace, value: {value}}}]", name="b")
    work = work_for(template, binding(template, ("m1", 1)), "m1", tools(harmless, changing))
    assert work.body is None
    (problem,) = work.problems
    assert problem.code == "R402"
    assert problem.message == f"OverridePolicy shop/b changes {field} of Deployment.apps shop/web on m1"


def test_an_object_that_cannot_be_interpreted_is_a_problem_in_its_own_file():
    template = manifest(WEB.replace("spec: {replicas: 6,", "spec: {replicas: 6, template: 5} #"))
    job = manifest("apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: 5\n", "job.yaml")
    assert work_for(template, binding(template, ("m1", 1)), "m1", tools()).body is not None
    work = work_for(job, binding(job, ("m1", 1)), "m1", tools())
    assert work.body is None
    assert [(problem.code, str(problem.location)) for problem in work.problems] == [("R410", "job.yaml:1:1")]


def test_a_namespace_sees_cluster_scoped_overrides_alone():
    namespace = manifest("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    label = "labelsOverrider: [{operator: add, value: {a: b}}]"
    (work,) = namespace_works(
        namespace, ["m1", "m2"], tools(policy(label), policy(label, kind="ClusterOverridePolicy"))
    )
    assert work.clusters == ("m1", "m2")
    assert work.body["metadata"] == {"name": "shop", "labels": {"a": "b"}}
    assert [entry.policy.kind for entry in work.applied] == ["ClusterOverridePolicy"]


def test_an_autoscaled_deployment_leaves_its_replicas_to_the_member():
    template = manifest(WEB)
    (work,) = works_for(template, binding(template, ("m1", 6)), ["m1"], tools(), retain_replicas=True)
    assert work.body["metadata"]["labels"] == {
        "app": "web",
        "resourcetemplate.karmada.io/retain-replicas": "true",
    }
    scaler = manifest(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: shop}\n"
        "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
    )
    assert scaled_objects([template, scaler]) == {
        ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
    }


def test_an_item_that_never_changes_anything_is_a_warning_at_its_place():
    idle = policy("labelsOverrider: [{operator: replace, value: {nope: x, app: y}}]")
    web, api = manifest(WEB), manifest(WEB.replace("web", "api"))
    found = [
        (template, work)
        for template in (web, api)
        for work in works_for(template, binding(template, ("m1", 1)), ["m1"], tools(idle))
    ]
    (problem,) = ineffective_overrides(found)
    assert problem.code == "R403"
    assert problem.severity is Severity.WARNING
    assert str(problem.location) == "policy.yaml:7:59"
    assert problem.evidence == (
        "replace: the object has no label nope (Deployment.apps shop/api, Deployment.apps shop/web)",
    )


def test_an_item_that_misses_for_different_reasons_is_told_with_the_nearest_miss():
    adds = policy("argsOverrider: [{containerName: nope, operator: add, value: [x]}]")
    web = manifest(WEB)
    service = manifest("apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {}\n")
    found = [
        (template, work)
        for template in (service, web)
        for work in works_for(template, binding(template, ("m1", 1)), ["m1"], tools(adds))
    ]
    (problem,) = ineffective_overrides(found)
    assert problem.evidence == ("no container is named nope (Deployment.apps shop/web, Service shop/a)",)


def test_an_item_that_changes_some_object_is_no_warning():
    sometimes = policy("labelsOverrider: [{operator: replace, value: {only: x}}]")
    web = manifest(WEB)
    other = manifest(WEB.replace("{app: web}", "{only: here}").replace("name: web", "name: other"))
    found = [
        (template, work)
        for template in (web, other)
        for work in works_for(template, binding(template, ("m1", 1)), ["m1"], tools(sometimes))
    ]
    assert ineffective_overrides(found) == ()
