"""Each rule of danger, on the smallest difference that shows it, and on one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.dangers import RULES, dangers
from reconciler.diff.placement import placement_changes
from reconciler.diff.trees import tree_difference
from reconciler.model.cluster import Condition
from reconciler.model.identity import ObjectId
from tests.unit.diff.builders import binding, config_map, deployment, plain, tree

CRD = plain("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com")
OTHER = config_map("other", {"k": "v"})


def found(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str, str]]:
    difference = tree_difference(tree({"a": [*before, OTHER]}), tree({"a": [*after, OTHER]}))
    return [(danger.rule, danger.message) for danger in dangers(difference, ())]


def pod_with(**context: Any) -> dict[str, Any]:
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0]["securityContext"] = context
    return body


def claim_of(size: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return plain("v1", "PersistentVolumeClaim", "data", "shop", spec=spec)


def role(*verbs: str, resources: tuple[str, ...] = ("pods",)) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "resources": list(resources), "verbs": list(verbs)}]
    return plain("rbac.authorization.k8s.io/v1", "Role", "reader", "shop", rules=rules)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (CRD, "removed-crd"),
        (plain("v1", "Namespace", "shop"), "removed-namespace"),
        (claim_of("1Gi"), "removed-pvc"),
        (plain("apps/v1", "StatefulSet", "db", "shop"), "removed-statefulset"),
        (plain("networking.k8s.io/v1", "NetworkPolicy", "deny", "shop"), "removed-networkpolicy"),
        (plain("policy/v1", "PodDisruptionBudget", "web", "shop"), "removed-pdb"),
    ],
)
def test_a_removal_that_takes_more_with_it_is_dangerous(body: dict[str, Any], rule: str):
    assert [name for name, _ in found([body], [])] == [rule]
    assert found([], [body]) == []


def test_removing_a_config_map_is_not_dangerous():
    assert found([config_map("x", {})], []) == []


def test_a_kind_of_another_group_is_not_mistaken_for_the_built_in_one():
    assert found([plain("example.com/v1", "Namespace", "x")], []) == []


def test_a_container_that_becomes_privileged_is_named():
    assert found([deployment()], [pod_with(privileged=True)]) == [
        ("privileged", "container web is privileged")
    ]
    assert found([pod_with(privileged=True)], [pod_with(privileged=True, runAsUser=1)]) == []
    assert found([pod_with(privileged=True)], [deployment()]) == []


def test_capabilities_are_named():
    after = pod_with(capabilities={"add": ["SYS_ADMIN"]})
    assert found([deployment()], [after]) == [("privileged", "container web has capability SYS_ADMIN")]


def test_a_new_privileged_workload_is_dangerous_too():
    assert found([], [pod_with(privileged=True)]) == [("privileged", "container web is privileged")]


def test_a_cron_job_keeps_its_pod_elsewhere():
    pod = {"hostNetwork": True, "volumes": [{"name": "x", "hostPath": {"path": "/etc"}}]}
    job = plain(
        "batch/v1", "CronJob", "x", "shop", spec={"jobTemplate": {"spec": {"template": {"spec": pod}}}}
    )
    assert found([], [job]) == [("host-access", "mounts /etc of the node, uses hostNetwork of the node")]


def test_rights_that_grow_are_listed_one_by_one():
    assert found([role("get")], [role("get", "delete")]) == [("rbac-widened", "now also: delete pods")]
    assert found([role("get", "delete")], [role("get")]) == []


def test_a_new_role_is_only_dangerous_with_a_wildcard():
    assert found([], [role("get")]) == []
    assert found([], [role("*")]) == [("rbac-widened", "now also: * pods")]


def test_a_new_subject_of_a_binding_widens():
    def bound(*names: str) -> dict[str, Any]:
        subjects = [{"kind": "User", "name": name} for name in names]
        return plain(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            "x",
            roleRef={"name": "admin"},
            subjects=subjects,
        )

    assert found([bound("ann")], [bound("ann", "bob")]) == [("rbac-widened", "now also: admin to User bob")]


def test_rules_that_multiply_do_not_cost_the_time_of_their_product():
    many = [f"r{i}" for i in range(2_000)]
    wide = plain(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "x",
        "shop",
        rules=[{"apiGroups": many, "resources": many, "verbs": many}],
    )
    ((rule, message),) = found([role("get") | {"metadata": wide["metadata"]}], [wide])
    assert rule == "rbac-widened"
    assert len(message) < 300


def test_a_field_that_the_server_will_refuse_to_change_is_named():
    after = deployment()
    after["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    assert found([deployment()], [after]) == [
        ("immutable-field", "spec.selector cannot be changed in place: the server will refuse it")
    ]


def test_a_volume_that_shrinks_is_dangerous_and_one_that_grows_is_not():
    assert found([claim_of("20Gi")], [claim_of("10Gi")]) == [
        ("pvc-shrink", "storage 20Gi→10Gi: a volume cannot shrink")
    ]
    assert found([claim_of("10Gi")], [claim_of("20Gi")]) == []
    assert found([claim_of("1024Mi")], [claim_of("1Gi")]) == []


def test_a_webhook_that_comes_is_dangerous():
    hook = plain("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "x")
    assert [rule for rule, _ in found([], [hook])] == ["webhook-added"]
    assert found([hook], [hook]) == []


def test_a_cluster_that_loses_everything_is_the_first_danger():
    difference = tree_difference(tree({"a": [CRD, OTHER], "b": [OTHER]}), tree({"a": [], "b": [OTHER]}))
    assert [(d.rule, d.clusters) for d in dangers(difference, ())] == [
        ("cluster-emptied", ("a",)),
        ("removed-crd", ("a",)),
    ]


def test_a_cluster_that_leaves_keeps_its_objects_and_that_is_said():
    difference = tree_difference(tree({"a": [OTHER], "b": [OTHER]}), tree({"a": [OTHER]}))
    ((danger),) = dangers(difference, ())
    assert danger.rule == "cluster-left"
    assert danger.message == "b leaves the fleet: its 1 objects stay there, and nobody looks after them"


WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
CONFIG = ObjectId(group="", kind="ConfigMap", namespace="shop", name="web")
NOWHERE = Condition(
    type="Scheduled", status="False", reason="NoClusterFit", message="0/2 clusters are available"
)
EMPTY = tree_difference(tree({"a": []}), tree({"a": []}))


def placed(old, new):
    before = {old.resource: old} if old else {}
    after = {new.resource: new} if new else {}
    return [(d.rule, d.message, d.clusters) for d in dangers(EMPTY, placement_changes(before, after))]


def test_a_workload_that_loses_its_last_replica_is_dangerous():
    assert placed(binding(WEB, {"a": 3}), binding(WEB, {}, replicas=3, scheduled=NOWHERE)) == [
        ("replicas-zero", "from 3 replicas to none: 0/2 clusters are available", ("a",))
    ]


def test_an_object_that_fits_nowhere_any_more_is_dangerous():
    assert placed(
        binding(CONFIG, {"a": 0}, replicas=0), binding(CONFIG, {}, replicas=0, scheduled=NOWHERE)
    ) == [("placed-nowhere", "0/2 clusters are available", ("a",))]


def test_a_removed_template_is_a_removed_object_and_not_said_twice():
    assert placed(binding(WEB, {"a": 3}), None) == []


def test_replicas_that_move_are_not_dangerous():
    assert placed(binding(WEB, {"a": 3}), binding(WEB, {"b": 3})) == []


def test_every_rule_has_its_place_in_the_order_once():
    assert len(set(RULES)) == len(RULES)


def test_content_of_a_wrong_shape_is_survived():
    for spec in (None, "text", [], {"template": 3}, {"template": {"spec": {"containers": {"name": "x"}}}}):
        body = plain("apps/v1", "Deployment", "web", "shop", spec=spec)
        assert found([deployment()], [body]) == [] or all(
            rule == "immutable-field" for rule, _ in found([deployment()], [body])
        )
