"""Rules over several documents, or over what only the whole fleet knows: namespaces, clusters, other customizations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.model.manifest import Manifest

_NAMESPACED: Final = ("PropagationPolicy", "OverridePolicy")
_POLICY: Final = "policy.karmada.io"
_UNITED: Final = "dependencyInterpretation"

Body = Mapping[str, Any]
Found = tuple[Manifest, Finding]


def check(manifests: Iterable[Manifest], cluster_names: frozenset[str]) -> Iterator[Found]:
    """What is found of documents that passed their own checks. `cluster_names`: every Cluster of the repository."""
    accepted = tuple(manifests)
    for manifest in accepted:
        if manifest.id.group == _POLICY and manifest.id.kind in _NAMESPACED:
            yield from ((manifest, finding) for finding in _selector_namespaces(manifest))
        if cluster_names and manifest.id.group == _POLICY:
            yield from ((manifest, finding) for finding in _unknown_clusters(manifest, cluster_names))
    yield from _customizations(accepted)


def _selector_namespaces(manifest: Manifest) -> Iterator[Finding]:
    """A namespaced policy selects in its own namespace alone (spec scheduling 2.3, rendering-and-status 1.2)."""
    own = manifest.id.namespace
    for index, selector in enumerate(manifest.body["spec"].get("resourceSelectors") or ()):
        stated = selector.get("namespace")
        if stated and stated != own:
            yield Finding(
                code="R225",
                path=("spec", "resourceSelectors", index, "namespace"),
                message=f"this policy is in namespace {own}, and selects in {quoted(stated)}",
            )


def _unknown_clusters(manifest: Manifest, cluster_names: frozenset[str]) -> Iterator[Finding]:
    for path, name in _named_clusters(manifest.body["spec"], ("spec",)):
        if name not in cluster_names:
            yield Finding(code="R230", path=path, message=f"there is no cluster {quoted(name)} in the fleet")


def _named_clusters(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    """Every entry of a `clusterNames` or `exclude` list, wherever in a policy. Overriders hold foreign words."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            if key in ("clusterNames", "exclude"):
                yield from (((*path, key, index), name) for index, name in enumerate(value[key] or ()))
            elif key != "overriders":
                yield from _named_clusters(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _named_clusters(item, (*path, index))


def _customizations(manifests: Iterable[Manifest]) -> Iterator[Found]:
    """One script an operation and kind (spec rendering-and-status 3.3); dependencies alone are united."""
    given: dict[tuple[str, str, str], list[Manifest]] = defaultdict(list)
    for manifest in sorted(manifests, key=lambda each: each.id):
        if manifest.id.kind != "ResourceInterpreterCustomization":
            continue
        spec = manifest.body["spec"]
        for operation in sorted(spec["customizations"]):
            if operation != _UNITED:
                given[(spec["target"]["apiVersion"], spec["target"]["kind"], operation)].append(manifest)
    for (_, kind, operation), found in given.items():
        for manifest in found[1:]:
            yield (
                manifest,
                Finding(
                    code="R260",
                    path=("spec", "customizations", operation),
                    message=f"{operation} of {kind} is given by {quoted(found[0].id.name)} already",
                    evidence=(f"the first is at {found[0].origin.location}",),
                ),
            )
