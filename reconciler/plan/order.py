"""What is applied before what, and what is deleted before what.

Pure: an object's identity decides, never its content. Four stages (DESIGN §4), waves inside a stage that may run side by
side, and one total order that ends in the name. Deletion goes the other way round, custom resources first.
"""

from __future__ import annotations

from typing import Final

from reconciler.model.identity import ObjectId

FOUNDATION, CLASSES, REST, INTERCEPTORS = range(4)
"""The stages: what others stand on; classes; the rest; what intercepts requests of others."""

STAGE_NAMES: Final = ("foundation", "classes", "rest", "interceptors")

CRD: Final = "CustomResourceDefinition.apiextensions.k8s.io"
NAMESPACE: Final = "Namespace"

_FOUNDATION: Final = (CRD, NAMESPACE, "ClusterRole.rbac.authorization.k8s.io")

# A webhook or an aggregated API that is configured before the pods behind it answer stops everybody's writes.
_INTERCEPTORS: Final = (
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io",
    "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    "APIService.apiregistration.k8s.io",
)

# Waves of the "rest" stage: the kinds of one wave do not need each other, those of a later wave need an earlier one.
_WAVES: Final = (
    ("ResourceQuota", "LimitRange", "NetworkPolicy.networking.k8s.io"),
    (
        "ServiceAccount",
        "Role.rbac.authorization.k8s.io",
        "ConfigMap",
        "Secret",
        "PersistentVolume",
        "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
        "MutatingAdmissionPolicy.admissionregistration.k8s.io",
    ),
    (
        "ClusterRoleBinding.rbac.authorization.k8s.io",
        "RoleBinding.rbac.authorization.k8s.io",
        "PersistentVolumeClaim",
        "Service",
        "Endpoints",
        "EndpointSlice.discovery.k8s.io",
    ),
    (
        "DaemonSet.apps",
        "Deployment.apps",
        "StatefulSet.apps",
        "ReplicaSet.apps",
        "ReplicationController",
        "Pod",
        "Job.batch",
        "CronJob.batch",
    ),
    (
        "PodDisruptionBudget.policy",
        "HorizontalPodAutoscaler.autoscaling",
        "Ingress.networking.k8s.io",
    ),
)
_CUSTOM_WAVE: Final = len(_WAVES)
_WAVE_OF: Final = {kind: number for number, kinds in enumerate(_WAVES) for kind in kinds}
_INDEX: Final = {
    kind: number
    for number, kind in enumerate((*_FOUNDATION, *(kind for wave in _WAVES for kind in wave), *_INTERCEPTORS))
}
# Groups of the API server itself. Other groups below k8s.io (gateway, snapshot, metrics) are custom or aggregated.
_BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)


def is_custom(id_: ObjectId) -> bool:
    """Whether the kind comes from a CRD or an aggregated API rather than from the API server itself."""
    return id_.group not in _BUILT_IN_GROUPS


def stage_of(id_: ObjectId) -> int:
    """The stage (0 to 3) in which the object is applied."""
    kind = id_.kind_group
    if kind in _FOUNDATION:
        return FOUNDATION
    if kind in _INTERCEPTORS:
        return INTERCEPTORS
    return CLASSES if id_.kind.endswith("Class") else REST


def wave_of(id_: ObjectId) -> int:
    """The object's wave inside its stage: objects of one wave may be applied side by side."""
    if stage_of(id_) is not REST:
        return 0
    # An unknown kind of a built-in group goes with the custom ones: after everything that it may refer to.
    return _WAVE_OF.get(id_.kind_group, _CUSTOM_WAVE)


def apply_key(id_: ObjectId) -> tuple[int, int, int, str, str, str, str]:
    """Sorts objects into the order in which they are applied."""
    index = _INDEX.get(id_.kind_group, len(_INDEX))
    return (stage_of(id_), wave_of(id_), index, id_.group, id_.kind, id_.namespace, id_.name)


INTERCEPT_FIRST, CUSTOM, ORDINARY, CLASS, CLUSTER_ROLE, NAMESPACES, DEFINITIONS = range(7)
"""Steps of a deletion; each waits until the objects of the one before are gone, or says that they stay."""


def deletion_step(id_: ObjectId) -> int:
    """The step (0 to 6) in which the object is deleted: children before their CRD, namespaced before their Namespace.

    Interceptors go first, or they would refuse the deletions once the pods behind them are gone; custom resources next,
    while the controllers that release their finalizers still run.
    """
    kind = id_.kind_group
    if kind == CRD:
        return DEFINITIONS
    if kind == NAMESPACE:
        return NAMESPACES
    match stage_of(id_):
        case 0:
            return CLUSTER_ROLE
        case 1:
            return CLASS
        case 3:
            return INTERCEPT_FIRST
        case _:
            return CUSTOM if is_custom(id_) else ORDINARY


def deletion_key(id_: ObjectId) -> tuple[int, int, int, str, str, str, str]:
    """Sorts objects into the order in which they are deleted: the steps, and inside a step the reverse of applying."""
    wave, index = wave_of(id_), _INDEX.get(id_.kind_group, len(_INDEX))
    return (deletion_step(id_), -wave, -index, id_.group, id_.kind, id_.namespace, id_.name)
