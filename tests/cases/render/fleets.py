"""Case folders as fleets and observations, and renders as texts that a person can check line by line.

A case folder holds `case.yaml` (what it shows, and the facts), `fleet/` (the repository), optionally `before/` (what the
repository was: it is rendered first), and `expected.txt`.

    clusters: [eu-1, us-1]     Cluster documents of `_clusters/` that are part of both repositories
    reported:                  a cluster that is not named here has reported and is ready, with the usual APIs
      eu-1: never              it has never reported
      us-1: {ready: "False"}   its Ready condition
      eu-2: {without: [apps/v1], with: [example.com/v1/Thing]}
    reported_before:           the same, for `before/`
    answers:                   what interpreter webhooks have answered, by operation and name (`ReviseReplica web 3`: for 3)
      InterpretReplica web: {replicas: 3}
      InterpretDependency web: "no such thing"      a text: why the answer is of no use
    answers_before:            the same, for `before/` (without it: `answers`)
    assume_unreported: true    as the offline verbs do
    show: ["shop/*/web.yaml"]  tree paths whose contents are expected in full (globs)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from reconciler.fleet.assemble import assemble
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.interpreter.webhook.decode import webhooks_of
from reconciler.interpreter.webhook.layer import WebhookLayer
from reconciler.manifests.load import load
from reconciler.model.cluster import ApiResources, ClusterStatus, Condition
from reconciler.model.fleet import Fleet, Source, SourceFile
from reconciler.model.identity import ObjectId
from reconciler.model.observation import ClusterReport, Observation
from reconciler.model.tree import PreviousRender, Rendered
from reconciler.model.webhook import WebhookAnswer, WebhookQuestion, canonical_text
from reconciler.render.bindings import decode_binding
from reconciler.render.render import render
from reconciler.render.tree import previous_of
from reconciler.status.answers import with_answers

CASES = Path(__file__).parent
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
USUAL_APIS = {
    "v1": ("ConfigMap", "Namespace", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"),
    "apiextensions.k8s.io/v1": ("CustomResourceDefinition",),
    "apps/v1": ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "batch/v1": ("CronJob", "Job"),
    "networking.k8s.io/v1": ("Ingress", "NetworkPolicy"),
    "rbac.authorization.k8s.io/v1": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    "coordination.k8s.io/v1": ("Lease",),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case folder, read."""

    folder: Path
    clusters: tuple[str, ...] = ()
    reported: Mapping[str, Any] = field(default_factory=dict)
    reported_before: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    answers_before: Mapping[str, Any] | None = None
    assume_unreported: bool = False
    show: tuple[str, ...] = ()

    @property
    def has_before(self) -> bool:
        return (self.folder / "before").is_dir()

    def files(self, name: str = "fleet") -> tuple[SourceFile, ...]:
        folder = self.folder / name
        own = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        shared = {
            f"clusters/{each}.yaml": (CASES / "_clusters" / f"{each}.yaml").read_bytes()
            for each in self.clusters
        }
        return tuple(SourceFile(path=path, data=data) for path, data in sorted({**shared, **own}.items()))

    def fleet(
        self, name: str = "fleet", previous: PreviousRender | None = None, seed: int | None = None
    ) -> Fleet:
        files = list(self.files(name))
        if seed is not None:
            random.Random(seed).shuffle(files)
        known = previous.bindings.values() if previous else ()
        fleet = assemble(
            Source(commit="", time=NOW, files=tuple(files)),
            previous_paths=frozenset(binding.source_path for binding in known if binding.source_path),
        )
        return shuffled(fleet, seed) if seed is not None else fleet

    def observation(self, name: str = "fleet", fleet: Fleet | None = None) -> Observation:
        told = self.reported_before if name == "before" and self.reported_before else self.reported
        clusters = (fleet or self.fleet(name)).clusters
        reports = {
            cluster.name: ClusterReport(name=cluster.name, status=status_of(told.get(cluster.name) or {}))
            for cluster in clusters
            if told.get(cluster.name) != "never"
        }
        return Observation(clusters=reports)

    def render(
        self, name: str, previous: PreviousRender, *, seed: int | None = None, **options: Any
    ) -> Rendered:
        fleet = self.fleet(name, previous, seed)
        observation = self.observation(name, fleet)
        options.setdefault("interpreters", interpreters_of(fleet))
        told = self.answers_before if name == "before" and self.answers_before is not None else self.answers
        while True:
            rendered = render(
                fleet, observation, previous, NOW, assume_unreported=self.assume_unreported, **options
            )
            fresh = answers_to(rendered.unanswered, told)
            if not fresh:
                return rendered
            # As the reconciler does: commit what was answered, and render again.
            observation = replace(observation, answers=with_answers(observation.answers, fresh))

    def previous(self) -> PreviousRender:
        """What the render of `fleet/` finds: nothing, or the render of `before/`, read back from its bytes."""
        return read_back(self.render("before", PreviousRender())) if self.has_before else PreviousRender()


def cases() -> list[Path]:
    return sorted(path.parent for path in CASES.glob("*/case.yaml"))


