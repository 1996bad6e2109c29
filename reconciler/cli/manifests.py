"""The agent's installation as one stream of documents: `deploy/agent` with a cluster's name and URL filled in."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler import __version__
from reconciler.manifests.emit import emit

IMAGE: Final = f"ghcr.io/fleet-reconciler/fleet-reconciler:{__version__}"


def agent_manifest(*, cluster: str, url: str, image: str, namespace: str) -> str:
    """Namespace, service account, rights, the Deployment and its probes' Service, as YAML documents."""
    labels = {"app.kubernetes.io/name": "fleet-reconciler", "app.kubernetes.io/component": "agent"}
    here = {"namespace": namespace}
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "fleet-agent", **here}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "fleet-agent"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{"kind": "ServiceAccount", "name": "fleet-agent", **here}],
        },
        _deployment(cluster, url, image or IMAGE, namespace, labels),
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "fleet-agent", **here},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "fleet-agent", **here},
            "spec": {
                "selector": labels,
                "ports": [{"name": "metrics", "port": 8081, "targetPort": "metrics"}],
            },
        },
    ]
    head = (
        f"# The agent of cluster {json.dumps(cluster)}. Before it can work, make the Git credential:\n"
        f"#   kubectl -n {namespace} create secret generic fleet-agent-git --from-literal=username=… --from-literal=password=…\n"
    )
    return head + "---\n".join(emit(document).decode() for document in documents)


def _deployment(cluster: str, url: str, image: str, namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    probe = {"port": "metrics"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "fleet-agent", "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": "fleet-agent",
                    "terminationGracePeriodSeconds": 60,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "fsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [
                        {
                            "name": "agent",
                            "image": image,
                            "args": [
                                "agent",
                                f"--cluster={cluster}",
                                f"--url={url}",
                                "--credentials-dir=/etc/fleet-reconciler/git",
                                "--data-dir=/var/lib/fleet-reconciler/data",
                                f"--namespace={namespace}",
                                "--leader-elect",
                                "--metrics=0.0.0.0:8081",
                            ],
                            "ports": [{"name": "metrics", "containerPort": 8081}],
                            "livenessProbe": {
                                "httpGet": {"path": "/healthz", **probe},
                                "periodSeconds": 10,
                                "failureThreshold": 6,
                            },
                            "readinessProbe": {"httpGet": {"path": "/readyz", **probe}, "periodSeconds": 5},
                            "resources": {
                                "requests": {"cpu": "100m", "memory": "128Mi"},
                                "limits": {"memory": "512Mi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]},
                            },
                            "volumeMounts": [
                                {"name": "data", "mountPath": "/var/lib/fleet-reconciler"},
                                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a path inside the container
                                {"name": "git", "mountPath": "/etc/fleet-reconciler/git", "readOnly": True},
                            ],
                        }
                    ],
                    "volumes": [
                        {"name": "data", "emptyDir": {}},
                        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
                        {"name": "git", "secret": {"secretName": "fleet-agent-git", "defaultMode": 0o440}},
                    ],
                },
            },
        },
    }
