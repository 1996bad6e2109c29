"""Whether a kind is namespaced: built-in kinds, then CRDs of the repository, then observed discovery, then the settings.

DESIGN section 2, "Defaults". What none of them knows is a problem, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.fleet import schema
from reconciler.model.config import KindScope

GroupKind = tuple[str, str]

# group: (namespaced kinds, cluster-scoped kinds), of Kubernetes 1.37 and what older servers still serve
_BUILT_IN: Final[dict[str, tuple[str, str]]] = {
    "": (
        (
            "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate "
            "ReplicationController ResourceQuota Secret Service ServiceAccount"
        ),
        "ComponentStatus Namespace Node PersistentVolume",
    ),
    "admissionregistration.k8s.io": (
        "",
        (
            "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
            "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
        ),
    ),
    "apiextensions.k8s.io": ("", "CustomResourceDefinition"),
    "apiregistration.k8s.io": ("", "APIService"),
    "apps": ("ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet", ""),
    "authentication.k8s.io": ("", "SelfSubjectReview TokenReview"),
    "authorization.k8s.io": (
        "LocalSubjectAccessReview",
        "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    ),
    "autoscaling": ("HorizontalPodAutoscaler", ""),
    "batch": ("CronJob Job", ""),
    "certificates.k8s.io": ("PodCertificateRequest", "CertificateSigningRequest ClusterTrustBundle"),
    "coordination.k8s.io": ("Lease LeaseCandidate", ""),
    "discovery.k8s.io": ("EndpointSlice", ""),
    "events.k8s.io": ("Event", ""),
    "flowcontrol.apiserver.k8s.io": ("", "FlowSchema PriorityLevelConfiguration"),
    "internal.apiserver.k8s.io": ("", "StorageVersion"),
    "lifecycle.k8s.io": ("EvictionRequest", ""),
    "networking.k8s.io": ("Ingress NetworkPolicy", "IPAddress IngressClass ServiceCIDR"),
    "node.k8s.io": ("", "RuntimeClass"),
    "policy": ("Eviction PodDisruptionBudget", ""),
    "rbac.authorization.k8s.io": ("Role RoleBinding", "ClusterRole ClusterRoleBinding"),
    "resource.k8s.io": (
        "ResourceClaim ResourceClaimTemplate",
        "DeviceClass DeviceTaintRule ResourcePoolStatusRequest ResourceSlice",
    ),
    "scheduling.k8s.io": ("CompositePodGroup PodGroup Workload", "PriorityClass"),
    "storage.k8s.io": (
        "CSIStorageCapacity",
        "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    ),
    "storagemigration.k8s.io": ("", "StorageVersionMigration"),
}

BUILT_IN_SCOPES: Final[Mapping[GroupKind, bool]] = {
    (group, kind): is_namespaced
    for group, both in _BUILT_IN.items()
    for is_namespaced, kinds in zip((True, False), both, strict=True)
    for kind in kinds.split()
} | dict(schema.KIND_SCOPES)
"""(group, kind) to whether it is namespaced: Kubernetes' own kinds, and the policy-side kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """Everything known of kinds' scopes in one commit."""

    declared: Mapping[GroupKind, bool] = field(default_factory=dict)
    observed: Mapping[GroupKind, bool] = field(default_factory=dict)
    configured: Mapping[GroupKind, bool] = field(default_factory=dict)

    def is_namespaced(self, group: str, kind: str) -> bool | None:
        """Whether objects of this kind live in a namespace; None where nobody knows."""
        key = (group, kind)
        for known in (BUILT_IN_SCOPES, self.declared, self.observed, self.configured):
            found = known.get(key)
            if found is not None:
                return found
        return None


def declared_scopes(definitions: Iterable[Mapping[str, Any]]) -> dict[GroupKind, bool]:
    """What CustomResourceDefinition bodies say. A definition that says neither or nothing sensible is left out."""
    found: dict[GroupKind, bool] = {}
    for body in definitions:
        match body.get("spec"):
            case {
                "group": str(group),
                "names": {"kind": str(kind)},
                "scope": ("Namespaced" | "Cluster") as scope,
            }:
                found[(group, kind)] = scope == "Namespaced"
    return found


def configured_scopes(scopes: Iterable[KindScope]) -> dict[GroupKind, bool]:
    """What the settings say."""
    return {(scope.group, scope.kind): scope.namespaced for scope in scopes}
