"""Cluster (spec scheduling 1; DESIGN section 6: nothing secret, and nothing that weakens a connection, comes from Git)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.fleet import names
from reconciler.fleet.finding import FieldPath, Finding, quoted
from reconciler.model.quantity import Quantity, parse_quantity

_LONGEST_NAME: Final = 48
_EFFECTS: Final = ("NoSchedule", "NoExecute")
_SECRET_HEADERS: Final = ("authorization", "cookie", "proxy-authorization")
_LARGEST: Final = 9223372036854775807

Body = Mapping[str, Any]


def check(body: Body) -> Iterator[Finding]:
    """Everything of one cluster."""
    spec: Body = body["spec"]
    name = (body.get("metadata") or {}).get("name")
    if isinstance(name, str) and (len(name) > _LONGEST_NAME or not names.is_dns_label(name)):
        yield Finding(
            code="R240",
            path=("metadata", "name"),
            message=f"{quoted(name)} is no name of a cluster: at most {_LONGEST_NAME} lower-case letters, digits and '-'",
        )
    yield from _address(spec.get("apiEndpoint"), ("spec", "apiEndpoint"), ("https",))
    yield from _address(spec.get("proxyURL"), ("spec", "proxyURL"), ("http", "https", "socks5"))
    for header in sorted(spec.get("proxyHeader") or ()):
        if header.lower() in _SECRET_HEADERS:
            yield Finding(
                code="R241",
                path=("spec", "proxyHeader", header),
                message=f"the header {header} carries a credential, and this file is in Git",
            )
    if spec.get("insecureSkipTLSVerification"):
        yield Finding(
            code="R242",
            path=("spec", "insecureSkipTLSVerification"),
            message="insecureSkipTLSVerification: true is refused",
        )
    yield from _places(spec)
    yield from _taints(spec.get("taints") or (), ("spec", "taints"))
    yield from _models(spec.get("resourceModels") or (), ("spec", "resourceModels"))


def _address(text: str | None, path: FieldPath, schemes: tuple[str, ...]) -> Iterator[Finding]:
    """The words never quote the address: what is wrong with it may be a password."""
    if not text:
        return
    field = str(path[-1])
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        yield Finding(code="R241", path=path, message=f"{field} is no URL")
        return
    del port
    if url.scheme not in schemes or not host:
        yield Finding(code="R241", path=path, message=f"{field} must be {' or '.join(schemes)}://HOST[:PORT]")
    if "@" in url.netloc:
        yield Finding(code="R241", path=path, message=f"{field} holds a user or a password")
    if "?" in text or "#" in text:
        yield Finding(code="R241", path=path, message=f"{field} holds a query or a fragment")


def _places(spec: Body) -> Iterator[Finding]:
    values: list[tuple[FieldPath, str]] = [
        (("spec", field), spec[field]) for field in ("provider", "region", "zone") if spec.get(field)
    ]
    values += [(("spec", "zones", index), zone) for index, zone in enumerate(spec.get("zones") or ())]
    for path, value in values:
        if not names.is_label_value(value):
            yield Finding(code="R243", path=path, message=f"{quoted(value)} must be {names.LABEL_VALUE}")
    if spec.get("zone") and spec.get("zones"):
        yield Finding(code="R244", path=("spec", "zone"), message="zone stands beside zones")


def _taints(taints: Any, path: FieldPath) -> Iterator[Finding]:
    seen: dict[tuple[str, str], int] = {}
    for index, taint in enumerate(taints):
        at = (*path, index)
        key, effect = taint["key"], taint["effect"]
        if not names.is_label_key(key):
            yield Finding(
                code="R245",
                path=(*at, "key"),
                message=f"{quoted(key)} is no taint key; it must be {names.LABEL_KEY}",
            )
        if not names.is_label_value(taint.get("value") or ""):
            yield Finding(
                code="R245",
                path=(*at, "value"),
                message=f"{quoted(taint['value'])} must be {names.LABEL_VALUE}",
            )
        if effect not in _EFFECTS:
            yield Finding(
                code="R245",
                path=(*at, "effect"),
                message=f"{quoted(effect)} is no effect of a cluster taint; allowed: {', '.join(_EFFECTS)}",
            )
        if (key, effect) in seen:
            yield Finding(
                code="R245",
                path=at,
                message=f"a second taint with key {quoted(key)} and effect {quoted(effect)}",
                evidence=(f"the first is entry {seen[(key, effect)]}",),
            )
        seen.setdefault((key, effect), index)
        if effect == "NoExecute":
            yield Finding(
                code="R246",
                path=(*at, "effect"),
                message=f"taint {quoted(key)} keeps newcomers out; nothing that is there leaves",
            )


Bounds = list[tuple[str, Quantity, Quantity]]


def _models(models: Any, path: FieldPath) -> Iterator[Finding]:
    """The rules of section 1.4, after the first grade's `min` and the last grade's `max` were set, as a write would."""
    order = sorted(range(len(models)), key=lambda index: models[index]["grade"])
    grades: list[tuple[int, Bounds]] = []
    for place, index in enumerate(order):
        bounds = []
        for resource in models[index]["ranges"]:
            least = parse_quantity("0" if place == 0 else resource["min"])
            most = parse_quantity(str(_LARGEST) if place == len(order) - 1 else resource["max"])
            bounds.append((resource["name"], least, most))
        grades.append((index, bounds))
    for index, bounds in grades:
        for position, (name, least, most) in enumerate(bounds):
            if most.amount <= least.amount:
                yield Finding(
                    code="R247",
                    path=(*path, index, "ranges", position),
                    message=f"the range of {quoted(name)} is empty: max is not above min",
                )
    for (before, lower), (index, bounds) in pairwise(grades):
        at = (*path, index)
        if models[before]["grade"] == models[index]["grade"]:
            yield Finding(
                code="R247", path=(*at, "grade"), message=f"grade {models[index]['grade']} occurs twice"
            )
        elif [name for name, _, _ in lower] != [name for name, _, _ in bounds]:
            yield Finding(
                code="R247",
                path=(*at, "ranges"),
                message=f"grade {models[index]['grade']} names other resources than grade {models[before]['grade']}, or in another order",
            )
        else:
            for position, ((_, _, end), (name, start, _)) in enumerate(zip(lower, bounds, strict=True)):
                if end.amount != start.amount:
                    yield Finding(
                        code="R247",
                        path=(*at, "ranges", position, "min"),
                        message=f"{quoted(name)} begins at {start}, and the grade before ends at {end}",
                    )
