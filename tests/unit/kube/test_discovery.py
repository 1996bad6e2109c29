"""What a cluster serves: aggregated discovery, the older form, and groups whose server does not answer."""

import json

import pytest

from reconciler.errors import Rejected, Throttled, Unreachable
from reconciler.kube.discovery import discover
from reconciler.kube.resources import Discovery, Resource
from reconciler.model.identity import ObjectId


def version(name: str, *resources: dict, freshness: str = "Current") -> dict:
    return {"version": name, "freshness": freshness, "resources": list(resources)}


def a_resource(
    kind: str, plural: str, scope: str = "Namespaced", verbs=("get", "list", "delete"), **response
) -> dict:
    return {
        "resource": plural,
        "responseKind": {"group": "", "version": "", "kind": kind, **response},
        "scope": scope,
        "verbs": list(verbs),
    }


def groups(**versions: list[dict]) -> bytes:
    items = [
        {"metadata": {"name": name.replace("_", ".")} if name else {}, "versions": rows}
        for name, rows in versions.items()
    ]
    return json.dumps({"kind": "APIGroupDiscoveryList", "items": items}).encode()


def server(**answers: bytes | Exception):
    """A server that answers these paths; `__` stands for `/`."""
    by_path = {path.replace("__", "/"): answer for path, answer in answers.items()}

    async def get(path: str, accept: str) -> bytes:
        answer = by_path[path.strip("/")]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return get


AGGREGATED = server(
    api=groups(
        **{
            "": [
                version(
                    "v1",
                    a_resource("ConfigMap", "configmaps"),
                    a_resource("Namespace", "namespaces", "Cluster"),
                )
            ]
        }
    ),
    apis=groups(
        apps=[
            version("v1", a_resource("Deployment", "deployments")),
            version("v1beta1", a_resource("Deployment", "deployments")),
        ],
        broken_example_com=[version("v1", freshness="Stale")],
    ),
)
ONE_BY_ONE = server(
    api=b'{"kind":"APIVersions","versions":["v1"]}',
    api__v1=json.dumps(
        {
            "resources": [
                {
                    "name": "configmaps",
                    "kind": "ConfigMap",
                    "namespaced": True,
                    "verbs": ["get", "list", "delete"],
                },
                {
                    "name": "namespaces",
                    "kind": "Namespace",
                    "namespaced": False,
                    "verbs": ["get", "list", "delete"],
                },
                {"name": "namespaces/status", "kind": "Namespace", "namespaced": False, "verbs": ["get"]},
            ]
        }
    ).encode(),
    apis=json.dumps(
        {
            "groups": [
                {
                    "name": "apps",
                    "preferredVersion": {"groupVersion": "apps/v1"},
                    "versions": [{"groupVersion": "apps/v1beta1"}, {"groupVersion": "apps/v1"}],
                },
                {"name": "broken.example.com", "versions": [{"groupVersion": "broken.example.com/v1"}]},
            ]
        }
    ).encode(),
    apis__apps__v1=b'{"resources":[{"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["get","list","delete"]}]}',
    apis__apps__v1beta1=b'{"resources":[{"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["get","list","delete"]}]}',
    **{"apis__broken.example.com__v1": Throttled("no server")},
)


@pytest.mark.parametrize("get", [AGGREGATED, ONE_BY_ONE], ids=["aggregated", "one by one"])
async def test_both_forms_of_discovery_say_the_same(get):
    found = await discover(get)
    assert found.find("v1", "Namespace") == Resource(
        group="",
        version="v1",
        kind="Namespace",
        plural="namespaces",
        namespaced=False,
        verbs=frozenset({"get", "list", "delete"}),
    )
    assert found.preferred("apps", "Deployment").version == "v1"
    assert found.find("apps/v1beta1", "Deployment").api_version == "apps/v1beta1"
    assert found.find("apps/v2", "Deployment") is None
    assert (
        found.of(ObjectId(group="apps", kind="Deployment", namespace="x", name="y")).plural == "deployments"
    )
    assert found.stale == ("broken.example.com/v1",)
    assert found.is_stale("broken.example.com")
    assert not found.is_stale("apps")
    assert [(row.group_version, sorted(row.kinds)) for row in found.api_resources()] == [
        ("apps/v1", ["Deployment"]),
        ("apps/v1beta1", ["Deployment"]),
        ("v1", ["ConfigMap", "Namespace"]),
    ]


async def test_a_server_that_is_away_is_not_taken_for_one_that_serves_nothing():
    with pytest.raises(Unreachable):
        await discover(server(api=Unreachable("gone"), apis=Unreachable("gone")))
    with pytest.raises(Rejected):
        await discover(server(api=Rejected("no", status=500), apis=Rejected("no", status=500)))


def test_paths_are_escaped_and_scoped():
    role = Resource(
        group="rbac.authorization.k8s.io", version="v1", kind="Role", plural="roles", namespaced=True
    )
    assert (
        role.path("shop", "system:a/b")
        == "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/system%3Aa%2Fb"
    )
    assert role.path() == "/apis/rbac.authorization.k8s.io/v1/roles"
    node = Resource(group="", version="v1", kind="Node", plural="nodes", namespaced=False)
    assert node.path("ignored", "n1") == "/api/v1/nodes/n1"


def test_only_what_can_be_listed_and_deleted_may_hold_something_of_ours():
    review = Resource(
        group="", version="v1", kind="Review", plural="reviews", namespaced=False, verbs=frozenset({"create"})
    )
    kept = Resource(
        group="",
        version="v1",
        kind="Thing",
        plural="things",
        namespaced=False,
        verbs=frozenset({"list", "delete"}),
    )
    assert Discovery((review, kept)).listable() == (kept,)
