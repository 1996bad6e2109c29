"""Parity of overrides, per-cluster objects and native interpreters with Karmada's recorded answers.

Each check takes one recorded case and says whether we agree; a difference on purpose is matched by a named rule, whose
row is in `docs/karmada-compatibility.md`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reconciler.interpreter.registry import NATIVE
from reconciler.interpreter.rules import InterpretationError
from reconciler.manifests.load import load
from reconciler.model.binding import Binding, Component, ReplicaRequirements, RequiredBy, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId, hash_name, id_of_body, metadata_of
from reconciler.model.manifest import Body, Manifest, Origin
from reconciler.model.marks import CONFLICT_RESOLUTION, PRUNE
from reconciler.model.observation import Health
from reconciler.model.override import OverridePolicy
from reconciler.model.policy import Placement, ReplicaScheduling
from reconciler.model.selector import ObjectReference
from reconciler.overrides.apply import Overridden, apply_overrides
from reconciler.overrides.decode import decode_override_policy
from reconciler.overrides.outcome import OverrideError
from reconciler.overrides.prepare import prepare
from reconciler.render.works import Tools, Work, works_for
from tests.parity.cases import Outcome, expected_of

_NOW = datetime(2031, 1, 1, tzinfo=UTC)
_NOW_TEXT = "2031-01-01T00:00:00Z"


def check_override(case: dict[str, Any]) -> Outcome:
    """One object on one cluster: the object, the record in true order, or an error."""
    given = case["input"]
    cluster_policies = _policies(given.get("clusterOverridePolicies"))
    policies = _policies(given.get("overridePolicies"))
    cluster = _cluster(given["cluster"])
    result: Overridden | OverrideError
    try:
        result = apply_overrides(given["object"], cluster, cluster_policies, policies)
    except OverrideError as error:
        result = error
    prepared = prepare((*cluster_policies, *policies), [cluster]).apply(given["object"], [cluster.name])
    if len(prepared) != 1 or not _same_result(prepared[0][0], result):
        return Outcome(agrees=False, detail="the prepared policies give another result than the plain ones")
    outcomes = [_override_outcome(result, expected) for expected in expected_of(case)]
    return next((outcome for outcome in outcomes if outcome.agrees or outcome.rule), outcomes[0])


def _override_outcome(result: Overridden | OverrideError, expected: Any) -> Outcome:
    if isinstance(result, OverrideError) or expected.get("error"):
        if isinstance(result, OverrideError) and expected.get("error"):
            return Outcome(agrees=True)
        return Outcome(
            agrees=False, rule=_refused_argument(result), detail=f"{expected.get('error')} / {result}"[:400]
        )
    record = ([], [])
    for entry in result.applied:
        record[bool(entry.policy.namespace)].append(entry.policy.name)
    wanted = (expected.get("appliedClusterOverrides") or [], expected.get("appliedOverrides") or [])
    if record != wanted:
        return Outcome(agrees=False, detail=f"applied {record}, expected {wanted}")
    place = difference(result.body, expected["object"])
    return Outcome(agrees=not place, detail=place)


def _refused_argument(result: Overridden | OverrideError) -> str:
    """We refuse what Karmada would turn into Go's notation: an item of `command` or `args` that is no string."""
    if isinstance(result, OverrideError) and "holds an item that is not a string" in str(result):
        return "argument-not-a-string"
    return ""


def check_ensure_work(case: dict[str, Any]) -> Outcome:
    """The whole rendering for all target clusters, with Karmada's bookkeeping added to ours (spec §2.3)."""
    given = case["input"]
    clusters = [_cluster(one) for one in given["clusters"]]
    policies = _policies(given.get("clusterOverridePolicies")) + _policies(given.get("overridePolicies"))
    binding = _binding(given["binding"])
    template = _manifest(given["object"])
    # The template came from an API server: nothing is left to default.
    tools = Tools(overrides=prepare(policies, clusters), interpreters=NATIVE, defaulted=lambda body: body)
    known = {cluster.name for cluster in clusters}
    targets = [name for name in binding.target_names if name in known]
    works = works_for(template, binding, targets, tools)
    failed = len(targets) < len(binding.target_names) or any(work.body is None for work in works)
    made = {
        name: _as_karmada_work(name, work, template, given["binding"])
        for work in works
        if work.body is not None
        for name in work.clusters
    }
    details = [_works_difference(made, failed, expected) for expected in expected_of(case)]
    return Outcome(agrees=not all(details), detail=details[0])


