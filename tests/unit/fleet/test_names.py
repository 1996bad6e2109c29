"""Names that Kubernetes takes, and no others; none of them leaves the folder it is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.fleet import names
from reconciler.model.identity import ObjectId, object_id_of_path


@pytest.mark.parametrize(
    ("group", "kind", "name", "expected"),
    [
        ("", "ConfigMap", "kube-root-ca.crt", True),
        ("", "ConfigMap", "a" * 253, True),
        ("", "ConfigMap", "a" * 254, False),
        ("", "ConfigMap", "", False),
        ("", "ConfigMap", ".", False),
        ("", "ConfigMap", "a..b", False),
        ("", "ConfigMap", "web\n", False),
        ("", "ConfigMap", "A", False),
        ("", "Namespace", "a.b", False),
        ("", "Namespace", "a" * 63, True),
        ("", "Namespace", "a" * 64, False),
        ("rbac.authorization.k8s.io", "ClusterRole", "system:node-proxier", True),
        ("rbac.authorization.k8s.io", "ClusterRole", "Admin Role", True),
        ("rbac.authorization.k8s.io", "ClusterRole", "a/b", False),
        ("rbac.authorization.k8s.io", "ClusterRole", "..", False),
        ("rbac.authorization.k8s.io", "ClusterRole", "a%2Fb", False),
        ("rbac.authorization.k8s.io", "ClusterRole", "a\x00", False),
        ("networking.k8s.io", "IPAddress", "fd00::1", True),
        ("apiregistration.k8s.io", "APIService", "v1beta1.metrics.k8s.io", True),
        ("example.com", "Widget", "system:x", False),
    ],
)
def test_a_name_is_taken_or_not(group, kind, name, expected):
    assert names.is_object_name(group, kind, name) is expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("app", True),
        ("app.kubernetes.io/name", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("/name", False),
        ("a/b/c", False),
        ("a/", False),
        ("-a", False),
        ("Example.com/a", False),
        ("a\n", False),
        ("ä", False),
    ],
)
def test_a_label_key_is_one_or_not(key, expected):
    assert names.is_label_key(key) is expected


@given(
    st.text(max_size=40),
    st.sampled_from([("", "ConfigMap"), ("rbac.authorization.k8s.io", "Role"), ("", "Service")]),
)
def test_a_name_that_is_taken_stays_one_file_of_its_folder(name, kind):
    if names.is_object_name(*kind, name):
        id_ = ObjectId(group=kind[0], kind=kind[1], namespace="shop", name=name)
        parts = id_.tree_path.split("/")
        assert len(parts) == 3
        assert not {"", ".", ".."} & set(parts)
        assert object_id_of_path(id_.tree_path) == id_
