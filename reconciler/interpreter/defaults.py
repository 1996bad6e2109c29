"""The values an API server would have filled in before a template was interpreted (spec scheduling §2.10, Rule).

For interpretation alone: what this adds is never written to a cluster, except by division.
"""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import object_at
from reconciler.model.manifest import Body

_REPLICAS: Final = frozenset(
    {("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet"), ("apps/v1", "StatefulSet")}
)
_JOB: Final = ("batch/v1", "Job")


def with_defaults(body: Body) -> Body:
    """The body as an API server would have stored it, as far as replicas and completions go."""
    kind = (body.get("apiVersion"), body.get("kind"))
    if kind in _REPLICAS:
        return _with_default(body, "replicas")
    if kind == _JOB:
        spec = object_at(body, "spec")
        if spec.get("completions") is None and spec.get("parallelism") is None:
            body = _with_default(body, "completions")
        return _with_default(body, "parallelism")
    return body


def _with_default(body: Body, field: str) -> Body:
    spec = object_at(body, "spec")
    return body if spec.get(field) is not None else {**body, "spec": {**spec, field: 1}}
