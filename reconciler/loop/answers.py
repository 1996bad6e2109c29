"""Between two renders: what a render asks of webhooks is asked, committed with the observation, and rendered again (DESIGN §3).

Answers are facts of the status branch, no more of them than are asked for. What takes longer than a moment is not waited for: its
object is held, everything else goes on, and a later pass finds the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconciler.errors import LostRace, Problem
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.webhook.layer import Answering
from reconciler.loop.asking import Asker, Live, Nobody
from reconciler.loop.decide import Decision
from reconciler.loop.lanes import Lane
from reconciler.loop.log import Log
from reconciler.loop.record import Fetched, Record
from reconciler.model.identity import ObjectId
from reconciler.model.observation import Observation
from reconciler.model.tree import Rendered
from reconciler.model.webhook import WebhookAnswer
from reconciler.status.answers import DIRECTORY, Answers, encode_answers, kept_answers, with_answers

ROUNDS: Final = 4
"""Replicas and dependencies first, then the shares that a schedule comes to; more only while others commit as well."""
MOMENT: Final = 2.0
"""Seconds that a pass waits for answers."""
_GATHER: Final = 1.0
"""Seconds for which late answers are gathered before they start a pass."""


@dataclass(slots=True, kw_only=True)
class Answered:
    """The questions of the passes, and their answers on the status branch. Without an `asker` nobody is asked.

    `lock` is held while the status branch is written; `tip` and `moved` are where it stands.
    """

    lane: Lane
    log: Log
    clock: Callable[[], datetime]
    fire: Callable[[str], None]
    may_write: Callable[[], str]
    tip: Callable[[], str]
    moved: Callable[[str], None]
    asker: Asker | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _asked: Mapping[ObjectId, frozenset[str]] = field(default_factory=dict)
    _is_gathering: bool = False

    async def settle(
        self, at: Fetched, decision: Decision, wake: datetime | None
    ) -> tuple[Fetched, Decision]:
        """`decision` with every answer that can be had in a moment, and where the branches are then. Raises LostRace, GitError."""
        if self.asker is None:
            self._asked = _asked(decision.rendered)
            return at, decision
        rules = (decision.interpreters.webhook, decision.in_force.webhook)
        await self.asker.keep_to(webhook for layer in rules for webhook in layer.webhooks)
        before = self._asked
        for _ in range(ROUNDS):
            rendered = decision.rendered
            # While a pass is under way, the status is written as of the last one: it must drop nothing of this one.
            self._asked = _united(before, _asked(rendered))
            found = await self.asker.pursue(rendered.unanswered, rendered.asked, within=MOMENT)
            fresh = _fresh(found, decision)
            if not fresh or self.may_write():
                break
            if not at.rendered:
                # The status names a rendered commit, and there is none yet: publish first.
                self.gather()
                break
            at = await self._commit(at, decision, fresh)
            decision = await self.lane.do(Record.decide, at, wake)
        self._asked = _asked(decision.rendered)
        return at, decision

    async def close(self) -> None:
        """Nobody is asked any more."""
        if self.asker is not None:
            await self.asker.close()

    def gather(self) -> None:
        """Answers came after their moment: start a pass, once the next few are there as well."""
        if not self._is_gathering:
            self._is_gathering = True
            asyncio.get_running_loop().call_later(_GATHER, self._gathered)

    def kept(self, observation: Observation, rendered: Rendered) -> Answers:
        """The committed answers that the status is to keep."""
        return kept_answers(observation.answers, self._asked, complete=rendered.complete)

    def live(self, interpreters: Interpreters) -> Interpreters:
        """The same, for delivery and status: webhooks are asked about live objects as they are."""
        source: Answering = Live(self.asker) if self.asker is not None else Nobody()
        return interpreters.asking(source)

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with webhooks now."""
        return self.asker.problems() if self.asker is not None else ()

    async def _commit(
        self, at: Fetched, decision: Decision, fresh: Mapping[ObjectId, list[WebhookAnswer]]
    ) -> Fetched:
        async with self.lock:
            tip = self.tip() or at.status
            files = await self.lane.do(Record.status_files, tip)
            known = await self.lane.do(Record.observation, tip)
            answers = with_answers(self.kept(known, decision.rendered), fresh)
            written = {path: files[path] for path in files if not path.startswith(DIRECTORY)}
            try:
                new = await self.lane.do(
                    Record.write_status,
                    {**written, **encode_answers(answers)},
                    tip=tip,
                    source_commit=decision.source.commit,
                    rendered_commit=at.rendered,
                    now=self.clock(),
                )
            except LostRace:
                self.moved("")
                raise
            self.moved(new)
            if new != tip:
                self.log.info("answers.committed", commit=new, objects=len(fresh))
        return replace(at, status=new)

    def _gathered(self) -> None:
        self._is_gathering = False
        self.fire("webhook")


def _asked(rendered: Rendered) -> dict[ObjectId, frozenset[str]]:
    found: dict[ObjectId, set[str]] = {}
    for question in rendered.asked:
        found.setdefault(question.subject, set()).add(question.digest)
    return {id_: frozenset(digests) for id_, digests in found.items()}


def _united(
    one: Mapping[ObjectId, frozenset[str]], other: Mapping[ObjectId, frozenset[str]]
) -> dict[ObjectId, frozenset[str]]:
    return {id_: one.get(id_, frozenset()) | other.get(id_, frozenset()) for id_ in {*one, *other}}


def _fresh(found: Mapping[str, WebhookAnswer], decision: Decision) -> dict[ObjectId, list[WebhookAnswer]]:
    """The answers that the observation does not hold, or holds otherwise."""
    fresh: dict[ObjectId, list[WebhookAnswer]] = {}
    for question in decision.rendered.asked:
        answer = found.get(question.digest)
        known = decision.observation.answers.get(question.subject, ())
        before = next((each for each in known if each.digest == question.digest), None)
        if answer is not None and answer.is_news_after(before):
            fresh.setdefault(question.subject, []).append(answer)
    return fresh