def _works_difference(made: dict[str, Any], failed: bool, expected: dict[str, Any]) -> str:
    if bool(expected.get("error")) != failed:
        return f"error {expected.get('error')!r}, ours: {failed}"
    wanted = {work["namespace"].removeprefix("karmada-es-"): work for work in expected.get("works") or []}
    if made.keys() != wanted.keys():
        return f"clusters {sorted(made)}, expected {sorted(wanted)}"
    for name in sorted(wanted):
        place = difference(made[name], _with_parsed_records(wanted[name]))
        if place:
            return f"{name}: {place}"
    return ""


def _as_karmada_work(name: str, work: Work, template: Manifest, binding: Body) -> dict[str, Any]:
    """Our result as the Work that Karmada makes: the bookkeeping that we leave out, added by the rules of §2.3 and §2.5."""
    assert work.body is not None
    spec, metadata = binding["spec"], binding["metadata"]
    permanent = "resourcebinding.karmada.io/permanent-id"
    owner = {
        "resourcebinding.karmada.io/name": metadata["name"],
        "resourcebinding.karmada.io/namespace": metadata["namespace"],
    }
    manifest_metadata = dict(work.body["metadata"])
    annotations = dict(manifest_metadata.get("annotations") or {})
    preserve = annotations.pop(PRUNE, None) == "disabled"
    resolution = annotations.get(CONFLICT_RESOLUTION)
    resolution = resolution if resolution in ("overwrite", "abort") else "abort"
    work_name = _work_name(work.body)
    labels = {
        **(manifest_metadata.get("labels") or {}),
        "karmada.io/managed": "true",
        permanent: metadata["labels"][permanent],
    }
    annotations |= {
        **owner,
        CONFLICT_RESOLUTION: resolution,
        "resourcetemplate.karmada.io/uid": str(template.body["metadata"].get("uid") or ""),
        "work.karmada.io/name": work_name,
        "work.karmada.io/namespace": f"karmada-es-{name}",
    }
    generation = template.body["metadata"].get("generation") or 0
    if generation > 0:
        annotations["resourcetemplate.karmada.io/generation"] = str(generation)
    managed = "resourcetemplate.karmada.io/managed"
    listed = {*annotations, f"{managed}-annotations", f"{managed}-labels"}
    annotations[f"{managed}-annotations"] = ",".join(sorted(listed))
    annotations[f"{managed}-labels"] = ",".join(sorted(labels))
    manifest = {**work.body, "metadata": {**manifest_metadata, "labels": labels, "annotations": annotations}}
    records = {
        f"policy.karmada.io/{key}": sorted(
            (
                {"policyName": entry.policy.name, "overriders": _typed_overriders(entry.rule.overriders.body)}
                for entry in work.applied
                if bool(entry.policy.namespace) is namespaced
            ),
            key=lambda record: record["policyName"],
        )
        for key, namespaced in (("applied-cluster-overrides", False), ("applied-overrides", True))
    }
    suspension = spec.get("suspension") or {}
    on_clusters = (suspension.get("dispatchingOnClusters") or {}).get("clusterNames") or []
    return {
        "namespace": f"karmada-es-{name}",
        "name": work_name,
        "labels": {permanent: metadata["labels"][permanent]},
        "annotations": {
            **owner,
            CONFLICT_RESOLUTION: resolution,
            **{key: record for key, record in records.items() if record},
        },
        "finalizers": ["karmada.io/execution-controller"],
        "suspendDispatching": bool(suspension.get("dispatching")) or name in on_clusters,
        "preserveResourcesOnDeletion": preserve,
        "manifest": manifest,
    }


def _work_name(body: Body) -> str:
    name = body["metadata"]["name"].replace(":", ".")
    namespace = body["metadata"].get("namespace")
    key = f"{namespace}-{name}-{body['kind']}" if namespace else f"{name}-{body['kind']}"
    return f"{name.lower()}-{hash_name(key.lower())}"


def _typed_overriders(body: Body) -> Body:
    """As Karmada's types write it again: empty fields are gone."""
    return {key: [_typed_item(item) for item in items] for key, items in body.items() if items}


def _typed_item(item: Body) -> Body:
    operations = {key: [_typed_item(one) for one in item[key]] for key in ("json", "yaml") if item.get(key)}
    return {k: v for k, v in {**item, **operations}.items() if v is not None and v not in ("", [], {})}


def _with_parsed_records(work: dict[str, Any]) -> dict[str, Any]:
    annotations = {
        key: [
            {**record, "overriders": _typed_overriders(record["overriders"])} for record in json.loads(value)
        ]
        if key.startswith("policy.karmada.io/applied-")
        else value
        for key, value in work["annotations"].items()
    }
    return {**work, "annotations": annotations}


