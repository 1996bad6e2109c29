"""What every Target must do. Run in memory by tests/contract, on real API servers by tests/e2e/test_delivery_contract.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.errors import Outdated
from reconciler.model.identity import id_of_body
from reconciler.model.plan import Action, Desired, Outcome, Plan
from reconciler.plan.changes import Rules, changes
from reconciler.settings import GuardLimits
from reconciler.targets.target import Target
from tests.contract.delivering import UNGUARDED, Body, Commits, config_map, namespace


@dataclass
class Subject:
    """One cluster under test: a way to make targets for it, to act as somebody else, and to look."""

    commits: Commits
    target: Callable[[], Target]
    put: Callable[[Body], None]
    names: Callable[[], list[str]]
    """The names of the ConfigMaps in namespace `shop` that tests made."""
    value: Callable[[str], Any]
    """The data of one ConfigMap there, or None."""


async def one_pass(
    target: Target, desired: Desired, *, full: bool = True, limits: GuardLimits = UNGUARDED
) -> tuple[Plan, Outcome]:
    live = await target.inspect(desired, full=full)
    plan = changes(desired, live, Rules(now=datetime.now(UTC), limits=limits))
    return plan, await target.apply(plan)


class TargetContract:
    """Inherit it and give a `subject` fixture."""

    async def test_a_plan_that_was_applied_leaves_an_empty_plan(self, subject: Subject) -> None:
        wanted = subject.commits.commit(namespace(), config_map("a"), config_map("b"))
        target = subject.target()
        plan, outcome = await one_pass(target, wanted)
        assert [change.action for change in plan.changes] == [Action.CREATE] * 3
        assert outcome.complete
        first, *rest = map(str, outcome.written)
        assert first == "Namespace shop"
        assert sorted(rest) == ["ConfigMap shop/a", "ConfigMap shop/b"]
        again, outcome = await one_pass(target, wanted)
        assert again.is_empty
        assert again.parent_stands
        assert outcome.counts[Action.UNCHANGED] == 3
        restarted, _ = await one_pass(subject.target(), wanted)
        assert restarted.is_empty

    async def test_looking_twice_before_writing_is_the_same_as_once(self, subject: Subject) -> None:
        wanted = subject.commits.commit(namespace(), config_map("a"))
        target = subject.target()
        await target.inspect(wanted)
        assert subject.names() == []
        _, outcome = await one_pass(target, wanted)
        assert outcome.complete

    async def test_drift_is_configured_back(self, subject: Subject) -> None:
        wanted = subject.commits.commit(namespace(), config_map("a", key="ours"))
        target = subject.target()
        await one_pass(target, wanted)
        labels = {"applyset.kubernetes.io/part-of": _label()}
        drifted = config_map("a", key="theirs")
        subject.put({**drifted, "metadata": {**drifted["metadata"], "labels": labels}})
        plan, _ = await one_pass(target, wanted)
        assert [change.action for change in plan.changes if change.id.name == "a"] == [Action.CONFIGURE]
        assert subject.value("a") == {"key": "ours"}

    async def test_only_what_left_the_tree_is_deleted(self, subject: Subject) -> None:
        target = subject.target()
        await one_pass(target, subject.commits.commit(namespace(), config_map("a"), config_map("b")))
        subject.put(config_map("theirs"))
        _, outcome = await one_pass(target, subject.commits.commit(namespace(), config_map("b")))
        assert outcome.complete
        assert outcome.counts[Action.DELETE] == 1
        assert subject.names() == ["b", "theirs"]

    async def test_an_incomplete_tree_deletes_nothing_and_the_next_complete_one_does(
        self, subject: Subject
    ) -> None:
        target = subject.target()
        await one_pass(target, subject.commits.commit(namespace(), config_map("a"), config_map("b")))
        _, outcome = await one_pass(target, subject.commits.commit(namespace(), complete=False))
        assert not outcome.complete
        assert subject.names() == ["a", "b"]
        _, outcome = await one_pass(target, subject.commits.commit(namespace(), config_map("b")))
        assert outcome.complete
        assert subject.names() == ["b"]

    async def test_somebody_elses_object_is_a_conflict_and_overwrite_adopts_it(
        self, subject: Subject
    ) -> None:
        target = subject.target()
        await one_pass(target, subject.commits.commit(namespace()))
        subject.put(config_map("a", key="theirs"))
        _, outcome = await one_pass(target, subject.commits.commit(namespace(), config_map("a", key="ours")))
        assert [problem.code for problem in outcome.problems] == ["R501"]
        assert list(map(str, outcome.failed)) == ["ConfigMap shop/a"]
        assert subject.value("a") == {"key": "theirs"}
        adopting = config_map("a", key="ours")
        adopting["metadata"]["annotations"] = {"work.karmada.io/conflict-resolution": "overwrite"}
        _, outcome = await one_pass(target, subject.commits.commit(namespace(), adopting))
        assert outcome.complete
        assert subject.value("a") == {"key": "ours"}

    async def test_a_guard_stops_every_deletion_of_the_plan(self, subject: Subject) -> None:
        target = subject.target()
        many = [config_map(f"c{number}") for number in range(4)]
        await one_pass(target, subject.commits.commit(namespace(), *many))
        limits = GuardLimits(max_deletions=2, max_percent=0)
        _, outcome = await one_pass(target, subject.commits.commit(namespace(), many[0]), limits=limits)
        assert [guard.name for guard in outcome.guards] == ["too-many-deletions"]
        assert not outcome.complete
        assert len(subject.names()) == 4

    async def test_a_suspended_object_is_neither_written_nor_deleted(self, subject: Subject) -> None:
        target = subject.target()
        await one_pass(target, subject.commits.commit(namespace(), config_map("a", key="old")))
        changed = config_map("a", key="new")
        suspended = subject.commits.commit(namespace(), changed, suspended=frozenset({id_of_body(changed)}))
        plan, _ = await one_pass(target, suspended)
        assert [change.action for change in plan.changes if change.id.name == "a"] == [Action.SKIP]
        assert subject.value("a") == {"key": "old"}
        await one_pass(target, subject.commits.commit(namespace(), changed))
        assert subject.value("a") == {"key": "new"}

    async def test_a_pass_over_what_changed_does_what_a_full_one_does(self, subject: Subject) -> None:
        target = subject.target()
        await one_pass(target, subject.commits.commit(namespace(), config_map("a"), config_map("b")))
        wanted = subject.commits.commit(namespace(), config_map("b", key="new"), config_map("c"))
        _, outcome = await one_pass(target, wanted, full=False)
        assert outcome.complete
        assert sorted(map(str, outcome.written)) == ["ConfigMap shop/b", "ConfigMap shop/c"]
        assert subject.names() == ["b", "c"]
        full, _ = await one_pass(target, wanted)
        assert full.is_empty

    async def test_a_writer_that_was_overtaken_writes_nothing(self, subject: Subject) -> None:
        slow, fast = subject.target(), subject.target()
        await one_pass(slow, subject.commits.commit(namespace(), config_map("a", key="1")))
        old = subject.commits.commit(namespace(), config_map("a", key="2"))
        plan = changes(old, await slow.inspect(old), Rules(now=datetime.now(UTC), limits=UNGUARDED))
        await one_pass(fast, subject.commits.commit(namespace(), config_map("a", key="3")))
        with pytest.raises(Outdated):
            await slow.apply(plan)
        assert subject.value("a") == {"key": "3"}

    async def test_the_record_forgets_earlier_commits_only_after_a_complete_prune(
        self, subject: Subject
    ) -> None:
        target = subject.target()
        await one_pass(target, subject.commits.commit(namespace(), config_map("a")))
        held = subject.commits.commit(namespace(), held="a guard held the render")
        plan, _ = await one_pass(target, held)
        assert len(plan.parent.commits) == 2
        last = subject.commits.commit(namespace(), config_map("b"))
        plan, _ = await one_pass(target, last)
        assert len(plan.parent.commits) == 3
        live = await target.inspect(last)
        assert [row.commit for row in live.parent.commits] == [last.commit]


def _label() -> str:
    from reconciler.plan.inventory import apply_set_id

    return apply_set_id("fleet-reconciler")
