"""From a template and its schedule to what each cluster gets (spec rendering-and-status §2).

Per cluster: replicas, a Job's completions, overrides, then what only servers write is pruned and our own marks are added. Clusters that get
the same content share one Work: the effort grows with distinct contents, not with clusters. Nothing that we add differs
between clusters.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.errors import Problem, Severity
from reconciler.interpreter.defaults import with_defaults
from reconciler.interpreter.reading import object_at, value_at, with_value
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import InterpretationError, is_transient
from reconciler.interpreter.webhook.layer import unanswered
from reconciler.manifests.emit import emit
from reconciler.manifests.locate import locate
from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.manifest import Body, Manifest
from reconciler.model.marks import CONFLICT_RESOLUTION, CONTENT, DRIFT, PRUNE
from reconciler.model.override import OverridePolicy
from reconciler.model.webhook import WebhookAnswer, WebhookQuestion
from reconciler.overrides.apply import AppliedRule, Overridden
from reconciler.overrides.outcome import NoOp, OverrideError, Place
from reconciler.overrides.prepare import PreparedOverrides
from reconciler.problems import CATALOGUE
from reconciler.render import messages
from reconciler.scheduler.replicas.webster import is_descending, webster

RETAIN_REPLICAS: Final = "resourcetemplate.karmada.io/retain-replicas"
"""Label; `true` on a Deployment leaves `spec.replicas` to the member (spec §2.8). Karmada's key: fleets carry it already."""

