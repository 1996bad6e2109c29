"""A fleet's override policies, made ready for many objects: by kind and namespace, with each rule's clusters looked up once.

Gives the same results as `apply.apply_overrides` for each cluster, with work proportional to the distinct results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.cluster import Cluster
from reconciler.model.identity import metadata_of
from reconciler.model.manifest import Body
from reconciler.model.override import OverridePolicy, OverrideRule
from reconciler.overrides.apply import Overridden, apply_rules
from reconciler.overrides.matching import Rules, policies_in_order
from reconciler.overrides.outcome import OverrideError
from reconciler.selectors.clusters import matches_cluster

_Kind = tuple[str, str, str]
"""(namespace of the policy, apiVersion, kind)"""
_RuleKey = tuple[str, str, int]
"""(namespace and name of the policy, index of the rule)"""
_Groups = tuple[tuple[Rules, tuple[str, ...]], ...]
_ANY = ("", "")
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedOverrides:
    """Made by `prepare`. `clusters` maps a rule (policy, index) to the clusters that it targets."""

    candidates: Mapping[_Kind, tuple[OverridePolicy, ...]]
    clusters: Mapping[_RuleKey, frozenset[str]]
    _partitions: dict[tuple[tuple[_RuleKey, ...], tuple[str, ...]], _Groups] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def apply(
        self, body: Body, names: Sequence[str], *, namespaced: bool = True
    ) -> tuple[tuple[Overridden | OverrideError, tuple[str, ...]], ...]:
        """The object's distinct results, each with the clusters (of `names`, in that order) that get it.

        `namespaced` False leaves the OverridePolicies out. An error stands in place of a result for its clusters alone.
        """
        results: list[tuple[Overridden | OverrideError, tuple[str, ...]]] = []
        for first, group in self._pass(body, tuple(names), ""):
            namespace = "" if isinstance(first, OverrideError) else _namespace(first.body)
            if isinstance(first, OverrideError) or not namespaced or not namespace:
                results.append((first, group))
                continue
            for second, subgroup in self._pass(first.body, group, namespace):
                results.append((_joined(first, second), subgroup))
        return tuple(results)

    def _pass(
        self, body: Body, names: tuple[str, ...], namespace: str
    ) -> Iterable[tuple[Overridden | OverrideError, tuple[str, ...]]]:
        rules = self._rules(body, namespace)
        if not rules:
            yield Overridden(body=body), names
            return
        for kept, group in self._partition(rules, names):
            try:
                result: Overridden | OverrideError = apply_rules(body, kept)
            except OverrideError as error:
                result = error
            yield result, group

    def _partition(self, rules: Rules, names: tuple[str, ...]) -> _Groups:
        """The clusters by the rules that target them. Few sets of rules meet few lists of clusters, so it is remembered."""
        keys = tuple(_key(policy, rule) for policy, rule in rules)
        known = self._partitions.get((keys, names))
        if known is not None:
            return known
        targets = [self.clusters.get(key) for key in keys]
        groups: dict[tuple[int, ...], list[str]] = {}
        for name in names:
            kept = tuple(number for number, one in enumerate(targets) if one is None or name in one)
            groups.setdefault(kept, []).append(name)
        made = tuple(
            (tuple(rules[number] for number in kept), tuple(group)) for kept, group in groups.items()
        )
        if len(self._partitions) >= _REMEMBERED:
            self._partitions.clear()
        self._partitions[keys, names] = made
        return made

    def _rules(self, body: Body, namespace: str) -> Rules:
        kind = (namespace, str(body.get("apiVersion") or ""), str(body.get("kind") or ""))
        candidates = (*self.candidates.get(kind, ()), *self.candidates.get((namespace, *_ANY), ()))
        if not candidates:
            return ()
        return tuple(
            (policy, rule) for policy in policies_in_order(body, candidates) for rule in policy.rules
        )


def prepare(policies: Iterable[OverridePolicy], clusters: Iterable[Cluster]) -> PreparedOverrides:
    """The policies, with every rule matched against every cluster once."""
    members = tuple(clusters)
    candidates: dict[_Kind, list[OverridePolicy]] = {}
    targets: dict[_RuleKey, frozenset[str]] = {}
    for policy in policies:
        kinds = {(selector.api_version, selector.kind) for selector in policy.resource_selectors} or {_ANY}
        for api_version, kind in sorted(kinds):
            candidates.setdefault((policy.namespace, api_version, kind), []).append(policy)
        for rule in policy.rules:
            affinity = rule.target_cluster
            if affinity is not None:
                targets[_key(policy, rule)] = frozenset(
                    member.name for member in members if matches_cluster(affinity, member)
                )
    return PreparedOverrides(
        candidates={key: tuple(found) for key, found in candidates.items()}, clusters=targets
    )


def _key(policy: OverridePolicy, rule: OverrideRule) -> _RuleKey:
    return policy.namespace, policy.name, rule.index


def _namespace(body: Body) -> str:
    return str(metadata_of(body).get("namespace") or "")


def _joined(first: Overridden, second: Overridden | OverrideError) -> Overridden | OverrideError:
    if isinstance(second, OverrideError):
        return second
    return Overridden(
        body=second.body, applied=first.applied + second.applied, no_ops=first.no_ops + second.no_ops
    )
