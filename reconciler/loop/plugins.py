"""Scheduler plugins of others, by entry point, and the profiles that `--plugins` makes of them and the built-in ones.

The only place that looks for installed plugins; what it finds is handed down as values. Offline verbs and the reconciler
load the same, so that a laptop with the same packages decides the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from reconciler.errors import SettingsError
from reconciler.scheduler.plugin import Filter, Score
from reconciler.scheduler.registry import FILTERS, SCORES, Profile, profiles

FILTER_GROUP: Final = "reconciler.filters"
SCORE_GROUP: Final = "reconciler.scores"
SCHEDULER_GROUP: Final = "reconciler.schedulers"


def load_profiles(plugins: str = "*") -> Mapping[str, Profile]:
    """`schedulerName` to profile, of everything that is installed. `plugins`: as `--plugins`, words with commas between.

    Raises SettingsError for a word that names no plugin, and for a plugin that cannot be loaded or is no plugin.
    """
    filters = [_loaded(entry, Filter) for entry in _entries(FILTER_GROUP)]
    scores = [_loaded(entry, Score) for entry in _entries(SCORE_GROUP)]
    schedulers = {entry.name: _loaded(entry, None) for entry in _entries(SCHEDULER_GROUP)}
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


def _loaded(entry: EntryPoint, kind: type | None) -> Any:
    try:
        plugin = entry.load()
    except Exception as error:
        raise SettingsError(
            f"the plugin {entry.name} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not (callable(plugin) if kind is None else isinstance(plugin, kind)):
        wanted = "a function" if kind is None else f"a {kind.__name__}"
        raise SettingsError(f"the plugin {entry.name} ({entry.value}) of {entry.group} is not {wanted}")
    return plugin


def _check_names(names: list[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(f"two {what} are named {', '.join(twice)}")
