"""All that one commit says, as one value: read, recognised, checked, decoded, with every problem found.

Pure, and independent of the order of files. A memo is only ever a faster way to the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

from reconciler.errors import Location, Problem, Severity
from reconciler.fleet import layout, secrets, unsupported
from reconciler.fleet.config import decode_approval, decode_config
from reconciler.fleet.finding import Finding, is_fatal, problem_of
from reconciler.fleet.patterns import is_glob_match
from reconciler.fleet.reading import SETTINGS_KIND, Entry, Reading, read_file
from reconciler.fleet.schema import KIND_SCOPES
from reconciler.fleet.scope import BUILT_IN_SCOPES, GroupKind, Scopes, configured_scopes, declared_scopes
from reconciler.fleet.validate import across
from reconciler.manifests.edit import remove_in, set_in
from reconciler.manifests.emit import emit_json
from reconciler.model.cluster import Cluster
from reconciler.model.cluster_document import decode_cluster
from reconciler.model.config import FleetConfig
from reconciler.model.fleet import Fleet, Skipped, Source, SourceFile
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body, Manifest
from reconciler.overrides.decode import decode_override_policy
from reconciler.policy.decode import decode_propagation_policy

Memo = MutableMapping[tuple[str, ...], Any]
"""What the last call computed, by blob id. Kept by the caller between two calls of one process; holds one commit's worth."""

_CRD: Final = ("apiextensions.k8s.io", "CustomResourceDefinition")
_POLICY: Final = "policy.karmada.io"
_OURS: Final = "fleet-reconciler"
_WHOLE: Final = ("fleet",)


@dataclass(slots=True)
class _Recollection:
    """A memo during one call: what is not used again is forgotten when the call ends."""

    memo: Memo
    used: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def recall(self, key: tuple[str, ...]) -> Any:
        found = self.memo.get(key)
        if found is not None:
            self.used[key] = found
        return found

    def settle(self) -> None:
        self.memo.clear()
        self.memo.update(self.used)


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
    recollection = _Recollection(memo={} if memo is None else memo)
    fleet = _assembled(source, previous_paths, observed_scopes or {}, recollection)
    if all(file.oid for file in source.files):
        recollection.used[_WHOLE] = (key, fleet)
    recollection.settle()
    return fleet


def _assembled(
    source: Source,
    previous_paths: frozenset[str],
    observed_scopes: Mapping[GroupKind, bool],
    memo: _Recollection,
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
    manifests = [
        (entry, manifest)
        for entry in entries
        if (manifest := _identified(entry, scopes, config, assembly, memo)) is not None
    ]
    twice = _told_twice(manifests, assembly)
    faulty = _across(manifests, assembly)
    for entry, manifest in manifests:
        _judge(entry, manifest, config, assembly, is_held=manifest.id in twice or manifest.id in faulty)
    return _fleet(source, config, scopes, assembly)


# ---- Settings


def _settings(source: Source, memo: _Recollection) -> FleetConfig | None:
    """The repository's settings, the defaults where it has none, None where they cannot be relied on."""
    if any(_path(problem) == layout.SETTINGS_PATH for problem in source.problems):
        return None
    file = next((each for each in source.files if each.path == layout.SETTINGS_PATH), None)
    if file is None:
        return FleetConfig()
    reading = _reading(file, memo)
    stated = [entry for entry in reading.entries if (entry.group, entry.kind) == SETTINGS_KIND]
    if not reading.is_whole or len(stated) != 1 or stated[0].is_fatal:
        return None
    return decode_config(stated[0].body, stated[0].origin)


def _held(source: Source, previous_paths: frozenset[str], memo: _Recollection) -> Fleet:
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
    files: Iterable[SourceFile], previous_paths: frozenset[str], assembly: _Assembly, memo: _Recollection
) -> list[Entry]:
    """The entries of all files, by path and place."""
    entries: list[Entry] = []
    for file in files:
        reading = _reading(file, memo)
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


def _reading(file: SourceFile, memo: _Recollection) -> Reading:
    if not file.oid:
        return read_file(file)
    key = ("reading", file.oid, file.path)
    found: Reading | None = memo.recall(key)
    if found is None:
        found = memo.used[key] = read_file(file)
    return found


