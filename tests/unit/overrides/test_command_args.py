import pytest

from reconciler.model.override import CommandArgsOverrider
from reconciler.overrides.command_args import override_command_args
from reconciler.overrides.outcome import OverriderError


def edit(operator, *value, name="app"):
    return CommandArgsOverrider(container_name=name, operator=operator, value=value)


def pod(*containers):
    return {"kind": "Pod", "spec": {"containers": list(containers)}}


def args_after(container, *overriders, notes=None):
    body = override_command_args(pod(container), overriders, [] if notes is None else notes, "args")
    return body["spec"]["containers"][0].get("args")


def test_add_appends():
    assert args_after({"name": "app", "args": ["a"]}, edit("add", "b", "a")) == ["a", "b", "a"]


def test_remove_takes_every_equal_item_and_keeps_the_order():
    assert args_after({"name": "app", "args": ["a", "b", "a", "c"]}, edit("remove", "a", "x")) == ["b", "c"]


def test_add_to_an_absent_list_makes_it():
    assert args_after({"name": "app"}, edit("add", "a")) == ["a"]


@pytest.mark.parametrize("container", [{"name": "app"}, {"name": "app", "args": None}])
def test_remove_from_an_absent_list_makes_an_empty_one(container):
    assert args_after(container, edit("remove", "a")) == []


def test_each_item_sees_the_result_of_the_one_before():
    assert args_after({"name": "app", "args": ["a"]}, edit("add", "b"), edit("remove", "a", "b")) == []


def test_every_container_of_the_name_is_changed_and_no_other():
    body = pod({"name": "app"}, {"name": "side"}, {"name": "app"})
    result = override_command_args(body, [edit("add", "x")], [], "command")
    assert [one.get("command") for one in result["spec"]["containers"]] == [["x"], None, ["x"]]


def test_a_name_that_no_container_has_is_noted():
    notes = []
    assert args_after({"name": "app", "args": ["a"]}, edit("add", "b", name="nope"), notes=notes) == ["a"]
    assert notes[0].place == ("argsOverrider", 0, "containerName")


@pytest.mark.parametrize(
    ("operator", "value", "reason"),
    [
        ("remove", ("x",), "no item of args of container app equals one of them"),
        ("add", (), "it adds nothing to args of container app"),
    ],
)
def test_an_edit_that_leaves_the_list_as_it_is_is_noted(operator, value, reason):
    notes = []
    assert args_after({"name": "app", "args": ["a"]}, edit(operator, *value), notes=notes) == ["a"]
    assert (notes[0].place, notes[0].reason) == (("argsOverrider", 0, "value"), reason)


def test_a_kind_without_containers_is_noted():
    notes = []
    body = {"kind": "Service"}
    assert override_command_args(body, [edit("add", "b")], notes, "args") is body
    assert notes[0].reason == "kind Service has no containers"


@pytest.mark.parametrize("args", [[1], ["a", {"b": "c"}], "text"])
def test_what_is_no_list_of_strings_is_refused(args):
    with pytest.raises(OverriderError) as caught:
        args_after({"name": "app", "args": args}, edit("add", "b"))
    assert caught.value.place == ("argsOverrider", 0)


@pytest.mark.parametrize("containers", [None, "text", [1]])
def test_containers_that_are_no_list_of_objects_are_refused(containers):
    with pytest.raises(OverriderError):
        override_command_args(
            {"kind": "Pod", "spec": {"containers": containers}}, [edit("add", "b")], [], "args"
        )


@pytest.mark.parametrize(
    "body", [{"kind": "Pod"}, {"kind": "Pod", "spec": None}, {"kind": "Pod", "spec": {}}]
)
def test_an_object_without_containers_stays_as_it_is(body):
    assert override_command_args(body, [edit("add", "b")], [], "args") is body
