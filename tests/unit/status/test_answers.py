"""Webhooks' answers as files of the status branch: read back as written, and no more than is asked."""

import pytest

from reconciler.manifests.load import load
from reconciler.model.identity import ObjectId
from reconciler.model.webhook import WebhookAnswer
from reconciler.status.answers import decode_answers, encode_answers, kept_answers, with_answers
from reconciler.status.document import decode_observation

WEB = ObjectId(group="workload.example.io", kind="Workload", namespace="shop", name="web")
API = ObjectId(group="workload.example.io", kind="Workload", namespace="shop", name="api")
NODE = ObjectId(group="", kind="Node", namespace="", name="Node:1")


def answer(digest="d1", operation="InterpretReplica", result='{"replicas":3}', failure=""):
    return WebhookAnswer(
        digest=digest,
        webhook="c/a.example.com",
        operation=operation,
        result="" if failure else result,
        failure=failure,
    )


def test_what_was_written_is_read_back_and_files_are_sorted():
    patch = answer("d2", "ReviseReplica", '{"patch":[{"op":"add","path":"/a","value":"1e3"}]}')
    given = {WEB: (patch, answer(), answer("d3", failure="no: such\nthing")), NODE: (answer(),)}
    files = encode_answers(given)
    assert list(files) == [
        "webhooks/_cluster/Node/%4Eode%3A1.yaml",
        "webhooks/shop/Workload.workload.example.io/web.yaml",
    ]
    found = decode_observation(files, commit="c", time=None).answers
    assert found[NODE] == given[NODE]
    assert set(found[WEB]) == set(given[WEB])
    assert encode_answers(found) == files


def test_an_object_without_answers_has_no_file():
    assert encode_answers({WEB: ()}) == {}


@pytest.mark.parametrize(
    "row",
    [
        "{}",
        "{webhook: w, operation: o}",
        "{webhook: w, operation: o, digest: 7, result: {}}",
        "{webhook: w, operation: o, digest: d, result: [1]}",
        "{webhook: w, operation: o, digest: d, failure: 7}",
        "7",
    ],
)
def test_what_nobody_could_have_written_is_no_answer(row):
    (document,) = load(f"kind: WebhookAnswers\nanswers: [{row}]\n".encode(), "x").documents
    assert decode_answers("webhooks/shop/Workload.workload.example.io/web.yaml", document.body) == (WEB, ())
    assert decode_answers("webhooks/elsewhere.yaml", document.body) is None
    assert decode_answers("webhooks/shop/X/y.yaml", {"kind": "Other", "answers": []}) is None


def test_answers_to_what_is_not_asked_any_more_go():
    known = {WEB: (answer("old"), answer("new"))}
    assert kept_answers(known, {WEB: {"new"}}, complete=True) == {WEB: (answer("new"),)}
    assert kept_answers(known, {WEB: {"new"}}, complete=False) == {WEB: (answer("new"),)}


def test_answers_about_what_was_not_asked_about_stay_only_while_the_render_is_not_complete():
    known = {WEB: (answer(),)}
    assert kept_answers(known, {API: {"d"}}, complete=False) == known
    assert kept_answers(known, {API: {"d"}}, complete=True) == {}


def test_a_newer_answer_takes_the_place_of_the_old_one():
    known = {WEB: (answer("d1"), answer("d2", "ReviseReplica"))}
    better = answer("d1", result='{"replicas":4}')
    merged = with_answers(known, {WEB: [better], API: [answer("d9")]})
    assert merged == {WEB: (better, answer("d2", "ReviseReplica")), API: (answer("d9"),)}
    assert known == {WEB: (answer("d1"), answer("d2", "ReviseReplica"))}
