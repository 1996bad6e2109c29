"""CronFederatedHPA (spec scheduling 6.4). The names of zones are data of a package, read when this module is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from reconciler.fleet.finding import FieldPath, Finding, quoted

ZONES: Final = frozenset(files("tzdata").joinpath("zones").read_text().split()) | {"UTC"}
_MONTHS: Final = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: Final[tuple[tuple[str, int, int, Mapping[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_AUTOSCALING: Final = "autoscaling.karmada.io/v1alpha1"
_LONGEST: Final = 256

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one object."""
    spec: Body = body["spec"]
    target = spec["scaleTargetRef"]
    is_autoscaler = target.get("apiVersion") == _AUTOSCALING
    if is_autoscaler and target["kind"] != "FederatedHPA":
        yield _finding(
            ("spec", "scaleTargetRef", "kind"),
            f"{quoted(target['kind'])} of {_AUTOSCALING} cannot be scaled; FederatedHPA can",
        )
    seen: dict[str, int] = {}
    for index, rule in enumerate(spec["rules"]):
        at: FieldPath = ("spec", "rules", index)
        if rule["name"] in seen:
            yield _finding(
                (*at, "name"), f"the name {quoted(rule['name'])} is taken by entry {seen[rule['name']]}"
            )
        seen.setdefault(rule["name"], index)
        wrong = schedule_error(rule["schedule"])
        if wrong:
            yield _finding((*at, "schedule"), f"{quoted(rule['schedule'])} is no schedule: {wrong}")
        zone = rule.get("timeZone")
        if zone is not None and zone not in ZONES:
            yield _finding((*at, "timeZone"), f"{quoted(zone)} is no zone of the IANA database")
        yield from _replicas(rule, at, is_autoscaler=is_autoscaler)


def schedule_error(text: str) -> str:
    """Why `text` is no cron schedule of five fields; empty if it is one."""
    parts = text.split()
    if len(text) > _LONGEST or len(parts) != len(_FIELDS):
        return f"{len(_FIELDS)} fields are needed"
    for part, (name, least, most, words) in zip(parts, _FIELDS, strict=True):
        for entry in part.split(","):
            if not _is_entry(entry, least, most, words):
                return f"{quoted(entry)} is no {name}"
    return ""


def _is_entry(entry: str, least: int, most: int, words: Mapping[str, int]) -> bool:
    """`*`, `?`, a number, a name, a range, each with an optional step."""
    span, slash, step = entry.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step[:4]) > 0 and len(step) <= 4):
        return False
    if span in ("*", "?"):
        return True
    first, dash, last = span.partition("-")
    low = _number(first, words)
    high = _number(last, words) if dash else low
    return low is not None and high is not None and least <= low <= high <= most


def _number(text: str, words: Mapping[str, int]) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return int(text)
    return words.get(text.upper())


def _replicas(rule: Body, path: FieldPath, *, is_autoscaler: bool) -> Iterator[Finding]:
    least, most, exact = (rule.get(f) for f in ("targetMinReplicas", "targetMaxReplicas", "targetReplicas"))
    if not is_autoscaler:
        if exact is None:
            yield _finding(path, "targetReplicas is needed for this target")
        elif exact < 0:
            yield _finding((*path, "targetReplicas"), "targetReplicas is negative")
        return
    if least is None and most is None:
        yield _finding(path, "one of targetMinReplicas and targetMaxReplicas is needed for a FederatedHPA")
    for field, value in (("targetMinReplicas", least), ("targetMaxReplicas", most)):
        if value is not None and value <= 0:
            yield _finding((*path, field), f"{field} must be positive")
    if least is not None and most is not None and 0 < most < least:
        yield _finding(
            (*path, "targetMaxReplicas"), f"targetMaxReplicas {most} is below targetMinReplicas {least}"
        )


def _finding(path: FieldPath, message: str) -> Finding:
    return Finding(code="R265", path=path, message=message)
