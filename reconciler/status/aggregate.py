"""From what every cluster reports to the files of the status branch.

Coalesces: a document whose transitions did not change keeps its old bytes until numbers are due, so that a rolling update
is a handful of commits and a quiet fleet is none. What has not changed is not made again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.observation import ClusterReport, Health
from reconciler.status.answers import encode_answers
from reconciler.status.conditions import Standing, cluster_conditions
from reconciler.status.document import (
    SUMMARY_PATH,
    TEXT_PATH,
    cluster_path,
    encode_cluster_report,
    workload_path,
)
from reconciler.status.facts import Aggregate, Facts
from reconciler.status.settled import body_of, transitions
from reconciler.status.summary import summary_document
from reconciler.status.text import status_text
from reconciler.status.workload import rendered_at, workload_document


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """One document as it was made last: from what, what it says, and whether numbers in it still wait to be written."""

    inputs: tuple[object, ...]
    body: Body
    data: bytes
    waiting: bool = False
    unanswered: bool = False
    """A webhook has not said yet what the status comes to."""


@dataclass(slots=True, kw_only=True)
class StatusMemo:
    """What is kept between status commits for speed alone; deleting it changes nothing but time."""

    made: dict[str, _Made] = field(default_factory=dict)


def status_files(facts: Facts, aggregate: Aggregate, memo: StatusMemo | None = None) -> dict[str, bytes]:
    """Path to bytes of the whole status tree. Equal to `facts.previous` where nothing worth a commit changed."""
    memo = memo if memo is not None else StatusMemo()
    made: dict[str, _Made] = {}
    rows: list[Body] = []
    here: defaultdict[str, list[tuple[str, Health]]] = defaultdict(list)
    held: defaultdict[str, list[str]] = defaultdict(list)
    for id_, binding in sorted(facts.bindings.items()):
        path = workload_path(id_)
        made[path], standings = _workload(path, id_, binding, facts, aggregate, memo)
        rows.append(made[path].body)
        name, reason = str(id_), facts.held_reason(str(id_))
        for each in standings:
            here[each.cluster].append((name, each.health))
            if reason:
                held[each.cluster].append(name)
    for cluster in facts.clusters:
        report = facts.reports.get(cluster.name)
        if report is not None:
            path = cluster_path(cluster.name)
            made[path] = _cluster(path, cluster, report, here[cluster.name], held[cluster.name], facts, memo)
    memo.made = made
    told = {name: made[path].body for name in facts.reports if (path := cluster_path(name)) in made}
    summary = summary_document(facts, told, rows)
    return {
        **{path: each.data for path, each in made.items()},
        **encode_answers(facts.answers),
        SUMMARY_PATH: emit(summary),
        TEXT_PATH: status_text(summary, rows).encode(),
    }


def _workload(
    path: str, id_: ObjectId, binding: Binding, facts: Facts, aggregate: Aggregate, memo: StatusMemo
) -> tuple[_Made, tuple[Standing, ...]]:
    known, before = _before(path, facts, memo)
    rendered = rendered_at(id_, facts, before)
    standings = facts.standings(binding, id_, rendered.get("commit", ""))
    held = facts.held_reason(str(id_))
    delivered = facts.delivered.get(id_)
    inputs = (binding, facts.templates.get(id_), standings, rendered, delivered, held, facts.rules)
    is_due = known is not None and (known.unanswered or (known.waiting and facts.counters_due))
    if known is not None and known.inputs == inputs and not is_due:
        return known, standings
    body, data, is_told = workload_document(
        id_, binding, standings, facts, aggregate, rendered=rendered, before=before
    )
    made = _settled(inputs, body, data, before, facts.previous.get(path), facts)
    return replace(made, unanswered=not is_told), standings


def _cluster(
    path: str,
    cluster: Cluster,
    report: ClusterReport,
    health: list[tuple[str, Health]],
    held: list[str],
    facts: Facts,
    memo: StatusMemo,
) -> _Made:
    known, before = _before(path, facts, memo)
    wanted = (facts.rendered_commit, facts.released.get(cluster.name, ""))
    own = facts.held_reason(f"Cluster {cluster.name}")
    conditions = cluster_conditions(
        held=[own] if own else held,
        delivered=facts.has_delivered(cluster, facts.rendered_commit),
        applied=bool(report.rendered_commit) and report.rendered_commit in wanted,
        sync=report.sync,
        message=report.message,
        health=health,
        previous=before.get("conditions") or [],
        now=facts.now,
    )
    inputs: tuple[object, ...] = (report, conditions)
    if known is not None and known.inputs == inputs and not (known.waiting and facts.counters_due):
        return known
    body = {**encode_cluster_report(report), "conditions": conditions}
    return _settled(inputs, body, emit(body), before, facts.previous.get(path), facts)


def _before(path: str, facts: Facts, memo: StatusMemo) -> tuple[_Made | None, Body]:
    """What was made last, if it is what was committed last; and the document as committed."""
    previous = facts.previous.get(path)
    known = memo.made.get(path)
    if known is not None and previous is not None and known.data == previous:
        return known, known.body
    return None, body_of(previous, path)


def _settled(
    inputs: tuple[object, ...],
    body: Body,
    data: bytes,
    before: Body,
    previous: bytes | None,
    facts: Facts,
) -> _Made:
    """The document as made now, or as it was when only numbers moved and numbers are not due."""
    if previous is None or data == previous or facts.counters_due:
        return _Made(inputs=inputs, body=body, data=data)
    if transitions(body) == transitions(before):
        return _Made(inputs=inputs, body=before, data=previous, waiting=True)
    return _Made(inputs=inputs, body=body, data=data)
