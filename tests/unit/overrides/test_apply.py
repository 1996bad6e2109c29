import copy

import pytest

from reconciler.model.cluster import Cluster
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.overrides.apply import apply_overrides
from reconciler.overrides.decode import decode_override_policy
from reconciler.overrides.outcome import OverrideError
from reconciler.overrides.prepare import prepare

WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "app", "image": "web:1"}]}}},
}
M1 = Cluster(name="m1", labels={"zone": "a"}, region="eu")
M2 = Cluster(name="m2")


def policy(name, *rules, selectors=None, namespace="shop"):
    kind = "OverridePolicy" if namespace else "ClusterOverridePolicy"
    body = {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": {
            "overrideRules": list(rules),
            **({} if selectors is None else {"resourceSelectors": selectors}),
        },
    }
    return decode_override_policy(
        Manifest(id=id_of_body(body), body=body, origin=Origin(path=f"{name}.yaml"))
    )


def trace(word, **target):
    """A rule whose work is seen: it appends to one annotation."""
    return rule({"plaintext": [{"path": "/trace/-", "operator": "add", "value": word}]}, **target)


def rule(overriders, **target):
    return {"overriders": overriders, **({"targetCluster": target} if target else {})}


def traced(policies, cluster_policies=(), body=None, cluster=M1):
    body = {**(body or WEB), "trace": []}
    result = apply_overrides(body, cluster, cluster_policies, policies)
    return result.body["trace"]


BY_KIND = {"apiVersion": "apps/v1", "kind": "Deployment"}
BY_NAME = {**BY_KIND, "name": "web"}
BY_LABELS = {**BY_KIND, "labelSelector": {"matchLabels": {"app": "web"}}}


def test_the_most_specific_policy_is_applied_last_whatever_its_name():
    policies = [
        policy("a", trace("name"), selectors=[BY_NAME]),
        policy("b", trace("labels"), selectors=[BY_LABELS]),
        policy("c", trace("kind"), selectors=[BY_KIND]),
    ]
    assert traced(policies) == ["kind", "labels", "name"]


def test_equally_specific_policies_go_by_the_bytes_of_their_names():
    policies = [policy(name, trace(name)) for name in ("b", "a", "B", "ä")]
    assert traced(policies) == ["B", "a", "b", "ä"]


def test_the_best_selector_counts():
    policies = [
        policy("a", trace("a"), selectors=[BY_KIND, BY_NAME]),
        policy("b", trace("b"), selectors=[BY_LABELS]),
    ]
    assert traced(policies) == ["b", "a"]


def test_a_policy_that_does_not_select_the_object_is_left_out():
    others = [
        {**BY_KIND, "kind": "deployment"},
        {**BY_KIND, "apiVersion": "apps/v1beta1"},
        {**BY_KIND, "name": "api"},
        {**BY_KIND, "labelSelector": {"matchLabels": {"app": "api"}}},
        # A name makes the label selector moot, also where the name does not match.
        {**BY_LABELS, "name": "api"},
    ]
    assert traced([policy(f"p{i}", trace("x"), selectors=[one]) for i, one in enumerate(others)]) == []


def test_cluster_scoped_policies_come_first_and_the_namespaces_own_see_their_result():
    label = rule({"labelsOverrider": [{"operator": "add", "value": {"tier": "gold"}}]})
    cluster_wide = policy("z", trace("cluster"), label, namespace="")
    selector = {**BY_KIND, "labelSelector": {"matchLabels": {"tier": "gold"}}}
    assert traced([policy("a", trace("own"), selectors=[selector])], [cluster_wide]) == ["cluster", "own"]


def test_policies_of_another_namespace_and_of_cluster_scoped_objects_are_left_out():
    assert traced([policy("a", trace("x"), namespace="other")]) == []
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    assert traced([policy("a", trace("x"))], body=role) == []


def test_every_matching_rule_applies_in_order():
    rules = [
        trace("all"),
        trace("names", clusterNames=["m1"]),
        trace("excluded", exclude=["m1"]),
        trace("labels", labelSelector={"matchLabels": {"zone": "a"}}),
        trace(
            "fields",
            fieldSelector={"matchExpressions": [{"key": "region", "operator": "In", "values": ["eu"]}]},
        ),
    ]
    assert traced([policy("a", *rules)]) == ["all", "names", "labels", "fields"]
    assert traced([policy("a", *rules)], cluster=M2) == ["all", "excluded"]


