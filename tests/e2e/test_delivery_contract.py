"""The contract of targets, on a real API server."""

import pytest

from reconciler.kube.client import Client
from reconciler.targets.push import PushTarget
from reconciler.targets.site import Site
from tests.contract.delivering import Commits, client_of, questions
from tests.contract.target_contract import Subject, TargetContract


class TestPushTarget(TargetContract):
    @pytest.fixture
    async def subject(self, clean_clusters):
        plane, *_ = clean_clusters
        commits = Commits(plane.name)
        clients: list[Client] = []

        def target() -> PushTarget:
            client = client_of(plane.name, plane.kubeconfig)
            clients.append(client)
            return PushTarget(site=Site(client=client, questions=questions(commits)))

        def value(name):
            body = plane.find("configmap", name, "shop")
            return None if body is None else body["data"]

        yield Subject(
            commits=commits,
            target=target,
            put=lambda body: plane.kubectl(
                "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=_text(body)
            ),
            names=lambda: [name for name in plane.names("configmaps", "shop") if name != "kube-root-ca.crt"],
            value=value,
        )
        for client in clients:
            await client.close()


def _text(body) -> str:
    import json

    return json.dumps(body)
