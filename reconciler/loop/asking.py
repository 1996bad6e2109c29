"""Interpreter webhooks, asked: by whom a render's questions become facts, and who answers delivery and status.

One event loop asks; a failed question is tried again with growing pauses, a webhook that is away rests as a whole, and a slow one
holds up nobody but its own objects. Nothing here decides what an answer means.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from reconciler.errors import Problem
from reconciler.interpreter.rules import WebhookFailed
from reconciler.interpreter.webhook.layer import problem_about, unusable
from reconciler.interpreter.webhook.question import context
from reconciler.interpreter.webhook.response import answer_of
from reconciler.kube.retry import doubled
from reconciler.loop.log import Log
from reconciler.model.webhook import Webhook, WebhookAnswer, WebhookQuestion
from reconciler.webhooks.client import AT_ONCE, NotAnswered, WebhookClient

UNREACHABLE: Final = "R432"
NOT_HERE: Final = "R433"

_REMEMBERED: Final = 100_000
"""Answers."""
_PURSUED: Final = 2_000
"""Questions that are being asked at one time; the others follow when these are answered."""
_PATIENCE: Final = 5
"""Questions in a row without an answer before a webhook rests."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 300.0
_USELESS_SECONDS: Final = 60.0
"""How long an answer of no use stands before the question is asked again."""


_Key = tuple[str, str, str]
"""Webhook, operation and object."""


@dataclass(slots=True, kw_only=True)
class _State:
    """How one webhook does. `rests_until` is of the monotonic clock; `troubles` are by what was asked, with when that was.

    One object that it cannot bear does not make it good or bad by turns: a trouble goes when its own question is answered.
    """

    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    failures: int = 0
    rests_until: float = 0.0
    troubles: dict[_Key, tuple[Problem, float]] = field(default_factory=dict)

    def trouble(self, now: float) -> Problem | None:
        """What is wrong with it now; None where all is well."""
        late = [key for key, (_, at) in self.troubles.items() if now - at > 2 * _LONGEST_PAUSE]
        for key in late:
            del self.troubles[key]
        return next((problem for problem, _ in reversed(self.troubles.values())), None)


@dataclass(frozen=True, slots=True)
class _Held:
    """An answer in memory, and when it was given."""

    answer: WebhookAnswer
    at: float


