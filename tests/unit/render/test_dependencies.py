"""Dependencies go where their owners go, and nowhere else."""

import dataclasses

from reconciler.interpreter.rules import InterpretationError
from reconciler.model.binding import Binding, Claim, TargetCluster
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.policy import Placement
from reconciler.model.selector import LabelSelector, ObjectReference
from reconciler.render.dependencies import distribute


def template(kind: str, name: str, namespace: str = "shop", **labels: str) -> Manifest:
    body = {
        "apiVersion": "apps/v1" if kind == "Deployment" else "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
    }
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path=f"{name}.yaml"))


WEB, API = template("Deployment", "web"), template("Deployment", "api")
SETTINGS, TOKEN = template("ConfigMap", "settings"), template("Secret", "token", app="web")
ALL = (WEB, API, SETTINGS, TOKEN)


def owner(of: Manifest, *clusters: str, **fields) -> Binding:
    fields.setdefault("placement", Placement())
    fields.setdefault("propagate_deps", True)
    return Binding(
        resource=of.id,
        api_version=of.api_version,
        claim=Claim(name="p"),
        clusters=tuple(TargetCluster(name=name, replicas=2) for name in clusters),
        **fields,
    )


def named(kind: str, name: str, namespace: str = "shop") -> ObjectReference:
    return ObjectReference(api_version="v1", kind=kind, namespace=namespace, name=name)


def needs_settings(_body) -> tuple[ObjectReference, ...]:
    return (named("ConfigMap", "settings"), named("ConfigMap", "missing"))


def run(*owners: Binding, dependencies=needs_settings, templates=ALL, previous=None, others=()):
    bindings = {binding.resource: binding for binding in (*owners, *others)}
    return distribute(bindings, templates, dependencies, previous or {})


def test_a_dependency_without_a_policy_gets_a_binding_that_follows_its_owner():
    result = run(owner(WEB, "m1", "m2"))
    attached = result.bindings[SETTINGS.id]
    assert attached.target_names == ("m1", "m2")
    assert attached.placement is None
    assert attached.claim is None
    assert attached.clusters == ()
    assert attached.source_path == "settings.yaml"
    assert [(entry.namespace, entry.name) for entry in attached.required_by] == [("shop", "web-deployment")]
    assert not attached.is_workload
    assert set(result.bindings) == {WEB.id, SETTINGS.id}


def test_several_owners_are_listed_by_name_and_their_clusters_united():
    result = run(owner(WEB, "m1", "m2"), owner(API, "m3", "m2"))
    attached = result.bindings[SETTINGS.id]
    assert [entry.name for entry in attached.required_by] == ["api-deployment", "web-deployment"]
    assert attached.target_names == ("m3", "m2", "m1")


def test_a_dependency_with_its_own_policy_keeps_its_result_first():
    own = owner(SETTINGS, "m9", propagate_deps=False)
    binding = run(owner(WEB, "m1"), others=[own]).bindings[SETTINGS.id]
    assert binding.clusters == own.clusters
    assert binding.target_names == ("m9", "m1")
    # Nothing of its owner's policy reaches it.
    assert dataclasses.replace(binding, required_by=()) == own


def test_what_does_not_distribute_requires_nothing():
    for given in (
        owner(WEB, "m1", propagate_deps=False),
        owner(WEB),
        owner(WEB, "m1", placement=None),
    ):
        assert SETTINGS.id not in run(given).bindings
    role = template("ClusterRole", "r", "")
    assert SETTINGS.id not in run(owner(role, "m1"), templates=(*ALL, role)).bindings


def test_a_dependency_that_nobody_requires_any_more_is_left_out_and_loses_its_owners():
    before = run(owner(WEB, "m1")).bindings
    after = run(owner(WEB, "m1"), dependencies=lambda _b: (), previous=before, others=[before[SETTINGS.id]])
    assert SETTINGS.id not in after.bindings
    own = dataclasses.replace(owner(SETTINGS, "m9"), required_by=before[SETTINGS.id].required_by)
    kept = run(owner(WEB, "m1"), dependencies=lambda _b: (), others=[own])
    assert kept.bindings[SETTINGS.id].required_by == ()


def test_references_by_label_mean_every_matching_object_of_the_namespace():
    other = template("Secret", "far", "elsewhere", app="web")
    more = template("Secret", "cert", app="web")
    selector = LabelSelector(match_labels=(("app", "web"),))
    reference = ObjectReference(api_version="v1", kind="Secret", label_selector=selector)
    result = run(owner(WEB, "m1"), dependencies=lambda _b: (reference,), templates=(*ALL, other, more))
    assert {id_.name for id_ in result.bindings} == {"web", "token", "cert"}


def test_a_cluster_scoped_dependency_is_found_without_its_namespace():
    storage = template("StorageClass", "fast", "")
    reference = named("StorageClass", "fast")
    result = run(owner(WEB, "m1"), dependencies=lambda _b: (reference,), templates=(*ALL, storage))
    assert result.bindings[storage.id].target_names == ("m1",)


def test_nothing_requires_itself():
    result = run(owner(WEB, "m1"), dependencies=lambda _b: (
        ObjectReference(api_version="apps/v1", kind="Deployment", namespace="shop", name="web"),
    ))  # fmt: skip
    assert result.bindings[WEB.id].required_by == ()


def test_one_overwrite_makes_it_overwrite_and_a_disagreement_is_told():
    result = run(
        owner(WEB, "m1", conflict_resolution="Overwrite"),
        owner(API, "m1", preserve_resources_on_deletion=True),
    )
    attached = result.bindings[SETTINGS.id]
    assert attached.conflict_resolution == "Overwrite"
    assert attached.preserve_resources_on_deletion
    (problem,) = result.problems
    assert problem.code == "R312"
    assert "conflictResolution and preserveResourcesOnDeletion" in problem.message
    assert str(problem.location) == "settings.yaml:1:1"


def test_an_owner_that_cannot_be_interpreted_keeps_what_it_required():
    def broken(_body):
        raise InterpretationError("no such field")

    before = run(owner(WEB, "m1")).bindings
    result = run(owner(WEB, "m1", "m2"), dependencies=broken, previous=before)
    assert result.bindings[SETTINGS.id].target_names == ("m1", "m2")
    assert {id_: str(error) for id_, error in result.unknown.items()} == {WEB.id: "no such field"}
    absent = run(owner(WEB, "m1"), templates=(SETTINGS,), previous=before)
    assert absent.bindings[SETTINGS.id].target_names == ("m1",)


def test_an_attached_binding_keeps_its_uid():
    before = run(owner(WEB, "m1")).bindings
    old = {SETTINGS.id: dataclasses.replace(before[SETTINGS.id], uid="imported", generation=3)}
    again = run(owner(WEB, "m1"), previous=old).bindings[SETTINGS.id]
    assert (again.uid, again.generation) == ("imported", 3)
    assert isinstance(again.resource, ObjectId)
