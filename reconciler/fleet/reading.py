"""One file to entries: what each document is, and everything that can be said of it without the rest of the fleet.

The answer depends on the file's bytes and path alone, so that it can be kept by blob id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.fleet import foreign, metadata, schema, shapes, unsupported
from reconciler.fleet.finding import Finding, is_fatal, problem_of, quoted
from reconciler.fleet.layout import SETTINGS_PATH, foreign_configuration
from reconciler.fleet.remainder import remainder
from reconciler.fleet.validate.rules import RULES
from reconciler.manifests.load import Document, load
from reconciler.model.fleet import SourceFile
from reconciler.model.identity import group_of
from reconciler.model.manifest import Body, Origin

SETTINGS_KIND = ("fleet-reconciler", "FleetConfig")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object as it was found. Its name, namespace and kind are safe to use.

    `is_fatal`: it is not acted on. `is_sound`: nothing is wrong with it, but that it may not be supported yet.
    """

    group: str
    kind: str
    body: Body
    origin: Origin
    is_fatal: bool = False
    is_sound: bool = True
    is_policy_side: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one file says. `is_whole` is False where some object's identity is unknown; `skipped` are reasons."""

    path: str
    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    skipped: tuple[str, ...] = ()
    is_whole: bool = True


def read_file(file: SourceFile) -> Reading:
    """Load, recognise and check every document of a file."""
    loaded = load(file.data, file.path)
    if not loaded.is_readable:
        return Reading(path=file.path, problems=loaded.problems, is_whole=False)
    entries: list[Entry] = []
    problems = list(loaded.problems)
    skipped = ["neither apiVersion nor kind"] * len(loaded.others)
    is_whole = True
    for document in loaded.documents:
        body, origin = document.body, document.origin
        reason = _foreign(file.path, document, problems)
        if reason:
            skipped.append(reason)
            continue
        entry, findings = _examine(body, origin)
        subject = _subject(entry)
        problems.extend(problem_of(finding, origin, subject) for finding in findings)
        if entry is None:
            is_whole = False
        else:
            entries.append(entry)
    return Reading(
        path=file.path,
        entries=tuple(entries),
        problems=tuple(problems),
        skipped=tuple(skipped),
        is_whole=is_whole,
    )


def _foreign(path: str, document: Document, problems: list[Problem]) -> str:
    """Why a document is not ours; empty where it is. Another tool's configuration is named in `problems`."""
    body = document.body
    is_typed = body.get("apiVersion") is not None or body.get("kind") is not None
    tool = foreign.tool_of_document(body) if is_typed else foreign.FILES.get(path.rpartition("/")[2])
    if tool is not None:
        problems.append(foreign_configuration(document.origin.location, tool.name, tool.remedy))
        return f"configuration of {tool.name}"
    return "" if is_typed else "neither apiVersion nor kind"


def _examine(body: Body, origin: Origin) -> tuple[Entry | None, tuple[Finding, ...]]:
    """The entry that a document is (None: which object it means is unknown), and what was found."""
    found = metadata.check_type(body)
    if found:
        return None, found
    group, kind = group_of(body["apiVersion"]), body["kind"]
    is_policy_side = group in schema.POLICY_GROUPS
    is_settings = (group, kind) == SETTINGS_KIND
    found = metadata.check_metadata(body, needs_name=not is_settings)
    is_identified = not any(finding.code in metadata.IDENTITY_CODES for finding in found)
    if is_policy_side:
        found += tuple(_policy_side(group, kind, body, origin))
    else:
        if not is_fatal(found):  # reserved keys are looked for in labels that have a shape
            found += metadata.check_reserved(body)
        found += shapes.check_shape(group, kind, body)
    if not is_identified:
        return None, found
    if not isinstance(body.get("metadata", {}), dict):
        # Settings need no name, so they are known by their kind. Nobody further down asks what sort of metadata it is.
        body = {key: value for key, value in body.items() if key != "metadata"}
    entry = Entry(
        group=group,
        kind=kind,
        body=body,
        origin=origin,
        is_fatal=is_fatal(found),
        is_sound=not is_fatal(finding for finding in found if finding.code not in ("R206", "R207")),
        is_policy_side=is_policy_side,
    )
    return entry, found


def _policy_side(group: str, kind: str, body: Body, origin: Origin) -> Iterator[Finding]:
    version = schema.version_of(group, kind)
    if version is None:
        yield Finding(
            code="R205",
            path=("kind",),
            message=f"{quoted(kind)} is no kind of {group} that is known here",
            remedy=f"known kinds are {', '.join(schema.known_kinds(group))}"
            if schema.known_kinds(group)
            else "",
        )
        return
    if body["apiVersion"] != version:
        yield Finding(
            code="R205",
            path=("apiVersion",),
            message=f"{kind} is not known in version {quoted(body['apiVersion'])}",
            remedy=f"write {version}",
        )
        return
    if (group, kind) == SETTINGS_KIND and origin.path != SETTINGS_PATH:
        yield Finding(
            code="R270", path=("kind",), message=f"settings are read from {SETTINGS_PATH} at the root alone"
        )
    deviations = schema.check(body)
    yield from deviations
    yield from unsupported.check(group, kind, body)
    if not isinstance(body.get("metadata", {}), dict):
        return
    # Rules read fields without asking for their types: the schema has done so.
    left = remainder(body, deviations)
    if left is not None:
        for rule in RULES.get((group, kind), ()):
            yield from filter(left.is_certain, rule(left.body))


def _subject(entry: Entry | None) -> str:
    if entry is None:
        return ""
    about = entry.body.get("metadata") or {}
    name, namespace = about.get("name") or "", about.get("namespace") or ""
    return f"{entry.kind} {namespace}/{name}" if namespace else f"{entry.kind} {name}".rstrip()
