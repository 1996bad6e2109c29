"""Differences of whole trees: folding, renames, and clusters that come and go."""

from __future__ import annotations

from reconciler.diff.trees import ObjectAction, tree_difference
from tests.unit.diff.builders import config_map, deployment, plain, tree


def actions(before, after):
    return [
        (str(c.id), c.action.value, c.clusters, [f.where for f in c.fields])
        for c in tree_difference(before, after).changes
    ]


def test_equal_trees_have_no_difference():
    one = tree({"a": [deployment()], "b": [deployment(replicas=1)]})
    assert tree_difference(one, one).is_empty


def test_an_equal_change_is_folded_over_clusters():
    before = tree({"a": [deployment()], "b": [deployment()], "c": [deployment()]})
    after = tree({"a": [deployment(image="web:2")], "b": [deployment(image="web:2")], "c": [deployment()]})
    image = "spec.template.spec.containers[name=web].image"
    assert actions(before, after) == [("Deployment.apps shop/web", "changed", ("a", "b"), [image])]


def test_an_equal_change_folds_also_where_the_rest_of_the_object_differs():
    before = tree({"a": [deployment(replicas=1)], "b": [deployment(replicas=2)]})
    after = tree({"a": [deployment(replicas=1, image="web:2")], "b": [deployment(replicas=2, image="web:2")]})
    (change,) = tree_difference(before, after).changes
    assert change.clusters == ("a", "b")
    assert [(f.before, f.after) for f in change.fields] == [("web:1", "web:2")]


def test_different_changes_of_one_object_stay_apart():
    before = tree({"a": [deployment()], "b": [deployment()]})
    after = tree({"a": [deployment(replicas=1)], "b": [deployment(replicas=2)]})
    assert actions(before, after) == [
        ("Deployment.apps shop/web", "changed", ("a",), ["spec.replicas"]),
        ("Deployment.apps shop/web", "changed", ("b",), ["spec.replicas"]),
    ]


def test_an_object_that_moves_is_added_there_and_removed_here():
    before, after = tree({"a": [deployment()], "b": []}), tree({"a": [], "b": [deployment()]})
    assert actions(before, after) == [
        ("Deployment.apps shop/web", "added", ("b",), []),
        ("Deployment.apps shop/web", "removed", ("a",), []),
    ]


def test_counts_and_touched_clusters_are_per_cluster():
    before = tree({"a": [deployment(), config_map("x", {"k": "1"})], "b": [], "c": [deployment("z")]})
    after = tree({"a": [deployment(replicas=5)], "b": [deployment()], "c": [deployment("z")]})
    value = tree_difference(before, after)
    assert value.clusters_touched == ("a", "b")
    counts = value.counts("a")
    assert (counts[ObjectAction.CHANGED], counts[ObjectAction.REMOVED], counts[ObjectAction.ADDED]) == (
        1,
        1,
        0,
    )
    assert dict(value.objects_before) == {"a": 2, "b": 0, "c": 1}
    assert dict(value.objects_after) == {"a": 1, "b": 1, "c": 1}


def test_an_object_under_a_new_name_is_recognised_by_its_content():
    before = tree({"a": [config_map("settings", {"k": "v"})]})
    after = tree({"a": [config_map("options", {"k": "v"})]})
    (change,) = tree_difference(before, after).changes
    assert (change.action, str(change.id), str(change.renamed_from)) == (
        ObjectAction.RENAMED,
        "ConfigMap shop/options",
        "ConfigMap shop/settings",
    )
    assert [f.where for f in change.fields] == ["metadata.name"]


def test_an_object_whose_name_ends_in_a_hash_is_recognised_by_its_stem():
    before = tree({"a": [config_map("settings-7f9c4d2b", {"k": "v"})]})
    after = tree({"a": [config_map("settings-58d4c9f6b", {"k": "w"})]})
    (change,) = tree_difference(before, after).changes
    assert change.action is ObjectAction.RENAMED
    assert [f.where for f in change.fields] == ["data.k", "metadata.name"]


def test_a_rename_on_other_clusters_is_none():
    before = tree({"a": [config_map("settings", {"k": "v"})], "b": []})
    after = tree({"a": [], "b": [config_map("options", {"k": "v"})]})
    assert [c.action for c in tree_difference(before, after).changes] == [
        ObjectAction.ADDED,
        ObjectAction.REMOVED,
    ]


def test_namespaces_secrets_claims_and_stateful_sets_are_never_renamed():
    for kind, api_version in (
        ("Namespace", "v1"),
        ("Secret", "v1"),
        ("PersistentVolumeClaim", "v1"),
        ("StatefulSet", "apps/v1"),
    ):
        before = tree({"a": [plain(api_version, kind, "one")]})
        after = tree({"a": [plain(api_version, kind, "two")]})
        assert [c.action.value for c in tree_difference(before, after).changes] == ["removed", "added"]


def test_objects_of_a_cluster_that_left_are_not_called_removed():
    before, after = tree({"a": [deployment()], "b": [deployment()]}), tree({"a": [deployment()]})
    value = tree_difference(before, after)
    assert value.changes == ()
    assert value.clusters_removed == ("b",)


def test_objects_of_a_new_cluster_are_added():
    before, after = tree({"a": [deployment()]}), tree({"a": [deployment()], "b": [deployment()]})
    value = tree_difference(before, after)
    assert (value.clusters_added, [c.clusters for c in value.changes]) == (("b",), [("b",)])


def test_our_own_files_are_told_apart_from_objects():
    before = tree({"a": [], "b": []}, {".fleet-reconciler/settings": b"{}\n"})
    after = tree({"a": [], "b": []}, {".fleet-reconciler/settings": b'{"suspend": true}\n'})
    value = tree_difference(before, after)
    assert value.changes == ()
    assert [(f.path, f.action.value, f.clusters) for f in value.files] == [
        (".fleet-reconciler/settings", "changed", ("a", "b"))
    ]


def test_a_changed_secret_is_a_change_whose_values_are_hidden():
    def secret(value: str):
        return plain("v1", "Secret", "password", "shop", data={"key": value})

    (change,) = tree_difference(tree({"a": [secret("b2xk")]}), tree({"a": [secret("bmV3")]})).changes
    assert [(f.where, f.before, f.after) for f in change.fields] == [
        ("data.key", "*** (before)", "*** (after)")
    ]
    assert "b2xk" not in repr(change)
    assert "bmV3" not in repr(change)


def test_secrets_that_change_to_different_values_are_not_folded_into_one_wrongly():
    def secret(value: str):
        return plain("v1", "Secret", "password", "shop", data={"key": value})

    before = tree({"a": [secret("b25l")], "b": [secret("dHdv")]})
    after = tree({"a": [secret("bmV3")], "b": [secret("bmV3")]})
    assert [c.clusters for c in tree_difference(before, after).changes] == [("a",), ("b",)]
