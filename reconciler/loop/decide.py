"""From what Git holds to a decision: the pure half, called with commits.

Shared by the reconciler and by the offline verbs, so that a laptop computes exactly what production will do. Reads Git;
writes nothing and asks no cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.errors import GitError, Problem
from reconciler.fleet.assemble import Memo as FleetMemo
from reconciler.fleet.assemble import assemble
from reconciler.git.checkout import ReadCache
from reconciler.git.reader import Files, read_previous, read_tip
from reconciler.git.repository import Repository, raw
from reconciler.git.trailers import RENDERED_COMMIT
from reconciler.interpreter.custom.answers import Answers
from reconciler.interpreter.custom.declared import interpreters_for
from reconciler.interpreter.custom.engine import Engine
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.interpreter.webhook.decode import webhooks_of
from reconciler.interpreter.webhook.layer import WebhookLayer
from reconciler.lua.engine import LuaEngine
from reconciler.manifests.load import load
from reconciler.model.binding import Binding
from reconciler.model.fleet import Fleet, Source
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest
from reconciler.model.observation import Observation
from reconciler.model.time import format_time
from reconciler.model.tree import PreviousRender, Rendered, Variant
from reconciler.problems import CATALOGUE
from reconciler.render.bindings import decode_binding
from reconciler.render.cluster_files import CUSTOMIZATIONS, RULES, WEBHOOKS, rules_in, rules_of
from reconciler.render.memo import Memo
from reconciler.render.render import render
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.registry import Profile
from reconciler.status.document import Read, decode_observation

_SKEW: Final = timedelta(minutes=10)


@dataclass(slots=True, kw_only=True)
class Memory:
    """What is kept between decisions for speed alone; deleting it changes nothing but time."""

    files: ReadCache = field(default_factory=ReadCache)
    bindings: dict[str, Binding] = field(default_factory=dict)
    fleet: FleetMemo = field(default_factory=dict)
    render: Memo = field(default_factory=Memo)
    observation: Observation | None = None
    observed: dict[str, tuple[bytes, Read]] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    engine: Engine = field(default_factory=LuaEngine)
    known: Interpreters = NATIVE

    def interpreters(
        self, customizations: Iterable[Manifest], now: datetime, webhooks: Iterable[Manifest] = ()
    ) -> Interpreters:
        """Everything that is known about kinds; what the fleet declares is asked of the engine, which starts when it must.

        Webhooks know no answer yet: a render adds those of its observation.
        """
        layer = WebhookLayer(webhooks=webhooks_of(webhooks))
        if layer != self.known.webhook:
            self.known = replace(NATIVE, webhook=layer)
        return interpreters_for(customizations, self.engine, now=now, answers=self.answers, base=self.known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One answer of `render`, with everything that it was computed from."""

    source: Source
    fleet: Fleet
    observation: Observation
    previous: PreviousRender
    rendered: Rendered
    now: datetime
    interpreters: Interpreters = NATIVE
    in_force: Interpreters = NATIVE
    """The rules by which members' objects are treated: those that travel in their trees."""
    profiles: Mapping[str, Profile] = field(default_factory=lambda: PROFILES)
    dating: tuple[Problem, ...] = ()
    """What is wrong with the source's date, where somebody's clock could tell."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem of the source, the fleet and the render."""
        return (*self.dating, *self.fleet.problems, *self.rendered.problems)


def read_observation(repository: Repository, tip: str, memory: Memory | None = None) -> Observation:
    """The facts at a status commit (empty `tip`: nothing was ever observed)."""
    known = memory.observation if memory else None
    if known is not None and known.commit == tip:
        return known
    branch = read_tip(repository, tip, required=(RENDERED_COMMIT,))
    if branch is None:
        return Observation()
    observation = decode_observation(
        branch.files,
        commit=tip,
        time=branch.commit.committer_time,
        memo=memory.observed if memory else None,
    )
    if memory:
        memory.observation = observation
    return observation


def read_render(repository: Repository, tip: str, memory: Memory | None = None) -> PreviousRender:
    """The last render with its bindings decoded (empty `tip`: none). Raises ForeignCommit, GitError."""
    previous = read_previous(repository, tip)
    return replace(previous, bindings=decode_bindings(previous.binding_files, memory))


def decode_bindings(files: Mapping[str, bytes], memory: Memory | None = None) -> dict[ObjectId, Binding]:
    """Bindings by template, from the files below `bindings/`. Raises GitError when one cannot be read."""
    known = memory.bindings if memory else {}
    found: dict[ObjectId, Binding] = {}
    for path in files:
        key = files.oid(path) if isinstance(files, Files) else ""
        binding = known.get(key)
        if binding is None:
            binding = _binding(path, files[path])
            if key and memory:
                memory.bindings[key] = binding
        found[binding.resource] = binding
    return found


def _binding(path: str, data: bytes) -> Binding:
    strange = f"bindings/{path} of the rendered branch cannot be read: it is not ours"
    documents = load(data, path).documents
    if len(documents) != 1:
        raise GitError(strange)
    try:
        binding = decode_binding(documents[0].body)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # We write none of another shape.
        raise GitError(strange) from error
    if not binding.resource.name:
        raise GitError(strange)
    return binding


