"""Capacity: what is free, by summary or by grades of nodes, and what is left after placing."""

import dataclasses

import pytest

from reconciler.model.binding import ReplicaRequirements
from reconciler.scheduler.replicas.estimate import UNKNOWN, Capacity
from tests.unit.scheduler.build import cluster

MODELS = [
    {
        "grade": 0,
        "ranges": [{"name": "cpu", "min": "0", "max": "2"}, {"name": "memory", "min": "0", "max": "4Gi"}],
    },
    {
        "grade": 1,
        "ranges": [{"name": "cpu", "min": "2", "max": "4"}, {"name": "memory", "min": "4Gi", "max": "16Gi"}],
    },
    {
        "grade": 2,
        "ranges": [{"name": "cpu", "min": "4", "max": "9"}, {"name": "memory", "min": "16Gi", "max": "32Gi"}],
    },
]


def needs(**request: str) -> ReplicaRequirements:
    return ReplicaRequirements(
        resource_request={name.replace("_", "/"): text for name, text in request.items()}
    )


def summary(**amounts: dict[str, str]) -> dict:
    return {
        name: {key.replace("_", "/"): text for key, text in given.items()} for name, given in amounts.items()
    }


def one(given, requirements) -> int:
    return Capacity([given]).available(requirements)[0]


FREE = cluster(
    "m1",
    summary=summary(
        allocatable={"cpu": "10", "memory": "32Gi", "pods": "50", "nvidia.com_gpu": "4"},
        allocated={"cpu": "2500m", "memory": "8Gi", "pods": "10", "nvidia.com_gpu": "1"},
        allocating={"cpu": "500m", "pods": "2"},
    ),
)


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        (None, 38),
        (needs(), 38),
        (needs(cpu="1"), 7),
        (needs(cpu="300m"), 23),
        (needs(cpu="100m", memory="5Gi"), 4),
        (needs(cpu="0"), 38),
        (needs(nvidia_com="1"), 0),
        (ReplicaRequirements(resource_request={"nvidia.com/gpu": "2"}), 1),
        (ReplicaRequirements(resource_request={"nvidia.com/gpu": "4"}), 0),
    ],
)
def test_the_scarcest_resource_decides(requirements, expected):
    assert one(FREE, requirements) == expected


def test_a_cluster_without_a_summary_or_without_free_pods_takes_nothing():
    assert one(cluster("m1", summary=None), None) == 0
    full = summary(allocatable={"pods": "5", "cpu": "9"}, allocated={"pods": "7"})
    assert one(cluster("m1", summary=full), needs(cpu="1")) == 0


def modelled(*counts: int, pods: str = "300", models=MODELS):
    listed = [{"grade": grade, "count": count} for grade, count in enumerate(counts)]
    given = {"allocatable": {"pods": pods, "cpu": "1", "memory": "1"}, "allocatableModelings": listed}
    return cluster("m1", summary=given, resourceModels=models)


def test_grades_of_nodes_stand_for_what_they_have_at_least():
    # 3 nodes of 2 cpu, 2 of 4 cpu; those of the first grade count for nothing. The summary's cpu is not asked.
    assert one(modelled(9, 3, 2), needs(cpu="1")) == 3 * 2 + 2 * 4
    assert one(modelled(9, 3, 2), needs(cpu="1500m", memory="6Gi")) == 2 * 2
    assert one(modelled(9, 3, 2, pods="5"), needs(cpu="1")) == 5


def test_a_node_takes_at_most_110_pods_and_lacks_what_no_model_names():
    assert one(modelled(0, 1, 1, pods="1000"), needs(cpu="1m")) == 220
    assert one(modelled(0, 1, 1), needs(nvidia_com="1")) == 0
    assert one(modelled(0, 1, 1), needs(example="1")) == 220


def test_models_count_only_with_counts_and_without_negative_ones():
    assert one(modelled(0, 1, 1, models=[]), needs(cpu="100m")) == 10
    assert one(modelled(0, -1, 1), needs(cpu="100m")) == 10
    assert Capacity([modelled(0, 1, 1)], modelling=False).available(needs(cpu="100m"))[0] == 10


