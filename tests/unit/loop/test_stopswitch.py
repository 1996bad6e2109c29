"""The stop switch: an annotation beside the program and a file, each enough by itself; what cannot be read stays as it was."""

import asyncio

import pytest

from reconciler.errors import Forbidden, Unreachable
from reconciler.loop.stopswitch import ANNOTATION, StopSwitch, parse
from tests.unit.loop.islands import until


class ConfigMap:
    """The ConfigMap as the API server shows it."""

    def __init__(self):
        self.value = None
        self.away = False
        self.looks = 0
        self.refuses = False

    async def get(self, _resource, namespace, name, *, metadata_only):
        assert (namespace, name, metadata_only) == ("ours", "fleet-reconciler-suspend", True)
        self.looks += 1
        if self.away:
            raise Unreachable("no connection")
        if self.refuses:
            raise Forbidden("configmaps is forbidden")
        return None if self.value is None else {"metadata": {"annotations": {ANNOTATION: self.value}}}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        ("false", set()),
        ("true", {"*"}),
        ("*", {"*"}),
        ("paris, edge-1", {"paris", "edge-1"}),
        ("paris\nedge-1\n", {"paris", "edge-1"}),
    ],
)
def test_a_value_names_everything_or_some_clusters(text, names):
    assert parse(text) == names


async def test_the_fleet_or_single_clusters_are_stopped_by_either(tmp_path):
    config = ConfigMap()
    switch = StopSwitch(client=config, namespace="ours", directory=tmp_path)
    await switch.look()
    assert (switch.stopped(), switch.stopped("paris")) == ("", "")
    config.value = "paris"
    await switch.look()
    assert (switch.stopped(), switch.stopped("lyon")) == ("", "")
    assert "paris is suspended" in switch.stopped("paris")
    (tmp_path / "suspend").write_text("true\n")
    # The file counts at once: nobody has to look.
    assert switch.stopped() == switch.stopped("lyon") == "the fleet is suspended"
    (tmp_path / "suspend").unlink()
    assert switch.stopped() == ""


async def test_losing_sight_of_the_switch_does_not_turn_it(tmp_path):
    config = ConfigMap()
    config.value = "true"
    switch = StopSwitch(client=config, namespace="ours")
    await switch.look()
    config.away = True
    config.value = None
    await switch.look()
    assert switch.stopped() == "the fleet is suspended"
    config.away = False
    await switch.look()
    assert switch.stopped() == ""
    # A file that is there and cannot be read stops rather than goes on.
    (tmp_path / "suspend").mkdir()
    assert StopSwitch(directory=tmp_path).stopped() == "the fleet is suspended"


async def test_a_switch_that_was_never_seen_stops_until_it_is(tmp_path):
    config, turns = ConfigMap(), []
    config.away = True
    switch = StopSwitch(client=config, namespace="ours", seconds=0.01, turned=turns.append)
    # A restart in a moment in which nobody answers must not go on with what was stopped.
    await switch.look()
    assert "not seen yet" in switch.stopped()
    assert "not seen yet" in switch.stopped("paris")
    stopping = asyncio.Event()
    watching = asyncio.create_task(switch.watch(stopping))
    config.away = False
    await until(lambda: turns)
    assert (turns, switch.stopped()) == ([set()], "")
    stopping.set()
    await watching
    # Without a cluster of its own, or without the right to look, the file is all there is.
    assert StopSwitch(directory=tmp_path).stopped() == ""
    config.refuses = True
    blind = StopSwitch(client=config, namespace="ours", directory=tmp_path)
    await blind.look()
    assert blind.stopped() == ""


async def test_who_watches_hears_of_each_turn_once():
    config, turns = ConfigMap(), []
    switch = StopSwitch(client=config, namespace="ours", seconds=0.01, turned=turns.append)
    stopping = asyncio.Event()
    watching = asyncio.create_task(switch.watch(stopping))
    for count, value in enumerate(("true", "paris", None), start=1):
        config.value = value
        await until(lambda count=count: len(turns) == count)
        looks = config.looks
        await until(lambda looks=looks: config.looks > looks + 3)
    stopping.set()
    await watching
    assert turns == [{"*"}, {"paris"}, set()]
