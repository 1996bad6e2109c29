"""What tests of delivery share: a push target for a control plane, a tree from objects, and one whole pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from reconciler.interpreter.registry import NATIVE
from reconciler.kube.client import Client, Limits
from reconciler.kube.credentials import KubeconfigSource
from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.plan import Desired, DesiredObject, Outcome, Plan
from reconciler.plan.changes import Rules, changes
from reconciler.settings import GuardLimits
from reconciler.targets.breaker import Breaker
from reconciler.targets.push import PushTarget
from reconciler.targets.site import Questions, Site
from tests.controlplane.polling import eventually

Body = dict[str, Any]
UNGUARDED = GuardLimits(max_deletions=10_000, protected_kinds=())


def config_map(name: str, namespace: str = "shop", **data: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data or {"key": "value"},
    }


def namespace(name: str = "shop") -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment(
    name: str = "web", namespace: str = "shop", *, replicas: int | None = 1, image: str = "web:1"
) -> Body:
    spec: Body = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": image}]},
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def definition(
    kind: str = "Widget", group: str = "shop.example.com", *, plural: str = "", scope: str = "Namespaced"
) -> Body:
    plural = plural or f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"spec": schema, "status": schema},
                        }
                    },
                    "subresources": {"status": {}},
                }
            ],
        },
    }


def widget(name: str = "one", namespace: str = "shop", **spec: Any) -> Body:
    return {
        "apiVersion": "shop.example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec or {"size": 1},
    }


def annotated(body: Body, **annotations: str) -> Body:
    """A copy with annotations; `__` in a name stands for `/`, `_` for `-`."""
    named = {key.replace("__", "/").replace("_", "-"): value for key, value in annotations.items()}
    return {**body, "metadata": {**body["metadata"], "annotations": named}}


def tree(*bodies: Body) -> dict[ObjectId, DesiredObject]:
    """The objects as a tree holds them: bytes and their digest, not yet parsed."""
    objects = {}
    for body in bodies:
        data = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        id_ = id_of_body(body)
        objects[id_] = DesiredObject(id=id_, digest=hashlib.sha1(data).hexdigest(), data=data)
    return objects


class Commits:
    """The trees of one cluster by commit: what Git is to the engine."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.trees: dict[str, frozenset[ObjectId]] = {}

    def commit(self, *bodies: Body, name: str = "", **fields: Any) -> Desired:
        """A new commit that holds exactly these objects."""
        objects = tree(*bodies)
        commit = name or f"{len(self.trees) + 1:040x}"
        self.trees[commit] = frozenset(objects)
        return Desired(cluster=self.cluster, commit=commit, objects=objects, **fields)

    async def tree(self, commit: str) -> frozenset[ObjectId] | None:
        return self.trees.get(commit)


def questions(commits: Commits | None = None, **answers: Any) -> Questions:
    given: dict[str, Any] = {
        "parse": json.loads,
        "readiness": NATIVE.readiness,
        "retain": NATIVE.retain,
        **({"tree": commits.tree} if commits is not None else {}),
        **answers,
    }
    return Questions(**given)


def client_of(name: str, kubeconfig: Path, *, within: float = 30.0) -> Client:
    return Client(
        KubeconfigSource(paths=(kubeconfig,), context=name), cluster=name, limits=Limits(timeout=within)
    )


def until_granted(plane: Any, verb: str, resource: str, namespace: str) -> None:
    """Wait until the server knows of a right that `powerless` was given: it learns of roles by a watch of its own."""
    asked = ("auth", "can-i", verb, resource, "-n", namespace, "--as=powerless")
    eventually(
        f"powerless may {verb} {resource}", lambda: plane.kubectl_result(*asked).returncode == 0, within=60
    )


@asynccontextmanager
async def target_of(
    plane: Any,
    commits: Commits | None = None,
    *,
    kubeconfig: Path | None = None,
    answers: Mapping[str, Any] | None = None,
    within: float = 30.0,
    breaker: Breaker | None = None,
    **site: Any,
):
    """A push target for a control plane, closed at the end."""
    client = client_of(plane.name, kubeconfig or plane.kubeconfig, within=within)
    given = Site(client=client, questions=questions(commits, **(answers or {})), **site)
    target = PushTarget(site=given, **({"breaker": breaker} if breaker else {}))
    try:
        yield target
    finally:
        await target.close()


async def deliver(
    target: PushTarget, desired: Desired, *, limits: GuardLimits = UNGUARDED, full: bool = True, **rules: Any
) -> tuple[Plan, Outcome]:
    """One pass: look, decide, carry out."""
    live = await target.inspect(desired, full=full)
    given = {"now": datetime.now(UTC), "limits": limits, "manager": target.site.manager, **rules}
    plan = changes(desired, live, Rules(**given))
    return plan, await target.apply(plan)
