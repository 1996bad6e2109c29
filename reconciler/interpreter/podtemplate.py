"""What a pod template needs (spec §4.1) and what must travel along with it (spec §4.5).

Used by every native kind that has a pod template, and by the `kube` library of declared interpreters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.interpreter.nodeclaim import claim_fields
from reconciler.interpreter.reading import object_at, objects_at, text_at
from reconciler.interpreter.rules import InterpretationError
from reconciler.model.binding import ReplicaRequirements
from reconciler.model.manifest import Body
from reconciler.model.quantity import Format, Quantity, canonical, parse_quantity
from reconciler.model.selector import ObjectReference

_INTEGERS: Final = ("memory", "ephemeral-storage", "pods")
_REQUIRED: Final = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_SECRET_VOLUMES: Final = ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")


def requirements(pod: Body) -> ReplicaRequirements | None:
    """What one replica of a pod spec needs, or None where it asks for nothing."""
    requests = resource_requests(pod)
    claim = node_claim(pod)
    if claim is None and not requests:
        return None
    return ReplicaRequirements(node_claim=claim, resource_request=requests)


def node_claim(pod: Body) -> Body | None:
    """`nodeSelector`, `tolerations` and the required node affinity; None where there is none of them."""
    fields = claim_fields(pod, *_REQUIRED)
    claim = {name: value for name, value in fields.items() if value}
    # Karmada: a present but empty nodeSelector gives an empty claim.
    return claim if claim or fields["nodeSelector"] is not None else None


def resource_requests(pod: Body) -> dict[str, str]:
    """The requests of one pod by resource name, limits standing in for absent requests; only what is above zero."""
    totals: dict[str, int] = {}
    for container in objects_at(pod, "containers"):
        _add(totals, _container_requests(container))
    for container in objects_at(pod, "initContainers"):
        for name, amount in _amounts(_container_requests(container)):
            totals[name] = max(totals.get(name, 0), amount)
    _add(totals, object_at(pod, "overhead"))
    return {name: _text(name, amount) for name, amount in sorted(totals.items()) if amount > 0}


def _container_requests(container: Body) -> Mapping[str, Any]:
    limits = object_at(container, "resources", "limits")
    requests = object_at(container, "resources", "requests")
    return {**limits, **requests} if limits else requests


def _add(totals: dict[str, int], requests: Mapping[str, Any]) -> None:
    for name, amount in _amounts(requests):
        totals[name] = totals.get(name, 0) + amount


def _amounts(requests: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, text in requests.items():
        quantity = _quantity(name, text)
        if name == "cpu":
            yield name, quantity.milli_value
        elif name in _INTEGERS or is_scalar_resource(name):
            yield name, quantity.value


def _quantity(name: str, text: Any) -> Quantity:
    try:
        return parse_quantity(0 if text is None else text)
    except (ValueError, TypeError):
        raise InterpretationError(f"the amount of {name} is not a quantity") from None


def is_scalar_resource(name: str) -> bool:
    """Whether a resource beyond the well-known ones is counted: extended, huge pages, prefixed, attachable volumes."""
    is_extended = "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")
    return is_extended or name.startswith(("hugepages-", "attachable-volumes-")) or "kubernetes.io/" in name


def _text(name: str, amount: int) -> str:
    if name == "cpu":
        return canonical(Quantity(parse_quantity(f"{amount}m").amount))
    is_binary = name in ("memory", "ephemeral-storage") or name.startswith("hugepages-")
    notation = Format.BINARY_SI if is_binary else Format.DECIMAL_SI
    return canonical(Quantity(parse_quantity(str(amount)).amount, notation))


def dependencies(
    pod: Body, namespace: str, own_claims: frozenset[str] = frozenset()
) -> tuple[ObjectReference, ...]:
    """What a pod spec refers to, sorted; `own_claims` are claim templates of the workload itself."""
    names = {
        "ConfigMap": _config_maps(pod),
        "PersistentVolumeClaim": (name for name in _claims(pod) if name not in own_claims),
        "Secret": _secrets(pod),
        "ServiceAccount": _service_accounts(pod),
    }
    return tuple(
        ObjectReference(api_version="v1", kind=kind, namespace=namespace, name=name)
        for kind, found in names.items()
        for name in sorted({name for name in found if name})
    )


def _config_maps(pod: Body) -> Iterator[str]:
    for container in _containers(pod):
        yield from _environment(container, "configMapRef", "configMapKeyRef")
    for volume in objects_at(pod, "volumes"):
        yield text_at(volume, "configMap", "name")
        yield from (
            text_at(source, "configMap", "name") for source in objects_at(volume, "projected", "sources")
        )


def _secrets(pod: Body) -> Iterator[str]:
    yield from (text_at(reference, "name") for reference in objects_at(pod, "imagePullSecrets"))
    for container in _containers(pod):
        yield from _environment(container, "secretRef", "secretKeyRef")
    for volume in objects_at(pod, "volumes"):
        yield text_at(volume, "secret", "secretName")
        yield text_at(volume, "azureFile", "secretName")
        yield text_at(volume, "csi", "nodePublishSecretRef", "name")
        yield from (text_at(volume, source, "secretRef", "name") for source in _SECRET_VOLUMES)
        yield from (
            text_at(source, "secret", "name") for source in objects_at(volume, "projected", "sources")
        )


def _service_accounts(pod: Body) -> Iterable[str]:
    name = text_at(pod, "serviceAccountName")
    return () if name == "default" else (name,)


def _claims(pod: Body) -> Iterator[str]:
    for volume in objects_at(pod, "volumes"):
        yield text_at(volume, "persistentVolumeClaim", "claimName")


def _containers(pod: Body) -> Iterator[Body]:
    for field in _CONTAINERS:
        yield from objects_at(pod, field)


def _environment(container: Body, whole: str, key: str) -> Iterator[str]:
    yield from (text_at(source, whole, "name") for source in objects_at(container, "envFrom"))
    yield from (text_at(variable, "valueFrom", key, "name") for variable in objects_at(container, "env"))
