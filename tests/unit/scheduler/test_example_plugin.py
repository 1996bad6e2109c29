"""The plugin of docs/how-to/write-a-scheduler-plugin.md does what the page says of it."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler.scheduler.batch import schedule_all
from reconciler.scheduler.registry import profiles
from tests.unit.scheduler.build import NOW, binding, cluster, placement, previous, result

PAGE = Path(__file__).parents[3] / "docs/how-to/write-a-scheduler-plugin.md"


@pytest.fixture(scope="module")
def plugin() -> SimpleNamespace:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict = {}
    exec(compile(code, PAGE.name, "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture
def chosen(plugin):
    return profiles(
        filters=[plugin.maintenance],
        scores=[plugin.gold_first],
        schedulers={"one-cluster": plugin.one_cluster},
    )


AMONG = [
    cluster("m1", labels={"maintenance": "true"}),
    cluster("m2"),
    cluster("m3", labels={"tier": "gold"}),
    cluster("m4"),
]


def run(given, chosen, among=AMONG):
    (decision,) = schedule_all([given], among, NOW, profiles=chosen).decisions.values()
    return decision


def test_the_filter_keeps_newcomers_out_and_moves_nothing_away(chosen):
    assert set(result(run(binding(), chosen))) == {"m2", "m3", "m4"}
    assert set(result(run(binding(clusters=previous(m1=0)), chosen))) == {"m1", "m2", "m3", "m4"}
    failure = run(binding(), chosen, AMONG[:1]).failure
    assert failure is not None
    assert failure.message == "0/1 clusters are available: 1 cluster(s) are in maintenance."


def test_the_score_prefers_gold(chosen):
    placed = placement(spreadConstraints=[{"minGroups": 1, "maxGroups": 1}])
    assert list(result(run(binding(placed=placed), chosen))) == ["m3"]


def test_the_scheduler_is_for_those_who_name_it(chosen):
    given = binding(replicas=3, scheduler_name="one-cluster")
    assert result(run(given, chosen)) == {"m2": 3}
    failed = run(given, chosen, AMONG[:1])
    assert failed.failure is not None
    assert failed.failure.message == "every cluster is in maintenance"


def test_the_page_names_the_entry_point_groups_of_the_code(plugin):
    from reconciler.scheduler import plugin as module

    groups = set(re.findall(r"`(reconciler\.(?:filters|scores|schedulers))`", PAGE.read_text()))
    assert groups == set(re.findall(r"`(reconciler\.\w+)`", module.__doc__ or ""))
    assert len(groups) == 3


def test_nobody_takes_the_default_schedulers_name(plugin):
    with pytest.raises(ValueError, match="cannot be named default-scheduler"):
        profiles(schedulers={"default-scheduler": plugin.one_cluster})
