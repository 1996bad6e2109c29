"""Answers: what Karmada's example says, and whatever else a webhook may say, which must end in words."""

import json
import time
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.interpreter.custom.results import ResultError
from reconciler.interpreter.webhook.question import context, question
from reconciler.interpreter.webhook.response import LARGEST_RESULT, answer_of, value_of
from reconciler.model.binding import ReplicaRequirements
from reconciler.model.selector import ObjectReference
from reconciler.model.webhook import Webhook
from tests.interpreterwebhook.workload import patch, respond, workload

WEBHOOK = Webhook(configuration="c", name="a.example.com", url="https://hook.example.com/x", seconds=1.0)
LIVE = {"status": {"readyReplicas": 3}}


def asked(operation, body=None, **given):
    return question(WEBHOOK, operation, body or workload(), **given)


def exchange(about, answer=respond, **more):
    """The fact that comes of `about`, answered by `answer`."""
    sent = json.loads(context(about, "u-1"))
    request = sent.pop("request")
    return answer_of(about, "u-1", json.dumps({**sent, "response": answer(request), **more}).encode())


def failure(about, response, **more):
    found = exchange(about, lambda _: {"uid": "u-1", "successful": True, **response}, **more)
    assert not found.result
    return found.failure


def test_every_operation_of_an_honest_webhook():
    reference = ObjectReference(api_version="v1", kind="ConfigMap", namespace="shop", name="web")
    live = workload(**LIVE)
    paused = workload(spec={"paused": True})
    items = [
        {"clusterName": "a", "status": {"readyReplicas": 2}},
        {"clusterName": "b", "status": {"readyReplicas": 1}},
    ]
    for about, expected in (
        (asked("InterpretReplica"), (3, ReplicaRequirements(resource_request={"cpu": "100m"}))),
        (asked("ReviseReplica", replicas=7), workload(replicas=7)),
        (asked("Retain", observed=paused), paused),
        (asked("AggregateStatus", items=items), workload(**LIVE)),
        (asked("InterpretStatus", live), {"readyReplicas": 3}),
        (asked("InterpretHealth", live), True),
        (asked("InterpretDependency"), (reference,)),
    ):
        answer = exchange(about)
        assert not answer.failure, about.operation
        assert value_of(about, answer) == expected
        assert (answer.digest, answer.webhook, answer.operation) == (
            about.digest,
            "c/a.example.com",
            about.operation,
        )


def test_the_request_is_karmadas():
    body = json.loads(context(asked("Retain", observed={"a": 1}), "u-1"))
    assert (body["apiVersion"], body["kind"]) == ("config.karmada.io/v1alpha1", "ResourceInterpreterContext")
    assert body["request"] == {
        "uid": "u-1",
        "kind": {"group": "workload.example.io", "version": "v1alpha1", "kind": "Workload"},
        "name": "web",
        "namespace": "shop",
        "operation": "Retain",
        "object": workload(),
        "observedObject": {"a": 1},
        "replicas": 0,
    }
    core = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    request = json.loads(context(asked("InterpretHealth", core), "u-1"))["request"]
    assert request["kind"] == {"group": "", "version": "v1", "kind": "Node"}
    assert "namespace" not in request


def test_aggregated_items_are_the_apis_without_what_is_ours():
    items = [
        {
            "clusterName": "a",
            "readiness": "Current",
            "health": "Healthy",
            "applied": True,
            "appliedMessage": "",
        }
    ]
    request = json.loads(context(asked("AggregateStatus", items=items), "u"))["request"]
    assert request["aggregatedStatus"] == [{"clusterName": "a", "health": "Healthy", "applied": True}]


def test_a_digest_is_of_the_request_and_of_who_is_asked_and_not_of_the_order_of_keys():
    same = dict(reversed(workload().items()))
    assert asked("InterpretReplica").digest == asked("InterpretReplica", same).digest
    elsewhere = Webhook(configuration="c", name="a.example.com", url="https://other.example.com", seconds=1.0)
    digests = {
        asked("InterpretReplica").digest,
        asked("InterpretDependency").digest,
        asked("ReviseReplica", replicas=1).digest,
        asked("ReviseReplica", replicas=2).digest,
        asked("InterpretReplica", workload(replicas=4)).digest,
        question(elsewhere, "InterpretReplica", workload()).digest,
    }
    assert len(digests) == 6
    slower = Webhook(configuration="c", name="a.example.com", url=WEBHOOK.url, seconds=30.0, authority="x")
    assert question(slower, "InterpretReplica", workload()).digest == asked("InterpretReplica").digest