def _folded(reasons: Iterable[str]) -> str:
    """`2 documents: …; 1 document: …`."""
    counts: dict[str, int] = defaultdict(int)
    for reason in reasons:
        counts[reason] += 1
    return "; ".join(
        f"{count} document{'s' if count > 1 else ''}: {reason}" for reason, count in sorted(counts.items())
    )


# ---- Identity


def _identified(
    entry: Entry, scopes: Scopes, config: FleetConfig, assembly: _Assembly, memo: _Recollection
) -> Manifest | None:
    """The entry with its scope and namespace settled, or None (and a problem) where its kind is unknown."""
    is_namespaced = scopes.is_namespaced(entry.group, entry.kind)
    stated: str = (entry.body.get("metadata") or {}).get("namespace") or ""
    if is_namespaced is None:
        if entry.is_policy_side:  # R205 is said already; what it governs is held under the name it gives
            return _manifest(entry, stated, memo)
        finding = Finding(
            code="R142",
            path=("kind",),
            message=f"unknown kind {entry.kind} of {entry.body['apiVersion']}: does it live in a namespace?",
        )
        assembly.problems.append(problem_of(finding, entry.origin))
        assembly.unreadable.add(entry.origin.path)
        return None
    if is_namespaced:
        return _manifest(entry, stated or _default_namespace(entry.origin.path, config), memo)
    if stated:
        finding = Finding(
            code="R141", path=("metadata", "namespace"), message=f"a {entry.kind} lives outside namespaces"
        )
        assembly.problems.append(problem_of(finding, entry.origin))
    return _manifest(entry, "", memo)


def _default_namespace(path: str, config: FleetConfig) -> str:
    """The namespace of the longest configured directory that `path` is below."""
    best, namespace = -1, "default"
    for rule in config.default_namespaces:
        if (not rule.path or path.startswith(f"{rule.path}/")) and len(rule.path) > best:
            best, namespace = len(rule.path), rule.namespace
    return namespace


def _manifest(entry: Entry, namespace: str, memo: _Recollection) -> Manifest:
    origin = entry.origin
    key = ("manifest", origin.path, str(origin.document), str(origin.item), namespace)
    known: tuple[Body, Manifest] | None = memo.recall(key)
    if known is not None and known[0] is entry.body:
        return known[1]
    body = _with_namespace(entry.body, namespace)
    manifest = Manifest(
        id=ObjectId(
            group=entry.group,
            kind=entry.kind,
            namespace=namespace,
            name=(body.get("metadata") or {}).get("name") or "",
        ),
        body=body,
        origin=origin,
        digest=blake2b(emit_json(body), digest_size=20).hexdigest(),
    )
    memo.used[key] = (entry.body, manifest)
    return manifest


def _with_namespace(body: Body, namespace: str) -> Body:
    """The body with exactly this namespace (none: without the field); a new one where it says something else."""
    metadata = body.get("metadata")
    if metadata is None or metadata.get("namespace") == namespace:
        return body
    if namespace:
        return set_in(body, ("metadata", "namespace"), namespace)
    return remove_in(body, ("metadata", "namespace")) if "namespace" in metadata else body


def _told_twice(manifests: Iterable[tuple[Entry, Manifest]], assembly: _Assembly) -> frozenset[ObjectId]:
    """The identities that more than one document has; a problem for each document after the first."""
    by_id: dict[ObjectId, list[Manifest]] = defaultdict(list)
    for _, manifest in manifests:
        if (manifest.id.group, manifest.id.kind) != SETTINGS_KIND:
            by_id[manifest.id].append(manifest)
    twice = {id_: found for id_, found in by_id.items() if len(found) > 1}
    for id_, found in twice.items():
        first = found[0].origin.location
        assembly.problems.extend(
            problem_of(
                Finding(
                    code="R143",
                    path=("metadata", "name"),
                    message=f"{id_} is described a second time",
                    evidence=(f"the first is at {first}",),
                ),
                manifest.origin,
                str(id_),
            )
            for manifest in found[1:]
        )
    return frozenset(twice)


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
    if entry.is_fatal or is_held or is_fatal(found):
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
        customizations=tuple(by_kind[("config.karmada.io", "ResourceInterpreterCustomization")]),
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
