from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.override import (
    CommandArgsOverrider,
    FieldOverrider,
    ImageOverrider,
    LabelAnnotationOverrider,
    PatchOperation,
)
from reconciler.model.selector import ClusterAffinity, Requirement
from reconciler.overrides.decode import LEGACY_RULE, decode_override_policy


def policy(spec, kind="OverridePolicy", **metadata):
    body = {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "p", **metadata},
        "spec": spec,
    }
    return decode_override_policy(Manifest(id=id_of_body(body), body=body, origin=Origin(path="p.yaml")))


def test_selectors_of_a_namespaced_policy_get_its_namespace():
    selector = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert (
        policy({"resourceSelectors": [selector]}, namespace="shop").resource_selectors[0].namespace == "shop"
    )
    assert (
        policy({"resourceSelectors": [selector]}, "ClusterOverridePolicy").resource_selectors[0].namespace
        == ""
    )


def test_rules_keep_their_order_and_place():
    decoded = policy(
        {"overrideRules": [{"overriders": {}}, {"targetCluster": {"clusterNames": ["m1"]}, "overriders": {}}]}
    )
    assert [rule.index for rule in decoded.rules] == [0, 1]
    assert decoded.rules[0].target_cluster is None
    assert decoded.rules[1].target_cluster == ClusterAffinity(cluster_names=("m1",))


def test_the_deprecated_rule_counts_only_without_rules():
    legacy = {
        "targetCluster": {"exclude": ["m1"]},
        "overriders": {"plaintext": [{"path": "/a", "operator": "remove"}]},
    }
    (rule,) = policy(legacy).rules
    assert rule.index == LEGACY_RULE
    assert rule.target_cluster == ClusterAffinity(exclude=("m1",))
    assert len(rule.overriders.plaintext) == 1
    assert [rule.index for rule in policy({**legacy, "overrideRules": [{"overriders": {}}]}).rules] == [0]


def test_a_policy_that_says_nothing_has_one_rule_that_does_nothing():
    (rule,) = policy({}).rules
    assert rule.target_cluster is None
    assert rule.overriders.plaintext == ()


def test_every_overrider_is_decoded():
    body = {
        "imageOverrider": [
            {"component": "Tag", "operator": "replace", "value": "2"},
            {"component": "Registry", "operator": "remove", "predicate": {"path": "/spec/image"}},
        ],
        "commandOverrider": [{"containerName": "app", "operator": "add", "value": ["a"]}],
        "argsOverrider": [{"containerName": "app", "operator": "remove"}],
        "labelsOverrider": [{"operator": "add", "value": {"b": "2", "a": "1"}}],
        "annotationsOverrider": [{"operator": "remove", "value": {"a": ""}}],
        "fieldOverrider": [
            {"fieldPath": "/data/f", "yaml": [{"subPath": "/a", "operator": "add", "value": {"b": 1}}]}
        ],
        "plaintext": [{"path": "/a", "operator": "add", "value": None}, {"path": "/b", "operator": "remove"}],
    }
    overriders = policy({"overrideRules": [{"overriders": body}]}).rules[0].overriders
    assert overriders.image == (
        ImageOverrider(component="Tag", operator="replace", value="2"),
        ImageOverrider(component="Registry", operator="remove", predicate_path="/spec/image"),
    )
    assert overriders.command == (CommandArgsOverrider(container_name="app", operator="add", value=("a",)),)
    assert overriders.args == (CommandArgsOverrider(container_name="app", operator="remove"),)
    assert overriders.labels == (LabelAnnotationOverrider(operator="add", value=(("a", "1"), ("b", "2"))),)
    assert overriders.annotations == (LabelAnnotationOverrider(operator="remove", value=(("a", ""),)),)
    operation = PatchOperation(path="/a", operator="add", value={"b": 1}, has_value=True)
    assert overriders.field == (FieldOverrider(field_path="/data/f", yaml=(operation,)),)
    assert overriders.plaintext == (
        PatchOperation(path="/a", operator="add", value=None, has_value=True),
        PatchOperation(path="/b", operator="remove"),
    )
    assert overriders.body is body


def test_a_predicate_without_a_path_is_not_the_absence_of_a_predicate():
    item = {"component": "Tag", "operator": "remove", "predicate": {}}
    (overrider,) = policy({"overriders": {"imageOverrider": [item]}}).rules[0].overriders.image
    assert overrider.predicate_path == ""


def test_field_selectors_are_decoded():
    expression = {"key": "zone", "operator": "In", "values": ["a"]}
    (rule,) = policy(
        {"targetCluster": {"fieldSelector": {"matchExpressions": [expression]}}, "overriders": {}}
    ).rules
    assert rule.target_cluster.field_selector == (Requirement(key="zone", operator="In", values=("a",)),)
