"""The built-in plugins, in the order in which their reasons count, and profiles made of them (spec scheduling §4.4, §4.5).

Names are Karmada's. Nothing registers itself: third-party plugins are handed to `profile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from reconciler.scheduler.filters import affinity, api_enabled, eviction, taints, workload_affinity
from reconciler.scheduler.plugin import Filter, Scheduler, Score
from reconciler.scheduler.scores import affinity as affinity_score
from reconciler.scheduler.scores import locality
from reconciler.scheduler.spread import eligible

DEFAULT_SCHEDULER: Final = "default-scheduler"

FILTERS: Final = (
    Filter(
        name="ClusterAffinity",
        check=affinity.check,
        prepare=affinity.prepare,
        depends_on=affinity.depends_on,
    ),
    Filter(name="ClusterEviction", check=eviction.check, concerns=eviction.concerns),
    Filter(name="TaintToleration", check=taints.check, depends_on=taints.depends_on, spares_previous=True),
    Filter(
        name="APIEnablement",
        check=api_enabled.check,
        depends_on=api_enabled.depends_on,
        spares_previous=True,
    ),
    Filter(name="SpreadConstraint", check=eligible.check, depends_on=eligible.depends_on),
    Filter(
        name="WorkloadAntiAffinity",
        check=workload_affinity.check_anti_affinity,
        spares_previous=True,
        concerns=workload_affinity.concerns_anti_affinity,
    ),
    Filter(
        name="WorkloadAffinity",
        check=workload_affinity.check_affinity,
        spares_previous=True,
        concerns=workload_affinity.concerns_affinity,
    ),
)
SCORES: Final = (
    Score(name="ClusterLocality", grade=locality.grade, concerns=locality.concerns),
    Score(name="ClusterAffinity", grade=affinity_score.grade, concerns=affinity_score.concerns),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a `schedulerName` stands for: filters and scores, or a whole scheduler in their place."""

    name: str = DEFAULT_SCHEDULER
    filters: tuple[Filter, ...] = FILTERS
    scores: tuple[Score, ...] = SCORES
    scheduler: Scheduler | None = None


def profile(
    plugins: Sequence[str] = ("*",),
    *,
    name: str = DEFAULT_SCHEDULER,
    filters: Iterable[Filter] = (),
    scores: Iterable[Score] = (),
) -> Profile:
    """A profile of the built-in plugins and the given third-party ones, as `--plugins` chooses.

    `*` means all that are not named, `Name` one, `-Name` all but that one; the first word that names a plugin counts.
    Raises ValueError for a name that no plugin has.
    """
    all_filters, all_scores = (*FILTERS, *filters), (*SCORES, *scores)
    known = {filter_.name for filter_ in all_filters} | {score.name for score in all_scores}
    unknown = sorted({word.removeprefix("-") for word in plugins} - known - {"*"})
    if unknown:
        raise ValueError(f"no plugin is named {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return Profile(
        name=name,
        filters=tuple(plugin for plugin in all_filters if _is_enabled(plugin.name, plugins)),
        scores=tuple(plugin for plugin in all_scores if _is_enabled(plugin.name, plugins)),
    )


def profiles(
    plugins: Sequence[str] = ("*",),
    *,
    filters: Iterable[Filter] = (),
    scores: Iterable[Score] = (),
    schedulers: Mapping[str, Scheduler] = MappingProxyType({}),
) -> dict[str, Profile]:
    """`schedulerName` to profile: the default scheduler with the plugins chosen, and third-party schedulers by their names.

    Raises ValueError for an unknown plugin, and for a scheduler that would take the default one's name.
    """
    if DEFAULT_SCHEDULER in schedulers:
        raise ValueError(f"a third-party scheduler cannot be named {DEFAULT_SCHEDULER}")
    default = profile(plugins, filters=filters, scores=scores)
    own = {name: Profile(name=name, scheduler=scheduler) for name, scheduler in sorted(schedulers.items())}
    return {DEFAULT_SCHEDULER: default, **own}


def _is_enabled(name: str, plugins: Sequence[str]) -> bool:
    word = next((word for word in plugins if word.removeprefix("-") == name), None)
    return "*" in plugins if word is None else word == name
