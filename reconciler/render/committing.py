"""Bindings as they are committed: with who requires them, with generations and times that move only for a reason, as bytes.

Pure. A held binding is the previous one, to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from reconciler.render.memo import Memo
from reconciler.render.placing import Placement
from reconciler.render.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """All bindings after dependencies were given out. `unknown`: owners whose dependents could not be told."""

    bindings: Mapping[ObjectId, Binding]
    unknown: frozenset[ObjectId] = frozenset()
    problems: tuple[Problem, ...] = ()


def follow(
    standings: Sequence[Standing],
    placement: Placement,
    absent: Mapping[ObjectId, Binding],
    previous: PreviousRender,
    interpreters: Interpreters,
    memo: Memo,
) -> Following:
    """What templates refer to goes where they go (spec scheduling §7).

    `absent` are bindings of templates that no file has and that are kept: they require what they required before.
    """
    by_body = {id(each.template.body): each for each in standings}

    def dependencies(body: Body) -> tuple[ObjectReference, ...]:
        each = by_body[id(body)]
        if each.held:
            # What is delivered is the old content, so what it needs is what it needed.
            raise InterpretationError("held")
        compute = partial(interpreters.dependencies, body)
        return memo.remember("dependencies", each.template.id, (each.template, interpreters), compute)

    found = distribute(
        {**placement.bindings, **absent},
        (each.template for each in standings if not each.is_never_propagated),
        dependencies,
        previous.bindings,
    )
    held = {each.template.id: each for each in standings if each.held}
    bindings = {
        id_: _same(binding, placement.bindings.get(id_), previous.bindings.get(id_))
        for id_, binding in found.bindings.items()
        if id_ not in held and id_ not in absent
    }
    bindings |= {id_: each.binding for id_, each in held.items() if each.binding is not None}
    templates = {each.template.id: each.template for each in standings}
    unknown = {id_: words for id_, words in found.unknown.items() if id_ not in held and id_ not in absent}
    return Following(
        bindings=bindings,
        unknown=frozenset(unknown),
        problems=(
            *found.problems,
            *(messages.uninterpretable(templates[id_], words) for id_, words in unknown.items()),
        ),
    )


def _same(binding: Binding, placed: Binding | None, previous: Binding | None) -> Binding:
    """The very object from before where nothing was added, so that what was computed from it is known again."""
    if placed is not None and placed.required_by == binding.required_by and not is_attached(binding):
        return placed
    if previous is not None and is_attached(binding) and previous == binding:
        return previous
    return binding


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A binding as it is committed, and its bytes."""

    binding: Binding
    document: bytes


def committed(
    standings: Sequence[Standing],
    bindings: Mapping[ObjectId, Binding],
    renewed: frozenset[ObjectId],
    previous: PreviousRender,
    memo: Memo,
) -> dict[ObjectId, Committed]:
    """Every template's binding, by identity."""
    result = {}
    for each in standings:
        id_ = each.template.id
        binding = bindings.get(id_)
        if binding is None:
            continue
        if each.held:
            result[id_] = Committed(binding=binding, document=kept_document(binding, previous))
            continue
        old = previous.bindings.get(id_)
        is_scheduled = id_ in renewed
        compute = partial(_committed, binding, old, is_scheduled=is_scheduled)
        result[id_] = memo.remember("binding", id_, (binding, old, is_scheduled), compute)
    return result


def kept_document(binding: Binding, previous: PreviousRender) -> bytes:
    """The bytes that a binding had in the previous render."""
    return previous.binding_files.get(binding.resource.tree_path) or emit(encode_binding(binding))


def _committed(binding: Binding, previous: Binding | None, *, is_scheduled: bool) -> Committed:
    binding = settled(binding, previous, is_scheduled=is_scheduled)
    return Committed(binding=binding, document=emit(encode_binding(binding)))