def test_the_order_inside_a_rule_is_fixed():
    overriders = {
        "plaintext": [{"path": "/metadata/labels/seen", "operator": "replace", "value": "yes"}],
        "labelsOverrider": [{"operator": "add", "value": {"seen": "no"}}],
        "imageOverrider": [{"component": "Tag", "operator": "replace", "value": "2"}],
    }
    result = apply_overrides(WEB, M1, [], [policy("a", rule(overriders))])
    assert result.body["metadata"]["labels"]["seen"] == "yes"
    assert result.body["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"


def test_the_record_is_in_true_order_with_one_entry_a_rule():
    first = policy("a", trace("1"), trace("2"), selectors=[BY_NAME])
    second = policy("b", trace("3"), selectors=[BY_KIND])
    result = apply_overrides({**WEB, "trace": []}, M1, [], [first, second])
    assert [(entry.policy.name, entry.rule.index) for entry in result.applied] == [
        ("b", 0),
        ("a", 0),
        ("a", 1),
    ]


def test_an_error_names_policy_rule_and_field():
    bad = rule(
        {
            "plaintext": [
                {"path": "/spec/replicas", "operator": "replace", "value": 2},
                {"path": "/a/b", "operator": "add"},
            ]
        }
    )
    with pytest.raises(OverrideError) as caught:
        apply_overrides(WEB, M1, [], [policy("a", rule({}), bad)])
    assert caught.value.policy.name == "a"
    assert caught.value.rule.index == 1
    assert caught.value.path == ("spec", "overrideRules", 1, "overriders", "plaintext", 1)


@pytest.mark.parametrize("path", ["/kind", ""])
def test_a_result_without_a_kind_is_an_error(path):
    broken = rule({"plaintext": [{"path": path, "operator": "replace", "value": {} if not path else ""}]})
    with pytest.raises(OverrideError):
        apply_overrides(WEB, M1, [], [policy("a", broken)])


def test_items_that_change_nothing_are_reported_with_their_place():
    idle = rule({"labelsOverrider": [{"operator": "replace", "value": {"nope": "1"}}]})
    result = apply_overrides(WEB, M1, [], [policy("a", idle)])
    (no_op,) = result.no_ops
    assert no_op.path == ("spec", "overrideRules", 0, "overriders", "labelsOverrider", 0, "value", "nope")


def test_the_template_is_not_edited_and_what_no_rule_touches_is_shared():
    before = copy.deepcopy(WEB)
    result = apply_overrides(
        WEB, M1, [], [policy("a", rule({"labelsOverrider": [{"operator": "add", "value": {"b": "2"}}]}))]
    )
    assert before == WEB
    assert result.body["spec"] is WEB["spec"]


def test_prepared_policies_give_each_cluster_what_the_plain_function_gives():
    cluster_wide = policy(
        "c",
        rule({"labelsOverrider": [{"operator": "add", "value": {"tier": "gold"}}]}, clusterNames=["m1"]),
        namespace="",
    )
    own = policy(
        "o", trace("gold"), selectors=[{**BY_KIND, "labelSelector": {"matchLabels": {"tier": "gold"}}}]
    )
    broken = policy("x", rule({"plaintext": [{"path": "/nope/x", "operator": "add"}]}, clusterNames=["m3"]))
    clusters = [M1, M2, Cluster(name="m3"), Cluster(name="m4")]
    body = {**WEB, "trace": []}
    results = prepare([cluster_wide, own, broken], clusters).apply(body, [one.name for one in clusters])
    assert [names for _, names in results] == [("m1",), ("m2", "m4"), ("m3",)]
    by_name = {name: result for result, names in results for name in names}
    for cluster in clusters[:2]:
        assert by_name[cluster.name] == apply_overrides(body, cluster, [cluster_wide], [own, broken])
    with pytest.raises(OverrideError) as caught:
        apply_overrides(body, clusters[2], [cluster_wide], [own, broken])
    assert str(by_name["m3"]) == str(caught.value)


def test_clusters_with_equal_rules_share_one_result():
    prepared = prepare([policy("a", trace("x"))], [M1, M2])
    ((_, names),) = prepared.apply({**WEB, "trace": []}, ["m2", "m1"])
    assert names == ("m2", "m1")


def test_namespaced_policies_can_be_left_out():
    prepared = prepare([policy("a", trace("x")), policy("b", trace("y"), namespace="")], [M1])
    ((result, _),) = prepared.apply({**WEB, "trace": []}, ["m1"], namespaced=False)
    assert result.body["trace"] == ["y"]


def test_what_a_patch_made_of_the_metadata_is_in_no_namespace():
    no_object = {"plaintext": [{"path": "/metadata", "operator": "add", "value": "x"}]}
    wide = policy("wide", rule(no_object), namespace="")
    again = policy(
        "wider", rule({"labelsOverrider": [{"operator": "add", "value": {"a": "1"}}]}), namespace=""
    )
    result = apply_overrides(WEB, M1, [wide, again], [policy("own", trace("x"))])
    assert result.body["metadata"] == "x"
    assert [entry.policy.name for entry in result.applied] == ["wide", "wider"]
    ((prepared, _),) = prepare([wide, again, policy("own", trace("x"))], [M1]).apply(WEB, ["m1"])
    assert prepared == result


def test_a_label_that_is_null_is_there_and_empty():
    body = {**WEB, "metadata": {**WEB["metadata"], "labels": {"app": None}}}
    exists = {**BY_KIND, "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}
    absent = {**BY_KIND, "labelSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}
    policies = [
        policy("there", trace("x"), selectors=[exists]),
        policy("gone", trace("y"), selectors=[absent]),
    ]
    assert apply_overrides({**body, "trace": []}, M1, [], policies).body["trace"] == ["x"]
