"""What of a document can still be judged though its schema finds fault with a part of it, so that all is said at once.

Leaves the faulty part out, or takes a value that is allowed there, until the schema is content. What stood beside it is not judged either, where leaving a field out may itself
look like a mistake.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.fleet import schema
from reconciler.fleet.finding import FieldPath, Finding
from reconciler.model.identity import group_of

_ROUNDS: Final = 6
_UNKNOWN_FIELD: Final = "R201"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """`body` is sound by its schema; nothing that rules say at or below `doubtful` paths counts."""

    body: Mapping[str, Any]
    doubtful: frozenset[FieldPath]

    def is_certain(self, finding: Finding) -> bool:
        """Whether the finding would be there if the rest of the document were right."""
        return not any(finding.path[: len(path)] == path for path in self.doubtful)


def remainder(body: Mapping[str, Any], deviations: Iterable[Finding]) -> Remainder | None:
    """`body` without what deviates; None where nothing is left to judge."""
    left = copy.deepcopy(dict(body))
    found = tuple(deviations)
    doubtful: set[FieldPath] = set()
    for _ in range(_ROUNDS):
        if not found:
            return Remainder(body=left, doubtful=frozenset(doubtful))
        for finding in found:
            path = _field(finding.path)
            if len(path) < 2:
                return None
            if finding.code != _UNKNOWN_FIELD:
                doubtful.add(_neighbourhood(path) if path == finding.path else path)
            choices = _choices(left, finding.path)
            _put(left, *((finding.path, choices[0]) if choices else (path, None)))
        found = schema.check(left)
    return None


def _field(path: FieldPath) -> FieldPath:
    """The field that can be left out without moving other entries: of an entry of a list, the list."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path


def _neighbourhood(path: FieldPath) -> FieldPath:
    """The list that the field's entry is in, else the mapping that the field is in; of a field of `spec`, the field."""
    entries = [index for index, step in enumerate(path) if isinstance(step, int)]
    if entries:
        return path[: entries[-1]]
    return path[:-1] if len(path) > 2 else path


def _choices(body: Mapping[str, Any], path: FieldPath) -> tuple[str, ...]:
    """The values that the schema allows at `path`, where it names them."""
    node: Mapping[str, Any] = schema.SCHEMAS[f"{group_of(body['apiVersion'])}/{body['kind']}.json"]
    for step in path:
        child = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        if not isinstance(child, dict):
            return ()
        node = schema.resolved(child)
    return tuple(node.get("enum", ()))


def _put(body: Any, path: FieldPath, value: str | None) -> None:
    """Set the field at `path`, or leave it out (None). Nothing where the way there is gone."""
    node = body
    for step in path[:-1]:
        try:
            node = node[step]
        except (KeyError, IndexError):
            return
    if value is not None:
        node[path[-1]] = value
    elif isinstance(node, dict):
        node.pop(path[-1], None)
