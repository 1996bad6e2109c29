"""Scheduler plugins of others, by entry point, and the profiles that `--plugins` makes of them and the built-in ones.

The only place that looks for installed plugins; what it finds is handed down as values. Offline verbs and the reconciler
load the same, so that a laptop with the same packages decides the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from reconciler.errors import SettingsError
from reconciler.scheduler.guarded import Origin, guarded_filter, guarded_scheduler, guarded_score
from reconciler.scheduler.plugin import Filter, Scheduler, Score
from reconciler.scheduler.registry import FILTERS, SCORES, Profile, profiles

FILTER_GROUP: Final = "reconciler.filters"
SCORE_GROUP: Final = "reconciler.scores"
SCHEDULER_GROUP: Final = "reconciler.schedulers"


def load_profiles(plugins: str = "*") -> Mapping[str, Profile]:
    """`schedulerName` to profile, of everything that is installed. `plugins`: as `--plugins`, words with commas between.

    Raises SettingsError for a word that names no plugin, and for a plugin that cannot be loaded or is no plugin.
    """
    filters = [_filter(entry) for entry in _entries(FILTER_GROUP)]
    scores = [_score(entry) for entry in _entries(SCORE_GROUP)]
    schedulers = {entry.name: _scheduler(entry) for entry in _entries(SCHEDULER_GROUP)}
    _check_names([each.name for each in (*FILTERS, *filters)], "filters")
    _check_names([each.name for each in (*SCORES, *scores)], "scores")
    words = [word.strip() for word in plugins.split(",") if word.strip()]
    try:
        return profiles(words, filters=filters, scores=scores, schedulers=schedulers)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _entries(group: str) -> list[EntryPoint]:
    # By name, and each once: the same distribution may be found twice on the path.
    found = {(entry.name, entry.value): entry for entry in entry_points(group=group)}
    entries = [found[key] for key in sorted(found)]
    _check_names([entry.name for entry in entries], f"entry points of {group}")
    return entries


def _filter(entry: EntryPoint) -> Filter:
    plugin = _loaded(entry)
    if not isinstance(plugin, Filter):
        raise _no_plugin(entry, "a Filter")
    _check_parts(entry, plugin.name, (plugin.check,), (plugin.prepare, plugin.depends_on, plugin.concerns))
    return guarded_filter(plugin, _origin(entry, plugin.name, "filter"))


def _score(entry: EntryPoint) -> Score:
    plugin = _loaded(entry)
    if not isinstance(plugin, Score):
        raise _no_plugin(entry, "a Score")
    _check_parts(entry, plugin.name, (plugin.grade,), (plugin.concerns,))
    return guarded_score(plugin, _origin(entry, plugin.name, "score"))


def _scheduler(entry: EntryPoint) -> Scheduler:
    plugin = _loaded(entry)
    if not callable(plugin):
        raise _no_plugin(entry, "a function")
    return guarded_scheduler(plugin, _origin(entry, entry.name, "scheduler"))


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"the plugin {entry.name} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _origin(entry: EntryPoint, name: str, kind: str) -> Origin:
    found = entry.dist
    distribution = f"{found.name} {found.version}" if found is not None else entry.value
    return Origin(name=name, kind=kind, distribution=distribution)


def _no_plugin(entry: EntryPoint, wanted: str) -> SettingsError:
    return SettingsError(f"the plugin {entry.name} ({entry.value}) of {entry.group} is not {wanted}")


def _check_parts(
    entry: EntryPoint, name: object, functions: tuple[object, ...], optional: tuple[object, ...]
) -> None:
    if not isinstance(name, str) or not name:
        raise SettingsError(f"the plugin {entry.name} ({entry.value}) of {entry.group} has no name")
    given = (*functions, *(part for part in optional if part is not None))
    if not all(callable(part) for part in given):
        raise SettingsError(
            f"the plugin {entry.name} ({entry.value}) of {entry.group} has a part that is no function"
        )


def _check_names(names: list[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(f"two {what} are named {', '.join(twice)}")
