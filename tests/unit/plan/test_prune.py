"""What is deleted, and when not."""

from reconciler.model.identity import ObjectId
from reconciler.model.marks import PRUNE
from reconciler.model.plan import Action, Desired, DesiredObject, Live, LiveObject
from reconciler.plan.prune import deletions, is_settled


def an(name: str, kind: str = "ConfigMap", group: str = "", namespace: str = "shop") -> ObjectId:
    return ObjectId(group=group, kind=kind, namespace=namespace, name=name)


def there(id_: ObjectId, **fields) -> LiveObject:
    return LiveObject(
        **{
            "id": id_,
            "api_version": "v1",
            "uid": f"u-{id_.name}",
            "resource_version": "1",
            "owned": True,
            **fields,
        }
    )


def wanted(*ids: ObjectId, **fields) -> Desired:
    objects = {id_: DesiredObject(id=id_, digest="d") for id_ in ids}
    return Desired(cluster="c", commit="x", objects=objects, **fields)


def found(*objects: LiveObject) -> Live:
    return Live(cluster="c", inventory={object_.id: object_ for object_ in objects})


def actions(changes):
    return {change.id.name: change.action.value for change in changes}


def test_what_is_ours_and_no_longer_wanted_is_deleted_by_its_uid():
    (change,) = deletions(wanted(an("b")), found(there(an("a")), there(an("b"))))
    assert (change.id, change.action, change.uid) == (an("a"), Action.DELETE, "u-a")
    assert is_settled(change)


def test_an_incomplete_tree_deletes_nothing_and_settles_nothing():
    (change,) = deletions(wanted(complete=False), found(there(an("a"))))
    assert change.action is Action.SKIP
    assert not is_settled(change)


def test_a_held_render_deletes_nothing():
    (change,) = deletions(wanted(held="guard X"), found(there(an("a"))))
    assert change.action is Action.SKIP
    assert "guard X" in change.reason


def test_objects_that_are_meant_to_stay_stay_for_good():
    live = found(
        there(an("kept"), annotations={PRUNE: "disabled"}), there(an("preserved")), there(an("gone"))
    )
    changes = deletions(wanted(preserved=frozenset({an("preserved")})), live)
    assert actions(changes) == {"kept": "skip", "preserved": "skip", "gone": "delete"}
    assert all(map(is_settled, changes))


def test_an_object_that_is_being_deleted_is_not_deleted_twice_and_not_forgotten():
    (change,) = deletions(wanted(), found(there(an("a"), deleting=True)))
    assert change.action is Action.SKIP
    assert not is_settled(change)


def test_a_namespace_goes_only_when_nothing_wanted_or_kept_is_in_it():
    shop = an("shop", "Namespace", namespace="")
    assert actions(deletions(wanted(), found(there(shop), there(an("a"))))) == {
        "shop": "delete",
        "a": "delete",
    }
    assert actions(deletions(wanted(an("a")), found(there(shop), there(an("a"))))) == {"shop": "skip"}
    kept = there(an("a"), annotations={PRUNE: "disabled"})
    assert actions(deletions(wanted(), found(there(shop), kept))) == {"shop": "skip", "a": "skip"}


def test_a_crd_goes_only_when_no_resource_of_its_group_is_wanted():
    crd = an("widgets.example.com", "CustomResourceDefinition", "apiextensions.k8s.io", "")
    one = an("one", "Widget", "example.com")
    other = an("two", "Widget", "other.com")
    assert actions(deletions(wanted(one), found(there(crd), there(one)))) == {"widgets.example.com": "skip"}
    assert actions(deletions(wanted(other), found(there(crd), there(one)))) == {
        "widgets.example.com": "delete",
        "one": "delete",
    }


def test_deletions_come_in_the_order_in_which_they_are_carried_out():
    crd = an("widgets.example.com", "CustomResourceDefinition", "apiextensions.k8s.io", "")
    live = found(
        there(an("shop", "Namespace", namespace="")),
        there(crd),
        there(an("a")),
        there(an("one", "Widget", "example.com")),
    )
    assert [change.id.name for change in deletions(wanted(), live)] == [
        "one",
        "a",
        "shop",
        "widgets.example.com",
    ]
