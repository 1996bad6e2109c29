"""All native kinds in one literal table, and the one walk that every operation takes (spec §3.2).

Declared rules come before webhooks' answers, those before bundled third-party rules, those before native ones; the choice is made
for each operation. An error in the chosen rule is final.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from reconciler.interpreter.bundled.registry import BUNDLED_RULES
from reconciler.interpreter.kinds import (
    cronjob,
    daemonset,
    deployment,
    horizontalpodautoscaler,
    ingress,
    job,
    persistentvolume,
    persistentvolumeclaim,
    pod,
    poddisruptionbudget,
    replicaset,
    secret,
    service,
    serviceaccount,
    serviceimport,
    statefulset,
)
from reconciler.interpreter.kstatus import Verdict, readiness
from reconciler.interpreter.prune import prune_server_fields
from reconciler.interpreter.rules import GroupVersionKind, InterpretationError, KindRules, Layer, Replicas
from reconciler.interpreter.webhook.layer import Answering, Known, WebhookLayer
from reconciler.model.binding import Component
from reconciler.model.manifest import Body
from reconciler.model.observation import Health
from reconciler.model.selector import ObjectReference
from reconciler.model.webhook import WebhookAnswer, WebhookQuestion

NATIVE_RULES: Final[Mapping[GroupVersionKind, KindRules]] = MappingProxyType(
    {
        ("apps/v1", "DaemonSet"): daemonset.RULES,
        ("apps/v1", "Deployment"): deployment.RULES,
        ("apps/v1", "ReplicaSet"): replicaset.RULES,
        ("apps/v1", "StatefulSet"): statefulset.RULES,
        ("autoscaling/v2", "HorizontalPodAutoscaler"): horizontalpodautoscaler.RULES,
        ("batch/v1", "CronJob"): cronjob.RULES,
        ("batch/v1", "Job"): job.RULES,
        ("multicluster.x-k8s.io/v1alpha1", "ServiceImport"): serviceimport.RULES,
        ("networking.k8s.io/v1", "Ingress"): ingress.RULES,
        ("policy/v1", "PodDisruptionBudget"): poddisruptionbudget.RULES,
        ("v1", "PersistentVolume"): persistentvolume.RULES,
        ("v1", "PersistentVolumeClaim"): persistentvolumeclaim.RULES,
        ("v1", "Pod"): pod.RULES,
        ("v1", "Secret"): secret.RULES,
        ("v1", "Service"): service.RULES,
        ("v1", "ServiceAccount"): serviceaccount.RULES,
    }
)
_NOTHING: Final[Layer] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreters:
    """Everything that is known about kinds, as one value passed down; `digest` keys memos of its answers."""

    declared: Layer = field(default_factory=lambda: _NOTHING)
    webhook: WebhookLayer = field(default_factory=WebhookLayer)
    bundled: Layer = field(default_factory=lambda: BUNDLED_RULES)
    native: Layer = field(default_factory=lambda: NATIVE_RULES)
    digest: str = ""

    def rule(self, body: Body, operation: str) -> Any:
        """The first layer's rule for this object and operation (a field of KindRules), or None."""
        kind = (str(body.get("apiVersion") or ""), str(body.get("kind") or ""))
        for layer in (self.declared, self.webhook, self.bundled, self.native):
            rules = layer.get(kind)
            if rules is not None and (found := getattr(rules, operation)) is not None:
                return found
        return None

    def asking(self, source: Answering) -> Interpreters:
        """The same with somebody to answer for the webhooks; the very same where there are none."""
        return replace(self, webhook=self.webhook.asking(source)) if self.webhook.webhooks else self

    def knowing(self, answers: Sequence[WebhookAnswer]) -> Interpreters:
        """The same with what webhooks have answered before."""
        return self.asking(Known({answer.digest: answer for answer in answers})) if answers else self

    def question(self, body: Body, operation: str, replicas: int = 0) -> WebhookQuestion | None:
        """What a webhook is to be asked for this operation (a field of KindRules); None where another layer answers."""
        if not self.webhook.webhooks:
            return None
        declared = self.declared.get((str(body.get("apiVersion") or ""), str(body.get("kind") or "")))
        if declared is not None and getattr(declared, operation) is not None:
            return None
        return self.webhook.question(operation, body, replicas)

    def takes_time(self, body: Body, operation: str) -> bool:
        """Whether somebody outside this process answers (a script's worker, a webhook), so that no event loop may wait for it."""
        kind = (str(body.get("apiVersion") or ""), str(body.get("kind") or ""))
        outside = (self.declared.get(kind), self.webhook.get(kind))
        return any(rules is not None and getattr(rules, operation) is not None for rules in outside)

    def replicas(self, body: Body) -> Replicas:
        """How many replicas an object asks for and what one needs; (0, None) for what is no workload."""
        rule = self.rule(body, "replicas")
        return (0, None) if rule is None else rule(body)

    def components(self, body: Body) -> tuple[Component, ...]:
        """What a workload of several pod templates consists of; nothing for other kinds."""
        rule = self.rule(body, "components")
        return () if rule is None else rule(body)

    def can_revise(self, body: Body) -> bool:
        """Whether some rule can set the replica count of such an object."""
        return self.rule(body, "revise") is not None

    def revise(self, body: Body, replicas: int) -> Body:
        """The object with its replica count set; the same object where no rule can."""
        rule = self.rule(body, "revise")
        return body if rule is None else rule(body, replicas)

    def prune(self, body: Body) -> Body:
        """The object without what only a server writes; the same object where there is nothing of the kind."""
        body = prune_server_fields(body)
        rule = self.rule(body, "prune")
        return body if rule is None else rule(body)

    def dependencies(self, body: Body) -> tuple[ObjectReference, ...]:
        """What must travel along with an object, sorted."""
        rule = self.rule(body, "dependencies")
        return () if rule is None else rule(body)

    def health(self, body: Body) -> Health:
        """Karmada's health of a live object: healthy where no rule says otherwise, unknown where the rule fails."""
        rule = self.rule(body, "health")
        if rule is None:
            return Health.HEALTHY
        try:
            return Health.HEALTHY if rule(body) else Health.UNHEALTHY
        except InterpretationError:
            return Health.UNKNOWN

    def readiness(self, body: Body, now: datetime | None = None) -> Verdict:
        """What kstatus says of a live object, and one sentence why."""
        return readiness(body, now)

    def reflect(self, body: Body) -> Any:
        """The status to report of a live object; without a rule its whole `.status`; None where it has none."""
        rule = self.rule(body, "reflect")
        return body.get("status") if rule is None else rule(body)

    def aggregate(self, body: Body, items: Sequence[Body], now: datetime | None = None) -> Body:
        """The template with the members' statuses merged into `.status`; the same template where no rule does.

        `items` are AggregatedStatusItems (`clusterName`, `status`, `applied`, `health`), by cluster. `now` dates what the merge itself
        finds out (that a Job failed); without it such a time is left out.
        """
        rule = self.rule(body, "aggregate")
        return body if rule is None else rule(body, items, now)

    def retain(self, desired: Body, live: Body) -> Body:
        """The desired object with the fields that the member keeps; metadata is left to server-side apply."""
        rule = self.rule(desired, "retain")
        return desired if rule is None else rule(desired, live)

    def retained_paths(self, desired: Body, live: Body) -> tuple[tuple[str, ...], ...]:
        """The places where keeping the member's values changes the desired object, sorted (spec §2.8).

        Under server-side apply these are sent with their live value while no other manager owns them (DESIGN §4).
        """
        return tuple(sorted(_changed_paths(desired, self.retain(desired, live), ())))


def _changed_paths(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if before != after:
            yield path
        return
    for key in sorted({*before, *after}):
        if key in before and key in after:
            yield from _changed_paths(before[key], after[key], (*path, key))
        elif before.get(key) is not None or after.get(key) is not None:
            # A script has no null: what it leaves out there is not what the member keeps.
            yield (*path, key)


NATIVE: Final = Interpreters()
"""What is known without any declaration of the fleet."""
