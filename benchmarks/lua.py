"""Calls of Karmada-style Lua scripts a second, with and without the memo. The floor is one `orjson` dump of the same objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.overrides import deployments, dump, row
from reconciler.interpreter.custom.answers import Answers
from reconciler.interpreter.custom.declared import interpreters_for
from reconciler.interpreter.registry import Interpreters
from reconciler.lua.engine import LuaEngine
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Body, Manifest, Origin

_NOW: Final = datetime(2031, 1, 1, tzinfo=UTC)
_SCRIPTS: Final = {
    "replicaResource": """
        local kube = require("kube")
        function GetReplicas(desiredObj)
          return desiredObj.spec.replicas, kube.accuratePodRequirements(desiredObj.spec.template)
        end
    """,
    "replicaRevision": """
        function ReviseReplica(desiredObj, desiredReplica)
          desiredObj.spec.replicas = desiredReplica
          return desiredObj
        end
    """,
    "healthInterpretation": """
        function InterpretHealth(observedObj)
          return observedObj.spec.replicas == 3
        end
    """,
}


def scenarios() -> list[dict[str, Any]]:
    """The rows of this file: scenario, value, unit, floor, ratio."""
    bodies = [one.body for one in deployments()]
    with LuaEngine() as engine:
        fresh = _interpreters(engine, Answers(most=0))
        kept = _interpreters(engine, Answers())
        return [
            _calls("health", bodies, fresh, "without memo"),
            _calls("health", bodies, kept, "with memo"),
            _calls("replicas", bodies, fresh, "without memo"),
            _calls("replicas", bodies, kept, "with memo"),
            _calls("revise", bodies, fresh, "without memo"),
            _calls("revise", bodies, kept, "with memo"),
        ]


def _calls(operation: str, bodies: list[Body], interpreters: Interpreters, memo: str) -> dict[str, Any]:
    rule = interpreters.rule(bodies[0], operation)
    more = (5,) if operation == "revise" else ()

    def once() -> None:
        for body in bodies:
            rule(body, *more)

    return row(f"lua: calls of {operation}, {memo}", len(bodies), once, dump(bodies))


def _interpreters(engine: LuaEngine, answers: Answers) -> Interpreters:
    body = {
        "apiVersion": "config.karmada.io/v1alpha1",
        "kind": "ResourceInterpreterCustomization",
        "metadata": {"name": "deployments"},
        "spec": {
            "target": {"apiVersion": "apps/v1", "kind": "Deployment"},
            "customizations": {field: {"luaScript": script} for field, script in _SCRIPTS.items()},
        },
    }
    customization = Manifest(id=id_of_body(body), body=body, origin=Origin(path="benchmark.yaml"))
    return interpreters_for([customization], engine, now=_NOW, answers=answers)
