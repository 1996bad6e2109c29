"""From an OverridePolicy or ClusterOverridePolicy document to its value, defaults applied (spec §1.1, §1.2).

Expects a document that the schema has accepted; says nothing about what is allowed.
"""

from __future__ import annotations

from reconciler.model.manifest import Body, Manifest
from reconciler.model.override import (
    CommandArgsOverrider,
    FieldOverrider,
    ImageOverrider,
    LabelAnnotationOverrider,
    OverridePolicy,
    Overriders,
    OverrideRule,
    PatchOperation,
)
from reconciler.selectors.decode import decode_cluster_affinity, decode_resource_selector

LEGACY_RULE = -1
"""The index of the deprecated single rule (`spec.targetCluster`, `spec.overriders`)."""


def decode_override_policy(manifest: Manifest) -> OverridePolicy:
    """The policy a manifest states. The deprecated single rule counts only where `overrideRules` is empty."""
    spec = manifest.body.get("spec") or {}
    metadata = manifest.body.get("metadata") or {}
    namespace = manifest.id.namespace
    rules = spec.get("overrideRules") or ()
    # Karmada: without `overrideRules` there is always one rule, the deprecated one, even if it says nothing.
    decoded = tuple(_rule(rule, index) for index, rule in enumerate(rules)) or (_rule(spec, LEGACY_RULE),)
    return OverridePolicy(
        name=manifest.id.name,
        namespace=namespace,
        resource_selectors=tuple(
            decode_resource_selector(selector, namespace) for selector in spec.get("resourceSelectors") or ()
        ),
        rules=decoded,
        deleting=metadata.get("deletionTimestamp") is not None,
        manifest=manifest,
    )


def decode_overriders(body: Body) -> Overriders:
    """The value of an `overriders` object."""
    return Overriders(
        image=tuple(
            ImageOverrider(
                component=item["component"],
                operator=item["operator"],
                value=item.get("value") or "",
                predicate_path=None if item.get("predicate") is None else item["predicate"].get("path") or "",
            )
            for item in body.get("imageOverrider") or ()
        ),
        command=_command_args(body.get("commandOverrider")),
        args=_command_args(body.get("argsOverrider")),
        labels=_labels(body.get("labelsOverrider")),
        annotations=_labels(body.get("annotationsOverrider")),
        field=tuple(
            FieldOverrider(
                field_path=item.get("fieldPath") or "",
                json=_operations(item.get("json"), "subPath"),
                yaml=_operations(item.get("yaml"), "subPath"),
            )
            for item in body.get("fieldOverrider") or ()
        ),
        plaintext=_operations(body.get("plaintext"), "path"),
        body=body,
    )


def _rule(body: Body, index: int) -> OverrideRule:
    target = body.get("targetCluster")
    return OverrideRule(
        target_cluster=None if target is None else decode_cluster_affinity(target),
        overriders=decode_overriders(body.get("overriders") or {}),
        index=index,
    )


def _command_args(items: list[Body] | None) -> tuple[CommandArgsOverrider, ...]:
    return tuple(
        CommandArgsOverrider(
            container_name=item["containerName"],
            operator=item["operator"],
            value=tuple(item.get("value") or ()),
        )
        for item in items or ()
    )


def _labels(items: list[Body] | None) -> tuple[LabelAnnotationOverrider, ...]:
    return tuple(
        LabelAnnotationOverrider(
            operator=item["operator"], value=tuple(sorted((item.get("value") or {}).items()))
        )
        for item in items or ()
    )


def _operations(items: list[Body] | None, path_key: str) -> tuple[PatchOperation, ...]:
    return tuple(
        PatchOperation(
            path=item.get(path_key) or "",
            operator=item["operator"],
            value=item.get("value"),
            has_value="value" in item,
        )
        for item in items or ()
    )