def with_seen(
    repository: Repository, previous: PreviousRender, observation: Observation, memory: Memory | None = None
) -> PreviousRender:
    """`previous` with the bindings that each cluster's report had seen, where that was another rendered commit."""
    by_commit: dict[str, Mapping[ObjectId, Binding]] = {"": {}}
    seen: dict[str, Mapping[ObjectId, Binding]] = {}
    for name, report in sorted(observation.clusters.items()):
        commit = report.rendered_commit
        if commit == previous.commit:
            continue
        if commit not in by_commit:
            known = repository.has(raw(commit))
            by_commit[commit] = read_render(repository, commit, memory).bindings if known else {}
        seen[name] = by_commit[commit]
    return replace(previous, seen=seen) if seen else previous


def moment(
    source: Source,
    observation: Observation,
    previous: PreviousRender,
    wake: datetime | None,
    clock: datetime | None = None,
) -> datetime:
    """`now` as an input (DESIGN §3): the newest of the source's date, the observation's and the wake time that came due.

    Never before the moment of the previous render, so that clocks that are stored in bindings do not run backwards. The date of
    a source commit is its author's word: with a `clock` (the reconciler's own), one that is ahead of it counts as made now; and
    once a render has taken a commit in, the moment of that render stands for it, on every machine.
    """
    is_taken_in = bool(source.commit) and previous.source_commit == source.commit
    # In whole seconds, as commits are dated.
    dated = clock.replace(microsecond=0) if clock and is_ahead(source, clock) else source.time
    candidates = [
        None if is_taken_in and previous.evaluated_at is not None else dated,
        observation.time,
        wake,
        previous.evaluated_at,
    ]
    return max(time for time in candidates if time is not None).astimezone(UTC)


def is_ahead(source: Source, clock: datetime | None) -> bool:
    """Whether a source is dated later than clocks that go about right could have dated it."""
    return clock is not None and source.time > clock + _SKEW


def _ahead(source: Source) -> Problem:
    """R604: the date of a source, which cannot be."""
    what = f"source commit {source.commit[:12]}" if source.commit else "the commit of the work tree"
    row = CATALOGUE["R604"]
    return Problem(
        code=row.code,
        message=f"{what} is dated {format_time(source.time)}, which is yet to come",
        remedy=row.remedy,
        severity=row.severity,
    )


def decide(
    source: Source,
    observation: Observation,
    previous: PreviousRender,
    *,
    now: datetime,
    assume_unreported: bool,
    memory: Memory | None = None,
    profiles: Mapping[str, Profile] = PROFILES,
    clock: datetime | None = None,
) -> Decision:
    """Assemble and render. `assume_unreported`: clusters that never reported count as ready (offline verbs only).

    `profiles`: the schedulers, by `schedulerName`, with the plugins that were loaded. `clock`: this machine's; it decides nothing,
    and a source that is dated after it is told of.
    """
    memory = memory or Memory()
    fleet = assemble(
        source,
        previous_paths=frozenset(
            binding.source_path for binding in previous.bindings.values() if binding.source_path
        ),
        observed_scopes=observed_scopes(observation),
        memo=memory.fleet,
    )
    interpreters = memory.interpreters(fleet.customizations, now, fleet.webhooks)
    rendered = render(
        fleet,
        observation,
        previous,
        now,
        interpreters=interpreters,
        plugins=profiles,
        assume_unreported=assume_unreported,
        memo=memory.render,
    )
    return Decision(
        source=source,
        fleet=fleet,
        observation=observation,
        previous=previous,
        rendered=rendered,
        now=now,
        interpreters=interpreters,
        in_force=_in_force(fleet, rendered, interpreters, memory, now),
        profiles=profiles,
        dating=(_ahead(source),) if is_ahead(source, clock) else (),
    )


def _in_force(
    fleet: Fleet, rendered: Rendered, interpreters: Interpreters, memory: Memory, now: datetime
) -> Interpreters:
    """Those of the fleet, but while a document with rules is refused or cannot be read those that were delivered last."""
    if fleet.is_complete:
        return interpreters
    delivered: dict[str, Variant] = {}
    for variant in rendered.tree.variants:
        known = delivered.get(variant.path)
        # A cluster that is new has no rules of before.
        if variant.path in RULES and (known is None or len(known.clusters) < len(variant.clusters)):
            delivered[variant.path] = variant
    files = {path: variant.data for path, variant in delivered.items()}
    if files == rules_of(fleet) or not rendered.tree.clusters:
        return interpreters
    return memory.interpreters(rules_in(files, CUSTOMIZATIONS), now, rules_in(files, WEBHOOKS))


def observed_scopes(observation: Observation) -> dict[tuple[str, str], bool]:
    """Whether kinds are namespaced, as clusters' discovery says. Where they disagree nobody knows: one cluster cannot speak for all."""
    said: dict[tuple[str, str], set[bool]] = {}
    for name in sorted(observation.clusters):
        for kind, namespaced in observation.clusters[name].scopes.items():
            said.setdefault(kind, set()).add(namespaced)
    return {kind: next(iter(answers)) for kind, answers in said.items() if len(answers) == 1}
