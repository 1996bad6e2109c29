"""The in-memory target keeps the contract, so that tests which use it prove something."""

import pytest

from reconciler.model.identity import ObjectId
from tests.contract.delivering import Commits
from tests.contract.memory import MemoryCluster, MemoryTarget
from tests.contract.target_contract import Subject, TargetContract


class TestMemoryTarget(TargetContract):
    @pytest.fixture
    def subject(self):
        cluster, commits = MemoryCluster(), Commits("memory")

        def data(name):
            body = cluster.objects.get(ObjectId(group="", kind="ConfigMap", namespace="shop", name=name))
            return None if body is None else body["data"]

        return Subject(
            commits=commits,
            target=lambda: MemoryTarget(cluster, commits.tree),
            put=cluster.put,
            names=lambda: sorted(id_.name for id_ in cluster.objects if id_.kind == "ConfigMap"),
            value=data,
        )
