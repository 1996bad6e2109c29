"""`python -m benchmarks [SCENARIO...] [--json FILE] [--list]`: every benchmark as one table, with ratios to a floor.

A SCENARIO is the name of a file (`git`, `end_to_end`), to run only that, or a part of a row's name, to print only that. The floor is what cannot be left out, measured
in the same run; the ratio says how many times its cost ours is, for times and rates alike (1.0: nothing is added).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]

FAMILIES: Final = ("loading", "git", "scheduler", "overrides", "lua", "render", "delivery", "end_to_end")
"""The files, cheapest first. Each has `scenarios()`: rows, or pairs of a name and a function that gives rows."""

COLUMNS: Final = ("scenario", "value", "unit", "floor", "ratio", "karmada")


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 2 when a name fits nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="a file to run, or a part of a row's name; none: all")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the rows and the machine to FILE too"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the files")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print("\n".join(FAMILIES))
        return 0
    families = [word for word in chosen.scenario if word in FAMILIES] or FAMILIES
    parts = [word for word in chosen.scenario if word not in FAMILIES]
    rows: list[Row] = []
    for family in families:
        print(f"{family} ...", file=sys.stderr, flush=True)
        rows += [row for row in rows_of(family) if not parts or _fits(row["scenario"], parts)]
    if not rows:
        print(f"error: nothing fits {', '.join(chosen.scenario)}; see --list", file=sys.stderr)
        return 2
    print(table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n")
    return 0


def rows_of(family: str) -> list[Row]:
    """The rows of one file, each with its ratio counted in one way."""
    rows: list[Row] = []
    for each in import_module(f"benchmarks.{family}").scenarios():
        if isinstance(each, dict):
            rows.append(each)
        else:
            rows += each[1]()
    prefix = family.replace("_", " ")
    return [
        {
            **row,
            "scenario": row["scenario"]
            if row["scenario"].startswith(prefix)
            else f"{prefix}: {row['scenario']}",
            "ratio": _ratio(row),
        }
        for row in rows
    ]


def _fits(name: str, parts: list[str]) -> bool:
    return any(part.lower() in name.lower() for part in parts)


def _ratio(row: Row) -> float | None:
    """How many times the floor's cost: of rates the floor over the value, of anything else the value over the floor."""
    value, floor = row["value"], row.get("floor")
    if not value or not floor:
        return None
    return round(floor / value if row["unit"].endswith("/s") else value / floor, 2)


def table(rows: list[Row]) -> str:
    """One table for people."""
    columns = [name for name in COLUMNS if name != "karmada" or any(row.get(name) for row in rows)]
    cells = [columns, *([_text(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if name in {"scenario", "unit"} else cell.rjust(width)
            for name, cell, width in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in cells
    )


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case int() | float():
            return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
        case _:
            return str(value)


def machine() -> Row:
    """What the figures were measured on, without its name."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "system": platform.system(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    sys.exit(main())
