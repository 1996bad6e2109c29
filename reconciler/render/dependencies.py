"""What follows a template: the objects it depends on go where it goes (spec scheduling §7).

Pure. Adds to bindings only who requires them; never a result of their own. Dependents of dependents do not follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.errors import Problem
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.binding import Binding, RequiredBy
from reconciler.model.identity import ObjectId, group_of
from reconciler.model.manifest import Body, Manifest
from reconciler.model.selector import ObjectReference
from reconciler.problems import CATALOGUE
from reconciler.render.uid import template_uid
from reconciler.selectors.labels import matches_labels

Dependencies = Callable[[Body], tuple[ObjectReference, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributed:
    """All bindings with their `required_by`, those of dependents that no policy places included.

    `unknown`: owners whose dependents could not be told; what they required before, they still do.
    """

    bindings: Mapping[ObjectId, Binding]
    unknown: Mapping[ObjectId, InterpretationError]
    problems: tuple[Problem, ...] = ()


def distribute(
    bindings: Mapping[ObjectId, Binding],
    templates: Iterable[Manifest],
    dependencies: Dependencies,
    previous: Mapping[ObjectId, Binding],
) -> Distributed:
    """The bindings after scheduling, with what their owners require.

    `templates` are all that may be propagated; `previous` the committed bindings, for the UIDs of attached ones and for owners
    whose template is not there or cannot be interpreted. An attached binding that nobody requires any more is left out.
    """
    found = {template.id: template for template in templates}
    lookup = _Lookup(found.values())
    required: dict[ObjectId, list[tuple[Binding, RequiredBy]]] = {}
    unknown: dict[ObjectId, InterpretationError] = {}
    for owner in sorted(bindings.values(), key=lambda each: (each.namespace, each.name, each.resource)):
        if not _distributes(owner):
            continue
        entry = RequiredBy(namespace=owner.namespace, name=owner.name, clusters=owner.clusters)
        dependents = _dependents(owner, found, lookup, dependencies, unknown)
        if dependents is None:
            dependents = _required_before(entry, previous, found)
        for id_ in dependents:
            required.setdefault(id_, []).append((owner, entry))
    result: dict[ObjectId, Binding] = {}
    problems: list[Problem] = []
    for id_ in sorted({*bindings, *required}):
        owners = required.get(id_, [])
        own = bindings.get(id_)
        if own is not None and own.placement is not None:
            result[id_] = replace(own, required_by=tuple(entry for _, entry in owners))
        elif owners:
            result[id_] = _attached(found[id_], previous.get(id_), owners)
            problems += _disagreement(found[id_], [owner for owner, _ in owners])
    return Distributed(bindings=result, unknown=unknown, problems=tuple(problems))


def is_attached(binding: Binding) -> bool:
    """Whether the binding exists only because others require its template."""
    return binding.placement is None


def _distributes(owner: Binding) -> bool:
    # Karmada distributes no dependencies of cluster-scoped templates.
    return owner.propagate_deps and bool(owner.namespace) and bool(owner.clusters) and not is_attached(owner)


def _dependents(
    owner: Binding,
    templates: Mapping[ObjectId, Manifest],
    lookup: _Lookup,
    dependencies: Dependencies,
    unknown: dict[ObjectId, InterpretationError],
) -> list[ObjectId] | None:
    """The dependents that exist, sorted; None where they cannot be told."""
    template = templates.get(owner.resource)
    if template is None:
        unknown[owner.resource] = InterpretationError("its template is not there")
        return None
    try:
        references = dependencies(template.body)
    except InterpretationError as error:
        unknown[owner.resource] = error
        return None
    ids = {id_ for reference in references for id_ in lookup.ids(reference, owner.namespace)}
    return sorted(ids - {owner.resource})


def _required_before(
    entry: RequiredBy, previous: Mapping[ObjectId, Binding], templates: Mapping[ObjectId, Manifest]
) -> list[ObjectId]:
    named = (entry.namespace, entry.name)
    return sorted(
        id_
        for id_, binding in previous.items()
        if id_ in templates and any((old.namespace, old.name) == named for old in binding.required_by)
    )


def _attached(
    template: Manifest, previous: Binding | None, owners: list[tuple[Binding, RequiredBy]]
) -> Binding:
    """A binding without a placement: no scheduler looks at it, its targets are those of its owners."""
    base = previous if previous is not None and is_attached(previous) else None
    overwrite = any(owner.conflict_resolution == "Overwrite" for owner, _ in owners)
    return replace(
        base or Binding(resource=template.id, api_version=template.api_version),
        api_version=template.api_version,
        uid=template_uid(template, previous),
        source_path=template.origin.path,
        required_by=tuple(entry for _, entry in owners),
        conflict_resolution="Overwrite" if overwrite else "Abort",
        preserve_resources_on_deletion=any(owner.preserve_resources_on_deletion for owner, _ in owners),
    )


def _disagreement(template: Manifest, owners: list[Binding]) -> list[Problem]:
    differing = [
        words
        for words, values in (
            ("conflictResolution", {owner.conflict_resolution for owner in owners}),
            ("preserveResourcesOnDeletion", {owner.preserve_resources_on_deletion for owner in owners}),
        )
        if len(values) > 1
    ]
    if not differing:
        return []
    row = CATALOGUE["R312"]
    names = ", ".join(str(owner.resource) for owner in owners)
    return [
        Problem(
            code=row.code,
            message=f"the owners of {template.id} disagree on {' and '.join(differing)}",
            location=template.origin.location,
            evidence=(f"required by {names}",),
            remedy=row.remedy,
            severity=row.severity,
            subject=str(template.id),
        )
    ]


class _Lookup:
    """Templates by kind and namespace, for references by name and by label selector."""

    def __init__(self, templates: Iterable[Manifest]) -> None:
        self._by_kind: dict[tuple[str, str, str], dict[str, Manifest]] = {}
        for template in templates:
            id_ = template.id
            kind = self._by_kind.setdefault((id_.group, id_.kind, id_.namespace), {})
            kind[id_.name] = template

    def ids(self, reference: ObjectReference, namespace: str) -> list[ObjectId]:
        """The templates that a reference means; one without a namespace means the owner's, or a cluster-scoped object."""
        group = group_of(reference.api_version)
        for where in dict.fromkeys((reference.namespace or namespace, "")):
            templates = self._by_kind.get((group, reference.kind, where), {})
            if reference.name:
                matching = [templates[reference.name].id] if reference.name in templates else []
            elif reference.label_selector is not None:
                selector = reference.label_selector
                matching = [t.id for t in templates.values() if matches_labels(selector, t.labels)]
            else:
                matching = []
            if matching:
                return matching
        return []
