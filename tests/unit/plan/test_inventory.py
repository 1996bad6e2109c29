"""What is ours: the record in the member, and the union of trees cut with the labelled objects."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.identity import ObjectId
from reconciler.model.marks import PART_OF
from reconciler.model.plan import AppliedCommit, Desired, DesiredObject, LiveObject, Parent
from reconciler.plan.inventory import (
    MAX_COMMITS,
    apply_set_id,
    decode_parent,
    encode_parent,
    inventory,
    kinds_to_read,
    live_object,
    parent_after,
    parent_before,
    same_record,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def an(name: str, kind: str = "ConfigMap", group: str = "", namespace: str = "shop") -> ObjectId:
    return ObjectId(group=group, kind=kind, namespace=namespace, name=name)


def there(id_: ObjectId, **fields) -> LiveObject:
    return LiveObject(
        **{
            "id": id_,
            "api_version": "v1",
            "uid": "u",
            "resource_version": "1",
            "owned": True,
            "applied": True,
            **fields,
        }
    )


def applied(*commits: str, **fields) -> Parent:
    return Parent(
        commits=tuple(AppliedCommit(commit=c, started=NOW) for c in commits),
        resource_version="1",
        uid="u",
        **fields,
    )


def wanted(*ids: ObjectId, commit: str = "new", **fields) -> Desired:
    return Desired(
        cluster="c", commit=commit, objects={id_: DesiredObject(id=id_, digest="d") for id_ in ids}, **fields
    )


def test_the_applysets_id_depends_on_the_namespace_alone():
    # That kubectl makes the same id of the same parent is proven in tests/e2e/test_delivery_push.py.
    assert apply_set_id("fleet-reconciler") == "applyset-PqRNwwtDbCTxsl_B6TdchkNwiFLWK70NPSvU7MF8tIs-v1"
    assert apply_set_id("other") != apply_set_id("fleet-reconciler")


def test_inventory_is_the_union_of_trees_cut_with_what_carries_our_label():
    live = [there(an("a")), there(an("b")), there(an("copied")), there(an("detached"), owned=False)]
    trees = {"one": frozenset({an("a"), an("gone"), an("detached")}), "two": frozenset({an("b")})}
    assert sorted(inventory(live, applied("one", "two"), trees)) == [an("a"), an("b")]


@pytest.mark.parametrize(
    ("parent", "trees"),
    [
        (applied("one"), {"one": None}),
        (applied("one", "two"), {"one": frozenset({an("a")}), "two": None}),
        (applied("one"), {}),
        (Parent(), {}),
        (applied("one", overflowed=True), {"one": frozenset()}),
    ],
)
def test_without_the_trees_it_is_what_we_applied_and_no_controller_made(parent, trees):
    live = [
        there(an("a")),
        there(an("copied"), applied=False),
        there(an("made"), controlled=True),
        there(an("x"), owned=False),
    ]
    assert sorted(inventory(live, parent, trees)) == [an("a")]


def test_a_live_object_is_ours_by_label_and_applied_by_our_manager():
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "a",
            "namespace": "shop",
            "uid": "u",
            "resourceVersion": "7",
            "labels": {PART_OF: "set"},
            "ownerReferences": [{"controller": True}],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [
                {"manager": "us", "operation": "Update", "fieldsV1": {}},
                {"manager": "us", "operation": "Apply", "subresource": "status", "fieldsV1": {}},
            ],
        },
    }
    live = live_object(body, part_of="set", manager="us")
    assert (live.owned, live.applied, live.controlled, live.deleting) == (True, False, True, True)
    body["metadata"]["managedFields"].append({"manager": "us", "operation": "Apply", "fieldsV1": {}})
    assert live_object(body, part_of="set", manager="us").applied
    assert not live_object(body, part_of="another", manager="us").owned
    assert live_object(body, part_of="set", manager="us", complete=False).body is None


def test_the_record_comes_back_as_it_was_written():
    parent = Parent(
        resource_version="5",
        uid="u",
        commits=(
            AppliedCommit(commit="a" * 40, started=NOW),
            AppliedCommit(commit="b" * 40, started=NOW + timedelta(seconds=1.5)),
        ),
        tree="t",
        kinds=("ConfigMap", "Deployment.apps"),
        namespaces=("a", "b"),
    )
    body = encode_parent(parent, "fleet-reconciler")
    assert decode_parent(body) == parent
    assert body["data"]["commit"] == "b" * 40
    assert body["metadata"]["resourceVersion"] == "5"


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"commits": ""},
        {"commits": "abc not-a-time"},
        {"commits": "abc"},
        {"commits": f"a {NOW.isoformat()}\n", "overflowed": "true"},
    ],
)
def test_a_record_that_somebody_damaged_is_overflowed_and_never_empty(data):
    body = {"metadata": {"name": "fleet-reconciler", "resourceVersion": "1"}, "data": data}
    assert decode_parent(body).overflowed


def test_with_nothing_to_delete_earlier_commits_are_forgotten_at_once():
    parent = parent_before(applied("one", "two"), wanted(an("a")), NOW, deletes=False)
    assert [row.commit for row in parent.commits] == ["new"]
    assert parent.kinds == ("ConfigMap",)
    assert same_record(parent, parent_after(parent, wanted(an("a")), parent.commits[-1]))


def test_with_something_to_delete_they_stay_until_that_is_done():
    before = applied("one", kinds=("Secret",), namespaces=("old",))
    parent = parent_before(before, wanted(an("a")), NOW, deletes=True)
    assert [row.commit for row in parent.commits] == ["one", "new"]
    assert parent.kinds == ("ConfigMap", "Secret")
    assert parent.namespaces == ("old", "shop")
    after = parent_after(parent, wanted(an("a")), parent.commits[-1])
    assert [row.commit for row in after.commits] == ["new"]
    assert after.kinds == ("ConfigMap",)


def test_a_commit_that_is_begun_again_keeps_its_beginning_and_one_that_comes_back_does_not():
    later = NOW + timedelta(hours=1)
    resumed = parent_before(applied("one", "new"), wanted(), later, deletes=True)
    assert resumed.commits[-1] == AppliedCommit(commit="new", started=NOW)
    returned = parent_before(applied("new", "one"), wanted(), later, deletes=True)
    assert returned.commits == (
        AppliedCommit(commit="one", started=NOW),
        AppliedCommit(commit="new", started=later),
    )


def test_too_many_commits_without_a_prune_overflow_instead_of_growing():
    many = applied(*(str(number) for number in range(MAX_COMMITS)))
    parent = parent_before(many, wanted(), NOW, deletes=True)
    assert parent.overflowed
    assert [row.commit for row in parent.commits] == ["new"]
    assert not parent_before(parent, wanted(), NOW, deletes=False).overflowed


def test_kinds_are_read_that_are_wanted_recorded_or_in_an_earlier_tree():
    trees = {"one": frozenset({an("w", "Widget", "example.com")}), "two": None}
    assert kinds_to_read(wanted(an("a")), applied("one", kinds=("Secret",)), trees) == (
        "ConfigMap",
        "Secret",
        "Widget.example.com",
    )
