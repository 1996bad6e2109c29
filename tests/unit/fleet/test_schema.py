"""The schemas: complete, strict, described, and of one mind with Karmada's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from reconciler.fleet import schema
from tests.outside import outside_data

ROOT = Path(__file__).resolve().parents[3]
KINDS = sorted(path for path in schema.SCHEMAS if "/" in path)


def test_every_policy_side_kind_of_the_design_has_a_schema():
    assert {path.removesuffix(".json") for path in KINDS} == {
        "policy.karmada.io/PropagationPolicy",
        "policy.karmada.io/ClusterPropagationPolicy",
        "policy.karmada.io/OverridePolicy",
        "policy.karmada.io/ClusterOverridePolicy",
        "policy.karmada.io/ClusterTaintPolicy",
        "policy.karmada.io/FederatedResourceQuota",
        "cluster.karmada.io/Cluster",
        "config.karmada.io/ResourceInterpreterCustomization",
        "config.karmada.io/ResourceInterpreterWebhookConfiguration",
        "apps.karmada.io/WorkloadRebalancer",
        "autoscaling.karmada.io/FederatedHPA",
        "autoscaling.karmada.io/CronFederatedHPA",
        "networking.karmada.io/MultiClusterService",
        "networking.karmada.io/MultiClusterIngress",
        "multicluster.x-k8s.io/ServiceExport",
        "multicluster.x-k8s.io/ServiceImport",
        "remedy.karmada.io/Remedy",
        "fleet-reconciler/FleetConfig",
        "fleet-reconciler/Approval",
    }


@pytest.mark.parametrize("path", sorted(schema.SCHEMAS))
def test_a_schema_is_one_by_the_metaschema(path):
    Draft202012Validator.check_schema(schema.SCHEMAS[path])


@pytest.mark.parametrize("path", [*KINDS, "definitions.json"])
def test_every_mapping_is_closed_and_every_field_is_described(path):
    for place, node in _nodes(schema.SCHEMAS[path], path):
        if "properties" in node:
            assert "additionalProperties" in node, place
            for name, child in node["properties"].items():
                words = child.get("description") or _resolved(child).get("description", "")
                assert words.endswith((".", ":")), f"{place}.{name}"
        if "pattern" in node:
            assert node.get("title"), f"{place}: its words go into problems"


def test_the_schema_for_editors_knows_every_kind():
    known = {rule["then"]["$ref"] for rule in schema.SCHEMAS["fleet.json"]["allOf"]}
    assert known == set(KINDS)


@pytest.mark.parametrize("path", [path for path in KINDS if "karmada.io" in path or "x-k8s" in path])
def test_fields_types_and_enums_are_those_of_the_published_schemas(path):
    published = _published(Path(path).stem)
    if published is None:
        return
    ours = dict(_facts(schema.SCHEMAS[path], ()))
    theirs = dict(_facts(published, ()))
    for facts in (ours, theirs):
        for place in [place for place in facts if place[:1] in {("metadata",), ("status",)}]:
            del facts[place]
    assert ours.keys() == theirs.keys()
    for place, facts in theirs.items():
        assert ours[place]["type"] == facts["type"], place
        assert ours[place]["required"] == facts["required"], place
        if facts["enum"]:
            assert ours[place]["enum"] == facts["enum"], place


def test_two_validators_agree_on_every_document_of_the_corpus():
    """The linear-time engine that is used, and the reference implementation."""
    registry = Registry().with_resources(
        (f"https://schemas.example/{path}", Resource.from_contents(each))
        for path, each in schema.SCHEMAS.items()
    )
    judged = 0
    for file in sorted((ROOT / "tests" / "cases" / "problems").glob("R2*/fleet/**/*.yaml")):
        for body in yaml.load_all(file.read_bytes(), yaml.CSafeLoader):
            if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
                continue
            path = f"{str(body.get('apiVersion')).rpartition('/')[0]}/{body['kind']}.json"
            if path not in KINDS:
                continue
            judge = Draft202012Validator({"$ref": f"https://schemas.example/{path}"}, registry=registry)
            theirs = {tuple(error.absolute_path) for error in judge.iter_errors(body)}
            # An unknown field is reported at the field here, at its mapping there; which moments exist, here alone.
            ours = {
                finding.path[:-1] if finding.code == "R201" else finding.path
                for finding in schema.check(body)
                if "does not exist" not in finding.message
            }
            assert ours == {path for path in theirs if path[:1] != ("metadata",)}, file
            judged += 1
    assert judged > 100


def test_the_wheel_carries_the_schemas_and_reads_them_from_there(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(tmp_path / "there")], check=True)
    program = "from reconciler.fleet import schema; print(schema.__file__, len(schema.SCHEMAS))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "there")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [
        str(tmp_path / "there" / "reconciler" / "fleet" / "schema.py"),
        str(len(schema.SCHEMAS)),
    ]
    carried = tmp_path / "there" / "reconciler" / "fleet" / "schemas" / "fleet-reconciler" / "Approval.json"
    assert json.loads(carried.read_bytes()) == schema.SCHEMAS["fleet-reconciler/Approval.json"]


@pytest.mark.parametrize(
    ("spec", "remedy"),
    [
        ({"Placement": {}}, "did you mean `placement`?"),
        ({"placemen": {}}, "did you mean `placement`?"),
        ({"clusterAffinity": {}}, "`clusterAffinity` belongs into `placement`"),
        ({"staticWeightList": []}, "remove it; known fields are "),
    ],
)
def test_an_unknown_field_gets_advice(spec, remedy):
    body = {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": "x"},
        "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}], **spec},
    }
    (finding,) = schema.check(body)
    assert finding.code == "R201"
    assert finding.remedy.startswith(remedy)


def _nodes(node, place):
    if isinstance(node, dict):
        if "properties" in node or "pattern" in node:
            yield place, node
        for key, child in node.items():
            yield from _nodes(child, f"{place}/{key}")
    elif isinstance(node, list):
        for child in node:
            yield from _nodes(child, place)


def _resolved(node):
    return schema.resolved(node)


def _published(kind):
    folder = outside_data("karmada-crds")
    if folder is None:
        return None
    for file in sorted(folder.glob("*.yaml")):
        body = yaml.load(file.read_bytes(), yaml.CSafeLoader)
        if body["spec"]["names"]["kind"] == kind:
            assert (body["spec"]["scope"] == "Namespaced") is schema.KIND_SCOPES[body["spec"]["group"], kind]
            return body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert kind == "Cluster", f"{kind}: not among the published schemas"
    return None


def _facts(node, place):
    """(path, facts) of every field; list items are `[]`, values of maps `{}`."""
    node = _resolved(node)
    quantity = node.get("x-kubernetes-int-or-string") or isinstance(node.get("type"), list)
    yield (
        place,
        {
            "type": "quantity" if quantity else node.get("type", "const" if "const" in node else "any"),
            "required": frozenset(node.get("required", ())) - {"apiVersion", "kind", "metadata"}
            if place == ()
            else frozenset(node.get("required", ())),
            "enum": tuple(sorted(node.get("enum", ()))),
        },
    )
    for name, child in node.get("properties", {}).items():
        if place == () and name in ("apiVersion", "kind", "metadata", "status"):
            continue
        yield from _facts(child, (*place, name))
    if isinstance(node.get("items"), dict):
        yield from _facts(node["items"], (*place, "[]"))
    if isinstance(node.get("additionalProperties"), dict):
        yield from _facts(node["additionalProperties"], (*place, "{}"))