@pytest.mark.parametrize(
    ("operation", "response", "words"),
    [
        ("InterpretReplica", {"uid": "u-2", "replicas": 1}, "to another request"),
        ("InterpretReplica", {"uid": None, "replicas": 1}, "to another request"),
        ("InterpretReplica", {"successful": None, "replicas": 1}, "does not say whether"),
        ("InterpretReplica", {"successful": "true", "replicas": 1}, "does not say whether"),
        ("InterpretReplica", {"successful": False}, "does not say why"),
        ("InterpretReplica", {"successful": False, "status": {"code": 500, "message": "no\n\x1b[31mway"}}, "with code 500: no  [31mway"),
        ("InterpretReplica", {}, "replicas is expected"),
        ("InterpretReplica", {"replicas": True}, "replicas is expected"),
        ("InterpretReplica", {"replicas": -1}, "replicas is expected"),
        ("InterpretReplica", {"replicas": 1.5}, "replicas is expected"),
        ("InterpretReplica", {"replicas": 2**31}, "replicas is expected"),
        ("InterpretReplica", {"replicas": 1, "replicaRequirements": [1]}, "replicaRequirements is no object"),
        ("InterpretReplica", {"replicas": 1, "replicaRequirements": {"resourceRequest": {"cpu": "much"}}}, "cpu is not a quantity"),
        ("InterpretReplica", {"replicas": 1, "replicaRequirements": {"nodeClaim": {"tolerations": {}}}}, "tolerations is not a list"),
        ("InterpretHealth", {}, "healthy is expected"),
        ("InterpretHealth", {"healthy": "yes"}, "healthy is expected"),
        ("InterpretStatus", {}, "a rawStatus is expected"),
        ("InterpretDependency", {"dependencies": {"kind": "x"}}, "no list of references"),
        ("InterpretDependency", {"dependencies": [{"kind": "ConfigMap", "name": "x"}]}, "without apiVersion or kind"),
        ("InterpretDependency", {"dependencies": [{"apiVersion": "v1", "kind": "ConfigMap"}]}, "neither a name nor"),
        ("InterpretDependency", {"dependencies": [{"apiVersion": "v1", "kind": "X", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}]}, "invalid labelSelector"),
        ("ReviseReplica", {"patch": "W10="}, "go together"),
        ("ReviseReplica", {"patchType": "JSONPatch"}, "go together"),
        ("ReviseReplica", {"patch": "W10=", "patchType": "MergePatch"}, "not JSONPatch"),
        ("ReviseReplica", {"patch": "%%%", "patchType": "JSONPatch"}, "not JSON in base64"),
        ("ReviseReplica", {"patch": "e30=", "patchType": "JSONPatch"}, "no list of operations"),
        ("ReviseReplica", {"patch": 7, "patchType": "JSONPatch"}, "not JSON in base64"),
        ("ReviseReplica", patch(("replace", "/spec/none", 1)), "operation 0 of the patch: its path does not exist"),
        ("ReviseReplica", patch(("replace", "/spec/template/spec/containers/9", 1)), "does not exist"),
        ("ReviseReplica", patch(("replace", "", [])), "leaves no object"),
        ("ReviseReplica", patch(("replace", "/metadata/name", "other")), "same metadata.name"),
        ("Retain", patch(("replace", "/metadata/namespace", "other")), "same metadata.namespace"),
        ("AggregateStatus", patch(("replace", "/kind", "Job")), "same kind"),
        ("AggregateStatus", patch(("replace", "/apiVersion", "v9")), "same apiVersion"),
        ("ReviseReplica", patch(("add", "/metadata", None)), "same metadata.namespace"),
        ("InterpretStatus", {"rawStatus": {"x": "y" * LARGEST_RESULT}}, "larger than 256 KiB"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_said_in_words(operation, response, words):
    given = {"observed": workload()} if operation == "Retain" else {}
    found = failure(asked(operation, **given), response)
    assert words in found
    assert found.isprintable()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "no response"),
        (b'{"response": 1}', "no response"),
        (b'{"response": {}}', "no ResourceInterpreterContext"),
        (
            b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": {"uid": "u"}}',
            "no Resource",
        ),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "too deep"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_exchange_is_said_in_words(data, words):
    assert words in answer_of(asked("InterpretReplica"), "u", data).failure


def test_a_patch_that_would_fill_the_memory_is_refused_at_once():
    bomb = [{"op": "copy", "from": "/spec", "path": f"/spec/x{n}"} for n in range(500)]
    started = time.thread_time()
    found = failure(
        asked("ReviseReplica"),
        {"patchType": "JSONPatch", "patch": b64encode(json.dumps(bomb).encode()).decode()},
    )
    assert "copies more" in found or "too" in found
    assert time.thread_time() - started < 2


def test_no_patch_leaves_the_object_as_it_is():
    about = asked("ReviseReplica", replicas=3)
    answer = exchange(about, lambda _: {"uid": "u-1", "successful": True})
    assert value_of(about, answer) == workload()


def test_nothing_beside_the_operations_own_fields_is_kept():
    answer = exchange(
        asked("InterpretHealth", workload(**LIVE)),
        lambda request: {**respond(request), "replicas": 9, "note": "x"},
    )
    assert answer.result == '{"healthy":true}'


def test_what_was_kept_and_tampered_with_is_no_answer():
    about = asked("InterpretReplica")
    good = exchange(about)
    for result in ("", "[]", "{", '{"replicas":"3"}'):
        broken = type(good)(digest=good.digest, webhook=good.webhook, operation=good.operation, result=result)
        with pytest.raises(ResultError):
            value_of(about, broken)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["uid", "successful", "status", "replicas", "replicaRequirements", "patch", "patchType", "rawStatus", "healthy", "dependencies"]
)  # fmt: skip
OPERATIONS = st.sampled_from(["InterpretReplica", "ReviseReplica", "Retain", "AggregateStatus", "InterpretStatus", "InterpretHealth", "InterpretDependency"])  # fmt: skip


@given(operation=OPERATIONS, response=st.dictionaries(FIELDS, JSON), is_honest=st.booleans())
def test_any_response_ends_in_a_value_or_in_words(operation, response, is_honest):
    about = asked(operation, observed=workload())
    if is_honest:
        response = {
            "uid": "u-1",
            "successful": True,
            **{k: v for k, v in response.items() if k not in ("uid", "successful")},
        }
    found = exchange(about, lambda _: response)
    assert bool(found.failure) != bool(found.result)
    if found.result:
        value_of(about, found)
