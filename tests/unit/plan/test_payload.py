"""What is sent for an object."""

import copy
from base64 import b64encode

from reconciler.model.marks import PART_OF
from reconciler.plan.payload import retained, sendable

OURS = "fleet-reconciler"


def body(**spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": spec,
    }


def live(spec, *managers):
    """A live object; each manager is (name, operation, fieldsV1 of the spec)."""
    made = body(**spec)
    fields = [
        {"manager": name, "operation": operation, "fieldsV1": {"f:spec": {f"f:{key}": {} for key in keys}}}
        for name, operation, keys in managers
    ]
    return {**made, "metadata": {**made["metadata"], "managedFields": fields}}


def keep_replicas(desired, member):
    return {**desired, "spec": {**desired["spec"], "replicas": member["spec"]["replicas"]}}


def test_our_label_is_added_and_what_only_a_server_writes_is_left_out():
    given = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "a",
            "labels": {"app": "web"},
            "uid": "1",
            "resourceVersion": "2",
            "creationTimestamp": None,
            "managedFields": [],
            "generation": 3,
            "finalizers": ["example.com/wait"],
        },
        "status": {"x": 1},
        "data": {"k": "v"},
    }
    before = copy.deepcopy(given)
    assert sendable(given, "set") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "a",
            "labels": {"app": "web", PART_OF: "set"},
            "finalizers": ["example.com/wait"],
        },
        "data": {"k": "v"},
    }
    assert given == before


def test_string_data_becomes_data_and_wins_over_it():
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "b2xk", "b": "Yg=="},
        "stringData": {"a": "näw"},
    }
    made = sendable(secret, "set")
    assert made["data"] == {"a": b64encode("näw".encode()).decode(), "b": "Yg=="}
    assert "stringData" not in made


def test_another_kinds_string_data_is_its_own():
    other = {
        "apiVersion": "example.com/v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"a": "b"},
    }
    assert sendable(other, "set")["stringData"] == {"a": "b"}


def test_a_placeholder_for_an_injected_certificate_is_not_sent_and_a_real_one_is():
    hook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "h"},
        "webhooks": [
            {"name": "a", "clientConfig": {"caBundle": "Cg==", "url": "https://x"}},
            {"name": "b", "clientConfig": {"caBundle": "UkVBTA==", "url": "https://x"}},
        ],
    }
    made = sendable(hook, "set")["webhooks"]
    assert made[0]["clientConfig"] == {"url": "https://x"}
    assert made[1]["clientConfig"] == {"caBundle": "UkVBTA==", "url": "https://x"}


def test_a_retained_field_that_nobody_else_owns_is_sent_with_its_live_value():
    there = live({"replicas": 5}, (OURS, "Apply", ["replicas"]))
    assert retained(body(replicas=2), there, keep_replicas, OURS)["spec"] == {"replicas": 5}


def test_a_retained_field_that_another_manager_owns_is_left_out():
    there = live({"replicas": 5}, (OURS, "Apply", ["replicas"]), ("hpa", "Update", ["replicas"]))
    assert retained(body(replicas=2, paused=False), there, keep_replicas, OURS)["spec"] == {"paused": False}


def test_a_retained_field_is_left_out_also_while_both_sides_agree():
    there = live({"replicas": 2}, (OURS, "Apply", ["replicas"]), ("hpa", "Update", ["replicas"]))
    assert retained(body(replicas=2), there, keep_replicas, OURS)["spec"] == {}


def test_a_field_without_a_rule_is_sent_as_written_whoever_else_owns_it():
    there = live({"replicas": 5}, (OURS, "Apply", ["replicas"]), ("hpa", "Update", ["replicas"]))
    assert retained(body(replicas=2), there, lambda desired, _live: desired, OURS)["spec"] == {"replicas": 2}


def test_a_field_that_we_dropped_stays_ours_with_its_live_value_until_another_takes_it():
    there = live({"replicas": 5}, (OURS, "Apply", ["replicas"]))
    assert retained(body(), there, keep_replicas, OURS)["spec"] == {"replicas": 5}


def test_what_the_member_filled_in_and_was_never_ours_is_not_taken_over():
    there = live({"replicas": 5}, (OURS, "Apply", ["paused"]))
    assert retained(body(), there, keep_replicas, OURS)["spec"] == {}


def test_metadata_is_never_taken_from_the_member():
    there = live({"replicas": 5}, (OURS, "Apply", ["replicas"]))
    there["metadata"]["finalizers"] = ["x"]
    made = retained(body(replicas=1), there, lambda _desired, member: member, OURS)
    assert made["metadata"] == {"name": "web", "namespace": "shop"}
