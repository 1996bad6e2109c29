"""Plugins of others, so wrapped that what they do wrong is one exception that names them.

What raises, and what answers with something else than its protocol says, fails: nothing is decided without it, and no other
plugin or binding is harmed. The built-in plugins are not wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.errors import ReconcilerError
from reconciler.model.binding import TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.scheduler.outcome import Failure, FailureKind
from reconciler.scheduler.plugin import MAX_SCORE, Context, Filter, Scheduler, Score, Verdict

_MOST: Final = 300
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


class PluginFailed(ReconcilerError):  # noqa: N818 - named for what happened
    """A plugin raised or gave no answer. `plugin` is its name; the message says whose it is, and what it did."""

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(message)
        self.plugin = plugin

    @property
    def failure(self) -> Failure:
        """The same as what came of an attempt."""
        return Failure(kind=FailureKind.ERROR, message=str(self), plugin=self.plugin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who a plugin is: `Maintenance`, a `filter` of the distribution `my-plugin 1.0`."""

    name: str
    kind: str
    distribution: str

    def call(self, what: str, function: Callable[..., Any], *arguments: object) -> Any:
        """The function's answer. Raises PluginFailed for whatever it raises."""
        try:
            return function(*arguments)
        except (Exception, SystemExit) as error:
            raise self.failed(f"{what} raised {type(error).__name__}: {_words(error)}") from error

    def failed(self, said: str) -> PluginFailed:
        """What is raised: `said` after the plugin's name and origin."""
        return PluginFailed(self.name, f"{self.name}, a {self.kind} of {self.distribution}: {said}")

    def wrong(self, what: str, answer: object, wanted: str) -> PluginFailed:
        """An answer that is none."""
        # The type says enough; a value may hold anything, also another one at every call.
        shown = (
            repr(answer) if type(answer) in (int, bool, float) or answer is None else type(answer).__name__
        )
        return self.failed(f"{what} answered with {shown}, not with {wanted}")


def guarded_filter(given: Filter, origin: Origin) -> Filter:
    """The same filter, which raises nothing but PluginFailed."""

    def verdict(what: str, answer: object) -> Verdict:
        if not isinstance(answer, Verdict) or not isinstance(answer.reason, str):
            raise origin.wrong(what, answer, "a Verdict")
        return answer

    def check(context: Context, cluster: Cluster) -> Verdict:
        return verdict("check", origin.call("check", given.check, context, cluster))

    def prepare(context: Context) -> Callable[[Cluster], Verdict]:
        test = origin.call("prepare", given.prepare or given.check, context)
        if not callable(test):
            raise origin.wrong("prepare", test, "a function")
        return lambda cluster: verdict("prepare", origin.call("prepare", test, cluster))

    def depends_on(context: Context) -> Hashable:
        key = origin.call("depends_on", given.depends_on or (lambda _: ()), context)
        origin.call("depends_on", hash, key)
        return key  # type: ignore[no-any-return]  # it has a hash

    return replace(
        given,
        check=check,
        prepare=prepare if given.prepare else None,
        depends_on=depends_on if given.depends_on else None,
        concerns=_guarded_concerns(given.concerns, origin),
    )


def guarded_score(given: Score, origin: Origin) -> Score:
    """The same score, which raises nothing but PluginFailed."""

    def grade(context: Context, cluster: Cluster) -> int:
        points = origin.call("grade", given.grade, context, cluster)
        if type(points) is not int or not 0 <= points <= MAX_SCORE:
            raise origin.wrong("grade", points, f"a whole number from 0 to {MAX_SCORE}")
        return points

    return replace(given, grade=grade, concerns=_guarded_concerns(given.concerns, origin))


def guarded_scheduler(given: Scheduler, origin: Origin) -> Scheduler:
    """The same scheduler, which raises nothing but PluginFailed, also for an answer that cannot be a result."""

    def schedule(context: Context, clusters: Sequence[Cluster]) -> tuple[TargetCluster, ...] | Failure:
        answer = origin.call("it", given, context, clusters)
        if isinstance(answer, Failure):
            if not isinstance(answer.kind, FailureKind) or not isinstance(answer.message, str):
                raise origin.failed("it answered with a Failure without a kind or a message")
            return answer
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
            raise origin.wrong("it", answer, "the clusters or a Failure")
        targets = origin.call("it", tuple, answer)
        for target in targets:
            if not isinstance(target, TargetCluster):
                raise origin.wrong("it", target, "a TargetCluster")
            if not isinstance(target.name, str) or type(target.replicas) is not int:
                raise origin.failed(
                    "it answered with a TargetCluster without a name or a whole number of replicas"
                )
        wrong = _impossible(targets, clusters)
        if wrong:
            raise origin.failed(f"it answered with {wrong}")
        return targets  # type: ignore[no-any-return]  # checked one by one

    return schedule


def _impossible(answer: Sequence[TargetCluster], given: Sequence[Cluster]) -> str:
    """What cannot be a result, whatever the scheduler's rules."""
    names = [target.name for target in answer]
    strangers = sorted(set(names) - {cluster.name for cluster in given})
    if strangers:
        return f"clusters that it was not given: {', '.join(strangers)}"
    if len(set(names)) < len(names):
        return "a cluster twice"
    return "less than no replicas" if any(target.replicas < 0 for target in answer) else ""


def _guarded_concerns(
    given: Callable[[Context], Iterable[str] | None] | None, origin: Origin
) -> Callable[[Context], Iterable[str] | None] | None:
    if given is None:
        return None

    def concerns(context: Context) -> tuple[str, ...] | None:
        answer = origin.call("concerns", given, context)
        if answer is None:
            return None
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
            raise origin.wrong("concerns", answer, "names of clusters")
        names: tuple[object, ...] = origin.call("concerns", tuple, answer)
        if not all(isinstance(name, str) for name in names):
            raise origin.failed("concerns answered with something that is no name of a cluster")
        return names  # type: ignore[return-value]  # checked one by one

    return concerns


def _words(error: BaseException) -> str:
    """What an exception says, in one line; without addresses in memory, which no two renders share."""
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an exception of others whose text raises in its turn
        said = "(it cannot say what)"
    said = _ADDRESS.sub("", said)
    return said if len(said) <= _MOST else f"{said[:_MOST]}…"
