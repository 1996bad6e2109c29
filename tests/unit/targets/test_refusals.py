"""From a server's exception to what becomes of one object."""

import pytest

from reconciler.errors import (
    ClusterError,
    FieldConflict,
    Forbidden,
    Outdated,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from reconciler.kube.resources import Discovery, Resource
from reconciler.model.identity import ObjectId
from reconciler.problems import CATALOGUE
from reconciler.targets.refusals import concerns_all, missing_object, refusal_of

ME = ObjectId(group="", kind="ConfigMap", namespace="shop", name="me")
DISCOVERY = Discovery(
    (
        Resource(group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False),
        Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True),
    )
)


@pytest.mark.parametrize("error", [Unreachable("x"), Unauthorized("x"), Outdated("x"), ClusterError("x")])
def test_what_the_cluster_as_a_whole_says_ends_its_pass(error):
    assert concerns_all(error)


@pytest.mark.parametrize(
    ("error", "code", "transient"),
    [
        (Rejected("x", status=422), "R502", False),
        (Rejected("x", status=500), "R502", True),
        (Rejected("x", status=422, immutable=True), "R503", False),
        (Rejected("x", status=404), "R508", False),
        (Rejected("x", status=404, missing=("", "namespaces", "shop")), "R502", False),
        (Forbidden("x"), "R509", False),
        (FieldConflict("x"), "R510", True),
        (Throttled("x"), "R512", True),
    ],
)
def test_each_refusal_of_one_object_has_its_code(error, code, transient):
    refusal = refusal_of(ME, error)
    assert not concerns_all(error)
    assert (refusal.code, refusal.transient) == (code, transient)
    assert code in CATALOGUE
    assert refusal.message.startswith("ConfigMap shop/me: ")


def missing(error, payload=None):
    return missing_object(error, payload or {}, "shop", DISCOVERY)


def test_the_missing_object_is_known_by_resource_or_kind():
    namespace = ObjectId(group="", kind="Namespace", namespace="", name="shop")
    assert missing(Rejected("x", status=404, missing=("", "namespaces", "shop"))) == namespace
    assert missing(Rejected("x", status=404, missing=("", "Namespace", "shop"))) == namespace
    config = ObjectId(group="", kind="ConfigMap", namespace="shop", name="a")
    assert missing(Rejected("x", status=404, missing=("", "configmaps", "a"))) == config
    assert missing(Rejected("x", status=404, missing=("", "unknowns", "a"))) is None
    assert missing(Rejected("x", status=404)) is None
    assert missing(Rejected("x", status=422, missing=("", "configmaps", "a"))) is None


def test_a_binding_misses_its_role_which_the_server_calls_a_binding():
    rbac = "rbac.authorization.k8s.io"
    error = Rejected("x", status=404, missing=(rbac, "rolebindings", "reader"))
    role = {"roleRef": {"kind": "Role", "name": "reader"}}
    assert missing(error, role) == ObjectId(group=rbac, kind="Role", namespace="shop", name="reader")
    cluster_role = {"roleRef": {"kind": "ClusterRole", "name": "reader"}}
    assert missing(error, cluster_role) == ObjectId(
        group=rbac, kind="ClusterRole", namespace="", name="reader"
    )


def test_a_pod_misses_its_service_account():
    said = 'pods "x" is forbidden: error looking up service account shop/runner: serviceaccount "runner" not found'
    assert missing(Forbidden(said)) == ObjectId(
        group="", kind="ServiceAccount", namespace="shop", name="runner"
    )