_SHOWN: Final = 3
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One content and the clusters that get it (in target order); or, without a body, why these clusters get none.

    `applied` is in true order. A problem concerns this object on these clusters alone: what they had stays.
    """

    clusters: tuple[str, ...]
    body: Body | None
    applied: tuple[AppliedRule, ...] = ()
    no_ops: tuple[NoOp, ...] = ()
    problems: tuple[Problem, ...] = ()
    failed: OverridePolicy | None = None
    """The override policy that could not be applied."""
    asked: tuple[WebhookQuestion, ...] = ()
    """What webhooks had to be asked for it."""
    is_transient: bool = False
    """It failed for a reason that may be gone at the next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every template of one render shares."""

    overrides: PreparedOverrides
    interpreters: Interpreters
    defaulted: Callable[[Body], Body] = with_defaults
    """What an API server would have made of a template; templates that come from one need nothing (the identity)."""

    def knowing(self, answers: Sequence[WebhookAnswer]) -> Tools:
        """The same with what webhooks have answered about the template."""
        return replace(self, interpreters=self.interpreters.knowing(answers)) if answers else self


def works_for(
    template: Manifest,
    binding: Binding,
    clusters: Sequence[str],
    tools: Tools,
    *,
    retain_replicas: bool = False,
) -> tuple[Work, ...]:
    """The distinct contents of a template on `clusters` (those of the binding's targets that exist, in that order).

    `retain_replicas`: a HorizontalPodAutoscaler of the fleet scales this object (`scaled_objects`).
    """
    replicas = _replicas_by_cluster(binding)
    body = template.body
    try:
        shares = completion_shares(template, binding, replicas, tools)
        if retain_replicas:
            body = with_value(body, ("metadata", "labels", RETAIN_REPLICAS), "true")
        revises = binding.is_workload and tools.interpreters.can_revise(body)
        groups: dict[tuple[int | None, int | None], list[str]] = {}
        for name in clusters:
            share = shares.get(name)
            groups.setdefault((replicas.get(name, 0) if revises else None, share), []).append(name)
        asked = _questions(body, binding, [count for count, _ in groups], tools)
    except InterpretationError as error:
        return (_uninterpretable(template, tuple(clusters), error),)
    works: list[Work] = []
    waiting = [each for each in asked if not tools.interpreters.webhook.knows(each)]
    if waiting:
        # All or none: one cluster's share must not shrink before another one's can grow.
        problems = unanswered(waiting, template.origin.location)
        return (Work(clusters=tuple(clusters), body=None, problems=problems, asked=asked),)
    for (count, share), names in groups.items():
        try:
            revised = _revised(body, binding, count, share, tools)
        except InterpretationError as error:
            works.append(replace(_uninterpretable(template, tuple(names), error), asked=asked))
            continue
        for result, subgroup in tools.overrides.apply(revised, names):
            work = _work(template, binding, result, subgroup, tools.interpreters)
            works.append(replace(work, asked=asked) if asked else work)
    return tuple(works)


def work_for(template: Manifest, binding: Binding, cluster: str, tools: Tools) -> Work:
    """What one cluster gets."""
    return works_for(template, binding, (cluster,), tools)[0]


def namespace_works(namespace: Manifest, clusters: Sequence[str], tools: Tools) -> tuple[Work, ...]:
    """A Namespace that goes to every cluster by itself (spec §2.7): no conflict resolution but the template's own."""
    binding = Binding(resource=namespace.id, api_version=namespace.api_version)
    return tuple(
        _work(namespace, binding, result, names, tools.interpreters)
        for result, names in tools.overrides.apply(namespace.body, clusters, namespaced=False)
    )


def completion_shares(
    template: Manifest, binding: Binding, replicas: Mapping[str, int], tools: Tools
) -> dict[str, int]:
    """A Job's completions divided over its targets, with their replicas as votes (spec §2.1 step 2, §2.4).

    Empty where nothing is divided: no Job, no replicas, not Divided, no completions, or no votes.
    """
    if template.id.kind != "Job" or binding.replicas <= 0 or not _is_divided(binding):
        return {}
    completions = value_at(tools.defaulted(template.body), "spec", "completions")
    if not isinstance(completions, int):
        return {}
    shares = webster(completions, replicas, descending=is_descending(binding.uid))
    return {name: shares.get(name, 0) for name in replicas} if shares else {}


def scaled_objects(templates: Iterable[Manifest]) -> frozenset[ObjectId]:
    """The objects whose replicas an autoscaling/v2 HorizontalPodAutoscaler of the fleet sets."""
    found = set()
    for template in templates:
        if template.id.kind != "HorizontalPodAutoscaler" or template.api_version != "autoscaling/v2":
            continue
        target = value_at(template.body, "spec", "scaleTargetRef")
        if isinstance(target, dict):
            group = str(target.get("apiVersion") or "").rpartition("/")[0]
            found.add(
                ObjectId(
                    group=group,
                    kind=str(target.get("kind") or ""),
                    namespace=template.id.namespace,
                    name=str(target.get("name") or ""),
                )
            )
    return frozenset(found)


def ineffective_overrides(works: Iterable[tuple[Manifest, Work]]) -> tuple[Problem, ...]:
    """A warning for each item of an override rule that changed nothing wherever the rule applied."""
    applied: Counter[tuple[str, str, int]] = Counter()
    silent: dict[tuple[tuple[str, str, int], Place], list[tuple[Manifest, NoOp]]] = {}
    for template, work in works:
        for entry in work.applied:
            applied[_rule_key(entry.policy, entry.rule.index)] += 1
        for item, no_op in {_item_path(no_op): no_op for no_op in work.no_ops}.items():
            key = (_rule_key(no_op.policy, no_op.rule.index), item)
            silent.setdefault(key, []).append((template, no_op))
    problems = [_ineffective(found) for (rule, _), found in silent.items() if len(found) == applied[rule]]
    return tuple(sorted(problems, key=Problem.sort_key))


def _replicas_by_cluster(binding: Binding) -> dict[str, int]:
    replicas = {target.name: target.replicas for target in binding.clusters}
    for owner in binding.required_by:
        for target in owner.clusters:
            replicas.setdefault(target.name, target.replicas)
    return replicas


def _questions(
    body: Body, binding: Binding, counts: Iterable[int | None], tools: Tools
) -> tuple[WebhookQuestion, ...]:
    """What webhooks must be asked to set these replica counts."""
    given = _to_revise(body, binding, tools)
    wanted = (
        tools.interpreters.question(given, "revise", count)
        for count in dict.fromkeys(counts)
        if count is not None
    )
    return tuple(question for question in wanted if question is not None)


def _to_revise(body: Body, binding: Binding, tools: Tools) -> Body:
    # Only division writes a field that the template leaves to the default.
    return tools.defaulted(body) if _is_divided(binding) else body


def _revised(body: Body, binding: Binding, count: int | None, share: int | None, tools: Tools) -> Body:
    if count is not None:
        body = tools.interpreters.revise(_to_revise(body, binding, tools), count)
    if share is not None:
        body = {**body, "spec": {**object_at(body, "spec"), "completions": share}}
    return body


def _is_divided(binding: Binding) -> bool:
    scheduling = binding.placement.replica_scheduling if binding.placement else None
    return scheduling is not None and scheduling.type == "Divided"


def _work(
    template: Manifest,
    binding: Binding,
    result: Overridden | OverrideError,
    names: tuple[str, ...],
    interpreters: Interpreters,
) -> Work:
    if isinstance(result, OverrideError):
        problem = _override_failed(template, names, result)
        return Work(clusters=names, body=None, problems=(problem,), failed=result.policy)
    changed = _changed_identity(template, result.body)
    if changed:
        problem = _identity_changed(template, names, result, changed)
        return Work(clusters=names, body=None, applied=result.applied, problems=(problem,))
    try:
        body = _marked(interpreters.prune(result.body), binding)
    except InterpretationError as error:
        return _uninterpretable(template, names, error)
    return Work(
        clusters=names,
        body=body,
        applied=result.applied,
        no_ops=result.no_ops,
    )


def _marked(body: Body, binding: Binding) -> Body:
    annotations: dict[str, Any] = object_at(body, "metadata", "annotations")
    added = {}
    if binding.conflict_resolution == "Overwrite" and annotations.get(CONFLICT_RESOLUTION) not in (
        "overwrite",
        "abort",
    ):
        added[CONFLICT_RESOLUTION] = "overwrite"
    if binding.preserve_resources_on_deletion and PRUNE not in annotations:
        added[PRUNE] = "disabled"
    marked = with_value(body, ("metadata", "annotations"), {**annotations, **added}) if added else body
    if annotations.get(DRIFT) != "ignore":
        return marked
    content = hashlib.sha256(emit(marked)).hexdigest()[:_DIGITS]
    return with_value(marked, ("metadata", "annotations", CONTENT), content)


def _changed_identity(template: Manifest, body: Body) -> str:
    """The field in which an object's identity differs from its template's, or empty."""
    for field in ("apiVersion", "kind"):
        if body.get(field) != template.body.get(field):
            return field
    before, after = id_of_body(template.body), id_of_body(body)
    if before.name != after.name:
        return "metadata.name"
    return "metadata.namespace" if before.namespace != after.namespace else ""


def _override_failed(template: Manifest, names: tuple[str, ...], error: OverrideError) -> Problem:
    return _problem(
        "R401",
        f"{_policy_text(error.policy)} cannot be applied to {template.id} on {_names_text(names)}",
        policy=error.policy,
        path=error.path,
        evidence=(str(error),),
        subject=str(template.id),
    )


def _identity_changed(template: Manifest, names: tuple[str, ...], result: Overridden, field: str) -> Problem:
    last = result.applied[-1]
    culprit = next((entry for entry in result.applied if _touches(entry, field)), last)
    return _problem(
        "R402",
        f"{_policy_text(culprit.policy)} changes {field} of {template.id} on {_names_text(names)}",
        policy=culprit.policy,
        path=culprit.path,
        subject=str(template.id),
    )


def _touches(entry: AppliedRule, field: str) -> bool:
    pointer = "/" + field.replace(".", "/")
    paths = [operation.path for operation in entry.rule.overriders.plaintext]
    paths += [overrider.field_path for overrider in entry.rule.overriders.field]
    return any(path == pointer or path in ("", "/metadata") for path in paths)


def _uninterpretable(template: Manifest, names: tuple[str, ...], error: InterpretationError) -> Work:
    problem = messages.uninterpretable(template, error)
    return Work(clusters=names, body=None, problems=(problem,), is_transient=is_transient(error))


def _ineffective(found: list[tuple[Manifest, NoOp]]) -> Problem:
    # The nearest miss says most: a container that is not there before a kind that has none.
    first = max((no_op for _, no_op in found), key=lambda no_op: len(no_op.path))
    objects = sorted({str(template.id) for template, _ in found})
    shown = ", ".join(objects[:_SHOWN]) + (
        f" and {len(objects) - _SHOWN} more" if len(objects) > _SHOWN else ""
    )
    problem = _problem(
        "R403",
        f"this item of {_policy_text(first.policy)} changes nothing",
        policy=first.policy,
        path=first.path,
        evidence=(f"{first.reason} ({shown})",),
        subject=_policy_text(first.policy),
    )
    return replace(problem, severity=Severity.WARNING)


def _problem(
    code: str,
    message: str,
    *,
    policy: OverridePolicy,
    path: Place,
    evidence: tuple[str, ...] = (),
    subject: str,
) -> Problem:
    row = CATALOGUE[code]
    return Problem(
        code=code,
        message=message,
        location=locate(policy.manifest.origin, path) if policy.manifest else None,
        evidence=evidence,
        remedy=row.remedy,
        severity=row.severity,
        subject=subject,
    )


def _item_path(no_op: NoOp) -> Place:
    """The item of the rule: one that misses a container here and finds no containers there changes nothing anywhere."""
    *item, last = no_op.path
    return tuple(item) if last in ("containerName", "value") else no_op.path


def _rule_key(policy: OverridePolicy, index: int) -> tuple[str, str, int]:
    return policy.namespace, policy.name, index


def _policy_text(policy: OverridePolicy) -> str:
    name = f"{policy.namespace}/{policy.name}" if policy.namespace else policy.name
    return f"{policy.kind} {name}"


def _names_text(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more clusters"
