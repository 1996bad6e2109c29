"""Load-balancer addresses in the status of Service and Ingress (spec §4.2, §4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.interpreter.reading import integer_at, objects_at, text_at, typed_at, value_at
from reconciler.interpreter.statuses import typed_statuses
from reconciler.model.manifest import Body

_Port = tuple[int, str, str, bool]


def has_address(body: Body) -> bool:
    """Whether some entry of the status has a hostname or an IP."""
    entries = objects_at(body, "status", "loadBalancer", "ingress")
    return any(text_at(entry, "hostname") or text_at(entry, "ip") for entry in entries)


def aggregated(body: Body, items: Sequence[Body], *, by_mode: bool) -> Body:
    """The template with the members' addresses united; `by_mode`: entries of different `ipMode` stay apart."""
    entry_type = "LoadBalancerIngress" if by_mode else "IngressLoadBalancerIngress"
    entries = [
        entry
        for status in typed_statuses(items, str(body["kind"]))
        for entry in typed_at(status, f"[{entry_type}]", "loadBalancer", "ingress") or ()
    ]
    united = _united(entries, by_mode=by_mode)
    if body.get("status") == {"loadBalancer": {"ingress": united}}:
        return body
    return {**body, "status": {"loadBalancer": {"ingress": united} if united else {}}}


def _united(entries: Sequence[Body], *, by_mode: bool) -> list[Body]:
    ports: dict[tuple[str, str, str], dict[tuple[Any, ...], Body]] = {}
    for entry in entries:
        key = (text_at(entry, "hostname"), text_at(entry, "ip"), text_at(entry, "ipMode") if by_mode else "")
        known = ports.setdefault(key, {})
        for port in objects_at(entry, "ports"):
            known.setdefault(_port_key(port), port)
    ordered = sorted(ports, key=lambda key: (not key[0], key[0], key[1], not key[2], key[2]))
    return [_entry(key, [ports[key][port] for port in sorted(ports[key])]) for key in ordered]


def _port_key(port: Body) -> tuple[Any, ...]:
    error = value_at(port, "error")
    return (integer_at(port, "port"), text_at(port, "protocol"), error is not None, text_at(port, "error"))


def _entry(key: tuple[str, str, str], ports: list[Body]) -> Body:
    hostname, address, mode = key
    named = {"hostname": hostname, "ip": address, "ipMode": mode, "ports": ports}
    return {name: value for name, value in named.items() if value}
