"""Small trees and bindings for the tests of this package."""

from __future__ import annotations

from typing import Any

from reconciler.diff.difference import Difference, Provenance, difference
from reconciler.errors import Problem
from reconciler.manifests.emit import emit
from reconciler.model.binding import Binding, Claim, TargetCluster
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.tree import Rendered, RenderTree, Variant


def deployment(
    name: str = "web", *, replicas: int = 3, image: str = "web:1", **metadata: Any
) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"name": name, "image": image}]}},
        },
    }


def config_map(name: str, data: dict[str, str], namespace: str = "shop") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def plain(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def tree(
    objects_by_cluster: dict[str, list[dict[str, Any]]], files: dict[str, bytes] | None = None
) -> RenderTree:
    clusters_by_content: dict[tuple[str, bytes], list[str]] = {}
    for cluster, bodies in objects_by_cluster.items():
        for body in bodies:
            key = (id_of_body(body).tree_path, emit(body))
            clusters_by_content.setdefault(key, []).append(cluster)
        for path, data in (files or {}).items():
            clusters_by_content.setdefault((path, data), []).append(cluster)
    variants = [
        Variant(path=path, data=data, clusters=tuple(sorted(names)))
        for (path, data), names in clusters_by_content.items()
    ]
    return RenderTree(
        clusters=tuple(sorted(objects_by_cluster)),
        variants=tuple(sorted(variants, key=lambda v: (v.path, v.clusters))),
    )


def binding(id_: ObjectId, shares: dict[str, int], **fields: Any) -> Binding:
    values = {"claim": Claim(name="web", namespace="shop"), "replicas": sum(shares.values())} | fields
    return Binding(
        resource=id_,
        api_version="apps/v1",
        clusters=tuple(TargetCluster(name=name, replicas=count) for name, count in shares.items()),
        **values,
    )


def rendered(
    tree_: RenderTree, *bindings: Binding, problems: tuple[Problem, ...] = (), **fields: Any
) -> Rendered:
    return Rendered(tree=tree_, bindings={b.resource: b for b in bindings}, problems=problems, **fields)


def compare(before: RenderTree, after: RenderTree, **fields: Any) -> Difference:
    return difference(
        rendered(before),
        rendered(after, **fields),
        provenance=Provenance(base="base", head="head", engine="0.1"),
    )
