"""A difference as the comment of a pull request: verdict, totals, dangers, placement, clusters, then folded diffs.

Pure. At most `budget` bytes: whole rows and whole objects are left out, and how many is said. Everything that comes from
the repository is untrusted: words stand in code spans or in fences longer than any inside, where no mention, link, image
or HTML means anything.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from reconciler.diff.difference import Difference, Verdict
from reconciler.diff.lines import cluster_list, harmless, one_line, unified
from reconciler.diff.text import summary
from reconciler.diff.trees import ObjectAction, ObjectChange
from reconciler.errors import Problem

BUDGET = 60_000
"""Bytes. GitHub takes 65,536 characters, and whoever posts may add a line."""

_LINES_PER_OBJECT = 400
_SMALLEST_BLOCK = 100
_HEADLINES = {
    Verdict.UNCHANGED: "✅ Nothing to deliver",
    Verdict.OK: "✅ Safe to review",
    Verdict.CAUTION: "⚠️ Look closely",
    Verdict.BLOCKED: "⛔ Blocked",
}
_BACKTICKS = re.compile("`+")


def marker(instance: str) -> str:
    """The hidden line by which the comment of one repository and instance is found again and edited in place."""
    return f"<!-- fleet-reconciler diff {re.sub('[^A-Za-z0-9._/-]', '_', instance)} -->"


def difference_markdown(value: Difference, *, instance: str = "default", budget: int = BUDGET) -> str:
    """The comment, ending in a newline, never over `budget` bytes (which must leave room for its frame: 4,000)."""
    head = [marker(instance), f"### {_HEADLINES[value.verdict]}: {_escaped(summary(value))}", ""]
    if value.simulated:
        head += [code(value.simulated, 500), ""]  # names of zones come from the repository
    foot = ["", "---", *_footer(value), ""]
    room = budget - _size(head) - _size(foot)
    body: list[str] = []
    # What blocks comes before what warns, and each section may take a part of what is left, so that none starves the rest.
    sections: Sequence[tuple[float, str, Sequence[str], Iterable[str]]] = (
        (0.3, "Guards and dangers", ("what", "object", "clusters", "why"), _danger_rows(value)),
        (0.3, "Problems", ("", "where", "what", "remedy"), _problem_rows(value)),
        (0.4, "Placement", ("object", "clusters", "why"), _placement_rows(value)),
        (
            0.4,
            "Clusters",
            ("cluster", "added", "changed", "removed", "renamed", "objects"),
            _cluster_rows(value),
        ),
    )
    for share, title, columns, rows in sections:
        lines = _table(title, columns, list(rows), int(room * share))
        room -= _size(lines)
        body += lines
    body += _diffs(value, room)
    return "\n".join([*head, *body, *foot])


def code(text: str, limit: int = 200) -> str:
    """`text` as a code span that it cannot leave, also inside a table."""
    inner = one_line(text, limit) or " "
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(inner)), default=0))
    space = " " if inner.startswith("`") or inner.endswith("`") else ""
    # The one character that a table sees before the code span is.
    return f"{fence}{space}{inner}{space}{fence}".replace("|", "\\|")


def fenced(lines: Sequence[str], language: str = "diff") -> list[str]:
    """`lines` in a fence longer than any run of backticks inside."""
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def _danger_rows(value: Difference) -> Iterator[str]:
    for cluster, guards in sorted(value.guards.items()):
        for guard in guards:
            names = ", ".join(code(str(id_)) for id_ in guard.objects[:5])
            more = f" and {len(guard.objects) - 5} more" if len(guard.objects) > 5 else ""
            yield _row(f"**guard** {code(guard.name)}", names + more, code(cluster), code(guard.message, 400))
    for danger in value.dangers:
        subject = code(str(danger.id)) if danger.id is not None else ""
        clusters = _clusters(danger.clusters, value.clusters)
        yield _row(code(danger.rule), subject, clusters, code(danger.message, 400))


def _problem_rows(value: Difference) -> Iterator[str]:
    new = {str(problem) for problem in value.new_problems}
    errors = [problem for problem in value.problems if problem in value.errors or str(problem) in new]
    for problem in errors:
        yield _problem_row(problem, is_new=str(problem) in new)


def _problem_row(problem: Problem, *, is_new: bool) -> str:
    mark = f"{'new ' if is_new else ''}{problem.severity.value} {problem.code}"
    where = code(str(problem.location)) if problem.location else ""
    evidence = f": {'; '.join(problem.evidence)}" if problem.evidence else ""
    return _row(
        mark,
        where,
        code(problem.message + evidence, 600),
        code(problem.remedy, 300) if problem.remedy else "",
    )


def _placement_rows(value: Difference) -> Iterator[str]:
    for change in value.placements:
        shown = ", ".join(str(share) for share in change.shares[:12])
        more = f" and {len(change.shares) - 12} more" if len(change.shares) > 12 else ""
        yield _row(code(str(change.id)), code(shown, 400) + more, code(change.reason, 300))


def _cluster_rows(value: Difference) -> Iterator[str]:
    assumed = set(value.assumed_clusters)
    for name in value.trees.clusters_touched:
        counts = value.trees.counts(name)
        before, after = value.trees.objects_before.get(name, 0), value.trees.objects_after.get(name, 0)
        note = " (assumed: never reported)" if name in assumed else ""
        yield _row(
            code(name) + note,
            *(
                str(counts[action] or "")
                for action in (
                    ObjectAction.ADDED,
                    ObjectAction.CHANGED,
                    ObjectAction.REMOVED,
                    ObjectAction.RENAMED,
                )
            ),
            f"{before} → {after}" if before != after else str(after),
        )


def _diffs(value: Difference, room: int) -> list[str]:
    """As many whole objects as fit, those in danger first."""
    changes = _dangerous_first(value)
    if not changes:
        return []
    lines = ["", "#### Changes", ""]
    reserve = 200  # for the line that says what is left out
    room -= _size(lines) + reserve
    shown = 0
    for change in changes:
        if room < _SMALLEST_BLOCK:
            break
        block = _block(change, value)
        if _size(block) > room:
            # One that is too large must not hide the smaller ones after it.
            continue
        room -= _size(block)
        lines += block
        shown += 1
    if shown < len(changes):
        lines += [f"Showing {shown} of {len(changes)} changes; the whole diff is in the job's artifact.", ""]
    return lines


def _dangerous_first(value: Difference) -> list[ObjectChange]:
    endangered = {danger.id for danger in value.dangers if danger.id is not None}
    return sorted(value.trees.changes, key=lambda change: not endangered & {change.id, change.renamed_from})


def _block(change: ObjectChange, value: Difference) -> list[str]:
    lines = unified(change.before, change.after, change.fields)
    hidden = len(lines) - _LINES_PER_OBJECT
    if hidden > 0:
        lines = lines[:_LINES_PER_OBJECT]
    was = f" (was <code>{_html(str(change.renamed_from))}</code>)" if change.renamed_from else ""
    where = _html(cluster_list(change.clusters, value.clusters))
    return [
        f"<details><summary>{change.action.value} <code>{_html(str(change.id))}</code>{was} on {where}</summary>",
        "",
        *fenced(lines),
        *([f"{hidden} more lines.", ""] if hidden > 0 else []),
        "",
        "</details>",
        "",
    ]


def _footer(value: Difference) -> Iterator[str]:
    provenance = value.provenance
    parts = []
    if provenance.base or provenance.head:
        parts.append(f"{code(provenance.base)} → {code(provenance.head)}")
    if provenance.facts:
        parts.append(f"facts of {code(provenance.facts)}")
    if provenance.engine:
        parts.append(f"engine {code(provenance.engine)}")
    if parts:
        yield "; ".join(parts)
    if value.assumed_clusters:
        yield ""
        yield f"Assumed ready, with every API, because they never reported: {_clusters(value.assumed_clusters, ())}"
    if value.unclaimed:
        yield ""
        yield f"{len(value.unclaimed)} objects of the repository are claimed by no policy and go nowhere."
    if provenance.command:
        yield ""
        yield f"Reproduce with {code(provenance.command, 400)}"


def _table(title: str, columns: Sequence[str], rows: Sequence[str], room: int) -> list[str]:
    if not rows:
        return []
    lines = ["", f"#### {title}", "", _row(*columns), _row(*("---" for _ in columns))]
    more = f"Showing {len(rows)} of {len(rows)} rows.  "
    left = room - _size(lines) - len(more)
    shown = []
    for row in rows:
        left -= len(row.encode()) + 1
        if left < 0:
            break
        shown.append(row)
    lines += shown
    if len(shown) < len(rows):
        lines += ["", f"Showing {len(shown)} of {len(rows)}."]
    return [*lines, ""]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _clusters(names: Sequence[str], everywhere: Sequence[str]) -> str:
    return code(cluster_list(names, everywhere)) if names else ""


def _escaped(text: str) -> str:
    # Only our own words and numbers get here; belt and braces.
    return html.escape(harmless(text), quote=False)


def _html(text: str) -> str:
    return html.escape(one_line(text))


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
