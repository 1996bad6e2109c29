"""What we last saw: when an object counts as known."""

import pytest

from reconciler.model.identity import ObjectId
from reconciler.model.marks import PRUNE
from reconciler.model.plan import LiveObject
from reconciler.targets.table import Table


def live(kind_group: str = "ConfigMap", **fields) -> LiveObject:
    kind, _, group = kind_group.partition(".")
    id_ = ObjectId(group=group, kind=kind, namespace="shop", name="x")
    given = {
        "id": id_,
        "api_version": "v1",
        "uid": "u",
        "resource_version": "1",
        "owned": True,
        "applied": True,
        **fields,
    }
    return LiveObject(**given)


def test_a_recorded_state_is_proven_for_its_content_and_version_alone():
    table = Table()
    table.record(live(), "digest")
    assert table.proves(live(), "digest")
    assert not table.proves(live(), "other")
    assert not table.proves(live(resource_version="2"), "digest")
    assert not table.proves(live(uid="v"), "digest")
    assert table.has(live().id, "digest")
    assert not table.has(live().id, "other")


def test_a_status_that_moves_does_not_make_a_workload_unknown():
    table = Table()
    table.record(live("Deployment.apps", generation=3), "d")
    assert table.proves(live("Deployment.apps", generation=3, resource_version="99"), "d")
    assert not table.proves(live("Deployment.apps", generation=4), "d")
    for field in ("labels", "annotations"):
        assert not table.proves(live("Deployment.apps", generation=3, **{field: {"a": "b"}}), "d")
    assert not table.proves(live("Deployment.apps", generation=3, applied=False), "d")


@pytest.mark.parametrize("kind", ["PriorityClass.scheduling.k8s.io", "Widget.example.com", "Service"])
def test_kinds_whose_generation_proves_nothing_are_known_by_version(kind):
    table = Table()
    table.record(live(kind, generation=1), "d")
    assert not table.proves(live(kind, generation=1, resource_version="2"), "d")


def test_nothing_is_proven_by_an_empty_digest():
    table = Table()
    table.record_seen({live().id: live()})
    assert not table.proves(live(), "")
    assert not table.has(live().id, "")
    assert live().id in table


def test_a_look_forgets_what_is_gone_and_what_changed():
    table = Table()
    other = live("Secret")
    table.record(live(), "d")
    table.record(other, "d")
    table.record_seen({live().id: live(resource_version="2")})
    assert not table.has(live().id, "d")
    assert other.id not in table
    assert len(table) == 1


def test_what_was_applied_is_remembered_through_drift_doubt_and_deletion_by_others():
    table = Table()
    table.record(live(), "d")
    table.record_seen({live().id: live(resource_version="2")})
    table.doubt([live().id])
    assert table.was_applied(live().id, "d")
    assert not table.was_applied(live().id, "other")
    table.record_seen({})
    assert table.was_applied(live().id, "d")
    table.record(live(), "other")
    assert not table.was_applied(live().id, "d")
    table.forget(live().id)
    assert not table.was_applied(live().id, "other")
    assert not table.was_applied(live().id, "")


def test_doubt_keeps_the_object_ours():
    table = Table()
    table.record(live(), "d")
    table.doubt([live().id])
    assert not table.has(live().id, "d")
    assert live().id in table.inventory()
    table.forget(live().id)
    assert table.inventory() == {}


def test_rows_are_small_and_keep_what_prune_reads():
    table = Table()
    table.record(
        live(annotations={PRUNE: "disabled", "big": "x" * 1000}, labels={"a": "b"}, body={"kind": "x"}), "d"
    )
    (row,) = table.inventory().values()
    assert (row.annotations, row.labels, row.body) == ({PRUNE: "disabled"}, {}, None)
