"""All that one commit says, as one value: read, recognised, checked, decoded, with every problem found.

Pure, and independent of the order of files. A memo is only ever a faster way to the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reconciler.errors import Location, Problem, Severity
from reconciler.fleet import layout, secrets, unsupported
from reconciler.fleet.config import decode_approval, decode_config
from reconciler.fleet.finding import Finding, is_fatal, problem_of
from reconciler.fleet.identify import identified, told_twice
from reconciler.fleet.memory import Memo, Recollection
from reconciler.fleet.patterns import is_glob_match
from reconciler.fleet.reading import SETTINGS_KIND, Entry, Reading, read_file
from reconciler.fleet.schema import KIND_SCOPES
from reconciler.fleet.scope import BUILT_IN_SCOPES, GroupKind, Scopes, configured_scopes, declared_scopes
from reconciler.fleet.validate import across, placeable, winning
from reconciler.interpreter.custom.decode import syntax_problems
from reconciler.model.cluster import Cluster
from reconciler.model.cluster_document import decode_cluster
from reconciler.model.config import FleetConfig
from reconciler.model.fleet import Fleet, Skipped, Source, SourceFile
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.overrides.decode import decode_override_policy
from reconciler.policy.decode import decode_propagation_policy

__all__ = ["Memo", "assemble", "settings_of"]

_CRD: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")
_CUSTOMIZATION: Final = ("config.karmada.io", "ResourceInterpreterCustomization")
_WEBHOOKS: Final = ("config.karmada.io", "ResourceInterpreterWebhookConfiguration")
_POLICY: Final = "policy.karmada.io"
_OURS: Final = "fleet-reconciler"
_WHOLE: Final = ("fleet",)


@dataclass(slots=True)
class _Assembly:
    """What is gathered on the way."""

    problems: list[Problem] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    accepted: list[Manifest] = field(default_factory=list)
    refused: list[Manifest] = field(default_factory=list)


def assemble(
    source: Source,
    *,
    previous_paths: frozenset[str] = frozenset(),
    observed_scopes: Mapping[GroupKind, bool] | None = None,
    memo: Memo | None = None,
) -> Fleet:
    """The fleet that `source` states (DESIGN section 2).

    `previous_paths` are the files that held an object in the last render; `observed_scopes` what discovery said of
    kinds, by (group, kind). Never raises for anything a file holds.
    """
    key = (
        tuple((file.path, file.oid) for file in source.files),
        source.problems,
        previous_paths,
        tuple(sorted((observed_scopes or {}).items())),
    )
    known: tuple[Any, Fleet] | None = memo.get(_WHOLE) if memo is not None else None
    if known is not None and known[0] == key:
        return replace(known[1], commit=source.commit, time=source.time)
    recollection = Recollection(memo={} if memo is None else memo)
    fleet = _assembled(source, previous_paths, observed_scopes or {}, recollection)
    if all(file.oid for file in source.files):
        recollection.used[_WHOLE] = (key, fleet)
    recollection.settle()
    return fleet


def settings_of(file: SourceFile) -> FleetConfig | None:
    """The settings that a `reconciler.yaml` states, checked; None where they cannot be relied on."""
    return _stated_settings(read_file(file))


def _assembled(
    source: Source,
    previous_paths: frozenset[str],
    observed_scopes: Mapping[GroupKind, bool],
    memo: Recollection,
) -> Fleet:
    config = _settings(source, memo)
    if config is None:
        return _held(source, previous_paths, memo)
    drawing = layout.lay_out(source, include=config.include, previous_paths=previous_paths)
    assembly = _Assembly(
        problems=list(drawing.problems), skipped=list(drawing.skipped), unreadable=set(drawing.unreadable)
    )
    entries = _read(drawing.files, previous_paths, assembly, memo)
    scopes = Scopes(
        declared=declared_scopes(entry.body for entry in entries if (entry.group, entry.kind) == _CRD),
        observed=observed_scopes,
        configured=configured_scopes(config.scopes),
    )
    manifests: list[tuple[Entry, Manifest]] = []
    for entry in entries:
        manifest, problem = identified(entry, scopes, config, memo)
        if problem is not None:
            assembly.problems.append(problem)
        if manifest is None:
            assembly.unreadable.add(entry.origin.path)
        else:
            manifests.append((entry, manifest))
    twice, problems = told_twice(manifest for _, manifest in manifests)
    assembly.problems.extend(problems)
    faulty = _across(manifests, assembly)
    for entry, manifest in manifests:
        _judge(entry, manifest, config, assembly, is_held=manifest.id in twice or manifest.id in faulty)
    return _with_warnings(_fleet(source, config, scopes, assembly))


# ---- Settings


def _settings(source: Source, memo: Recollection) -> FleetConfig | None:
    """The repository's settings, the defaults where it has none, None where they cannot be relied on."""
    if any(_path(problem) == layout.SETTINGS_PATH for problem in source.problems):
        return None
    file = next((each for each in source.files if each.path == layout.SETTINGS_PATH), None)
    return FleetConfig() if file is None else _stated_settings(memo.reading(file))


