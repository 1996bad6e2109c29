"""What a webhook for `Workload`s answers: the operations of Karmada's example, for a kind of ours of the same shape."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

WORKLOAD = ("workload.example.io/v1alpha1", "Workload")


def workload(name: str = "web", *, namespace: str = "shop", replicas: int = 3, **more: Any) -> dict[str, Any]:
    """A Workload as a fleet repository holds it."""
    return {
        "apiVersion": WORKLOAD[0],
        "kind": WORKLOAD[1],
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "paused": False,
            "template": {
                "spec": {"containers": [{"name": "web", "envFrom": [{"configMapRef": {"name": "web"}}]}]}
            },
            **more.pop("spec", {}),
        },
        **more,
    }


def policy(near: str = "near", far: str = "far") -> dict[str, Any]:
    """The Workloads of the shop with what they need, two parts on `near` and one on `far`."""
    weights = [
        {"targetCluster": {"clusterNames": [name]}, "weight": weight}
        for name, weight in ((near, 2), (far, 1))
    ]
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": "workloads", "namespace": "shop"},
        "spec": {
            "propagateDeps": True,
            "resourceSelectors": [{"apiVersion": WORKLOAD[0], "kind": WORKLOAD[1]}],
            "placement": {
                "replicaScheduling": {
                    "replicaSchedulingType": "Divided",
                    "replicaDivisionPreference": "Weighted",
                    "weightPreference": {"staticWeightList": weights},
                }
            },
        },
    }


def respond(request: dict[str, Any]) -> dict[str, Any]:
    """The `response` to a `request`."""
    given = request["object"]
    ready_here = (given.get("status") or {}).get("readyReplicas", 0)
    made = {"uid": request["uid"], "successful": True}
    match request["operation"]:
        case "InterpretReplica":
            needs = {"resourceRequest": {"cpu": "100m"}}
            return {**made, "replicas": given["spec"]["replicas"], "replicaRequirements": needs}
        case "ReviseReplica":
            return {**made, **patch(("replace", "/spec/replicas", request["replicas"]))}
        case "Retain":
            return {**made, **patch(("replace", "/spec/paused", request["observedObject"]["spec"]["paused"]))}
        case "AggregateStatus":
            items = request.get("aggregatedStatus", [])
            ready = sum((item.get("status") or {}).get("readyReplicas", 0) for item in items)
            return {**made, **patch(("add", "/status", {"readyReplicas": ready}))}
        case "InterpretStatus":
            return {**made, "rawStatus": {"readyReplicas": ready_here}}
        case "InterpretHealth":
            return {**made, "healthy": ready_here == given["spec"]["replicas"]}
        case "InterpretDependency":
            names = [
                source["configMapRef"]["name"]
                for container in given["spec"]["template"]["spec"]["containers"]
                for source in container.get("envFrom", [])
            ]
            found = [
                {"apiVersion": "v1", "kind": "ConfigMap", "namespace": request["namespace"], "name": name}
                for name in names
            ]
            return {**made, "dependencies": found}
    return {**made, "successful": False, "status": {"code": 400, "message": "no such operation"}}


def patch(*operations: tuple[str, str, Any]) -> dict[str, Any]:
    """The fields of a response that hold a patch."""
    listed = [{"op": op, "path": path, "value": value} for op, path, value in operations]
    return {"patchType": "JSONPatch", "patch": b64encode(json.dumps(listed).encode()).decode()}
