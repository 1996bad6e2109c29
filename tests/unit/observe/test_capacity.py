"""Capacity of a cluster from its nodes and pods (spec scheduling §1.3, §1.4)."""

from reconciler.model.cluster import ResourceModel, ResourceRange
from reconciler.model.quantity import parse_quantity as q
from reconciler.observe.capacity import node_summary, pod_request, resource_summary


def node(name, cpu="4", memory="8Gi", pods="10", ready="True"):
    return {
        "metadata": {"name": name},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def pod(cpu="500m", node_name="", phase="Running", init_cpu=None, overhead=None, limit=None):
    resources = {"requests": {"cpu": cpu}} if cpu else {"limits": {"cpu": limit}}
    spec = {"containers": [{"name": "c", "resources": resources}]}
    if node_name:
        spec["nodeName"] = node_name
    if init_cpu:
        spec["initContainers"] = [{"name": "i", "resources": {"requests": {"cpu": init_cpu}}}]
    if overhead:
        spec["overhead"] = {"cpu": overhead}
    return {"spec": spec, "status": {"phase": phase}}


def models(*floors):
    bounds = [*floors, "1000"]
    return tuple(
        ResourceModel(grade=i, ranges=(ResourceRange(name="cpu", min=q(bounds[i]), max=q(bounds[i + 1])),))
        for i in range(len(floors))
    )


def test_nodes_are_counted_and_their_readiness():
    assert node_summary([node("a"), node("b", ready="False"), node("c", ready="Unknown")]) == node_summary(
        [node("x"), node("y", ready="False"), node("z", ready="False")]
    )
    summary = node_summary([node("a"), node("b", ready="False")])
    assert (summary.total, summary.ready) == (2, 1)


def test_requests_are_summed_over_containers_then_raised_by_init_containers_then_overhead_is_added():
    assert pod_request(pod("500m", init_cpu="2", overhead="250m"))["cpu"].milli_value == 2250
    assert pod_request(pod("500m", init_cpu="100m"))["cpu"].milli_value == 500


def test_a_limit_is_no_request_here():
    assert pod_request(pod(None, limit="2")) == {}


def test_pods_with_a_node_are_allocated_and_pods_without_are_allocating_and_finished_ones_neither():
    summary = resource_summary(
        [node("a"), node("b")],
        [pod(node_name="a"), pod(node_name="b", phase="Succeeded"), pod(), pod(phase="Failed")],
        (),
    )
    assert str(summary.allocatable["cpu"]) == "8"
    assert str(summary.allocatable["memory"]) == "16Gi"
    assert (str(summary.allocated["cpu"]), str(summary.allocated["pods"])) == ("500m", "1")
    assert (str(summary.allocating["cpu"]), str(summary.allocating["pods"])) == ("500m", "1")
    assert summary.modelings == ()


def test_a_node_counts_in_the_grade_of_its_free_capacity():
    summary = resource_summary(
        [node("a"), node("b")], [pod("2500m", node_name="a")], models("0", "1", "2", "4")
    )
    # a has 1.5 cpu free: grade 1; b has 4: grade 3.
    assert summary.modelings == ((0, 0), (1, 1), (2, 0), (3, 1))


def test_a_full_node_is_skipped_and_the_nodes_after_it_still_count():
    summary = resource_summary(
        [node("a", pods="1"), node("b")], [pod("100m", node_name="a")], models("0", "1")
    )
    assert summary.modelings == ((0, 0), (1, 1))


def test_malformed_objects_are_passed_over():
    summary = resource_summary(
        [{"status": {"allocatable": {"cpu": "many"}}}, {}, node("a")],
        [{"spec": None}, {"spec": {"containers": [7]}}],
        (),
    )
    assert str(summary.allocatable["cpu"]) == "4"
    assert str(summary.allocating["pods"]) == "2"
