"""A difference, or a plan, for a terminal: danger first, then where replicas go, then what changes in the objects.

Pure. Colours are a value; without one the text is plain. Nothing of a Secret is here: bodies come masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.diff.detail import DetailAction, object_detail
from reconciler.diff.difference import Difference, Verdict
from reconciler.diff.lines import cluster_list, harmless, one_line, unified
from reconciler.diff.mask import masked_pair
from reconciler.diff.objects import field_changes
from reconciler.diff.trees import ObjectAction, ObjectChange
from reconciler.model.plan import Action, Change, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What is written before a piece of text, by its meaning; `reset` after it. Empty: plain text."""

    added: str = ""
    removed: str = ""
    changed: str = ""
    strong: str = ""
    faint: str = ""
    reset: str = ""


PLAIN = Style()
COLOURED = Style(
    added="\x1b[32m",
    removed="\x1b[31m",
    changed="\x1b[33m",
    strong="\x1b[1m",
    faint="\x1b[2m",
    reset="\x1b[0m",
)

_MARKS = {
    ObjectAction.ADDED: "+",
    ObjectAction.REMOVED: "-",
    ObjectAction.CHANGED: "~",
    ObjectAction.RENAMED: ">",
}
_WIDTH = max(len(action) for action in DetailAction)
_PLAN_MARKS = {
    Action.CREATE: "+",
    Action.DELETE: "-",
    Action.CONFIGURE: "~",
    Action.SKIP: "!",
    Action.UNCHANGED: " ",
}


def difference_text(value: Difference, style: Style = PLAIN, *, contents: bool = True) -> str:
    """The whole difference, ending in a newline. `contents` false leaves out what changes inside objects."""
    return "\n".join(_difference_lines(value, style, contents=contents)) + "\n"


def detail_text(changes: Sequence[ObjectChange], everywhere: Sequence[str], style: Style = PLAIN) -> str:
    """These changes with every difference in a line of its own; empty where there are none."""
    return "".join(f"{line}\n" for change in changes for line in _detail_lines(change, everywhere, style))


def plan_text(plan: Plan, style: Style = PLAIN, *, contents: bool = True) -> str:
    """What delivery would do to one cluster, in its order; empty when it would do nothing."""
    return "".join(f"{line}\n" for line in _plan_lines(plan, style, contents=contents))


def _difference_lines(value: Difference, style: Style, *, contents: bool) -> Iterator[str]:
    if value.dangers:
        yield _painted("Dangers", style.strong, style)
        for danger in value.dangers:
            where = f" on {cluster_list(danger.clusters, value.clusters)}" if danger.id is not None else ""
            subject = f"{one_line(str(danger.id))}{where}: " if danger.id is not None else ""
            yield _painted(f"  {danger.rule}  {subject}{one_line(danger.message, 500)}", style.removed, style)
        yield ""
    for cluster, guards in sorted(value.guards.items()):
        for guard in guards:
            yield _painted(
                f"Guard {guard.name} on {cluster}: {one_line(guard.message, 500)}", style.removed, style
            )
            yield from (f"  {one_line(str(id_))}" for id_ in guard.objects)
            yield ""
    if value.placements:
        yield _painted("Placement", style.strong, style)
        for placement in value.placements:
            shares = ", ".join(str(share) for share in placement.shares)
            yield f"  {one_line(str(placement.id))}: {shares}"
            yield _painted(f"      {one_line(placement.reason, 500)}", style.faint, style)
        yield ""
    if value.trees.changes:
        yield _painted("Objects", style.strong, style)
        for change in value.trees.changes:
            yield from _change_lines(change, value.clusters, style, contents=contents)
        if not contents:
            yield ""
    for file in value.trees.files:
        yield f"  {_MARKS[file.action]} {file.path} on {cluster_list(file.clusters, value.clusters)}"
    for problem in value.new_problems:
        yield from (harmless(line) for line in str(problem).split("\n"))
    if value.assumed_clusters:
        yield f"assumed ready, never reported: {', '.join(value.assumed_clusters)}"
    yield from _last_lines(value)


def _last_lines(value: Difference) -> Iterator[str]:
    if value.simulated:
        yield one_line(value.simulated, 500)
    yield summary(value)


def summary(value: Difference) -> str:
    """One line: what changes, on how many clusters. Never says that nothing changes where a part is unknown."""
    totals = value.totals
    words = [f"{count} {action.value}" for action, count in totals.items() if count]
    moved = len(value.placements)
    if moved:
        words.append(f"{moved} placed differently")
    text = ", ".join(words) if words else "no object changes"
    touched = len(value.trees.clusters_touched)
    if touched:
        text += f" on {touched} of {len(value.clusters)} clusters"
    if not value.complete:
        text += "; incomplete: some of it is held at its last good state"
    errors, warnings = len(value.errors), len(value.problems) - len(value.errors)
    if errors or warnings:
        text += f"; {errors} errors, {warnings} warnings"
    if value.verdict is Verdict.UNCHANGED:
        return "nothing changes"
    return text


def _detail_lines(change: ObjectChange, everywhere: Sequence[str], style: Style) -> Iterator[str]:
    yield _headline(change, everywhere, style)
    if change.before is not None and change.after is not None:
        for detail in object_detail(change.before, change.after):
            yield f"      {detail.action:{_WIDTH}}  {detail}"


def _headline(change: ObjectChange, everywhere: Sequence[str], style: Style) -> str:
    paint = {ObjectAction.ADDED: style.added, ObjectAction.REMOVED: style.removed}.get(
        change.action, style.changed
    )
    was = f" (was {one_line(str(change.renamed_from))})" if change.renamed_from else ""
    head = f"  {_MARKS[change.action]} {one_line(str(change.id))}{was}"
    return _painted(head, paint, style) + f"  on {cluster_list(change.clusters, everywhere)}"


def _change_lines(
    change: ObjectChange, everywhere: Sequence[str], style: Style, *, contents: bool
) -> Iterator[str]:
    yield _headline(change, everywhere, style)
    if contents:
        yield from _painted_diff(unified(change.before, change.after, change.fields), style)
        yield ""


def _plan_lines(plan: Plan, style: Style, *, contents: bool) -> Iterator[str]:
    for change in plan.changes:
        if change.action is Action.UNCHANGED:
            continue
        paint = {Action.CREATE: style.added, Action.DELETE: style.removed}.get(change.action, style.changed)
        reason = f"  {one_line(change.reason, 500)}" if change.reason else ""
        yield _painted(f"{_PLAN_MARKS[change.action]} {one_line(str(change.id))}", paint, style) + reason
        if contents and change.action is Action.CONFIGURE:
            yield from _painted_diff(_plan_diff(change), style)
    for guard in plan.guards:
        yield _painted(f"guard {guard.name}: {one_line(guard.message, 500)}", style.removed, style)
        yield from (f"  {one_line(str(id_))}" for id_ in guard.objects)


def _plan_diff(change: Change) -> list[str]:
    before, after = masked_pair(change.before, change.after)
    return unified(before, after, field_changes(before, after))


def _painted_diff(lines: Sequence[str], style: Style) -> Iterator[str]:
    for line in lines:
        paint = {"+": style.added, "-": style.removed, "@": style.faint}.get(line[:1], "")
        yield _painted(f"      {line}", paint, style)


def _painted(text: str, paint: str, style: Style) -> str:
    return f"{paint}{text}{style.reset}" if paint else text
