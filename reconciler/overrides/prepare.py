"""A fleet's override policies, made ready for many objects: by kind and namespace, with each rule's clusters looked up once.

Gives the same results as `apply.apply_overrides` for each cluster, with work proportional to the distinct results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.cluster import Cluster
from reconciler.model.manifest import Body
from reconciler.model.override import OverridePolicy, OverrideRule
from reconciler.overrides.apply import Overridden, apply_rules
from reconciler.overrides.matching import policies_in_order
from reconciler.overrides.outcome import OverrideError
from reconciler.selectors.clusters import matches_cluster

_Key = tuple[str, str, str]
_ANY = ("", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedOverrides:
    """Made by `prepare`. `clusters` maps a rule (policy, index) to the clusters that it targets."""

    candidates: Mapping[_Key, tuple[OverridePolicy, ...]]
    clusters: Mapping[tuple[str, str, int], frozenset[str]]

    def apply(
        self, body: Body, names: Sequence[str], *, namespaced: bool = True
    ) -> tuple[tuple[Overridden | OverrideError, tuple[str, ...]], ...]:
        """The object's distinct results, each with the clusters (of `names`, in that order) that get it.

        `namespaced` False leaves the OverridePolicies out. An error stands in place of a result for its clusters alone.
        """
        results: list[tuple[Overridden | OverrideError, tuple[str, ...]]] = []
        for first, group in self._pass(body, names, ""):
            namespace = "" if isinstance(first, OverrideError) else _namespace(first.body)
            if isinstance(first, OverrideError) or not namespaced or not namespace:
                results.append((first, group))
                continue
            for second, subgroup in self._pass(first.body, group, namespace):
                results.append((_joined(first, second), subgroup))
        return tuple(results)

    def _pass(
        self, body: Body, names: Sequence[str], namespace: str
    ) -> Iterable[tuple[Overridden | OverrideError, tuple[str, ...]]]:
        rules = self._rules(body, namespace)
        groups: dict[tuple[int, ...], list[str]] = {}
        for name in names:
            kept = tuple(
                number for number, (_, _, targets) in enumerate(rules) if targets is None or name in targets
            )
            groups.setdefault(kept, []).append(name)
        for kept, group in groups.items():
            try:
                result: Overridden | OverrideError = apply_rules(body, [rules[number][:2] for number in kept])
            except OverrideError as error:
                result = error
            yield result, tuple(group)

    def _rules(
        self, body: Body, namespace: str
    ) -> list[tuple[OverridePolicy, OverrideRule, frozenset[str] | None]]:
        kind = (namespace, str(body.get("apiVersion") or ""), str(body.get("kind") or ""))
        candidates = (*self.candidates.get(kind, ()), *self.candidates.get((namespace, *_ANY[1:]), ()))
        if not candidates:
            return []
        return [
            (policy, rule, self.clusters.get((policy.namespace, policy.name, rule.index)))
            for policy in policies_in_order(body, candidates)
            for rule in policy.rules
        ]


def prepare(policies: Iterable[OverridePolicy], clusters: Iterable[Cluster]) -> PreparedOverrides:
    """The policies, with every rule matched against every cluster once."""
    members = tuple(clusters)
    candidates: dict[_Key, list[OverridePolicy]] = {}
    targets: dict[tuple[str, str, int], frozenset[str]] = {}
    for policy in policies:
        kinds = {(selector.api_version, selector.kind) for selector in policy.resource_selectors} or {
            _ANY[1:]
        }
        for api_version, kind in sorted(kinds):
            candidates.setdefault((policy.namespace, api_version, kind), []).append(policy)
        for rule in policy.rules:
            affinity = rule.target_cluster
            if affinity is not None:
                key = (policy.namespace, policy.name, rule.index)
                targets[key] = frozenset(
                    member.name for member in members if matches_cluster(affinity, member)
                )
    return PreparedOverrides(
        candidates={key: tuple(found) for key, found in candidates.items()}, clusters=targets
    )


def _namespace(body: Body) -> str:
    return str((body.get("metadata") or {}).get("namespace") or "")


def _joined(first: Overridden, second: Overridden | OverrideError) -> Overridden | OverrideError:
    if isinstance(second, OverrideError):
        return second
    return replace(second, applied=first.applied + second.applied, no_ops=first.no_ops + second.no_ops)
