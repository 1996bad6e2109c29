"""Which policies and rules concern an object and a cluster, and in which order they apply (spec §1.3, §1.4)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.cluster import Cluster
from reconciler.model.identity import metadata_of
from reconciler.model.manifest import Body
from reconciler.model.override import OverridePolicy, OverrideRule
from reconciler.selectors.clusters import matches_cluster
from reconciler.selectors.resources import Level, body_level

Rules = tuple[tuple[OverridePolicy, OverrideRule], ...]


def policies_in_order(body: Body, policies: Iterable[OverridePolicy]) -> tuple[OverridePolicy, ...]:
    """The policies that select the object, the least specific first: what is applied last wins."""
    body = _with_readable_labels(body)
    levels = ((policy_level(policy, body), policy) for policy in policies)
    matching = [(level, policy.name.encode(), policy) for level, policy in levels if level]
    return tuple(policy for _, _, policy in sorted(matching, key=lambda item: item[:2]))


def policy_level(policy: OverridePolicy, body: Body) -> Level:
    """How specifically a policy means an object; without selectors it means everything."""
    if not policy.resource_selectors:
        return Level.ALL
    return max(body_level(body, selector) for selector in policy.resource_selectors)


def rules_for(policies: Iterable[OverridePolicy], cluster: Cluster) -> Rules:
    """Every rule of the policies that targets the cluster, in order; all of them apply, not only the first."""
    return tuple(
        (policy, rule)
        for policy in policies
        for rule in policy.rules
        if rule.target_cluster is None or matches_cluster(rule.target_cluster, cluster)
    )


def _with_readable_labels(body: Body) -> Body:
    # Kubernetes' accessor reads null as empty, and gives no labels at all where one of them is not a string.
    metadata = metadata_of(body)
    labels = metadata.get("labels")
    if labels is None or (
        isinstance(labels, dict) and all(isinstance(value, str) for value in labels.values())
    ):
        return body
    if isinstance(labels, dict) and all(isinstance(value, str | None) for value in labels.values()):
        return {
            **body,
            "metadata": {**metadata, "labels": {key: value or "" for key, value in labels.items()}},
        }
    return {**body, "metadata": {key: value for key, value in metadata.items() if key != "labels"}}
