"""What a server's refusal means. The answers are those of a 1.36 API server, shortened."""

import json

import pytest

from reconciler.errors import FieldConflict, Forbidden, Rejected, Throttled, Unauthorized
from reconciler.kube.errors import is_dry_run_unsupported, translate, without_values


def status(code: int, message: str = "", reason: str = "", **details) -> bytes:
    return json.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": code,
            "message": message,
            "reason": reason,
            "details": details,
        }
    ).encode()


def a_cause(field: str, message: str, reason: str = "FieldValueInvalid") -> dict:
    return {"field": field, "message": message, "reason": reason}


def test_an_invalid_object_names_its_fields_and_rules_and_no_value():
    causes = [
        a_cause("spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
        a_cause(
            "spec.template.spec.containers[0].env[0].value", 'Invalid value: "hunter2": must be a number'
        ),
        a_cause("spec.type", 'Unsupported value: "Secretish": supported values: "A", "B"'),
        a_cause("metadata.name", "Required value: name is required", "FieldValueRequired"),
    ]
    error = translate(422, status(422, 'x "hunter2" is invalid', "Invalid", causes=causes), cluster="c")
    assert isinstance(error, Rejected)
    assert error.fields == tuple(cause["field"] for cause in causes)
    assert "hunter2" not in str(error)
    assert "Secretish" not in str(error)
    assert str(error).startswith("spec.replicas: Invalid value: must be greater than or equal to 0; ")
    assert 'supported values: "A", "B"' in str(error)
    assert not error.immutable
    assert error.cluster == "c"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("spec.selector", 'Invalid value: {"matchLabels":{"a":"hunter2: x"}}: field is immutable'),
        (
            "spec",
            "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals' are forbidden",
        ),
        ("spec", "Forbidden: spec is immutable after creation except resources.requests"),
        ("spec.clusterIPs[0]", 'Invalid value: ["10.0.0.1"]: may not change once set'),
        ("roleRef", 'Invalid value: {"apiGroup":"x","kind":"Role","name":"hunter2"}: cannot change roleRef'),
        ("value", "Forbidden: may not be changed in an update."),
        ("provisioner", "Forbidden: updates to provisioner are forbidden."),
        ("data", "Forbidden: field is immutable when `immutable` is set"),
        ("spec.scope", 'Invalid value: "Cluster": field is immutable'),
    ],
)
def test_fields_that_cannot_change_are_recognised(field, message):
    error = translate(
        422, status(422, "is invalid", "Invalid", causes=[a_cause(field, message)]), cluster="c"
    )
    assert isinstance(error, Rejected)
    assert error.immutable
    assert error.fields == (field,)
    assert "hunter2" not in str(error)


def test_a_quoted_value_that_looks_like_a_rule_is_not_shown():
    assert without_values('Invalid value: "a: hunter2"') == "Invalid value"
    assert (
        without_values('Invalid value: {"a": "hunter2"}: field is immutable')
        == "Invalid value: field is immutable"
    )
    assert without_values('Duplicate value: "hunter2"') == "Duplicate value"
    assert without_values('Not found: "hunter2"') == "Not found"


def test_types_and_contexts_of_decoders_are_not_shown():
    said = ".data.password: expected string, got &value.valueUnstructured{Value:12345}"
    assert without_values(said) == ".data.password: expected string, got another type"
    said = 'json: cannot unmarshal, error found in #10 byte of ...|"hunter2"|...'
    assert "hunter2" not in without_values(said)


def test_a_long_message_is_cut():
    assert len(without_values("x" * 5000)) == 401


@pytest.mark.parametrize(
    ("code", "reason", "kind", "retryable"),
    [
        (401, "Unauthorized", Unauthorized, False),
        (403, "Forbidden", Forbidden, False),
        (409, "Conflict", FieldConflict, False),
        (409, "AlreadyExists", Rejected, False),
        (404, "NotFound", Rejected, False),
        (400, "BadRequest", Rejected, False),
        (500, "InternalError", Rejected, False),
        (429, "TooManyRequests", Throttled, True),
        (503, "ServiceUnavailable", Throttled, True),
        (504, "Timeout", Throttled, True),
    ],
)
def test_each_status_is_one_of_our_errors_and_only_some_are_tried_again(code, reason, kind, retryable):
    error = translate(code, status(code, "m", reason), cluster="c")
    assert type(error) is kind
    assert error.retryable is retryable


def test_admission_answers_forbidden_too_and_is_a_rejection():
    said = 'admission webhook "policy.example.com" denied the request: no latest tags'
    error = translate(403, status(403, said, "Forbidden"), cluster="c")
    assert isinstance(error, Rejected)
    assert error.status == 403
    causes = [{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated"}]
    assert isinstance(
        translate(403, status(403, "is forbidden", "Forbidden", causes=causes), cluster="c"), Rejected
    )


def test_retry_after_comes_from_the_header_or_the_body():
    assert translate(429, b"", cluster="c", retry_after="7").retry_after == 7.0
    assert translate(429, status(429, retryAfterSeconds=3), cluster="c").retry_after == 3.0
    assert translate(429, b"", cluster="c", retry_after="Wed, 21 Oct 2026 07:28:00 GMT").retry_after == 0.0


def test_a_missing_object_is_told_from_a_path_that_is_not_served():
    gone = translate(404, status(404, "not found", "NotFound", kind="namespaces", name="shop"), cluster="c")
    assert gone.missing == ("", "namespaces", "shop")
    path = translate(404, b"404 page not found\n", cluster="c")
    assert path.missing == ("", "", "")
    assert str(path) == "404 page not found"


def test_a_webhook_that_takes_no_dry_run_is_recognised():
    said = 'admission webhook "x" does not support dry run'
    assert is_dry_run_unsupported(translate(400, status(400, said, "BadRequest"), cluster="c"))
    assert not is_dry_run_unsupported(translate(400, status(400, "bad", "BadRequest"), cluster="c"))


def test_something_that_is_no_api_server_is_said_shortly():
    error = translate(502, b"<html>" + b"x" * 10_000, cluster="c")
    assert isinstance(error, Rejected)
    assert len(str(error)) <= 401
