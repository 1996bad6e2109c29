"""Bindings as documents: what they say, that they come back whole, and that they move only when something moved."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.manifests.emit import emit
from reconciler.manifests.load import load
from reconciler.model.binding import (
    Binding,
    Claim,
    Component,
    EvictionTask,
    ReplicaRequirements,
    RequiredBy,
    TargetCluster,
)
from reconciler.model.cluster import Condition
from reconciler.model.identity import ObjectId
from reconciler.model.policy import Placement, Suspension
from reconciler.policy.decode import decode_placement
from reconciler.render.bindings import binding_name, decode_binding, encode_binding, permanent_id, settled

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
PLACEMENT = decode_placement({"clusterAffinity": {"clusterNames": ["m1", "m2"]}})

FULL = Binding(
    resource=WEB,
    api_version="apps/v1",
    uid="0f0f",
    claim=Claim(name="p", namespace="shop"),
    managed_by="MultiClusterService",
    replicas=5,
    requirements=ReplicaRequirements(
        node_claim={"nodeSelector": {"disk": "ssd"}},
        resource_request={"cpu": "100m", "memory": "1Gi"},
        namespace="shop",
        priority_class_name="high",
    ),
    components=(
        Component(name="driver", replicas=1),
        Component(name="worker", replicas=2, requirements=ReplicaRequirements()),
    ),
    placement=PLACEMENT,
    scheduler_name="other",
    clusters=(
        TargetCluster(name="m2", replicas=3),
        TargetCluster(name="m1", replicas=2),
        TargetCluster(name="m3"),
    ),
    required_by=(RequiredBy(namespace="shop", name="owner", clusters=(TargetCluster(name="m4"),)),),
    eviction_tasks=(
        EvictionTask(
            from_cluster="m9",
            purge_mode="Gracefully",
            replicas=2,
            reason="TaintUntolerated",
            message="m",
            producer="TaintManager",
            grace_period_seconds=600,
            suppress_deletion=False,
            creation_timestamp=NOW,
            preserved_label_state={"a": "b"},
            clusters_before_failover=("m9", "m1"),
        ),
        EvictionTask(from_cluster="m8"),
    ),
    propagate_deps=True,
    conflict_resolution="Overwrite",
    preserve_resources_on_deletion=True,
    suspension=Suspension(dispatching_on_clusters=("m1",), scheduling=True),
    failover={"cluster": {"purgeMode": "Directly"}},
    schedule_priority=7,
    workload_affinity_group="a=b",
    workload_anti_affinity_group="c=d",
    reschedule_triggered_at=NOW - timedelta(hours=1),
    applied_placement=PLACEMENT,
    observed_affinity="home",
    last_scheduled_time=NOW,
    generation=4,
    observed_generation=3,
    scheduled=Condition(
        type="Scheduled", status="True", reason="Success", message="ok", last_transition_time=NOW
    ),
    source_path="apps/web.yaml",
    template_digest="abcd",
    reasons="2 of 3 clusters fit",
)
PLAIN = Binding(resource=ObjectId(group="", kind="ClusterRole", namespace="", name="a:b"), api_version="v1")


@pytest.mark.parametrize("binding", [FULL, PLAIN], ids=["full", "plain"])
def test_a_binding_comes_back_as_it_went_through_bytes_too(binding):
    assert decode_binding(encode_binding(binding)) == binding
    (document,) = load(emit(encode_binding(binding)), "b.yaml").documents
    assert decode_binding(document.body) == binding


def test_what_is_absent_stands_for_the_default():
    assert encode_binding(PLAIN) == {
        "apiVersion": "work.karmada.io/v1alpha2",
        "kind": "ClusterResourceBinding",
        "metadata": {"name": "a.b-clusterrole"},
        "spec": {
            "resource": {"apiVersion": "v1", "kind": "ClusterRole", "name": "a:b"},
            "schedulerName": "default-scheduler",
            "conflictResolution": "Abort",
        },
        "status": {},
    }


def test_names_claims_and_placement_are_where_karmada_has_them():
    body = encode_binding(FULL)
    assert body["metadata"]["name"] == binding_name(WEB) == "web-deployment"
    assert body["metadata"]["labels"] == {
        "binding.karmada.io/managed-by": "MultiClusterService",
        "propagationpolicy.karmada.io/permanent-id": permanent_id("PropagationPolicy", "shop", "p"),
    }
    assert body["metadata"]["annotations"] == {
        "policy.karmada.io/applied-placement": '{"clusterAffinity":{"clusterNames":["m1","m2"]}}',
        "propagationpolicy.karmada.io/name": "p",
        "propagationpolicy.karmada.io/namespace": "shop",
        "fleet-reconciler/source-path": "apps/web.yaml",
        "fleet-reconciler/reasons": "2 of 3 clusters fit",
        "fleet-reconciler/template-digest": "abcd",
    }
    assert "aggregatedStatus" not in body["status"]
    assert "resourceVersion" not in body["spec"]["resource"]
    assert body["status"]["schedulerObservingAffinityName"] == "home"


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "1"])
def test_an_applied_placement_that_cannot_be_read_has_not_changed(text):
    body = encode_binding(FULL)
    body["metadata"]["annotations"]["policy.karmada.io/applied-placement"] = text
    assert decode_binding(body).applied_placement == FULL.placement


def test_an_applied_placement_of_null_is_an_empty_one():
    body = encode_binding(FULL)
    body["metadata"]["annotations"]["policy.karmada.io/applied-placement"] = "null"
    assert decode_binding(body).applied_placement == Placement()


def test_a_cluster_scoped_claim_has_karmadas_other_names():
    import dataclasses

    body = encode_binding(dataclasses.replace(FULL, claim=Claim(name="all")))
    assert body["metadata"]["annotations"]["clusterpropagationpolicy.karmada.io/name"] == "all"
    assert "clusterpropagationpolicy.karmada.io/permanent-id" in body["metadata"]["labels"]
    assert decode_binding(body).claim == Claim(name="all")


def test_reasons_stay_short_whatever_a_filter_says():
    import dataclasses

    told = dataclasses.replace(
        FULL,
        claim=Claim(namespace="n" * 63, name="p" * 253),
        observed_affinity="g" * 63,
        reasons="größer ⛔" * 9000,
        scheduled=Condition(type="Scheduled", status="False", reason="NoClusterFit", message="⛔" * 9000),
        last_scheduled_time=NOW,
    )
    body = encode_binding(told)
    own = {
        key: value
        for key, value in body["metadata"]["annotations"].items()
        if key.startswith("propagationpolicy") or key == "fleet-reconciler/reasons"
    }
    # The claim, the group chosen and the reasons: the short form, as it stands in the file.
    assert (
        len(emit({"labels": body["metadata"]["labels"], "annotations": own, "status": body["status"]}))
        <= 4096
    )
    assert body["status"]["conditions"][0]["message"].endswith("⛔…")
    assert encode_binding(decode_binding(body)) == body


def committed(**changes) -> Binding:
    import dataclasses

    base = dataclasses.replace(
        FULL, reschedule_triggered_at=None, last_scheduled_time=NOW - timedelta(days=1), observed_generation=4
    )
    return dataclasses.replace(base, **changes)


def test_a_confirmed_schedule_moves_nothing():
    passed = committed(last_scheduled_time=NOW)
    assert settled(passed, committed(), is_scheduled=True) == committed()


def test_a_changed_spec_is_a_new_generation_that_was_observed_if_it_was_scheduled():
    changed = committed(clusters=(TargetCluster(name="m1", replicas=5),), last_scheduled_time=NOW)
    after = settled(changed, committed(), is_scheduled=True)
    assert (after.generation, after.observed_generation, after.last_scheduled_time) == (5, 5, NOW)
    failed = settled(committed(replicas=6), committed(), is_scheduled=False)
    assert (failed.generation, failed.observed_generation) == (5, 4)


def test_a_reschedule_moves_the_time_even_to_the_same_result():
    asked = NOW - timedelta(hours=1)
    passed = committed(last_scheduled_time=NOW, reschedule_triggered_at=asked)
    assert settled(passed, committed(), is_scheduled=True).last_scheduled_time == NOW


def test_a_new_binding_begins_at_generation_one():
    new = settled(committed(generation=0, observed_generation=0), None, is_scheduled=True)
    assert (new.generation, new.observed_generation) == (1, 1)
    unscheduled = settled(committed(generation=0, observed_generation=0), None, is_scheduled=False)
    assert (unscheduled.generation, unscheduled.observed_generation) == (1, 0)


def test_karmadas_own_documents_are_read():
    body = {
        "apiVersion": "work.karmada.io/v1alpha2",
        "kind": "ResourceBinding",
        "metadata": {
            "name": "web-deployment",
            "namespace": "shop",
            "resourceVersion": "17",
            "finalizers": ["karmada.io/binding-controller"],
            "annotations": {"clusterpropagationpolicy.karmada.io/name": "all"},
        },
        "spec": {
            "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}
        },
        "status": {
            "aggregatedStatus": [{"clusterName": "m1"}],
            "conditions": [{"type": "FullyApplied", "status": "True"}],
        },
    }
    binding = decode_binding(body)
    assert binding.resource == WEB
    assert binding.claim == Claim(name="all")
    assert binding.scheduled is None
