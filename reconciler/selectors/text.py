"""Label selectors as people type them (`-l`), with kubectl's grammar."""

from __future__ import annotations

import re
from typing import Final

from reconciler.model.selector import LabelSelector, Requirement
from reconciler.selectors.labels import is_valid_selector

_KEY: Final = r"(?P<key>[^\s,=!()]+)"
_FORMS: Final = (
    (re.compile(rf"{_KEY}\s+(?P<word>in|notin)\s+\((?P<values>[^()]*)\)\Z"), ""),
    (re.compile(rf"{_KEY}\s*!=\s*(?P<values>[^\s,=!()]*)\Z"), "NotIn"),
    (re.compile(rf"{_KEY}\s*==?\s*(?P<values>[^\s,=!()]*)\Z"), "In"),
    (re.compile(rf"!\s*{_KEY}\Z"), "DoesNotExist"),
    (re.compile(rf"{_KEY}\Z"), "Exists"),
)
_WORDS: Final = {"in": "In", "notin": "NotIn"}


def parse_selector(text: str) -> LabelSelector:
    """The selector that `text` says: `app=web,tier in (a,b),!canary`. Raises ValueError with what cannot be read."""
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", text)]
    selector = LabelSelector(match_expressions=tuple(_requirement(part) for part in parts if part))
    if not is_valid_selector(selector):
        raise ValueError(f"not a label selector: {text!r}")
    return selector


def _requirement(part: str) -> Requirement:
    for form, operator in _FORMS:
        found = form.match(part)
        if found is None:
            continue
        groups = found.groupdict()
        values = tuple(value.strip() for value in groups["values"].split(",")) if "values" in groups else ()
        return Requirement(key=groups["key"], operator=operator or _WORDS[groups["word"]], values=values)
    raise ValueError(f"not a label selector: {part!r}")
