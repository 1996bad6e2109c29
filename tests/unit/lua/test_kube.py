"""The kube library (spec rendering-and-status §3.5)."""

import pytest

from reconciler.lua.kube import KubeError, call


def dump(value):
    """JSON as a script's table would arrive."""
    if isinstance(value, dict):
        return [[key, dump(inner)] for key, inner in value.items()]
    if isinstance(value, list):
        return [[index, dump(inner)] for index, inner in enumerate(value, start=1)]
    return value


@pytest.mark.parametrize(
    ("operands", "total"),
    [
        ((), "0"),
        (("100m", "1"), "1100m"),
        (("1Gi", "512Mi"), "1536Mi"),
        ((None, "2"), "2"),
        (("0", "1Gi", "1"), "1073741825"),
        (("1", "1Gi"), "1073741825"),
        (("0.1", "0.2"), "300m"),
    ],
)
def test_quantities_are_added_exactly_in_the_notation_of_the_first(operands, total):
    assert call("resourceAdd", operands) == total


def test_a_quantity_as_a_number():
    assert call("getResourceQuantity", ["100m"]) == 0.1
    assert call("getResourceQuantity", ["1Gi"]) == 2.0**30
    assert call("getResourceQuantity", [None]) == 0.0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("resourceAdd", ["much"]),
        ("resourceAdd", [1]),
        ("getResourceQuantity", []),
        ("getResourceQuantity", ["1", "2"]),
        ("getResourceQuantity", ["-1"]),
        ("accuratePodRequirements", ["x"]),
        ("accuratePodRequirements", [dump([1])]),
        ("accuratePodRequirements", [dump({"spec": {"containers": {"a": 1}}})]),
        ("getPodDependencies", [[]]),
        ("getPodDependencies", [[], 5]),
    ],
)
def test_calls_that_make_no_sense_raise(name, arguments):
    with pytest.raises(KubeError):
        call(name, arguments)


def test_what_a_pod_template_needs():
    template = {
        "spec": {
            "nodeSelector": {"disk": "ssd"},
            "containers": [{"name": "a", "resources": {"limits": {"cpu": "500m"}}}],
        }
    }
    assert call("accuratePodRequirements", [dump(template)]) == {
        "nodeClaim": {"nodeSelector": {"disk": "ssd"}},
        "resourceRequest": {"cpu": "500m"},
    }
    assert call("accuratePodRequirements", [dump({"spec": {"containers": []}})]) is None
    assert call("accuratePodRequirements", [[]]) is None


def test_what_a_pod_template_refers_to():
    template = dump({"spec": {"serviceAccountName": "web", "volumes": [{"name": "v", "emptyDir": {}}]}})
    reference = {"apiVersion": "v1", "kind": "ServiceAccount", "namespace": "shop", "name": "web"}
    assert call("getPodDependencies", [template, "shop"]) == [reference]
    assert call("getPodDependencies", [template, None]) == [{**reference, "namespace": "default"}]
    assert call("getPodDependencies", [dump({"spec": {"containers": []}}), "shop"]) is None
