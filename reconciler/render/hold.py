"""Absence by error is never absence by intent: what the faults of a fleet hold at its last good state (DESIGN §5, promise 1).

Pure. Answers one question, "does a fault govern this?", with the reason in words. A refused document is asked with all
benefit of the doubt: where its selectors cannot be read, it governs everything in its scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Location
from reconciler.model.binding import Binding, Claim
from reconciler.model.fleet import Fleet
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.override import OverridePolicy
from reconciler.model.tree import PreviousRender
from reconciler.render.cluster_files import RULES, rules_in

CONFIG_FILE = "reconciler.yaml"
_PROPAGATION = ("PropagationPolicy", "ClusterPropagationPolicy")
_OVERRIDE = ("OverridePolicy", "ClusterOverridePolicy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong with a fleet, by what it governs. Values are reasons, for people.

    `everything`: the repository's own configuration is unknown, so nothing may change. `clusters`: declared, or gone
    in a fleet that cannot be read whole.
    """

    everything: str = ""
    templates: Mapping[ObjectId, Manifest]
    clusters: Mapping[str, str]
    places: Mapping[str, Location]
    """Where the document of a held cluster stands, if it is there."""
    propagation: tuple[Manifest, ...] = ()
    overrides: tuple[Manifest, ...] = ()
    customizations: tuple[Manifest, ...] = ()
    """Refused documents with rules of interpretation, of either kind."""
    lost_rules: tuple[Manifest, ...] = ()
    """Such documents that were there and are gone in a fleet that cannot be read whole, as the trees still have them."""
    unreadable: str = ""
    """A file that cannot be read: whatever is gone may be in it."""
    known_policies: frozenset[Claim] = frozenset()
    known_overrides: frozenset[str] = frozenset()

    def on_claim(self, template: Manifest, previous: Binding | None, *, claim_is_kept: bool) -> str:
        """Why the policy of `template` is unknown, or ""."""
        if template.id in self.templates:
            return refusal_of(self.templates[template.id])
        claim = previous.claim if previous is not None else None
        for policy in self.propagation:
            # A policy never takes over a template whose own policy still claims it; else it might have.
            if claim is not None and (claim.kind, claim.namespace, claim.name) == _scoped_name(policy):
                return f"{_words(policy)} is refused"
            if not claim_is_kept and _may_select(policy, template, empty_selects=False):
                return f"{_words(policy)} is refused and may select it"
        if self.unreadable and claim is not None and claim not in self.known_policies:
            return f"{claim} is gone, while {self.unreadable} cannot be read"
        return ""

    def on_content(self, template: Manifest, previous: Binding | None) -> str:
        """Why what `template` would look like, or where, is unknown although its policy is known; or ""."""
        applied = previous.overrides if previous is not None else ()
        for policy in self.overrides:
            if _path_of(policy) in applied:
                return f"{_words(policy)} is refused"
            if _may_select(policy, template, empty_selects=True):
                return f"{_words(policy)} is refused and may select it"
        for customization in self.customizations:
            if _may_interpret(customization, template):
                return f"{_words(customization)} is refused and interprets its kind"
        for lost in self.lost_rules:
            if _may_interpret(lost, template):
                return f"{_words(lost)}, which interprets its kind, is gone, while {self.unreadable} cannot be read"
        for name in previous.target_names if previous is not None else ():
            if name in self.clusters:
                return self.clusters[name]
        for name in applied if self.unreadable else ():
            if name not in self.known_overrides:
                return f"override policy {name}, which had changed it, is gone, while {self.unreadable} cannot be read"
        return ""


def faults_of(fleet: Fleet, previous: PreviousRender) -> Faults:
    """The faults of `fleet`, given what it was known to hold."""
    templates: dict[ObjectId, Manifest] = {}
    clusters: dict[str, str] = {}
    places: dict[str, Location] = {}
    propagation, overrides, customizations = [], [], []
    everything = f"{CONFIG_FILE} cannot be read" if CONFIG_FILE in fleet.unreadable else ""
    for manifest in sorted(fleet.refused, key=_in_order):
        match (manifest.id.group, manifest.id.kind):
            case ("policy.karmada.io", kind) if kind in _PROPAGATION:
                propagation.append(manifest)
            case ("policy.karmada.io", kind) if kind in _OVERRIDE:
                overrides.append(manifest)
            case ("config.karmada.io", _):
                customizations.append(manifest)
            case ("cluster.karmada.io", "Cluster"):
                clusters[manifest.id.name] = f"Cluster {manifest.id.name} is refused"
                places[manifest.id.name] = manifest.origin.location
            case ("fleet-reconciler", "FleetConfig"):
                everything = everything or f"FleetConfig in {manifest.origin.path} is refused"
            case _:
                templates.setdefault(manifest.id, manifest)
    if fleet.unreadable:
        declared = {cluster.name for cluster in fleet.clusters}
        for name in previous.trees:
            if name not in declared:
                clusters.setdefault(
                    name, f"Cluster {name} is gone, while {fleet.unreadable[0]} cannot be read"
                )
    return Faults(
        everything=everything,
        templates=templates,
        clusters=clusters,
        places=places,
        propagation=tuple(propagation),
        overrides=tuple(overrides),
        customizations=tuple(customizations),
        lost_rules=_lost_rules(fleet, previous) if fleet.unreadable else (),
        unreadable=fleet.unreadable[0] if fleet.unreadable else "",
        known_policies=known_policies(fleet),
        known_overrides=known_overrides(fleet),
    )


