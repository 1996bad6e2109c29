"""Where a script's line stands in the file that holds it: block scalars are written on lines of their own, folded ones not one to one.

Pure. Says the scalar's first line where the lines cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from reconciler.errors import Location
from reconciler.manifests.locate import locate
from reconciler.model.manifest import Origin


def script_location(origin: Origin, field_path: Sequence[str | int], script: str, line: int) -> Location:
    """The place of a script's line (from 1; 0 for the script as a whole) in the file of its document."""
    start = locate(origin, field_path)
    if line < 1 or start.line < 1:
        return start
    lines = _lines(origin.text, start.line, script)
    if line > len(lines):
        return start
    return Location(path=start.path, line=lines[line - 1], column=1)


@lru_cache(maxsize=64)
def _lines(text: bytes, start: int, script: str) -> tuple[int, ...]:
    """The file's line for each line of `script`, a scalar whose indicator stands on line `start`; none where it is no block."""
    raw = text.decode(errors="replace").split("\n")
    header = raw[start - 1].rstrip().rpartition(" ")[2] if start <= len(raw) else ""
    if header[:1] not in ("|", ">"):
        return ()
    block = list(_block(raw, start))
    numbers = _literal(block) if header[0] == "|" else _folded(block)
    wanted = script.rstrip("\n").split("\n")
    # What the numbers say must be what stands there: every line of the script begins where its line of the file does.
    for number, content in zip(numbers, wanted, strict=False):
        if not content.lstrip().startswith(raw[number - 1].strip()):
            return ()
    return tuple(numbers)


def _block(raw: list[str], start: int) -> Iterator[tuple[int, str]]:
    """The block's lines with their numbers, less their common indentation."""
    indent: int | None = None
    for number, line in enumerate(raw[start:], start=start + 1):
        content = line.rstrip("\r")
        if not content.strip(" "):
            yield number, content[indent:] if indent is not None else ""
            continue
        here = len(content) - len(content.lstrip(" "))
        if indent is None:
            indent = here
        if here < indent:
            return
        yield number, content[indent:]


def _literal(block: list[tuple[int, str]]) -> list[int]:
    return [number for number, _ in block]


def _folded(block: list[tuple[int, str]]) -> list[int]:
    """YAML folds a line break between two lines that are not indented further; empty lines between them are its breaks."""
    numbers: list[int] = []
    before: str | None = None
    empty = 0
    for number, content in block:
        if not content:
            empty += 1
            continue
        is_more = content[0] in " \t"
        was_more = before is not None and before[0] in " \t"
        if before is None or is_more or was_more:
            numbers += [number - empty + skipped for skipped in range(empty)]
            numbers.append(number)
        elif empty:
            numbers += [number - empty + skipped for skipped in range(empty - 1)]
            numbers.append(number)
        before, empty = content, 0
    return numbers
