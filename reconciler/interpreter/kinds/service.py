"""v1 Service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.interpreter.loadbalancer import aggregated, has_address
from reconciler.interpreter.reading import integer_at, object_at, text_at, typed_at, with_value, without
from reconciler.interpreter.rules import KindRules
from reconciler.interpreter.statuses import has_status
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


def reflect(body: Body) -> Any:
    """Addresses, of load balancers alone."""
    if text_at(body, "spec", "type") != "LoadBalancer" or not has_status(body):
        return None
    return {"loadBalancer": typed_at(body, "LoadBalancerStatus", "status", "loadBalancer")}


def aggregate(body: Body, items: Sequence[Body], now: datetime | None) -> Body:  # noqa: ARG001 - every kind's signature
    """The members' addresses, of load balancers alone."""
    if text_at(body, "spec", "type") != "LoadBalancer":
        return body
    return aggregated(body, items, by_mode=True)


def retain(desired: Body, live: Body) -> Body:
    """The address and the health check port that the member's API server assigned."""
    port = integer_at(live, "spec", "healthCheckNodePort")
    if port > 0:
        desired = with_value(desired, ("spec", "healthCheckNodePort"), port)
    address = text_at(live, "spec", "clusterIP")
    return with_value(desired, ("spec", "clusterIP"), address) if address else desired


RULES: Final = KindRules(reflect=reflect, aggregate=aggregate, retain=retain, health=health, prune=prune)
