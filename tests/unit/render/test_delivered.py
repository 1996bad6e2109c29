"""Which number runs where an override sets it, read from a tree."""

import pytest

from reconciler.interpreter.registry import NATIVE
from reconciler.model.binding import ReplicaRequirements
from reconciler.model.identity import id_of_body
from reconciler.render.delivered import DeliveredMemo, delivered_replicas
from tests.unit.diff.builders import binding, config_map, deployment, rendered, tree


def job(parallelism, completions):
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "sum", "namespace": "shop"},
        "spec": {"parallelism": parallelism, "completions": completions, "template": {"spec": {}}},
    }


def found(objects, shares, only=None, **more):
    id_ = id_of_body(next(iter(objects.values())))
    values = {"overrides": ("shop/edge",), "requirements": ReplicaRequirements()} | more
    held = binding(id_, shares, **values)
    answer = delivered_replicas(
        tree({name: [body] for name, body in objects.items()}), {id_: held}, NATIVE, only
    )
    return answer.get(id_, {})


@pytest.mark.parametrize(
    ("objects", "shares", "delivered"),
    [
        ({"a": deployment(replicas=6), "b": deployment(replicas=1)}, {"a": 6, "b": 6}, {"b": 1}),
        ({"a": deployment(replicas=0)}, {"a": 6}, {"a": 0}),
        # The override is about something else.
        ({"a": deployment(replicas=6, labels={"site": "edge"})}, {"a": 6}, {}),
        # Two completions need no third pod: nobody has overridden that.
        ({"a": job(3, 2), "b": job(1, 2)}, {"a": 3, "b": 3}, {"b": 1}),
        ({"a": config_map("web", {})}, {"a": 0}, {}),
    ],
)
def test_it_is_the_number_in_the_tree_where_that_is_not_the_schedulers(objects, shares, delivered):
    more = {"requirements": None, "replicas": 0} if not any(shares.values()) else {}
    assert found(objects, shares, **more) == delivered


def test_an_object_without_overrides_or_that_nobody_asks_about_is_not_read():
    objects, shares = {"a": deployment(replicas=1)}, {"a": 6}
    assert found(objects, shares, overrides=()) == {}
    assert found(objects, shares, only=()) == {}
    assert found(objects, shares, only=(id_of_body(deployment()),)) == {"a": 1}


def test_what_cannot_be_counted_is_left_out():
    broken = deployment() | {"spec": {"replicas": "six"}}
    assert found({"a": broken}, {"a": 6}) == {}


def test_of_render_after_render_only_what_is_new_is_read():
    """The digest is what tells: a tree that nobody says is new is not looked at."""
    memo, id_ = DeliveredMemo(), id_of_body(deployment())

    def told(digest, **counts):
        held = binding(id_, dict.fromkeys(counts, 6), overrides=("shop/edge",))
        holds = tree({name: [deployment(replicas=count)] for name, count in counts.items()})
        return memo.replicas(rendered(holds, held), NATIVE, {id_: digest})

    assert told("1", a=1) == {id_: {"a": 1}}
    assert told("1", a=2) == {id_: {"a": 1}}
    assert told("2", a=2) == {id_: {"a": 2}}
    assert told("2", a=2, b=1) == {id_: {"a": 2, "b": 1}}
    assert told("3", a=6) == {}