def _stated_settings(reading: Reading) -> FleetConfig | None:
    stated = [entry for entry in reading.entries if (entry.group, entry.kind) == SETTINGS_KIND]
    if not reading.is_whole or len(stated) != 1 or stated[0].is_fatal:
        return None
    return decode_config(stated[0].body, stated[0].origin)


def _held(source: Source, previous_paths: frozenset[str], memo: Recollection) -> Fleet:
    """The fleet whose settings are unknown: which files count, and what their namespace is, cannot be told.

    Everything is held; what is wrong inside single files is still said.
    """
    drawing = layout.lay_out(source, previous_paths=previous_paths)
    assembly = _Assembly(problems=list(drawing.problems), skipped=list(drawing.skipped))
    entries = _read(drawing.files, previous_paths, assembly, memo)
    assembly.problems.extend(_settings_problems(source, entries))
    assembly.unreadable = (
        {file.path for file in drawing.files} | set(drawing.unreadable) | {layout.SETTINGS_PATH}
    )
    return _fleet(source, FleetConfig(), Scopes(), assembly)


def _settings_problems(source: Source, entries: Iterable[Entry]) -> list[Problem]:
    """None or several FleetConfigs in reconciler.yaml; anything else is said already."""
    here = [entry for entry in entries if entry.origin.path == layout.SETTINGS_PATH]
    stated = [entry for entry in here if (entry.group, entry.kind) == SETTINGS_KIND]
    exists = any(file.path == layout.SETTINGS_PATH for file in source.files)
    if len(stated) > 1:
        first = stated[0].origin.location
        return [
            problem_of(
                Finding(
                    code="R270",
                    path=("kind",),
                    message="a second FleetConfig",
                    evidence=(f"the first is at {first}",),
                ),
                entry.origin,
            )
            for entry in stated[1:]
        ]
    if exists and not here:
        return [
            Problem(
                code="R270",
                message=f"{layout.SETTINGS_PATH} holds no FleetConfig",
                location=Location(path=layout.SETTINGS_PATH),
                remedy="write apiVersion: fleet-reconciler/v1alpha1, kind: FleetConfig and spec, or delete the file",
            )
        ]
    return []


# ---- Files


def _read(
    files: Iterable[SourceFile], previous_paths: frozenset[str], assembly: _Assembly, memo: Recollection
) -> list[Entry]:
    """The entries of all files, by path and place."""
    entries: list[Entry] = []
    for file in files:
        reading = memo.reading(file)
        assembly.problems.extend(reading.problems)
        if not reading.is_whole:
            assembly.unreadable.add(file.path)
        entries.extend(reading.entries)
        if reading.skipped:
            assembly.skipped.append(Skipped(path=file.path, reason=_folded(reading.skipped)))
        if file.path in previous_paths and reading.is_whole and (reading.skipped or not reading.entries):
            reason = _folded(reading.skipped) if reading.skipped else "the file holds no document"
            assembly.problems.append(layout.nothing_there(file.path, reason))
            assembly.unreadable.add(file.path)
    return entries


def _folded(reasons: Iterable[str]) -> str:
    """`2 documents: …; 1 document: …`."""
    counts: dict[str, int] = defaultdict(int)
    for reason in reasons:
        counts[reason] += 1
    return "; ".join(
        f"{count} document{'s' if count > 1 else ''}: {reason}" for reason, count in sorted(counts.items())
    )


# ---- Verdicts


def _across(manifests: Sequence[tuple[Entry, Manifest]], assembly: _Assembly) -> frozenset[ObjectId]:
    """The documents that are at fault beside others, by the rules that need more than one."""
    clusters = frozenset(manifest.id.name for _, manifest in manifests if manifest.id.kind == "Cluster")
    faulty = set()
    for manifest, finding in across.check((each for entry, each in manifests if entry.is_sound), clusters):
        assembly.problems.append(problem_of(finding, manifest.origin, str(manifest.id)))
        if is_fatal((finding,)):
            faulty.add(manifest.id)
    return frozenset(faulty)


