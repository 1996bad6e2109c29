"""The shape of built-in kinds, as far as anything here reads them: an API server would refuse what these refuse.

After this check no interpreter, overrider or planner meets a list where a mapping belongs. Null counts as absent, as in
Kubernetes, and fields that nobody here reads are not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jsonschema_rs

from reconciler.fleet.deviations import deviations
from reconciler.fleet.finding import Finding
from reconciler.fleet.schema import SCHEMAS

_Schema = dict[str, Any]

_TEXT: Final[_Schema] = {"type": ["string", "null"]}
_QUANTITY: Final[_Schema] = {
    "type": ["string", "integer", "number", "null"],
    "title": SCHEMAS["definitions.json"]["$defs"]["quantity"]["title"],
    "pattern": SCHEMAS["definitions.json"]["$defs"]["quantity"]["pattern"],
}
_COUNT: Final[_Schema] = {"type": ["integer", "null"], "minimum": 0, "maximum": 2147483647}


def _mapping(**fields: _Schema) -> _Schema:
    return {"type": ["object", "null"], "properties": fields}


def _needed(*names: str, **fields: _Schema) -> _Schema:
    return {"type": "object", "properties": fields, "required": list(names)}


def _list(items: _Schema) -> _Schema:
    return {"type": ["array", "null"], "items": items}


def _values(value: _Schema) -> _Schema:
    return {"type": ["object", "null"], "additionalProperties": value}


def _each(**fields: _Schema) -> _Schema:
    """A list of mappings; an entry is never null."""
    return _list({"type": "object", "properties": fields})


_STRING: Final[_Schema] = {"type": "string"}
_NAMED: Final = _mapping(name=_TEXT)
_SOURCES: Final[dict[str, _Schema]] = {
    "configMap": _NAMED,
    "secret": _mapping(secretName=_TEXT, name=_TEXT),
    "persistentVolumeClaim": _mapping(claimName=_TEXT),
    "azureFile": _mapping(secretName=_TEXT),
    "csi": _mapping(nodePublishSecretRef=_NAMED),
    "cephfs": _mapping(secretRef=_NAMED),
    "cinder": _mapping(secretRef=_NAMED),
    "flexVolume": _mapping(secretRef=_NAMED),
    "rbd": _mapping(secretRef=_NAMED),
    "scaleIO": _mapping(secretRef=_NAMED),
    "iscsi": _mapping(secretRef=_NAMED),
    "storageos": _mapping(secretRef=_NAMED),
}
_CONTAINER: Final[dict[str, _Schema]] = {
    "name": _TEXT,
    "image": _TEXT,
    "command": _list(_STRING),
    "args": _list(_STRING),
    "env": _each(name=_TEXT, valueFrom=_mapping(configMapKeyRef=_NAMED, secretKeyRef=_NAMED)),
    "envFrom": _each(configMapRef=_NAMED, secretRef=_NAMED),
    "resources": _mapping(requests=_values(_QUANTITY), limits=_values(_QUANTITY)),
    "volumeMounts": _each(name=_TEXT),
}
_POD: Final = _mapping(
    containers=_each(**_CONTAINER),
    initContainers=_each(**_CONTAINER),
    volumes=_each(
        name=_TEXT,
        projected=_mapping(sources=_each(configMap=_NAMED, secret=_NAMED)),
        **_SOURCES,
    ),
    imagePullSecrets=_each(name=_TEXT),
    serviceAccountName=_TEXT,
    priorityClassName=_TEXT,
    nodeName=_TEXT,
    nodeSelector=_values(_STRING),
    tolerations=_each(),
    overhead=_values(_QUANTITY),
    affinity=_mapping(
        nodeAffinity=_mapping(
            requiredDuringSchedulingIgnoredDuringExecution=_mapping(nodeSelectorTerms=_each())
        )
    ),
)
_METADATA: Final = _mapping(name=_TEXT, labels=_values(_STRING), annotations=_values(_STRING))
_TEMPLATE: Final = _mapping(metadata=_METADATA, spec=_POD)
_SELECTOR: Final = _mapping(matchLabels=_values(_STRING), matchExpressions=_each())
_WORKLOAD: Final = _mapping(replicas=_COUNT, selector=_SELECTOR, template=_TEMPLATE)
_JOB: Final = _mapping(
    parallelism=_COUNT,
    completions=_COUNT,
    selector=_SELECTOR,
    manualSelector={"type": ["boolean", "null"]},
    template=_TEMPLATE,
)
_CLAIM: Final = _mapping(volumeName=_TEXT, storageClassName=_TEXT)


def _spec(spec: _Schema) -> _Schema:
    return {"properties": {"spec": spec}}


_SHAPES: Final[dict[tuple[str, str], _Schema]] = {
    ("apps", "Deployment"): _spec(_WORKLOAD),
    ("apps", "ReplicaSet"): _spec(_WORKLOAD),
    ("apps", "DaemonSet"): _spec(_WORKLOAD),
    ("apps", "StatefulSet"): _spec(
        _mapping(
            replicas=_COUNT,
            selector=_SELECTOR,
            template=_TEMPLATE,
            volumeClaimTemplates=_each(metadata=_METADATA, spec=_CLAIM),
        )
    ),
    ("batch", "Job"): _spec(_JOB),
    ("batch", "CronJob"): _spec(_mapping(jobTemplate=_mapping(metadata=_METADATA, spec=_JOB))),
    ("", "Pod"): _spec(_POD),
    ("", "PodTemplate"): {"properties": {"template": _TEMPLATE}},
    ("", "ReplicationController"): _spec(_mapping(replicas=_COUNT, template=_TEMPLATE)),
    ("", "Service"): _spec(
        _mapping(
            type=_TEXT,
            clusterIP=_TEXT,
            clusterIPs=_list(_STRING),
            externalName=_TEXT,
            selector=_values(_STRING),
            healthCheckNodePort={"type": ["integer", "null"]},
            ports=_each(name=_TEXT, port={"type": "integer"}),
        )
    ),
    ("", "ServiceAccount"): {
        "properties": {"secrets": _each(name=_TEXT), "imagePullSecrets": _each(name=_TEXT)}
    },
    ("", "PersistentVolumeClaim"): _spec(_CLAIM),
    ("", "PersistentVolume"): _spec(_mapping(claimRef=_mapping(name=_TEXT, namespace=_TEXT))),
    ("", "ConfigMap"): {"properties": {"data": _values(_STRING), "binaryData": _values(_STRING)}},
    ("", "Secret"): {
        "properties": {"type": _TEXT, "data": _values(_TEXT), "stringData": _values(_STRING)},
    },
    ("networking.k8s.io", "Ingress"): _spec(_mapping(tls=_each(secretName=_TEXT), rules=_each())),
    ("autoscaling", "HorizontalPodAutoscaler"): _spec(
        _mapping(scaleTargetRef=_mapping(apiVersion=_TEXT, kind=_TEXT, name=_TEXT))
    ),
    ("policy", "PodDisruptionBudget"): _spec(_mapping(selector=_SELECTOR)),
    ("scheduling.k8s.io", "PriorityClass"): {"properties": {"value": {"type": ["integer", "null"]}}},
    ("apiextensions.k8s.io", "CustomResourceDefinition"): {
        "required": ["spec"],
        **_spec(
            _needed(
                "group",
                "names",
                "scope",
                "versions",
                group=_STRING,
                scope={"type": "string", "enum": ["Namespaced", "Cluster"]},
                names=_needed("kind", "plural", kind=_STRING, plural=_STRING),
                versions={
                    "type": "array",
                    "minItems": 1,
                    "items": _needed("name", name=_STRING, served={"type": ["boolean", "null"]}),
                },
            )
        ),
    },
}
_VALIDATORS: Final = {
    kind: jsonschema_rs.Draft202012Validator(shape, pattern_options=jsonschema_rs.RegexOptions())
    for kind, shape in _SHAPES.items()
}


def check_shape(group: str, kind: str, body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """R146 for every field of a built-in kind that has another type than Kubernetes gives it. Quotes no value of data."""
    validator = _VALIDATORS.get((group, kind))
    if validator is None or validator.is_valid(body):
        return ()

    def subschema(error: jsonschema_rs.ValidationError) -> Mapping[str, Any]:
        node: Any = _SHAPES[group, kind]
        for step in error.schema_path[:-1]:
            node = node[step]
        return node  # type: ignore[no-any-return]  # a schema is open JSON

    return tuple(
        Finding(code="R146", path=finding.path, message=finding.message)
        for finding in deviations(validator, body, subschema)
    )
