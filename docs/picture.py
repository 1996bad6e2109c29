"""Draws the architecture: packages as rooms on their floors, and what each imports, read from the source and pyproject.toml.

The floors are the import contract's own layers. Left out, so that the lines stay readable: arrows into the cellar (the nouns
and words that every room may use), and shortcuts, whose target is also reached through another room. A room's tooltip
names all that it imports.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "reconciler"
LAYERS_CONTRACT: Final = "Data flows down one straight line"
PURE_CONTRACT: Final = "The decision is pure"
CELLAR: Final = 3
"""So many of the lowest floors are for everybody."""

WIDTH, MARGIN = 1280, 24
ROW, BOX_WIDTH, BOX_HEIGHT = 128, 216, 72
WRAP = 33


def picture() -> str:
    """The SVG."""
    return _svg(layers(), imports())


def layers() -> tuple[tuple[str, ...], ...]:
    """The rooms of each floor, top down, as the import contract says."""
    return tuple(
        tuple(part.strip().removeprefix("reconciler.") for part in line.replace(":", "|").split("|"))
        for line in _contract(LAYERS_CONTRACT)["layers"]
    )


def pure_rooms() -> frozenset[str]:
    """The rooms that the purity contract names."""
    return frozenset(name.removeprefix("reconciler.") for name in _contract(PURE_CONTRACT)["source_modules"])


def rooms() -> frozenset[str]:
    """Every package and module directly below `reconciler/` that is there."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    return frozenset(folders | files)


def imports() -> dict[str, set[str]]:
    """Room to the rooms that it imports."""
    known = rooms()
    arrows: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            for target in _targets(node):
                if target in known and room in known and target != room:
                    arrows[room].add(target)
    return arrows


def direct(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows that are not shortcuts: without them something would no longer be reached."""
    reach: dict[str, set[str]] = {}

    def reached(room: str) -> set[str]:
        if room not in reach:
            reach[room] = set()
            for target in arrows.get(room, ()):
                reach[room] |= {target} | reached(target)
        return reach[room]

    return {
        room: {
            target
            for target in targets
            if not any(target in reached(other) for other in targets if other != target)
        }
        for room, targets in arrows.items()
    }


def _contract(name: str) -> dict:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return next(contract for contract in settings["contracts"] if contract["name"] == name)


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "reconciler":
        names = node.module.split(".")
        return [names[1]] if len(names) > 1 else [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("reconciler.")]
    return []


def _purpose(room: str) -> tuple[str, bool]:
    """What a room is for, by the first words of its docstring, and whether there is anything in it yet."""
    folder = PACKAGE / room
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    built = not folder.is_dir() or any(each.stem != "__init__" for each in folder.rglob("*.py"))
    text = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0].replace("\n", " ")
    return text.replace("`", "").rstrip("."), built


def _svg(floors: tuple[tuple[str, ...], ...], arrows: dict[str, set[str]]) -> str:
    height = 2 * MARGIN + ROW * len(floors)
    places: dict[str, tuple[float, float]] = {}
    for row, floor in enumerate(floors):
        step = (WIDTH - 2 * MARGIN) / len(floor)
        for column, room in enumerate(floor):
            places[room] = (MARGIN + step * (column + 0.5), MARGIN + ROW * (row + 0.5))
    cellar = {room for floor in floors[-CELLAR:] for room in floor}
    cellar_top = MARGIN + ROW * (len(floors) - CELLAR)
    pure = pure_rooms()
    first = next(row for row, floor in enumerate(floors) if set(floor) <= pure)
    top = MARGIN + ROW * first
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif" font-size="11">',
        "<title>The packages of the reconciler and what each imports</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">',
        '<path d="M0,0 L8,4 L0,8 z" fill="#5b6b7b"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<rect x="8" y="{top}" width="{WIDTH - 16}" height="{height - top - 8}" fill="#eaf4ea" rx="10"/>',
        f'<rect x="16" y="{cellar_top}" width="{WIDTH - 32}" height="{height - cellar_top - 16}" fill="#dcecdc" rx="8"/>',
        _note(top, "pure: no clock, network, disk, environment or chance"),
        _note(cellar_top, "nouns and words: every room above may use these"),
        _note(0, "shell: everything that touches the world"),
    ]
    # A room on no floor is not drawn; a test says that it stands in no contract.
    lines += [
        _arrow(places[room], places[target])
        for room, targets in sorted(direct({room: found - cellar for room, found in arrows.items()}).items())
        for target in sorted(targets)
        if room in places.keys() - cellar and target in places
    ]
    for room, place in places.items():
        lines += _room(room, place, sorted(arrows.get(room, ())))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _note(top: float, text: str) -> str:
    return f'<text x="26" y="{top + 18:.0f}" fill="#2f5d2f">{escape(text)}</text>'


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the lower edge of one room to the upper edge of another, straight down first and last."""
    (x1, y1), (x2, y2) = start, end
    y1, y2 = y1 + BOX_HEIGHT / 2, y2 - BOX_HEIGHT / 2 - 1
    spread = max(-0.32, min(0.32, (x2 - x1) / WIDTH)) * BOX_WIDTH
    x1, x2 = x1 + spread, x2 - spread
    bend = min(60.0, (y2 - y1) / 2)
    return (
        f'<path d="M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + bend:.0f} {x2:.0f},{y2 - bend:.0f} {x2:.0f},{y2:.0f}" '
        'fill="none" stroke="#5b6b7b" stroke-width="1.1" stroke-opacity="0.75" marker-end="url(#tip)"/>'
    )


def _room(room: str, place: tuple[float, float], targets: list[str]) -> list[str]:
    purpose, built = _purpose(room)
    x, y = place[0] - BOX_WIDTH / 2, place[1] - BOX_HEIGHT / 2
    dash = "" if built else ' stroke-dasharray="5 4"'
    words = textwrap.wrap(purpose if built else f"(nothing in it yet) {purpose}", WRAP)
    shown = [*words[:2], words[2] + (" …" if len(words) > 3 else "")] if len(words) > 2 else words
    return [
        f"<g><title>{escape(room)} imports {escape(', '.join(targets) or 'nothing')}</title>",
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7" fill="#fbfcfd" stroke="#33475b"{dash}/>',
        f'<text x="{x + 10:.0f}" y="{y + 18:.0f}" font-size="15" font-weight="bold" fill="#16202a">{escape(room)}</text>',
        *(
            f'<text x="{x + 10:.0f}" y="{y + 34 + 13 * index:.0f}" fill="#33475b">{escape(line)}</text>'
            for index, line in enumerate(shown)
        ),
        "</g>",
    ]