def check_native_interpreter(case: dict[str, Any]) -> Outcome:
    """One operation on one object."""
    given = case["input"]
    try:
        result, failed = _interpreted(given), ""
    except InterpretationError as error:
        result, failed = None, str(error)
    outcomes = [_native_outcome(given, result, failed, expected) for expected in expected_of(case)]
    return next((outcome for outcome in outcomes if outcome.agrees or outcome.rule), outcomes[0])


def _native_outcome(given: dict[str, Any], result: Any, failed: str, expected: dict[str, Any]) -> Outcome:
    if failed or "error" in expected:
        if failed and "error" in expected:
            return Outcome(agrees=True)
        rule = _unlabelled_generation(given, failed)
        return Outcome(agrees=False, rule=rule, detail=f"{expected.get('error')} / {failed or result}"[:400])
    wanted = expected["result"]
    place = difference(_compared(given, result), _compared(given, wanted))
    if not place:
        return Outcome(agrees=True)
    return Outcome(agrees=False, rule=_account_rule(given, result, wanted), detail=place)


def _unlabelled_generation(given: dict[str, Any], failed: str) -> str:
    """Templates in Git have no generation: a live object without Karmada's annotation still has its status collected."""
    annotations = metadata_of(given.get("object", {})).get("annotations") or {}
    absent = "resourcetemplate.karmada.io/generation" not in annotations
    return (
        "status-without-template-generation"
        if given["operation"] == "reflectStatus" and absent and not failed
        else ""
    )


def _account_rule(given: dict[str, Any], result: Any, wanted: Any) -> str:
    """ServiceAccounts: we prune every token where Karmada misses neighbours, and write no null lists."""
    if given["operation"] == "prune" and given["object"].get("kind") == "ServiceAccount":
        missed = {**result, "secrets": _karmada_scan(given["object"])}
        return "service-account-adjacent-tokens" if missed == wanted else ""
    if given["operation"] == "retain" and given["desired"].get("kind") == "ServiceAccount":
        nulls = {key: None for key in ("secrets", "imagePullSecrets") if not result.get(key)}
        return "service-account-null-lists" if {**result, **nulls} == wanted else ""
    return ""


def _karmada_scan(account: Body) -> list[Any]:
    secrets, prefix, index = list(account["secrets"]), f"{account['metadata']['name']}-token-", 0
    while index < len(secrets):
        if secrets[index]["name"].startswith(prefix):
            del secrets[index]
        index += 1
    return secrets


def _interpreted(given: dict[str, Any]) -> Any:
    body = given.get("object")
    match given["operation"]:
        case "health":
            return NATIVE.health(body) is Health.HEALTHY
        case "reflectStatus":
            return NATIVE.reflect(body)
        case "aggregateStatus" if given["items"] is None and body["kind"] == "Pod":
            return body  # Karmada: no list of items is not an empty one; our lists are never absent.
        case "aggregateStatus":
            return NATIVE.aggregate(body, given["items"] or (), _NOW)
        case "replicas":
            count, needs = NATIVE.replicas(body)
            return {"replicas": count, "requirements": _requirements(needs)}
        case "dependencies":
            return [_reference(one) for one in NATIVE.dependencies(body)]
        case "retain":
            return NATIVE.retain(given["desired"], given["observed"])
        case "prune":
            return NATIVE.prune(body)
        case "reviseReplica":
            return NATIVE.revise(body, given["replicas"])
        case other:
            raise ValueError(f"unknown operation {other}")


def _compared(given: dict[str, Any], result: Any) -> Any:
    """The part of a result that the operation is about; the reference re-encodes the rest."""
    match given["operation"]:
        case "aggregateStatus":
            return _without_nulls((result or {}).get("status") or {})
        case "dependencies":
            return sorted(result or [], key=lambda one: (one["kind"], one.get("name") or ""))
        case "retain" if given["desired"]["kind"] == "Pod":
            spec = result["spec"]
            return {
                **{field: spec.get(field) or None for field in ("nodeName", "serviceAccountName", "volumes")},
                **{
                    field: [[one.get("name") or "", one.get("volumeMounts")] for one in spec.get(field) or []]
                    for field in ("containers", "initContainers")
                },
            }
        case _:
            return result


def _without_nulls(value: Any) -> Any:
    # What the API's types write for an absent time or list; and the moment of the merge.
    match value:
        case dict():
            return {key: _without_nulls(item) for key, item in value.items() if item is not None}
        case list():
            return [_without_nulls(item) for item in value]
        case _:
            return "<now>" if value == _NOW_TEXT else value


