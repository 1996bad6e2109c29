"""The small parts of rendering: exclusions, UIDs, files for delivery, trees, the memo."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.binding import Binding
from reconciler.model.cluster import Cluster, DeliveryMode
from reconciler.model.config import Approval, FleetConfig
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.tree import Variant
from reconciler.render import cluster_files
from reconciler.render.cluster_files import (
    ClusterSettings,
    decode_approvals,
    decode_settings,
    decode_suspended,
    encode_settings,
    files_for,
)
from reconciler.render.exclusions import never_propagated, not_sent_everywhere
from reconciler.render.memo import Memo, is_same
from reconciler.render.tree import build_tree, directories, tree_digest, tree_of_directories
from reconciler.render.uid import template_uid
from reconciler.scheduler.replicas.webster import is_descending

SKIPPED = FleetConfig().skipped_namespaces


def manifest(api_version: str, kind: str, name: str, namespace: str = "", **metadata: Any) -> Manifest:
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}
    if namespace:
        body["metadata"]["namespace"] = namespace
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path="x.yaml"), digest=name)


# ---- Exclusions


@pytest.mark.parametrize(
    ("api_version", "kind", "name", "namespace", "stays"),
    [
        ("v1", "ConfigMap", "x", "shop", False),
        ("v1", "ConfigMap", "x", "kube-system", True),
        ("v1", "ConfigMap", "x", "kubernetes", False),
        ("v1", "ConfigMap", "x", "not-kube-system", False),
        ("v1", "ConfigMap", "extension-apiserver-authentication", "kube-system", True),
        ("v1", "ConfigMap", "x", "fleet-reconciler", True),
        ("v1", "ConfigMap", "x", "fleet-reconciler-not", False),
        ("v1", "ConfigMap", "x", "karmada-system", True),
        ("v1", "ConfigMap", "x", "karmada-cluster", True),
        ("v1", "ConfigMap", "x", "karmada-es-anything", True),
        ("v1", "ConfigMap", "x", "karmada", False),
        ("v1", "Namespace", "karmada-es-a", "", True),
        ("v1", "Namespace", "kube-system", "", False),
        ("v1", "Event", "x", "shop", True),
        ("example.com/v1", "Event", "x", "shop", False),
        ("events.k8s.io/v1", "Event", "x", "shop", True),
        ("coordination.k8s.io/v1", "Lease", "x", "shop", True),
        ("coordination.k8s.io/v1beta1", "LeaseCandidate", "x", "shop", False),
        ("work.karmada.io/v1alpha1", "Work", "x", "shop", True),
        ("search.karmada.io/v1alpha1", "ResourceRegistry", "x", "", False),
        ("apps/v1", "Deployment", "x", "shop", False),
        ("authorization.k8s.io/v1", "SubjectAccessReview", "x", "", True),
        ("rbac.authorization.k8s.io/v1", "Role", "x", "shop", False),
    ],
)
def test_what_never_leaves_the_repository(api_version, kind, name, namespace, stays):
    assert bool(never_propagated(manifest(api_version, kind, name, namespace), SKIPPED)) is stays


def test_the_api_servers_own_config_map_stays_also_where_its_namespace_is_not_skipped():
    name = "extension-apiserver-authentication"
    assert never_propagated(manifest("v1", "ConfigMap", name, "kube-system"), ())
    assert not never_propagated(manifest("v1", "ConfigMap", name, "shop"), ())


@pytest.mark.parametrize(
    ("name", "labels", "stays"),
    [
        ("shop", {}, False),
        ("default", {}, True),
        ("kube-extra", {}, True),
        ("fleet-reconciler", {}, True),
        ("shop", {"namespace.karmada.io/skip-auto-propagation": "TRUE"}, True),
        ("shop", {"namespace.karmada.io/skip-auto-propagation": "yes"}, False),
    ],
)
def test_which_namespaces_do_not_go_everywhere(name, labels, stays):
    assert bool(not_sent_everywhere(manifest("v1", "Namespace", name, labels=labels), SKIPPED)) is stays


# ---- UIDs


def test_a_stated_uid_counts_first_then_the_bindings_then_one_made_of_the_identity():
    plain = manifest("apps/v1", "Deployment", "web", "shop")
    bound = Binding(resource=plain.id, api_version="apps/v1", uid="from-the-binding")
    assert template_uid(manifest("apps/v1", "Deployment", "web", "shop", uid="stated"), bound) == "stated"
    annotated = manifest(
        "apps/v1", "Deployment", "web", "shop", annotations={"resourcetemplate.karmada.io/uid": "noted"}
    )
    assert template_uid(annotated, bound) == "noted"
    assert template_uid(plain, bound) == "from-the-binding"
    # Pinned: every remainder in every fleet depends on it.
    assert template_uid(plain, None) == "b5b95b1a-1c1e-5b4b-a7bc-1400fe77e12e"


def test_remainders_of_many_templates_fall_on_both_ends():
    directions = [
        is_descending(template_uid(manifest("apps/v1", "Deployment", f"web-{i}", "shop"), None))
        for i in range(200)
    ]
    assert 60 < sum(directions) < 140


def test_the_version_of_an_api_is_not_part_of_an_identity():
    one = manifest("autoscaling/v1", "HorizontalPodAutoscaler", "web", "shop")
    other = manifest("autoscaling/v2", "HorizontalPodAutoscaler", "web", "shop")
    assert template_uid(one, None) == template_uid(other, None)


# ---- Files for delivery

THEN = datetime(2026, 2, 1, tzinfo=UTC)
WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")


def fleet(**fields: Any) -> Fleet:
    return Fleet(commit="", time=THEN, **fields)


def test_settings_are_read_back_as_written():
    settings = ClusterSettings(
        mode=DeliveryMode.PULL,
        suspend=True,
        max_deletions=3,
        max_deletion_percent=0,
        protected_kinds=("A", "B"),
        status_interval=60.0,
    )
    assert decode_settings(encode_settings(settings)) == settings
    assert decode_settings(encode_settings(ClusterSettings())) == ClusterSettings()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"apiVersion": "x", "kind": "ClusterSettings"}', b"\xff"]
)
def test_settings_that_we_did_not_write_are_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own error is one
        decode_settings(data)


def test_settings_that_lack_a_field_are_refused():
    with pytest.raises(ValueError, match="lacks 'guards'"):
        decode_settings(b'{"apiVersion": "fleet-reconciler/v1alpha1", "kind": "ClusterSettings"}')


def test_approvals_go_to_the_clusters_that_they_name():
    approval = Approval(name="a", objects=(WEB,), clusters=("eu-*",), expires=THEN, reason="because")
    config = fleet(approvals=(approval,))
    written = files_for(config, Cluster(name="eu-1"), ())[cluster_files.APPROVALS]
    assert decode_approvals(written) == (approval,)
    assert cluster_files.APPROVALS not in files_for(config, Cluster(name="us-1"), ())


def test_no_file_is_written_for_nothing():
    assert list(files_for(fleet(), Cluster(name="a"), ())) == [cluster_files.SETTINGS]


def test_suspended_objects_are_listed_sorted():
    files = files_for(fleet(), Cluster(name="a"), ("z.yaml", "a.yaml"))
    assert decode_suspended(files[cluster_files.SUSPENDED]) == ("a.yaml", "z.yaml")


def test_files_for_delivery_have_no_manifests_extension():
    approval = Approval(name="a", objects=(WEB,), expires=THEN)
    customization = manifest("config.karmada.io/v1alpha1", "ResourceInterpreterCustomization", "c")
    config = fleet(approvals=(approval,), customizations=(customization,))
    files = files_for(config, Cluster(name="a"), ("x",))
    assert len(files) == 4
    assert not any(path.endswith((".yaml", ".yml", ".json")) for path in files)


# ---- Trees


def test_equal_contents_at_one_path_are_one_variant():
    one = [Variant(path="p", data=b"x", clusters=("b",)), Variant(path="p", data=b"x", clusters=("a",))]
    tree = build_tree(["b", "a"], one, {})
    assert tree.variants == (Variant(path="p", data=b"x", clusters=("a", "b")),)
    assert tree.clusters == ("a", "b")
    assert tree_of_directories(directories(tree), {}) == tree


def test_a_digest_tells_every_part_of_a_tree_apart():
    base = build_tree(["a", "b"], [Variant(path="p", data=b"x", clusters=("a",))], {"q": b"y"})
    others = [
        build_tree(["a", "b", "c"], base.variants, base.bindings),
        build_tree(["a", "b"], [Variant(path="p", data=b"z", clusters=("a",))], base.bindings),
        build_tree(["a", "b"], [Variant(path="r", data=b"x", clusters=("a",))], base.bindings),
        build_tree(["a", "b"], [Variant(path="p", data=b"x", clusters=("b",))], base.bindings),
        build_tree(["a", "b"], base.variants, {"q": b"z"}),
        build_tree(["a", "b"], base.variants, {}),
        build_tree(["ab"], [], {}),
        build_tree(["a", "b"], [], {}),
    ]
    digests = [tree_digest(tree) for tree in (base, *others)]
    assert len(set(digests)) == len(digests)


# ---- Memo


def test_an_answer_is_used_again_only_for_the_same_inputs():
    lane, asked = Memo().fleet, []

    def ask(*inputs: Any) -> int:
        return lane.remember("stage", inputs, lambda: asked.append(inputs) or len(asked))

    assert [ask(1, "a"), ask(1, "a"), ask(2, "a"), ask(2, "a"), ask(1, "a"), ask(1)] == [1, 1, 2, 2, 3, 4]


def test_what_a_pass_did_not_see_is_forgotten():
    memo = Memo()
    first = memo.lane(WEB)
    first.keep("s", (1,), "x")
    memo.begin()
    assert memo.lane(WEB) is first
    memo.begin()
    memo.begin()
    assert memo.lane(WEB).recall("s", (1,)) is None


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (1, 1.0), ("1", 1), ((1,), (True,)), ((1,), (1, 2)), (None, 0)]
)
def test_inputs_of_unlike_types_are_not_the_same(one, other):
    assert not is_same(one, other)


def test_bindings_are_the_same_only_when_they_are_one():
    binding = Binding(resource=WEB, api_version="apps/v1")
    assert is_same(binding, binding)
    assert not is_same(binding, replace(binding))


def test_manifests_are_the_same_by_digest_place_and_file():
    one = manifest("v1", "ConfigMap", "a", "shop")
    assert is_same(one, replace(one, body=dict(one.body)))
    assert not is_same(one, replace(one, digest="other"))
    assert not is_same(replace(one, digest=""), replace(one, digest="", body=dict(one.body)))
    assert not is_same(one, replace(one, origin=Origin(path="x.yaml", line=2)))
    assert not is_same(one, replace(one, origin=Origin(path="x.yaml", text=b"another text")))
