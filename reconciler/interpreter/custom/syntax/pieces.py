"""The text that a translation builds: pieces in the order of the script, on the script's own lines.

A `Slot` is a piece that may still change: what must stand there is often known only behind it.
"""

from __future__ import annotations

from typing import Final

_PLAIN: Final = frozenset(range(32, 127)) - {ord('"'), ord("\\")}


class Slot:
    """A place in the output whose text is decided later; empty until then."""

    __slots__ = ("_parts",)

    def __init__(self, text: str = "") -> None:
        self._parts: list[str | Slot] = [text]

    @property
    def text(self) -> str:
        """What stands here now."""
        return "".join(part.text if isinstance(part, Slot) else part for part in self._parts)

    def write(self, text: str) -> None:
        """Replace what stands here."""
        self._parts = [text]

    def prepend(self, text: str) -> None:
        """Put `text` before what stands here."""
        self._parts.insert(0, text)

    def append(self, *parts: str | Slot) -> None:
        """Put texts and further places behind what stands here."""
        self._parts.extend(parts)


class Pieces:
    """Output that keeps each token on the line where it stands in the script."""

    def __init__(self) -> None:
        self._parts: list[str | Slot] = []
        self._line = 1

    def put(self, text: str, line: int = 0) -> None:
        """Append `text`; with a `line`, not before that line."""
        if line > self._line:
            self._parts.append("\n" * (line - self._line))
            self._line = line
        self._parts.append(text)
        self._parts.append(" ")

    def slot(self, text: str = "") -> Slot:
        """Append a new place whose text may still change."""
        place = Slot(text)
        self.place(place)
        return place

    def place(self, slot: Slot) -> None:
        """Append a place that was made before."""
        self._parts.append(slot)

    def text(self) -> str:
        """All of it."""
        return "".join(part.text if isinstance(part, Slot) else part for part in self._parts)


def quoted(value: bytes) -> str:
    """A Lua string literal for `value`, in printable ASCII on one line."""
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03d}" for byte in value) + '"'


def number(value: float) -> str:
    """A Lua number literal for a finite, non-negative `value`."""
    return str(int(value)) if value < 2**53 and value == int(value) else repr(value)