def graded(models: list, *counts: tuple[int, int], pods: str = "1000"):
    reported = [{"grade": grade, "count": count} for grade, count in counts]
    return cluster(
        "m1",
        resourceModels=models,
        summary={"allocatable": {"pods": pods}, "allocatableModelings": reported},
    )


def test_a_request_for_pods_says_nothing_of_nodes():
    # Two nodes of 2 cpu, one replica a cpu: what "pods" asks for is a pod, which each replica is anyway.
    assert one(graded(MODELS, (1, 2)), needs(cpu="1", pods="4")) == 4


def test_a_grade_that_is_reported_twice_counts_twice_and_one_defined_twice_is_the_last():
    assert one(graded(MODELS, (1, 2), (1, 3)), needs(cpu="1")) == 10
    larger = {"grade": 1, "ranges": [{"name": "cpu", "min": "3", "max": "4"}]}
    assert one(graded([*MODELS, larger], (1, 2)), needs(cpu="1")) == 6


def test_a_range_below_nothing_is_no_room():
    below = [{"grade": 0, "ranges": [{"name": "cpu", "min": "-5", "max": "1"}]}]
    assert one(graded(below, (0, 2)), needs(cpu="1")) == 0


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("example.com/foo", 0),
        ("x.kubernetes.io/foo", 0),
        ("requests.kubernetes.io/foo", 0),
        ("hugepages-2Mi", 0),
        ("attachable-volumes-aws-ebs", 0),
        ("requests.nvidia.com/gpu", 110),
        ("a/b/c", 110),
        ("Example.com/foo", 110),
        ("storage", 110),
    ],
)
def test_grades_are_asked_about_extended_and_native_resources_alone(name, fitting):
    # No model names any of them: a resource that nodes are asked about is missing, another is not looked at.
    assert one(graded(MODELS, (1, 1)), ReplicaRequirements(resource_request={name: "1"})) == fitting


def test_of_an_assumed_cluster_nothing_is_known():
    assumed = dataclasses.replace(FREE, assumed=True)
    capacity = Capacity([assumed])
    assert capacity.available(needs(cpu="1"))[0] == UNKNOWN
    capacity.place(needs(cpu="1"), {0: 5})
    assert capacity.available(needs(cpu="1"))[0] == UNKNOWN


def test_what_is_placed_is_gone_for_every_request():
    capacity = Capacity([FREE, FREE])
    assert list(capacity.available(needs(cpu="1"))) == [7, 7]
    capacity.place(needs(cpu="2", memory="1Gi"), {0: 3})
    assert list(capacity.available(needs(cpu="1"))) == [1, 7]
    assert list(capacity.available(needs(memory="1Gi"))) == [21, 24]
    assert list(capacity.available(None)) == [35, 38]
    capacity.place(needs(cpu="2"), {0: 9})
    assert list(capacity.available(needs(cpu="1"))) == [0, 7]


def test_nodes_are_filled_one_after_the_other():
    capacity = Capacity([modelled(0, 2, 2)])
    big = needs(cpu="3")
    assert capacity.available(big)[0] == 2
    # Three replicas of 1 cpu fill the first small node and half of the second: the large ones stay whole.
    capacity.place(needs(cpu="1"), {0: 3})
    assert capacity.available(big)[0] == 2
    assert capacity.available(needs(cpu="1"))[0] == 1 + 8
    assert capacity.available(needs(cpu="2"))[0] == 0 + 4
    # Two more: the rest of the second node, then one cpu of a large one, which still takes a replica of 3.
    capacity.place(needs(cpu="1"), {0: 2})
    assert capacity.available(big)[0] == 2
    assert capacity.available(needs(cpu="4"))[0] == 1


def test_more_than_fits_takes_what_there_is():
    capacity = Capacity([modelled(0, 1, 0)])
    capacity.place(needs(cpu="1"), {0: 50})
    assert capacity.available(needs(cpu="1"))[0] == 0
