"""v1 Service."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.loadbalancer import has_address
from reconciler.interpreter.reading import object_at, text_at, without
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body

_HEADLESS: Final = "None"


def health(body: Body) -> bool:
    """A load balancer needs an address; every other service is healthy."""
    return text_at(body, "spec", "type") != "LoadBalancer" or has_address(body)


def prune(body: Body) -> Body:
    """Without an assigned address: every member assigns its own. A headless service stays headless."""
    spec = object_at(body, "spec")
    if "clusterIP" not in spec or spec["clusterIP"] == _HEADLESS:
        return body
    return without(without(body, "spec", "clusterIP"), "spec", "clusterIPs")


RULES: Final = KindRules(health=health, prune=prune)
