"""Which object an entry is: scope, namespace and name settled, the body saying so, a digest; and who is there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

from reconciler.errors import Problem
from reconciler.fleet.finding import Finding, problem_of
from reconciler.fleet.memory import Recollection
from reconciler.fleet.reading import SETTINGS_KIND, Entry
from reconciler.fleet.scope import Scopes
from reconciler.manifests.edit import remove_in, set_in
from reconciler.manifests.emit import emit_json
from reconciler.model.config import FleetConfig
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body, Manifest


def identified(
    entry: Entry, scopes: Scopes, config: FleetConfig, memo: Recollection
) -> tuple[Manifest | None, Problem | None]:
    """The entry with its scope and namespace settled (None where its kind is unknown), and what is to be said."""
    is_namespaced = scopes.is_namespaced(entry.group, entry.kind)
    stated: str = (entry.body.get("metadata") or {}).get("namespace") or ""
    if is_namespaced is None:
        if entry.is_policy_side:  # R205 is said already; what it governs is held under the name it gives
            return _manifest(entry, stated, memo), None
        finding = Finding(
            code="R142",
            path=("kind",),
            message=f"unknown kind {entry.kind} of {entry.body['apiVersion']}: does it live in a namespace?",
        )
        return None, problem_of(finding, entry.origin)
    if is_namespaced:
        return _manifest(entry, stated or _default_namespace(entry.origin.path, config), memo), None
    problem = None
    if stated:
        finding = Finding(
            code="R141", path=("metadata", "namespace"), message=f"a {entry.kind} lives outside namespaces"
        )
        problem = problem_of(finding, entry.origin)
    return _manifest(entry, "", memo), problem


def told_twice(manifests: Iterable[Manifest]) -> tuple[frozenset[ObjectId], list[Problem]]:
    """The identities that more than one document has, and a problem for each document after the first."""
    by_id: dict[ObjectId, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        if (manifest.id.group, manifest.id.kind) != SETTINGS_KIND:
            by_id[manifest.id].append(manifest)
    twice = {id_: found for id_, found in by_id.items() if len(found) > 1}
    problems = [
        problem_of(
            Finding(
                code="R143",
                path=("metadata", "name"),
                message=f"{id_} is described a second time",
                evidence=(f"the first is at {found[0].origin.location}",),
            ),
            manifest.origin,
            str(id_),
        )
        for id_, found in twice.items()
        for manifest in found[1:]
    ]
    return frozenset(twice), problems


def _default_namespace(path: str, config: FleetConfig) -> str:
    """The namespace of the longest configured directory that `path` is below."""
    best, namespace = -1, "default"
    for rule in config.default_namespaces:
        if (not rule.path or path.startswith(f"{rule.path}/")) and len(rule.path) > best:
            best, namespace = len(rule.path), rule.namespace
    return namespace


def _manifest(entry: Entry, namespace: str, memo: Recollection) -> Manifest:
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
