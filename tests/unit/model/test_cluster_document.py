"""A Cluster document becomes a value as Karmada's admission would have stored it."""

from datetime import UTC, datetime

import pytest

from reconciler.model.cluster import ApiResources, ClusterStatus, DeliveryMode, NodeSummary, ResourceSummary
from reconciler.model.cluster_document import (
    decode_cluster,
    decode_cluster_status,
    default_resource_models,
    encode_cluster_status,
)

STATUS = {
    "kubernetesVersion": "v1.34.0",
    "apiEnablements": [
        {"groupVersion": "apps/v1", "resources": [{"name": "deployments", "kind": "Deployment"}]},
        {"groupVersion": "v1", "resources": [{"name": "pods", "kind": "Pod"}]},
    ],
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "ClusterReady",
            "message": "healthz responded with ok",
            "lastTransitionTime": "2025-03-01T08:00:00Z",
        }
    ],
    "nodeSummary": {"totalNum": 3, "readyNum": 0},
    "resourceSummary": {
        "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"},
        "allocated": {"cpu": "1500m"},
        "allocatableModelings": [{"grade": 0, "count": 0}, {"grade": 1, "count": 2}],
    },
}


def cluster(**spec):
    return {"metadata": {"name": "m1"}, "spec": {"syncMode": "Pull", **spec}}


def test_the_deprecated_zone_becomes_zones():
    assert decode_cluster(cluster(zone="a")).zones == ("a",)
    assert decode_cluster(cluster(zone="a", zones=["b", "c"])).zones == ("b", "c")
    # What an API server holds has been through admission: a `zone` that is left there counts for nothing, as in Karmada.
    assert decode_cluster(cluster(zone="a"), stored=True).zones == ()


def test_a_file_without_resource_models_gets_nine_grades():
    models = decode_cluster(cluster()).resource_models
    assert [model.grade for model in models] == list(range(9))
    assert [str(model.ranges[0].min) for model in models] == [
        "0",
        "1",
        "2",
        "4",
        "8",
        "16",
        "32",
        "64",
        "128",
    ]
    assert [str(model.ranges[1].max) for model in models[:-1]] == [
        "4Gi", "16Gi", "32Gi", "64Gi", "128Gi", "256Gi", "512Gi", "1Ti",
    ]  # fmt: skip
    assert all(r.max.value == 2**63 - 1 for r in models[-1].ranges)
    assert models == default_resource_models()


def test_an_empty_list_of_models_turns_modelling_off():
    assert decode_cluster(cluster(resourceModels=[])).resource_models == ()


def test_stored_clusters_get_no_default_models():
    assert decode_cluster(cluster(), stored=True).resource_models == ()


def test_models_are_sorted_and_their_ends_opened():
    models = decode_cluster(
        cluster(
            resourceModels=[
                {"grade": 2, "ranges": [{"name": "cpu", "min": "1", "max": "2"}]},
                {"grade": 1, "ranges": [{"name": "cpu", "min": "500m", "max": "1"}]},
            ]
        )
    ).resource_models
    assert [model.grade for model in models] == [1, 2]
    assert models[0].ranges[0].min.amount == 0
    assert models[0].ranges[0].max.amount == 1
    assert models[1].ranges[0].max.value == 2**63 - 1


def test_taints_keep_the_time_they_were_added():
    (taint,) = decode_cluster(
        cluster(
            taints=[
                {"key": "gpu", "value": "x", "effect": "NoExecute", "timeAdded": "2025-03-01T09:00:00+01:00"}
            ]
        )
    ).taints
    assert taint.time_added == datetime(2025, 3, 1, 8, tzinfo=UTC)
    assert str(taint) == "gpu=x:NoExecute"


def test_the_mode_and_the_secret_are_read():
    value = decode_cluster(cluster(secretRef={"namespace": "ns", "name": "m1"}))
    assert value.sync_mode is DeliveryMode.PULL
    assert value.secret_ref is not None
    assert (value.secret_ref.namespace, value.secret_ref.name) == ("ns", "m1")


def test_a_status_comes_back_as_it_went():
    status = decode_cluster_status(STATUS)
    assert encode_cluster_status(status) == STATUS
    assert decode_cluster_status(encode_cluster_status(status)) == status


def test_a_quantity_of_null_is_none_of_it():
    summary = decode_cluster_status({"resourceSummary": {"allocatable": {"cpu": None}}}).resource_summary
    assert summary is not None
    assert summary.allocatable["cpu"].amount == 0


def test_no_summary_and_an_empty_summary_differ():
    assert decode_cluster_status({}).resource_summary is None
    empty = ClusterStatus(resource_summary=ResourceSummary(), node_summary=NodeSummary())
    assert decode_cluster_status(encode_cluster_status(empty)) == empty


def test_sub_resources_are_skipped_and_both_levels_sorted():
    status = decode_cluster_status(
        {
            "apiEnablements": [
                {
                    "groupVersion": "v1",
                    "resources": [
                        {"name": "services", "kind": "Service"},
                        {"name": "pods/eviction", "kind": "Eviction"},
                        {"name": "pods", "kind": "Pod"},
                    ],
                },
                {"groupVersion": "apps/v1", "resources": []},
            ]
        }
    )
    assert [api.group_version for api in status.api_enablements] == ["apps/v1", "v1"]
    assert status.api_enablements[1].resources == (("pods", "Pod"), ("services", "Service"))
    assert status.api_enablements[1].kinds == {"Pod", "Service"}


def test_kinds_without_a_resource_name_survive_the_round_trip():
    status = ClusterStatus(api_enablements=(ApiResources(group_version="v1", kinds=frozenset({"Pod"})),))
    assert decode_cluster_status(encode_cluster_status(status)).api_enablements[0].kinds == {"Pod"}


def test_a_malformed_quantity_is_a_value_error():
    with pytest.raises(ValueError, match="not a quantity"):
        decode_cluster_status({"resourceSummary": {"allocatable": {"cpu": "lots"}}})