def difference(ours: Any, theirs: Any, path: str = "") -> str:
    """The first place where two JSON values differ, or empty. Text that holds JSON or YAML may be laid out differently."""
    match ours, theirs:
        case dict(), dict():
            for key in sorted({*ours, *theirs}):
                if key not in ours or key not in theirs:
                    return f"{path}.{key} only in {'ours' if key in ours else 'theirs'}"
                if found := difference(ours[key], theirs[key], f"{path}.{key}"):
                    return found
            return ""
        case list(), list() if len(ours) == len(theirs):
            found = (
                difference(one, other, f"{path}[{i}]")
                for i, (one, other) in enumerate(zip(ours, theirs, strict=True))
            )
            return next((place for place in found if place), "")
        case str(), str() if ours != theirs and _embedded(ours) == _embedded(theirs) is not None:
            return ""
        case int() | float(), int() | float() if isinstance(ours, bool) is isinstance(theirs, bool):
            return "" if ours == theirs else f"{path}: {ours!r}, expected {theirs!r}"
        case _:
            return (
                ""
                if ours == theirs and type(ours) is type(theirs)
                else f"{path}: {ours!r}, expected {theirs!r}"[:600]
            )


def _embedded(text: str) -> Any:
    """The list or object that a text states as JSON or YAML, or None."""
    wrapped = "value:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    try:
        value = json.loads(text)
    except ValueError:
        documents = load(wrapped.encode(), "embedded.yaml").documents
        value = documents[0].body.get("value") if documents else None
    return value if isinstance(value, dict | list) else None


def _same_result(one: Overridden | OverrideError, other: Overridden | OverrideError) -> bool:
    if isinstance(one, OverrideError) or isinstance(other, OverrideError):
        return isinstance(one, OverrideError) and isinstance(other, OverrideError) and str(one) == str(other)
    return one == other


def _policies(bodies: list[Body] | None) -> tuple[OverridePolicy, ...]:
    return tuple(decode_override_policy(_manifest(body)) for body in bodies or ())


def _manifest(body: Body) -> Manifest:
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path="recorded.json"))


def _cluster(body: Body) -> Cluster:
    spec = body.get("spec") or {}
    return Cluster(
        name=body["metadata"]["name"],
        labels=body["metadata"].get("labels") or {},
        provider=spec.get("provider") or "",
        region=spec.get("region") or "",
        zones=tuple(spec.get("zones") or ()),
    )


def _binding(body: Body) -> Binding:
    spec = body["spec"]
    resource = spec["resource"]
    placement = spec.get("placement")
    scheduling = (placement or {}).get("replicaScheduling")
    return Binding(
        resource=ObjectId(
            group=resource["apiVersion"].rpartition("/")[0],
            kind=resource["kind"],
            namespace=resource.get("namespace") or "",
            name=resource["name"],
        ),
        api_version=resource["apiVersion"],
        uid=resource.get("uid") or "",
        replicas=spec.get("replicas") or 0,
        requirements=None if spec.get("replicaRequirements") is None else ReplicaRequirements(),
        components=tuple(
            Component(name=one["name"], replicas=one["replicas"]) for one in spec.get("components") or ()
        ),
        placement=None if placement is None else Placement(replica_scheduling=_scheduling(scheduling)),
        clusters=_targets(spec.get("clusters")),
        required_by=tuple(
            RequiredBy(namespace=one["namespace"], name=one["name"], clusters=_targets(one.get("clusters")))
            for one in spec.get("requiredBy") or ()
        ),
        conflict_resolution=spec.get("conflictResolution") or "Abort",
        preserve_resources_on_deletion=bool(spec.get("preserveResourcesOnDeletion")),
    )


def _scheduling(body: Body | None) -> ReplicaScheduling | None:
    return None if body is None else ReplicaScheduling(type=body.get("replicaSchedulingType") or "")


def _targets(items: list[Body] | None) -> tuple[TargetCluster, ...]:
    return tuple(TargetCluster(name=one["name"], replicas=one.get("replicas") or 0) for one in items or ())


def _requirements(needs: ReplicaRequirements | None) -> Body | None:
    if needs is None:
        return None
    body: Body = {} if needs.node_claim is None else {"nodeClaim": needs.node_claim}
    return {**body, "resourceRequest": dict(needs.resource_request)} if needs.resource_request else body


def _reference(reference: ObjectReference) -> Body:
    body = {"apiVersion": reference.api_version, "kind": reference.kind}
    named = {"namespace": reference.namespace, "name": reference.name}
    body |= {key: value for key, value in named.items() if value}
    if reference.label_selector is not None:
        return {**body, "labelSelector": {"matchLabels": dict(reference.label_selector.match_labels)}}
    return body


CHECKS: dict[str, Callable[[dict[str, Any]], Outcome]] = {
    "override": check_override,
    "ensure-work": check_ensure_work,
    "native-interpreter": check_native_interpreter,
}
