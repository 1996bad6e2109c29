"""Files and documents that belong to other tools: recognised, named, and left alone.

A literal table. Real objects of such tools (a Flux Kustomization, an Argo CD Application) are templates like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.model.identity import group_of

_COMMIT = "commit the manifests that it makes ({}), and exclude this file in .reconcilerignore"
_EXCLUDE = "nothing of it is applied to a cluster; exclude this file in .reconcilerignore to silence this"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTool:
    """Whose configuration it is, and what its author should do."""

    name: str
    remedy: str


def _builder(name: str, command: str) -> ForeignTool:
    return ForeignTool(name=name, remedy=_COMMIT.format(f"`{command}`"))


def _config(name: str) -> ForeignTool:
    return ForeignTool(name=name, remedy=_EXCLUDE)


_KUSTOMIZE: Final = _builder("Kustomize", "kustomize build")
_SKAFFOLD: Final = _builder("Skaffold", "skaffold render")
_HELMFILE: Final = _builder("Helmfile", "helmfile template")
_KUBECONFIG: Final = ForeignTool(
    name="kubectl (a kubeconfig)",
    remedy="remove it from the repository and renew the credentials in it: everyone who reads the repository has them",
)

UNREAD_FILES: Final[Mapping[str, ForeignTool]] = {
    "kustomization.yaml": _KUSTOMIZE,
    "kustomization.yml": _KUSTOMIZE,
    "Kustomization": _KUSTOMIZE,
    "skaffold.yaml": _SKAFFOLD,
    "skaffold.yml": _SKAFFOLD,
    "helmfile.yaml": _HELMFILE,
    "helmfile.yml": _HELMFILE,
}
"""File names that can mean nothing else: not even opened."""

FILES: Final[Mapping[str, ForeignTool]] = {
    "fleet.yaml": _builder("Rancher Fleet", "fleet target"),
    "devspace.yaml": _builder("DevSpace", "devspace deploy --render"),
    "werf.yaml": _builder("werf", "werf render"),
    "docker-compose.yaml": _builder("Docker Compose", "kompose convert"),
    "docker-compose.yml": _builder("Docker Compose", "kompose convert"),
    "compose.yaml": _builder("Docker Compose", "kompose convert"),
    "compose.yml": _builder("Docker Compose", "kompose convert"),
}
"""File names whose documents without apiVersion and kind are this tool's."""

GROUPS: Final[Mapping[str, ForeignTool]] = {
    "kustomize.config.k8s.io": _KUSTOMIZE,
    "skaffold": _SKAFFOLD,
    "timoni.sh": _builder("Timoni", "timoni bundle build"),
    "tanka.dev": _builder("Grafana Tanka", "tk export"),
    "garden.io": _builder("Garden", "garden deploy"),
    "score.dev": _builder("Score", "score-k8s generate"),
    "zarf.dev": _builder("Zarf", "zarf dev inspect manifests"),
    "kpt.dev": _builder("kpt", "kpt fn render"),
    "fn.kpt.dev": _builder("kpt", "kpt fn render"),
    "kluctl.io": _builder("kluctl", "kluctl render"),
    "backstage.io": _config("Backstage"),
    "kind.x-k8s.io": _config("kind"),
    "k3d.io": _config("k3d"),
    "eksctl.io": _config("eksctl"),
    "k0sctl.k0sproject.io": _config("k0sctl"),
    "kuttl.dev": _config("KUTTL"),
    "chainsaw.kyverno.io": _config("Chainsaw"),
    "cli.kyverno.io": _config("the Kyverno command line"),
    "test.gatekeeper.sh": _config("Gatekeeper's gator"),
    "kubeadm.k8s.io": _config("kubeadm"),
    "kubelet.config.k8s.io": _config("the kubelet"),
    "credentialprovider.kubelet.k8s.io": _config("the kubelet"),
    "kubeproxy.config.k8s.io": _config("kube-proxy"),
    "kubescheduler.config.k8s.io": _config("kube-scheduler"),
    "kubecontrollermanager.config.k8s.io": _config("kube-controller-manager"),
    "apiserver.config.k8s.io": _config("kube-apiserver"),
    "apiserver.k8s.io": _config("kube-apiserver"),
    "audit.k8s.io": _config("kube-apiserver (an audit policy)"),
    "client.authentication.k8s.io": _config("a credential plugin"),
}
"""API groups of configuration files: no API server takes objects of them."""

KINDS: Final[Mapping[tuple[str, str], ForeignTool]] = {
    ("v1", "Config"): _KUBECONFIG,
    ("argoproj.io/v1alpha1", "ConfigManagementPlugin"): _config("an Argo CD plugin"),
}
"""Single kinds of groups that otherwise hold real objects."""

LOCAL_CONFIG: Final = "config.kubernetes.io/local-config"


def tool_of_document(body: Mapping[str, Any]) -> ForeignTool | None:
    """The tool whose configuration a document with apiVersion and kind is; None for objects."""
    api_version, kind = body.get("apiVersion"), body.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return None
    found = KINDS.get((api_version, kind)) or GROUPS.get(group_of(api_version))
    if found is not None:
        return found
    match body.get("metadata"):
        case {"annotations": {"config.kubernetes.io/local-config": value}} if value not in ("false", False):
            return _builder(f"a local tool (annotation {LOCAL_CONFIG})", "kustomize build")
    return None
