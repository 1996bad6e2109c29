import pytest

from reconciler.interpreter.defaults import with_defaults
from reconciler.interpreter.registry import NATIVE


def deployment(**spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}


def job(**spec):
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": spec}


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet"])
def test_absent_replicas_are_one(kind):
    assert with_defaults({"apiVersion": "apps/v1", "kind": kind})["spec"]["replicas"] == 1
    assert (
        with_defaults({"apiVersion": "apps/v1", "kind": kind, "spec": {"replicas": None}})["spec"]["replicas"]
        == 1
    )


def test_what_is_written_stays_also_zero():
    body = deployment(replicas=0)
    assert with_defaults(body) is body


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({}, {"parallelism": 1, "completions": 1}),
        ({"parallelism": 3}, {"parallelism": 3}),
        ({"completions": 5}, {"completions": 5, "parallelism": 1}),
    ],
)
def test_a_job_completes_once_only_where_neither_number_is_written(written, meant):
    assert with_defaults(job(**written))["spec"] == meant


def test_other_kinds_have_no_such_default():
    daemon_set = {"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": {}}
    assert with_defaults(daemon_set) is daemon_set


def test_interpretation_without_the_default_sees_the_file_as_it_is():
    assert NATIVE.replicas(deployment()) == (0, None)
    assert NATIVE.replicas(with_defaults(deployment())) == (1, None)
