"""The `kube` library of scripts (spec rendering-and-status §3.5), on the same functions as the native rules.

Pure. Arguments come as dumps (`custom.engine.LuaDump`), answers go back as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from reconciler.interpreter import podtemplate
from reconciler.interpreter.custom.engine import LuaDump
from reconciler.interpreter.custom.results import ResultError, object_of_dump
from reconciler.interpreter.reading import object_at
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.quantity import Quantity, canonical, parse_quantity


class KubeError(Exception):
    """The call makes no sense; the script that made it is aborted."""


def call(name: str, arguments: Sequence[LuaDump]) -> Any:
    """The answer of one function, as JSON. Raises KubeError."""
    try:
        return _FUNCTIONS[name](arguments)
    except (InterpretationError, ResultError) as error:
        raise KubeError(f"{name}: {error}") from None


def resource_add(arguments: Sequence[LuaDump]) -> str:
    """The exact sum; its notation is that of the first operand that is not zero."""
    total = Quantity(Fraction(0))
    for argument in arguments:
        operand = _quantity(argument, "resourceAdd")
        notation = operand.format if total.amount == 0 else total.format
        total = Quantity(total.amount + operand.amount, notation)
    return canonical(total)


def get_resource_quantity(arguments: Sequence[LuaDump]) -> float:
    """The amount as a number."""
    quantity = _quantity(_exactly(1, arguments, "getResourceQuantity")[0], "getResourceQuantity")
    if quantity.amount < 0:
        raise KubeError("getResourceQuantity: the quantity is negative")
    return float(quantity.amount)


def accurate_pod_requirements(arguments: Sequence[LuaDump]) -> Any:
    """What one replica of a pod template needs, or None."""
    (template,) = _exactly(1, arguments, "accuratePodRequirements")
    needs = podtemplate.requirements(_pod_spec(template, "accuratePodRequirements"))
    if needs is None:
        return None
    body: dict[str, Any] = {}
    if needs.node_claim is not None:
        body["nodeClaim"] = needs.node_claim
    if needs.resource_request:
        body["resourceRequest"] = dict(needs.resource_request)
    return body


def get_pod_dependencies(arguments: Sequence[LuaDump]) -> Any:
    """What a pod template refers to, or None where that is nothing."""
    template, namespace = _exactly(2, arguments, "getPodDependencies")
    if namespace is None:
        namespace = "default"
    if not isinstance(namespace, str):
        raise KubeError("getPodDependencies: the namespace is not a string")
    found = podtemplate.dependencies(_pod_spec(template, "getPodDependencies"), namespace)
    return [
        {"apiVersion": each.api_version, "kind": each.kind, "namespace": each.namespace, "name": each.name}
        for each in found
    ] or None


def _pod_spec(template: LuaDump, name: str) -> dict[str, Any]:
    if not isinstance(template, list):
        raise KubeError(f"{name}: the pod template is not a table")
    return object_at(object_of_dump(template), "spec")


def _quantity(argument: LuaDump, name: str) -> Quantity:
    if argument is None:
        return Quantity(Fraction(0))
    if not isinstance(argument, str):
        raise KubeError(f"{name}: a quantity is a string")
    try:
        return parse_quantity(argument)
    except ValueError:
        raise KubeError(f"{name}: an argument is not a quantity") from None


def _exactly(count: int, arguments: Sequence[LuaDump], name: str) -> Sequence[LuaDump]:
    if len(arguments) != count:
        raise KubeError(f"{name} takes {count} argument{'s' if count > 1 else ''}, not {len(arguments)}")
    return arguments


_FUNCTIONS: Final[Mapping[str, Callable[[Sequence[LuaDump]], Any]]] = MappingProxyType(
    {
        "accuratePodRequirements": accurate_pod_requirements,
        "getPodDependencies": get_pod_dependencies,
        "getResourceQuantity": get_resource_quantity,
        "resourceAdd": resource_add,
    }
)
