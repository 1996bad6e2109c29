"""Laws of delivery over any history of commits, hand-made objects and drift, in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.identity import id_of_body
from reconciler.model.marks import PART_OF
from reconciler.model.plan import Action
from reconciler.plan.changes import Rules, changes
from reconciler.plan.guards import allowed_deletions
from reconciler.settings import GuardLimits
from tests.contract.delivering import Commits, config_map
from tests.contract.memory import PART_OF_VALUE, MemoryCluster, MemoryTarget
from tests.searching import examples

LIMITS = GuardLimits(max_deletions=2, max_percent=25, protected_kinds=())
NAMES = [f"n{number}" for number in range(8)]

trees = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["1", "2"]), max_size=8)
steps = st.one_of(
    st.tuples(st.just("commit"), trees),
    st.tuples(st.just("incomplete"), trees),
    st.tuples(st.just("held"), trees),
    st.tuples(st.just("foreign"), st.sampled_from(NAMES)),
    st.tuples(st.just("drift"), st.sampled_from(NAMES)),
    st.tuples(st.just("detach"), st.sampled_from(NAMES)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    st.tuples(st.just("forget the trees"), st.none()),
)


class World:
    """One cluster, its history, and the laws that every step must keep."""

    def __init__(self) -> None:
        self.cluster, self.commits = MemoryCluster(), Commits("memory")

    def step(self, what: str, value: object) -> None:
        match what, value:
            case "foreign", str(name):
                if id_of_body(config_map(name)) not in self.cluster.objects:
                    self.cluster.put(config_map(name, key="theirs"))
            case (("drift" | "detach" | "remove"), str(name)):
                self._tamper(what, name)
            case "forget the trees", _:
                self.commits.trees.clear()
            case _, dict(tree):
                bodies = [config_map(name, key=text) for name, text in tree.items()]
                fields = {"incomplete": {"complete": False}, "held": {"held": "a guard"}}.get(what, {})
                asyncio.run(
                    self._deliver(
                        self.commits.commit(
                            *bodies, name=f"{len(self.cluster.writes)}-{self.cluster.version()}", **fields
                        )
                    )
                )

    def _tamper(self, what: str, name: str) -> None:
        id_ = id_of_body(config_map(name))
        body = self.cluster.objects.get(id_)
        if body is None:
            return
        match what:
            case "drift":
                self.cluster.edit(id_, data={"key": "drifted"})
            case "detach":
                labels = {
                    key: text for key, text in body["metadata"].get("labels", {}).items() if key != PART_OF
                }
                self.cluster.edit(id_, metadata={"labels": labels})
            case _:
                del self.cluster.objects[id_]

    async def _deliver(self, desired) -> None:
        cluster = self.cluster
        target = MemoryTarget(cluster, self.commits.tree)
        before = dict(cluster.objects)
        ours = {
            id_
            for id_, body in before.items()
            if body["metadata"].get("labels", {}).get(PART_OF) == PART_OF_VALUE
        }
        live = await target.inspect(desired)
        plan = changes(desired, live, Rules(now=datetime.now(UTC), limits=LIMITS))
        await target.apply(plan)

        deleted = set(before) - set(cluster.objects)
        assert deleted <= ours, "only what carries our label is deleted"
        assert not deleted & set(desired.objects), "nothing that is wanted is deleted"
        assert len(deleted) <= allowed_deletions(LIMITS, plan.inventory), "a guard is never exceeded"
        if not desired.complete or desired.held:
            assert not deleted, "an incomplete or held tree deletes nothing"
        for id_ in set(before) - ours:
            assert cluster.objects[id_] == before[id_], "somebody else's object is not touched"
        for id_, object_ in desired.objects.items():
            if id_ not in before or id_ in ours:
                assert cluster.objects[id_]["data"] == config_map(id_.name, **_data(object_))["data"], (
                    "what is wanted is there"
                )
        again = changes(desired, await target.inspect(desired), Rules(now=datetime.now(UTC), limits=LIMITS))
        assert again.is_empty or plan.guards, "a plan that was applied leaves an empty plan"
        if plan.prunes:
            left = {id_ for id_ in cluster.objects if id_ in live.inventory} - set(desired.objects)
            assert not left, "a complete prune leaves nothing behind"
        else:
            kept = {change.id for change in plan.deletions if change.action is Action.SKIP}
            assert kept <= set((await target.inspect(desired)).inventory), "what stays is not forgotten"


def _data(object_) -> dict[str, str]:
    import json

    return json.loads(object_.data)["data"]


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(steps, min_size=1, max_size=12))
def test_every_history_keeps_the_laws_of_delivery(history):
    world = World()
    for what, value in history:
        world.step(what, value)
