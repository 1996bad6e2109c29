"""Nodes to plain JSON values: keys as strings, merge keys applied, every refusal collected with its place.

The hot loop of reading: plain scalars are looked up, not resolved again. Nothing built here shares a container with
anything else, whatever the file's aliases say.
"""

from __future__ import annotations

from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.manifests import compose, scalars, tags
from reconciler.manifests.compose import DEEPEST, PLAIN, QUOTED, Refusals, Refused, refusal
from reconciler.manifests.jsontext import shown


def is_merge(key: Node) -> bool:
    """Whether this key is `<<`, unquoted."""
    return isinstance(key, ScalarNode) and key.value == "<<" and key.tag in (PLAIN, "tag:yaml.org,2002:merge")


def key_text(key: Node) -> str | None:
    """The JSON key this node is, or None where it cannot be one. `<<` has none."""
    if not isinstance(key, ScalarNode) or is_merge(key):
        return None
    if key.tag == QUOTED:
        return str(key.value)
    if key.tag == PLAIN:
        text = _KEYS[key.value]
        return text if isinstance(text, str) else None
    try:
        value = tags.tagged(key)
    except Refused:
        return None
    return value if isinstance(value, str) else None


_MEMO_LIMIT: Final = 65_536
_MEMO_LENGTH: Final = 64


class _Memo(dict[str, Any]):
    """Plain scalar to value: most manifests repeat the same few hundred words. Bounded; changes speed only."""

    def __init__(self, meaning: Any) -> None:
        super().__init__()
        self._meaning = meaning

    def __missing__(self, text: str) -> Any:
        value = self._meaning(text)
        if len(text) <= _MEMO_LENGTH:
            if len(self) >= _MEMO_LIMIT:
                self.clear()
            self[text] = value
        return value


_ODD_KEY: Final = scalars.NOT_JSON
_VALUES: Final = _Memo(scalars.plain)
_KEYS: Final = _Memo(lambda text: _ODD_KEY if text == "<<" else scalars.plain_key(text))


class Builder:
    """Nodes to plain Python values. Refusals are collected, so that one pass shows all of them."""

    __slots__ = ("_refusals",)

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals

    def value(self, node: Node, depth: int) -> Any:
        """The JSON value of `node`; what was refused inside is None. Fresh containers: an alias shares nothing."""
        kind = type(node)
        if kind is ScalarNode:
            return self._scalar(node)
        if depth > DEEPEST:
            mark = node.start_mark
            self._refusals.append(compose.too_deep(mark.line + 1, mark.column + 1))
            return None
        if kind is SequenceNode:
            return self._sequence(node, depth)
        return self._mapping(node, depth)

    def _scalar(self, node: Node) -> Any:
        tag = node.tag
        if tag is QUOTED:
            return node.value
        if tag is PLAIN:
            value = _VALUES[node.value]
            if value is not scalars.NOT_JSON:
                return value
            return self._refuse(node, "R110", "NaN and infinity are not JSON")
        try:
            return tags.tagged(node)
        except Refused as refused:
            self._refusals.append(refused)
            return None

    def _sequence(self, node: Node, depth: int) -> list[Any]:
        if node.tag is not QUOTED and node.tag is not PLAIN and node.tag != "tag:yaml.org,2002:seq":
            self._refuse_tag(node)
        values = _VALUES
        result = []
        for item in node.value:
            if item.__class__ is ScalarNode:
                tag = item.tag
                if tag is QUOTED:
                    result.append(item.value)
                    continue
                if tag is PLAIN:
                    value = values[item.value]
                    if value is not _ODD_KEY:
                        result.append(value)
                        continue
            result.append(self.value(item, depth + 1))
        return result

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        if node.tag is not QUOTED and node.tag is not PLAIN and node.tag != "tag:yaml.org,2002:map":
            self._refuse_tag(node)
        values, keys = _VALUES, _KEYS
        result: dict[str, Any] = {}
        odd = False
        key: Any
        for key_node, item in node.value:
            key = (
                keys[key_node.value]
                if key_node.tag is PLAIN and key_node.__class__ is ScalarNode
                else _ODD_KEY
            )
            if key is _ODD_KEY:
                if key_node.tag is QUOTED and key_node.__class__ is ScalarNode:
                    key = key_node.value
                else:
                    odd = True
                    self._odd_key(key_node, item, result, depth)
                    continue
            if item.__class__ is ScalarNode:
                tag = item.tag
                if tag is PLAIN:
                    value = values[item.value]
                    if value is not _ODD_KEY:
                        result[key] = value
                        continue
                elif tag is QUOTED:
                    result[key] = item.value
                    continue
            result[key] = self.value(item, depth + 1)
        if odd or len(result) != len(node.value):
            self._check_keys(node)
        return result

    def _odd_key(self, key: Node, item: Node, result: dict[str, Any], depth: int) -> None:
        """A key that is merged, tagged, or none at all."""
        if is_merge(key):
            self._merge(key, item, result, depth)
            return
        if not isinstance(key, ScalarNode):
            self._refuse(key, "R111", "a list or mapping cannot be a key")
            return
        if key.tag in (PLAIN, QUOTED):
            self._refuse(key, "R111", "this key is null, or a number beyond 64 bits")
            return
        try:
            value = tags.tagged(key)
        except Refused as refused:
            self._refusals.append(refused)
            return
        if isinstance(value, str):
            result[value] = self.value(item, depth + 1)
        else:
            self._refuse(key, "R111", "a key with this tag is not a string")

    def _merge(self, key: Node, item: Node, result: dict[str, Any], depth: int) -> None:
        sources = item.value if isinstance(item, SequenceNode) else [item]
        # goyaml takes a list written here, and none behind an alias: that one stands before its key.
        is_alias = item.start_mark.index < key.start_mark.index
        if not all(isinstance(source, MappingNode) for source in sources) or (
            sources is item.value and is_alias
        ):
            self._refuse(key, "R112", "`<<` merges a mapping, or a list of mappings")
            return
        merged: dict[str, Any] = {}
        # The first source wins; keys after `<<` replace what was merged.
        for source in reversed(sources):
            merged.update(self.value(source, depth + 1) or {})
        for name in sorted(merged.keys() & result.keys()):
            # YAML's merge type keeps the written value, kubectl takes the merged one.
            self._refuse(
                key,
                "R112",
                f"`<<` merges the key {shown(name)}, which is written above it: tools disagree on which one counts",
            )
        result.update(merged)

    def _check_keys(self, node: Node) -> None:
        first: dict[str, Node] = {}
        for key, _ in node.value:
            text = "<<" if is_merge(key) else key_text(key)
            if text is None:
                continue
            # A quoted "<<" is an ordinary key.
            text = f"\0{text}" if is_merge(key) else text
            if text in first:
                at = first[text].start_mark
                self._refuse(
                    key,
                    "R107",
                    f"duplicate key {shown(text.removeprefix(chr(0)))}",
                    evidence=(f"first set at {at.line + 1}:{at.column + 1}",),
                )
            else:
                first[text] = key

    def _refuse_tag(self, node: Node) -> None:
        self._refuse(
            node, "R108", f"tag {tags.shown_tag(node.tag)} is not one that Kubernetes' YAML has here"
        )

    def _refuse(self, node: Node, code: str, message: str, *, evidence: tuple[str, ...] = ()) -> None:
        self._refusals.append(refusal(node, code, message, evidence=evidence))
