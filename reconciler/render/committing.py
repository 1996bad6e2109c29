"""Bindings as they are committed: with who requires them, with generations and times that move only for a reason, as bytes.

Pure. A held binding is the previous one, to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reconciler.errors import Problem
from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import InterpretationError
from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Body
from reconciler.model.selector import ObjectReference
from reconciler.model.tree import PreviousRender
from reconciler.render import messages
from reconciler.render.bindings import encode_binding, settled
from reconciler.render.dependencies import distribute, is_attached
from reconciler.render.standing import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What following came to. `unknown`: owners whose dependents could not be told."""

    unknown: tuple[ObjectId, ...] = ()
    problems: tuple[Problem, ...] = ()


def follow(
    tracks: Sequence[Track],
    absent: Mapping[ObjectId, Binding],
    previous: PreviousRender,
    interpreters: Interpreters,
) -> Following:
    """What templates refer to goes where they go (spec scheduling §7).

    `absent` are bindings of templates that no file has and that are kept: they require what they required before.
    """
    placed = {track.id: track.binding for track in tracks if track.binding is not None}
    bindings = {**placed, **absent}
    if not any(binding.propagate_deps or binding.required_by for binding in bindings.values()):
        return Following()
    by_body = {id(track.standing.template.body): track for track in tracks}

    def dependencies(body: Body) -> tuple[ObjectReference, ...]:
        track = by_body[id(body)]
        if track.standing.held:
            # What is delivered is the old content, so what it needs is what it needed.
            raise InterpretationError("held")
        inputs = (track.standing.template, interpreters, track.answers)
        rule = interpreters.knowing(track.answers).dependencies
        return track.lane.remember("dependencies", inputs, partial(rule, body))

    movable = (track.standing.template for track in tracks if not track.standing.is_never_propagated)
    found = distribute(bindings, movable, dependencies, previous.bindings)
    problems = list(found.problems)
    unknown = []
    for track in tracks:
        if track.standing.held:
            continue
        track.binding = _same(found.bindings.get(track.id), track.binding, track.previous)
        if track.id in found.unknown:
            unknown.append(track.id)
            problems.append(messages.uninterpretable(track.standing.template, found.unknown[track.id]))
    return Following(unknown=tuple(unknown), problems=tuple(problems))


def _same(binding: Binding | None, placed: Binding | None, previous: Binding | None) -> Binding | None:
    """The very object from before where nothing was added, so that what was computed from it is known again."""
    if binding is None:
        return None
    if placed is not None and placed.required_by == binding.required_by and not is_attached(binding):
        return placed
    if previous is not None and is_attached(binding) and previous == binding:
        return previous
    return binding


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A binding as it is committed, its file and its bytes."""

    binding: Binding
    path: str
    document: bytes


def committed(tracks: Sequence[Track], previous: PreviousRender) -> dict[ObjectId, Committed]:
    """Every template's binding, in the order of the templates."""
    result = {}
    for track in tracks:
        binding = track.binding
        if binding is None:
            continue
        if track.standing.held:
            result[track.id] = kept(binding, previous)
            continue
        inputs = (binding, track.previous, track.overrides, track.is_renewed)
        result[track.id] = track.lane.remember("binding", inputs, partial(_committed, *inputs))
    return result


def kept(binding: Binding, previous: PreviousRender) -> Committed:
    """A binding with the bytes that it had in the previous render."""
    path = binding.resource.tree_path
    document = previous.binding_files.get(path) or emit(encode_binding(binding))
    return Committed(binding=binding, path=path, document=document)


def _committed(
    binding: Binding, previous: Binding | None, overrides: tuple[str, ...], is_scheduled: bool
) -> Committed:
    binding = settled(replace(binding, overrides=overrides), previous, is_scheduled=is_scheduled)
    return Committed(binding=binding, path=binding.resource.tree_path, document=emit(encode_binding(binding)))
