"""Policies that can claim nothing, because another one always wins (spec scheduling 2.4).

Proves it selector by selector: somebody else selects all that the selector selects, and stands before it by scope, priority,
how specifically it selects, or name. Says nothing of what it cannot prove, and nothing of what a policy claimed in the past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.fleet.finding import Finding
from reconciler.model.manifest import Manifest
from reconciler.model.policy import PropagationPolicy
from reconciler.model.selector import LabelSelector, ResourceSelector
from reconciler.selectors.resources import Level

_EVERYTHING = LabelSelector()

_Key = tuple[str, str, str, str, str, LabelSelector | None]
"""Policy namespace, apiVersion, kind, and the namespace, name and labels selected."""

Found = tuple[Manifest, Finding]


def check(policies: Iterable[PropagationPolicy]) -> Iterator[Found]:
    """A finding for each policy whose every selector is always beaten."""
    living = tuple(policy for policy in policies if not policy.deleting)
    board = _board(living)
    for policy in living:
        beaten = [board.winner_over(policy, selector) for selector in policy.resource_selectors]
        winners = [winner for winner in beaten if winner is not None]
        if policy.manifest is None or not winners or len(winners) < len(beaten):
            continue
        evidence = dict.fromkeys(map(_told, winners))
        yield (
            policy.manifest,
            Finding(
                code="R232",
                path=("spec", "resourceSelectors"),
                message="another policy wins everything that this one selects",
                evidence=tuple(evidence)[:3],
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Board:
    """The best policy for each selector that anybody wrote: highest priority, then smallest name."""

    best: Mapping[_Key, PropagationPolicy] = field(default_factory=dict)

    def winner_over(self, policy: PropagationPolicy, selector: ResourceSelector) -> PropagationPolicy | None:
        """A policy that stands before `policy` for everything that `selector` selects, or None where none is sure to."""
        scopes: tuple[str, ...] = (policy.namespace,)
        if not policy.namespace and selector.namespace:
            scopes = (
                selector.namespace,
                "",
            )  # a namespaced policy of any priority beats every cluster-scoped one
        own = max(
            _level(each)
            for each in policy.resource_selectors
            if (each.api_version, each.kind) == (selector.api_version, selector.kind)
        )
        for scope in scopes:
            for key, level in _wider(scope, selector):
                other = self.best.get(key)
                if other is not None and other is not policy and _beats(other, level, policy, own):
                    return other
        return None


def _board(policies: Iterable[PropagationPolicy]) -> _Board:
    rivals: dict[_Key, list[PropagationPolicy]] = defaultdict(list)
    for policy in policies:
        for selector in policy.resource_selectors:
            rivals[_key(policy.namespace, selector)].append(policy)
    return _Board(best={key: min(found, key=_rank) for key, found in rivals.items()})


def _wider(scope: str, selector: ResourceSelector) -> Iterator[tuple[_Key, Level]]:
    """The selectors that would select all of it, with the level at which they do."""
    for namespace in dict.fromkeys((selector.namespace, "")):
        start = (scope, selector.api_version, selector.kind, namespace)
        if selector.name:
            yield (*start, selector.name, None), Level.NAME
        elif selector.label_selector is not None and selector.label_selector != _EVERYTHING:
            yield (*start, "", selector.label_selector), Level.LABELS
        yield (*start, "", _EVERYTHING), Level.LABELS
        yield (*start, "", None), Level.ALL


def _beats(other: PropagationPolicy, level: Level, policy: PropagationPolicy, own: Level) -> bool:
    if other.namespace != policy.namespace:
        return bool(other.namespace)
    return (-other.priority, -level, other.name.encode()) < (-policy.priority, -own, policy.name.encode())


def _key(scope: str, selector: ResourceSelector) -> _Key:
    # A name makes the labels moot.
    labels = None if selector.name else selector.label_selector
    return (scope, selector.api_version, selector.kind, selector.namespace, selector.name, labels)


def _level(selector: ResourceSelector) -> Level:
    if selector.name:
        return Level.NAME
    return Level.ALL if selector.label_selector is None else Level.LABELS


def _rank(policy: PropagationPolicy) -> tuple[int, bytes]:
    return (-policy.priority, policy.name.encode())


def _told(winner: PropagationPolicy) -> str:
    place = winner.manifest.origin.location if winner.manifest is not None else ""
    return f"{winner.kind} {winner.name} (priority {winner.priority}) at {place}"