def _judge(
    entry: Entry, manifest: Manifest, config: FleetConfig, assembly: _Assembly, *, is_held: bool
) -> None:
    """Accept or refuse one manifest."""
    found = secrets.check_secret(manifest, config)
    assembly.problems.extend(problem_of(finding, manifest.origin, str(manifest.id)) for finding in found)
    wrong = (
        syntax_problems(manifest)
        if (entry.group, entry.kind) == _CUSTOMIZATION and not entry.is_fatal
        else ()
    )
    assembly.problems.extend(wrong)
    if entry.is_fatal or is_held or is_fatal(found) or wrong:
        if unsupported.governs(entry.group, entry.kind):
            assembly.refused.append(manifest)
    else:
        assembly.accepted.append(manifest)


def _fleet(source: Source, config: FleetConfig, scopes: Scopes, assembly: _Assembly) -> Fleet:
    by_kind: dict[GroupKind, list[Manifest]] = defaultdict(list)
    templates: list[Manifest] = []
    for manifest in sorted(assembly.accepted, key=_by_id):
        key = (manifest.id.group, manifest.id.kind)
        (by_kind[key] if key in KIND_SCOPES else templates).append(manifest)
    known = dict(BUILT_IN_SCOPES)
    for scoped in (scopes.declared, scopes.observed, scopes.configured):
        known = {**scoped, **known}
    return Fleet(
        commit=source.commit,
        time=source.time,
        templates=tuple(templates),
        propagation_policies=tuple(
            decode_propagation_policy(manifest)
            for kind in ("ClusterPropagationPolicy", "PropagationPolicy")
            for manifest in by_kind[(_POLICY, kind)]
        ),
        override_policies=tuple(
            decode_override_policy(manifest)
            for kind in ("ClusterOverridePolicy", "OverridePolicy")
            for manifest in by_kind[(_POLICY, kind)]
        ),
        clusters=tuple(_cluster(manifest, config) for manifest in by_kind[("cluster.karmada.io", "Cluster")]),
        customizations=tuple(by_kind[_CUSTOMIZATION]),
        webhooks=tuple(by_kind[_WEBHOOKS]),
        config=config,
        approvals=tuple(
            decode_approval(manifest.body, manifest.origin) for manifest in by_kind[(_OURS, "Approval")]
        ),
        problems=_in_order(assembly.problems),
        skipped=tuple(sorted(assembly.skipped, key=lambda each: (each.path, each.reason))),
        unreadable=tuple(sorted(assembly.unreadable)),
        refused=tuple(sorted(assembly.refused, key=_by_id)),
        namespaced_kinds=dict(sorted(known.items())),
    )


def _with_warnings(fleet: Fleet) -> Fleet:
    """The fleet with what only decoded policies beside decoded clusters tell; nothing of it holds anything."""
    found = [
        problem_of(finding, manifest.origin, str(manifest.id))
        for manifest, finding in (*placeable.check(fleet), *winning.check(fleet.propagation_policies))
    ]
    return replace(fleet, problems=_in_order((*fleet.problems, *found))) if found else fleet


def _cluster(manifest: Manifest, config: FleetConfig) -> Cluster:
    cluster = decode_cluster(manifest.body, manifest.origin)
    return replace(
        cluster,
        suspended=config.suspend or _is_named(cluster.name, config.suspended_clusters),
        observe_only=_is_named(cluster.name, config.observe_clusters),
    )


def _is_named(name: str, globs: Iterable[str]) -> bool:
    return any(is_glob_match(name, glob) for glob in globs)


def _by_id(manifest: Manifest) -> tuple[ObjectId, str, int, int]:
    return (manifest.id, manifest.origin.path, manifest.origin.line, manifest.origin.column)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted as they are shown, each once; where one is said as warning and as error, the error."""
    kept: dict[tuple[Any, ...], Problem] = {}
    for problem in problems:
        key = (*problem.sort_key(), problem.evidence, problem.subject)
        if key not in kept or problem.severity is Severity.ERROR:
            kept[key] = problem
    return tuple(kept[key] for key in sorted(kept))


def _path(problem: Problem) -> str:
    return problem.location.path if problem.location is not None else ""
