"""Delivery's findings as Problems."""

import pytest

from reconciler.errors import (
    CredentialRefused,
    Forbidden,
    Outdated,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Guard
from reconciler.plan.report import cluster_problem, delivery_problem, guard_problem


def an(name: str, kind: str = "ConfigMap") -> ObjectId:
    return ObjectId(group="", kind=kind, namespace="shop", name=name)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreachable("no answer within 30 s"), "R511"),
        (Rejected("x", status=500), "R511"),
        (Throttled("x"), "R512"),
        (Forbidden("x"), "R509"),
        (Outdated("x"), "R515"),
        (Unauthorized("renew Secret x"), "R538"),
        (CredentialRefused("cluster edge: no Secret", code="R530"), "R530"),
    ],
)
def test_every_failure_of_a_cluster_has_its_code(error, code):
    problem = cluster_problem("edge", error)
    assert problem.code == code
    assert problem.subject == "edge"
    assert problem.remedy
    assert problem.message.count("cluster edge") == 1


def test_a_guard_names_ten_objects_and_of_protected_kinds_every_one():
    many = tuple(an(f"{number:02}") for number in range(15))
    crowd = guard_problem("edge", Guard(name="too-many-deletions", message="m", objects=many))
    assert crowd.evidence == (*map(str, many[:10]), "and 5 more")
    protected = guard_problem("edge", Guard(name="protected-kind", message="m", objects=many))
    assert protected.evidence == tuple(map(str, many))


def test_severity_and_remedy_come_from_the_catalogue():
    problem = delivery_problem("R513", "edge", "said", evidence=["a"])
    assert (problem.severity, problem.evidence, problem.message) == ("warning", ("a",), "cluster edge: said")