class Asker:
    """Asks webhooks. `news` is called when a question of a render has been answered; `refresh` is for how long an answer stands.

    Made on the event loop that asks; `Live` may be used by any other thread.
    """

    def __init__(
        self,
        *,
        client: WebhookClient | None = None,
        log: Log | None = None,
        news: Callable[[], None] = lambda: None,
        refresh: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.news = news
        self._log = log
        self._client = client or WebhookClient()
        self._refresh = refresh
        self._clock = clock
        self._dice = dice
        self._states: dict[Webhook, _State] = {}
        self._known: OrderedDict[str, _Held] = OrderedDict()
        self._useless: dict[_Key, Problem] = {}
        self._pursuits: dict[str, asyncio.Task[None]] = {}
        self._wanted: frozenset[str] = frozenset()
        self._awaited: frozenset[str] = frozenset()
        self._asking: dict[str, asyncio.Task[WebhookAnswer]] = {}
        self._is_closed = False

    async def close(self) -> None:
        """Stop asking, for good."""
        self._is_closed = True
        tasks = [*self._pursuits.values(), *self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    # --- a render's questions ---

    async def pursue(
        self, unanswered: Iterable[WebhookQuestion], asked: Iterable[WebhookQuestion], *, within: float
    ) -> dict[str, WebhookAnswer]:
        """Ask what is unanswered, and again what was answered long ago; the answers that are there `within` so many seconds, by digest.

        What takes longer goes on, and `news` tells of it. What is in neither list is not pursued any more.
        """
        everything = {each.digest: each for each in (*asked, *unanswered)}
        first = {each.digest for each in unanswered}
        self._wanted = frozenset(everything)
        now = self._clock()
        waited = []
        for digest, question in everything.items():
            is_new = digest in first and digest not in self._known
            if digest in self._pursuits or is_new or self._is_stale(digest, now):
                if digest not in self._pursuits and len(self._pursuits) >= _PURSUED:
                    continue
                task = self._pursuits.get(digest) or self._start(question)
                if is_new:
                    waited.append(task)
        if waited:
            self._awaited = self._wanted
            await asyncio.wait(waited, timeout=within)
            self._awaited = frozenset()
        return {digest: self._known[digest].answer for digest in everything if digest in self._known}

    def _is_stale(self, digest: str, now: float) -> bool:
        held = self._known.get(digest)
        return held is None or not self._stands(held, now)

    def _stands(self, held: _Held, now: float) -> bool:
        return now - held.at < (_USELESS_SECONDS if held.answer.failure else self._refresh)

    def _asked(self, digest: str, task: asyncio.Task[WebhookAnswer]) -> None:
        self._asking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; where nobody does any more, it is no fault

    def _start(self, question: WebhookQuestion) -> asyncio.Task[None]:
        task = asyncio.create_task(self._pursue(question), name=f"webhook {question.webhook.uid}")
        self._pursuits[question.digest] = task
        return task

    async def _pursue(self, question: WebhookQuestion) -> None:
        """Until it is answered, or wanted no longer."""
        try:
            attempt = 0
            while question.digest in self._wanted:
                before = self._known.get(question.digest)
                try:
                    answer = await self.ask(question)
                except NotAnswered:
                    rest = self._rest(question)
                    if rest <= 0:
                        rest, attempt = doubled(_FIRST_PAUSE, attempt, _LONGEST_PAUSE), attempt + 1
                    await asyncio.sleep(rest + self._dice() * min(rest, _FIRST_PAUSE))
                    continue
                is_news = answer.is_news_after(before.answer if before is not None else None)
                if is_news and question.digest not in self._awaited:
                    self.news()
                return
        finally:
            self._pursuits.pop(question.digest, None)

    def _rest(self, question: WebhookQuestion) -> float:
        state = self._states.get(question.webhook)
        return state.rests_until - self._clock() if state else 0.0

    # --- one question ---

    async def ask(self, question: WebhookQuestion) -> WebhookAnswer:
        """Ask once, together with whoever asks the same. Raises NotAnswered."""
        if self._is_closed:
            raise NotAnswered("nobody is asked any more: the program is being stopped")
        task = self._asking.get(question.digest)
        if task is None:
            task = asyncio.create_task(self._once(question))
            self._asking[question.digest] = task
            task.add_done_callback(partial(self._asked, question.digest))
        return await asyncio.shield(task)

    def recall(self, question: WebhookQuestion) -> WebhookAnswer | None:
        """An answer that still stands. Any thread may ask."""
        held = self._known.get(question.digest)
        return held.answer if held is not None and self._stands(held, self._clock()) else None

    async def keep_to(self, webhooks: Iterable[Webhook]) -> None:
        """Only these are there now: nothing more is said of others."""
        known = frozenset(webhooks)
        await self._client.keep_to(known)
        self._states = {webhook: state for webhook, state in self._states.items() if webhook in known}
        uids = {webhook.uid for webhook in known}
        self._useless = {key: problem for key, problem in self._useless.items() if key[0] in uids}

    def problems(self) -> tuple[Problem, ...]:
        """Which webhooks cannot be asked, and whose answers are of no use."""
        now = self._clock()
        away = [problem for state in self._states.values() if (problem := state.trouble(now)) is not None]
        return (*sorted(away, key=Problem.sort_key), *(self._useless[key] for key in sorted(self._useless)))

    async def _once(self, question: WebhookQuestion) -> WebhookAnswer:
        webhook = question.webhook
        state = self._states.setdefault(webhook, _State())
        async with state.gate:
            if state.rests_until > self._clock():
                raise NotAnswered(f"{webhook.uid} is being left alone for a while")
            uid = str(uuid.uuid4())
            try:
                # An object may be large: making and reading JSON is not for the event loop.
                data = await self._client.post(webhook, await asyncio.to_thread(context, question, uid))
            except NotAnswered as error:
                self._failed(state, question, error)
                raise
            state.failures, state.rests_until = 0, 0.0
            was_troubled = state.troubles.pop(_key(question), None) is not None
            if was_troubled and not state.troubles and self._log is not None:
                self._log.info("interpreter.back", webhook=webhook.uid)
            answer = await asyncio.to_thread(answer_of, question, uid, data)
        self._keep(question, answer)
        return answer

    def _failed(self, state: _State, question: WebhookQuestion, error: NotAnswered) -> None:
        state.failures += 1
        webhook = question.webhook
        now = self._clock()
        before = state.trouble(now)
        problem = problem_about(
            question, UNREACHABLE, f"{webhook.uid} cannot be asked", (f"{webhook.url}: {error}",)
        )
        key = _key(question)
        if key in state.troubles or len(state.troubles) < _PURSUED:
            state.troubles[key] = (problem, now)
        if self._log is not None and (before is None or before.evidence != problem.evidence):
            self._log.warning("interpreter.away", webhook=webhook.uid, url=webhook.url, problem=str(error))
        if error.is_away or state.failures >= _PATIENCE:
            over = state.failures - (1 if error.is_away else _PATIENCE)
            state.rests_until = now + doubled(_FIRST_PAUSE, over, _LONGEST_PAUSE)

    def _keep(self, question: WebhookQuestion, answer: WebhookAnswer) -> None:
        self._known[question.digest] = _Held(answer, self._clock())
        self._known.move_to_end(question.digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        key = _key(question)
        if answer.failure:
            problem = unusable(question, answer.failure)
            if self._log is not None and self._useless.get(key) != problem:
                self._log.warning(
                    "interpreter.useless", webhook=answer.webhook, problem=problem.message, why=answer.failure
                )
            self._useless[key] = problem
            while len(self._useless) > _PURSUED:
                del self._useless[next(iter(self._useless))]
        else:
            self._useless.pop(key, None)


@dataclass(frozen=True, slots=True)
class Live:
    """Answers of now, for the threads that deliver and observe: what is not in memory is asked, and waited for."""

    asker: Asker

    def answer(self, asked: WebhookQuestion) -> WebhookAnswer:
        """The answer. Raises WebhookFailed where there is none."""
        known = self.asker.recall(asked)
        if known is not None:
            return known
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("a webhook is asked on an event loop, which would wait for itself")
        future = asyncio.run_coroutine_threadsafe(self.asker.ask(asked), self.asker.loop)
        try:
            # Others may be before us at the gate.
            return future.result(asked.webhook.seconds * 3)
        except (NotAnswered, TimeoutError) as error:
            future.cancel()
            words = str(error) or "too many questions wait for it"
            message = f"{asked.operation} of {asked.webhook.uid} cannot be asked about {asked.subject}"
            problem = problem_about(asked, UNREACHABLE, message, (words,))
            raise WebhookFailed(problem, is_transient=True) from error


@dataclass(frozen=True, slots=True)
class Nobody:
    """For a process that asks no webhook: says so, where a missing answer would look like one that is on its way."""

    def answer(self, asked: WebhookQuestion) -> WebhookAnswer:
        """Raises WebhookFailed, always."""
        raise WebhookFailed(not_here(asked))


def not_here(asked: WebhookQuestion) -> Problem:
    """R433: this process asks nobody."""
    message = f"{asked.operation} of {asked.webhook.uid} is not asked here, about {asked.subject}"
    return problem_about(asked, NOT_HERE, message)


def _key(question: WebhookQuestion) -> _Key:
    return question.webhook.uid, question.operation, str(question.subject)
