"""The JSON shape, whole: what programs may rely on."""

from __future__ import annotations

import json

from reconciler.diff.difference import Provenance, difference
from reconciler.diff.machine import difference_json
from reconciler.errors import Location, Problem, Severity
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Guard
from tests.unit.diff.builders import binding, deployment, rendered, tree

WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
WEB_JSON = {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}


def test_the_whole_shape():
    problem = Problem(
        code="R320",
        message="m",
        location=Location(path="x.yaml", line=2, column=3),
        evidence=("e",),
        remedy="r",
        severity=Severity.WARNING,
        subject="s",
    )
    value = difference(
        rendered(tree({"a": [deployment()]}), binding(WEB, {"a": 3})),
        rendered(
            tree({"a": [deployment(replicas=2)], "b": []}, {".fleet-reconciler/settings": b"{}\n"}),
            binding(WEB, {"a": 2}),
            problems=(problem,),
            assumed_clusters=("b",),
            unclaimed=(WEB,),
        ),
        provenance=Provenance(base="1", head="2", facts="3", engine="4", command="5"),
        guards={"a": (Guard(name="g", message="w", objects=(WEB,)),)},
    )
    shape = difference_json(value)
    assert json.loads(json.dumps(shape)) == shape
    row = {
        "code": "R320",
        "severity": "warning",
        "message": "m",
        "path": "x.yaml",
        "line": 2,
        "column": 3,
        "subject": "s",
        "evidence": ["e"],
        "remedy": "r",
    }
    assert shape == {
        "apiVersion": "fleet-reconciler/v1alpha1",
        "kind": "Diff",
        "base": "1",
        "head": "2",
        "facts": "3",
        "engine": "4",
        "verdict": "blocked",
        "complete": True,
        "simulated": "",
        "summary": {
            "objects": {"added": 0, "removed": 0, "changed": 1, "renamed": 0},
            "placements": 1,
            "clustersTouched": ["a"],
            "clustersAdded": ["b"],
            "clustersRemoved": [],
            "clustersAssumed": ["b"],
            "unclaimed": [WEB_JSON],
        },
        "guards": [{"cluster": "a", "name": "g", "message": "w", "objects": [WEB_JSON]}],
        "dangers": [],
        "placements": [
            {
                "object": WEB_JSON,
                "reason": "replicas 3→2",
                "replicasBefore": 3,
                "replicasAfter": 2,
                "clusters": [
                    {"name": "a", "before": 3, "after": 2, "deliveredBefore": 3, "deliveredAfter": 2}
                ],
            }
        ],
        "clusters": [
            {
                "name": "a",
                "objectsBefore": 1,
                "objectsAfter": 1,
                "added": 0,
                "removed": 0,
                "changed": 1,
                "renamed": 0,
            },
            {
                "name": "b",
                "objectsBefore": 0,
                "objectsAfter": 0,
                "added": 0,
                "removed": 0,
                "changed": 0,
                "renamed": 0,
            },
        ],
        "objects": [
            {
                "object": WEB_JSON,
                "action": "changed",
                "renamedFrom": None,
                "clusters": ["a"],
                "fields": [{"path": "spec.replicas", "action": "changed", "before": 3, "after": 2}],
            }
        ],
        "files": [{"path": ".fleet-reconciler/settings", "action": "added", "clusters": ["a", "b"]}],
        "problems": [row],
        "newProblems": [row],
    }