def read_case(folder: Path) -> Case:
    (document,) = load((folder / "case.yaml").read_bytes(), "case.yaml").documents or (None,)
    told = dict(document.body) if document else {}
    told.pop("shows")
    for name in ("clusters", "show"):
        told[name] = tuple(told.get(name) or ())
    return Case(folder=folder, **told)


def interpreters_of(fleet: Fleet) -> Interpreters:
    """Everything that is known about kinds, with the fleet's webhooks."""
    return replace(NATIVE, webhook=WebhookLayer(webhooks=webhooks_of(fleet.webhooks)))


def answers_to(
    questions: Iterable[WebhookQuestion], told: Mapping[str, Any]
) -> dict[ObjectId, list[WebhookAnswer]]:
    """What a case says that webhooks answer."""
    found: dict[ObjectId, list[WebhookAnswer]] = {}
    for asked in questions:
        name = f"{asked.operation} {asked.subject.name}"
        said = told.get(f"{name} {asked.request['replicas']}", told.get(name))
        if said is not None:
            answer = WebhookAnswer(
                digest=asked.digest,
                webhook=asked.webhook.uid,
                operation=asked.operation,
                result="" if isinstance(said, str) else canonical_text(said),
                failure=said if isinstance(said, str) else "",
            )
            found.setdefault(asked.subject, []).append(answer)
    return found


def status_of(told: Mapping[str, Any]) -> ClusterStatus:
    served = {version: set(kinds) for version, kinds in USUAL_APIS.items()}
    for version in told.get("without", ()):
        del served[version]
    for extra in told.get("with", ()):
        version, _, kind = extra.rpartition("/")
        served.setdefault(version, set()).add(kind)
    return ClusterStatus(
        conditions=(
            Condition(type="Ready", status=told.get("ready", "True")),
            Condition(type="CompleteAPIEnablements", status="True"),
        ),
        api_enablements=tuple(
            ApiResources(group_version=version, kinds=frozenset(kinds))
            for version, kinds in sorted(served.items())
        ),
    )


def read_back(rendered: Rendered) -> PreviousRender:
    """A render as the next pass reads it from Git: bindings from their bytes."""
    previous = previous_of(rendered)
    bindings = [
        decode_binding(load(data, path).documents[0].body) for path, data in rendered.tree.bindings.items()
    ]
    return replace(previous, commit="1" * 40, bindings={binding.resource: binding for binding in bindings})


def shuffled(fleet: Fleet, seed: int) -> Fleet:
    """The same fleet with every list in another order."""
    order = random.Random(seed)

    def mixed(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(order.sample(items, len(items)))

    return replace(
        fleet,
        templates=mixed(fleet.templates),
        propagation_policies=mixed(fleet.propagation_policies),
        override_policies=mixed(fleet.override_policies),
        clusters=mixed(fleet.clusters),
        refused=mixed(fleet.refused),
        approvals=mixed(fleet.approvals),
    )


def text_of(fleet: Fleet, rendered: Rendered, show: tuple[str, ...] = ()) -> str:
    """A render as text: placement, tree, problems, and the contents that a case is about."""
    lines = [f"complete: {'yes' if rendered.complete else 'no'}"]
    if rendered.assumed_clusters:
        lines.append(f"assumed: {' '.join(rendered.assumed_clusters)}")
    if rendered.unclaimed:
        lines += ["", "unclaimed", *(f"  {id_}" for id_ in rendered.unclaimed)]
    lines += ["", "placement"]
    for id_, binding in sorted(rendered.bindings.items()):
        shares = " ".join(
            f"{t.name}={t.replicas}" if binding.is_workload else t.name
            for t in sorted(binding.clusters, key=lambda t: t.name)
        )
        owner = f" [{binding.claim}]" if binding.claim else ""
        follows = "".join(
            f" +{each.namespace}/{each.name}({' '.join(sorted(t.name for t in each.clusters))})"
            for each in binding.required_by
        )
        lines.append(f"  {id_}{owner}: {shares or '-'}{follows}")
    lines += ["", "tree", f"  clusters: {' '.join(rendered.tree.clusters)}"]
    paths: dict[str, list[str]] = {}
    for variant in rendered.tree.variants:
        paths.setdefault(variant.path, []).append("{" + " ".join(variant.clusters) + "}")
    lines += (
        f"  {path}: {' '.join(groups)}"
        for path, groups in paths.items()
        if path != ".fleet-reconciler/settings" or any(fnmatchcase(path, glob) for glob in show)
    )
    problems = sorted({*fleet.problems, *rendered.problems}, key=lambda p: (p.sort_key(), str(p)))
    if problems:
        lines += [
            "",
            "problems",
            *(f"  {line}" for problem in problems for line in str(problem).splitlines()),
        ]
    for variant in rendered.tree.variants:
        if any(fnmatchcase(variant.path, glob) for glob in show):
            lines += [
                "",
                f"--- {variant.path} {{{' '.join(variant.clusters)}}}",
                variant.data.decode().rstrip("\n"),
            ]
    for path, data in rendered.tree.bindings.items():
        if any(fnmatchcase(f"bindings/{path}", glob) for glob in show):
            lines += ["", f"--- bindings/{path}", data.decode().rstrip("\n")]
    return "\n".join(lines) + "\n"
