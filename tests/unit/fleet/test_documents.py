"""Every policy-side kind: a full document is taken, and no document whatever brings the program down."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import Severity
from reconciler.fleet import assemble, schema
from reconciler.fleet.config import decode_approval, decode_config, encode_approval
from reconciler.fleet.unsupported import EACH, FIELDS, KINDS
from reconciler.model.config import Approval, FleetConfig, KindScope, PathNamespace, SecretRule, SecretsMode
from reconciler.model.identity import ObjectId
from tests.searching import examples
from tests.unit.fleet.examples import EXAMPLES, SETTINGS
from tests.unit.fleet.sources import TIME, source

NOT_YET = {"R206", "R207"}


def fleet_of(*bodies):
    return assemble(source({f"{index}.json": json.dumps(body) for index, body in enumerate(bodies)}))


def test_there_is_an_example_of_every_kind():
    examples = {(body["apiVersion"].rpartition("/")[0], body["kind"]) for body in [*EXAMPLES, SETTINGS]}
    assert examples == schema.KIND_SCOPES.keys()


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body["kind"])
def test_a_full_document_is_faulted_only_for_what_is_not_built_yet(body):
    fleet = fleet_of(body)
    errors = [p for p in fleet.problems if p.severity is Severity.ERROR]
    assert {problem.code for problem in errors} <= NOT_YET
    row = (body["apiVersion"].rpartition("/")[0], body["kind"])
    assert bool(errors) is (row in KINDS or row in FIELDS)


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body["kind"])
def test_what_is_not_built_yet_is_refused_and_held(body):
    group, kind = body["apiVersion"].rpartition("/")[0], body["kind"]
    fleet = fleet_of(body)
    is_refused = (group, kind) in KINDS or (group, kind) in FIELDS
    governs = KINDS[group, kind].governs if (group, kind) in KINDS else True
    assert [each.id.kind for each in fleet.refused] == ([kind] if is_refused and governs else [])


def test_every_row_of_fields_not_built_yet_is_refused_by_itself():
    for (group, kind), rows in FIELDS.items():
        (example,) = [
            body for body in EXAMPLES if body["kind"] == kind and body["apiVersion"].startswith(group)
        ]
        for path, _ in rows:
            body = copy.deepcopy(example)
            for other, _ in rows:
                if other != path:
                    _remove(body, other)
            codes = [p.code for p in fleet_of(body).problems if p.severity is Severity.ERROR]
            assert codes == ["R207"], path


@pytest.mark.parametrize("metadata", [None, True, 0, "", "web", [], ["web"]], ids=repr)
@pytest.mark.parametrize("path", ["reconciler.yaml", "apps/settings.yaml"])
def test_settings_whose_metadata_is_no_mapping_are_faulted_for_that(path, metadata):
    fleet = assemble(source({path: json.dumps({**SETTINGS, "metadata": metadata})}))
    found = {(problem.code, problem.subject) for problem in fleet.problems}
    assert found - {("R270", "FleetConfig")} == {("R135", "FleetConfig")}
    assert bool(fleet.unreadable) is (path == "reconciler.yaml")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["web", "v1", "*", "0", "-1Gi", "../x", "a/b/c", "In", "Exists", "cluster"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=6) | st.sampled_from(["name", "key", "labels", "spec"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_document_brings_the_program_down(data):
    """Valid documents with one or two values replaced, removed or renamed: every one ends in a Fleet."""
    body = copy.deepcopy(data.draw(st.sampled_from([*EXAMPLES, SETTINGS]), label="of"))
    for _ in range(data.draw(st.integers(1, 2))):
        places = list(_places(body))
        container, key = data.draw(st.sampled_from(places), label="at")
        if isinstance(container, dict) and key not in container:
            continue
        match data.draw(st.sampled_from(["replace", "remove", "rename", "again"])):
            case "replace":
                container[key] = data.draw(VALUES, label="by")
            case "remove":
                del container[key]
            case "rename" if isinstance(container, dict):
                container[data.draw(st.text(max_size=8))] = container.pop(key)
            case "again" if isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
    path = "reconciler.yaml" if body.get("kind") == "FleetConfig" else "a.yaml"
    fleet = assemble(source({path: json.dumps(body)}))
    for problem in fleet.problems:
        assert str(problem).replace("\n", "").isprintable()


@settings(max_examples=examples(200), deadline=None)
@given(
    metadata=VALUES,
    spec=VALUES,
    kind=st.sampled_from(["ConfigMap", "Secret", "Deployment", "List", "CustomResourceDefinition"]),
)
def test_no_template_brings_the_program_down(metadata, spec, kind):
    api = {"Deployment": "apps/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}.get(kind, "v1")
    body = {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, "data": spec, "items": spec}
    fleet = fleet_of(body)
    for template in fleet.templates:
        assert all(isinstance(value, str) for value in template.labels.values())
        assert ".." not in template.id.tree_path.split("/")


# ---- Ours


def test_settings_are_read_whole():
    config = decode_config(SETTINGS)
    assert config == FleetConfig(
        include=("*",),
        default_namespaces=(
            PathNamespace(path="apps/shop", namespace="shop"),
            PathNamespace(path="", namespace="rest"),
        ),
        skipped_namespaces=("kube-.*", "(dev|test)-[a-z0-9]+"),
        secrets=SecretsMode.WARN,
        secret_rules=(
            SecretRule(mode=SecretsMode.ALLOW, path="secrets/"),
            SecretRule(mode=SecretsMode.REFUSE, name="shop/*"),
        ),
        scopes=(KindScope(group="example.com", kind="Widget", namespaced=False),),
        max_deletions=5,
        max_deletion_percent=10,
        protected_kinds=("Namespace", "Widget.example.com"),
        suspend=False,
        suspended_clusters=("edge-*",),
        observe_clusters=("new-?",),
        status_interval=5400.0,
        independent_scheduling=True,
    )
    assert assemble(source({"reconciler.yaml": json.dumps(SETTINGS)})).problems == ()


def test_settings_that_say_nothing_are_the_defaults():
    assert decode_config({"apiVersion": "x", "kind": "FleetConfig"}) == FleetConfig()
    assert FleetConfig().skipped_namespaces == ("kube-.*", "fleet-reconciler")


def test_an_approval_comes_back_from_its_document():
    approval = Approval(
        name="go",
        objects=(
            ObjectId(group="apps", kind="Deployment", namespace="shop", name="web"),
            ObjectId(group="", kind="Namespace", namespace="", name="shop"),
        ),
        clusters=("berlin",),
        expires=TIME,
        reason="moving",
    )
    body = encode_approval(approval)
    assert {**vars_of(decode_approval(body)), "objects": None} == {**vars_of(approval), "objects": None}
    assert set(decode_approval(body).objects) == set(approval.objects)
    assert fleet_of(body).problems == ()
    assert fleet_of(body).approvals == (decode_approval(body),)


def vars_of(approval):
    return {field: getattr(approval, field) for field in approval.__slots__}


def _places(value):
    if isinstance(value, dict):
        for key, child in value.items():
            yield value, key
            yield from _places(child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield value, index
            yield from _places(child)


def _remove(body, path):
    *above, last = path
    for step in above:
        # The examples have one entry where the path goes through a list.
        body = body[0 if step == EACH else step]
    del body[last]
