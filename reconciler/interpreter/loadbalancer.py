"""Load-balancer addresses in the status of Service and Ingress (spec §4.2, §4.4)."""

from __future__ import annotations

from reconciler.interpreter.reading import objects_at, text_at
from reconciler.model.manifest import Body


def has_address(body: Body) -> bool:
    """Whether some entry of the status has a hostname or an IP."""
    entries = objects_at(body, "status", "loadBalancer", "ingress")
    return any(text_at(entry, "hostname") or text_at(entry, "ip") for entry in entries)