def _lost_rules(fleet: Fleet, previous: PreviousRender) -> tuple[Manifest, ...]:
    known = {manifest.id for manifest in (*fleet.customizations, *fleet.webhooks, *fleet.refused)}
    found = {
        manifest.id: manifest
        for files in previous.trees.values()
        for path in RULES
        for manifest in rules_in(files, path)
    }
    return tuple(found[id_] for id_ in sorted(found.keys() - known))


def known_policies(fleet: Fleet) -> frozenset[Claim]:
    """The claims that the fleet's policies can make."""
    return frozenset(Claim(name=each.name, namespace=each.namespace) for each in fleet.propagation_policies)


def known_overrides(fleet: Fleet) -> frozenset[str]:
    """The override policies of the fleet, as bindings name them."""
    return frozenset(override_key(each) for each in fleet.override_policies)


def override_key(policy: OverridePolicy) -> str:
    """How a binding names an override policy that applied."""
    return f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name


def _in_order(manifest: Manifest) -> tuple[ObjectId, str, int, int]:
    return manifest.id, manifest.origin.path, manifest.origin.line, manifest.origin.column


def refusal_of(manifest: Manifest) -> str:
    """Why an object whose own document is refused is held."""
    return f"its document in {manifest.origin.path} is refused"


def _scoped_name(policy: Manifest) -> tuple[str, str, str]:
    return policy.id.kind, policy.id.namespace, policy.id.name


def _path_of(manifest: Manifest) -> str:
    id_ = manifest.id
    return f"{id_.namespace}/{id_.name}" if id_.namespace else id_.name


def _words(manifest: Manifest) -> str:
    return f"{manifest.id.kind} {_path_of(manifest)}"


def _may_select(policy: Manifest, template: Manifest, *, empty_selects: bool) -> bool:
    if policy.id.namespace and policy.id.namespace != template.id.namespace:
        return False
    selectors = _mapping(policy.body, "spec").get("resourceSelectors")
    if selectors is None or selectors == []:
        return empty_selects or selectors is None
    if not isinstance(selectors, list):
        return True
    return any(_may_match(selector, template) for selector in selectors)


def _may_match(selector: Any, template: Manifest) -> bool:
    """Whether `selector` could match; labels are not looked at, since the refusal may be about them."""
    if not isinstance(selector, dict):
        return True
    wanted = {
        "apiVersion": template.api_version,
        "kind": template.id.kind,
        "namespace": template.id.namespace,
        "name": template.id.name,
    }
    return all(
        not isinstance(selector.get(key), str) or selector[key] in ("", value)
        for key, value in wanted.items()
    )


def _may_interpret(customization: Manifest, template: Manifest) -> bool:
    """Whether a refused customization or webhook configuration could be about the template's kind."""
    if "webhooks" not in customization.body:
        target = _mapping(_mapping(customization.body, "spec"), "target")
        return bool(target.get("kind", template.id.kind) == template.id.kind)
    webhooks = customization.body["webhooks"]
    if not isinstance(webhooks, list):
        return True
    rules = [each.get("rules") if isinstance(each, dict) else None for each in webhooks]
    return any(
        not isinstance(found, list) or any(_may_be_asked(rule, template) for rule in found) for found in rules
    )


def _may_be_asked(rule: Any, template: Manifest) -> bool:
    if not isinstance(rule, dict):
        return True
    wanted = {"apiGroups": template.id.group, "kinds": template.id.kind}
    return all(
        not isinstance(rule.get(field), list) or value in rule[field] or "*" in rule[field]
        for field, value in wanted.items()
    )


def _mapping(body: Any, key: str) -> dict[str, Any]:
    value = body.get(key) if isinstance(body, dict) else None
    return value if isinstance(value, dict) else {}
