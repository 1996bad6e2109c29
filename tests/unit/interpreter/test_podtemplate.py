import pytest

from reconciler.interpreter.podtemplate import (
    dependencies,
    is_scalar_resource,
    requirements,
    resource_requests,
)
from reconciler.interpreter.rules import InterpretationError


def container(requests=None, limits=None):
    resources = {}
    if requests:
        resources["requests"] = requests
    if limits:
        resources["limits"] = limits
    return {"name": "app", "resources": resources}


def test_requests_are_summed_over_containers():
    pod = {
        "containers": [container({"cpu": "250m", "memory": "1Gi"}), container({"cpu": 2, "memory": "512Mi"})]
    }
    assert resource_requests(pod) == {"cpu": "2250m", "memory": "1536Mi"}


def test_a_limit_stands_in_for_an_absent_request():
    pod = {"containers": [container({"cpu": "100m"}, {"cpu": "1", "memory": "1Gi"})]}
    assert resource_requests(pod) == {"cpu": "100m", "memory": "1Gi"}


def test_an_init_container_raises_the_sum_to_its_own_need_and_overhead_is_added():
    pod = {
        "containers": [container({"cpu": "1", "memory": "1Gi"})],
        "initContainers": [container({"cpu": "3"}), container({"memory": "512Mi"})],
        "overhead": {"cpu": "50m"},
    }
    assert resource_requests(pod) == {"cpu": "3050m", "memory": "1Gi"}


def test_amounts_are_rounded_up_and_printed_in_their_own_notation():
    pod = {
        "containers": [
            container({"cpu": "0.0001", "memory": "500M", "nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"})
        ]
    }
    assert resource_requests(pod) == {
        "cpu": "1m",
        "hugepages-2Mi": "4Mi",
        "memory": "500000000",
        "nvidia.com/gpu": "1",
    }


def test_nothing_above_zero_is_no_requirement():
    assert requirements({"containers": [container({"cpu": "0"})]}) is None


@pytest.mark.parametrize(
    ("name", "is_counted"),
    [
        ("nvidia.com/gpu", True),
        ("hugepages-1Gi", True),
        ("attachable-volumes-aws-ebs", True),
        ("example.kubernetes.io/thing", True),
        ("requests.nvidia.com/gpu", False),
        ("storage", False),
    ],
)
def test_only_scalar_resources_count_beside_the_well_known_ones(name, is_counted):
    assert is_scalar_resource(name) is is_counted
    expected = {name: "1"} if is_counted else {}
    assert resource_requests({"containers": [container({name: "1"})]}) == expected


@pytest.mark.parametrize("amount", ["much", True, {"a": 1}])
def test_an_amount_that_is_no_quantity_is_an_error(amount):
    with pytest.raises(InterpretationError):
        resource_requests({"containers": [container({"cpu": amount})]})


def test_the_node_claim_holds_what_binds_to_nodes():
    affinity = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]}
    pod = {
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": affinity,
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}],
            }
        },
    }
    assert requirements(pod).node_claim == {
        "hardNodeAffinity": affinity,
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
    }


def test_the_node_claim_is_what_the_api_knows_of_it():
    requirement = {"key": "zone", "operator": "In", "values": ["a"]}
    term = {"matchExpressions": [{**requirement, "x": 1}], "matchFields": [], "x": 1}
    pod = {
        "tolerations": [
            {"key": "", "operator": "Exists", "operation": "Exists", "tolerationSeconds": 0},
            None,
        ],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term], "x": 1}
            }
        },
    }
    assert requirements(pod).node_claim == {
        "hardNodeAffinity": {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]},
        "tolerations": [{"operator": "Exists", "tolerationSeconds": 0}, {}],
    }


@pytest.mark.parametrize(
    "pod",
    [
        {"tolerations": [{"key": 1}]},
        {"tolerations": ["x"]},
        {"nodeSelector": {"disk": 1}},
        {"tolerations": [{"tolerationSeconds": 1.5}]},
    ],
)
def test_a_node_claim_of_another_type_is_an_error(pod):
    with pytest.raises(InterpretationError):
        requirements(pod)


def test_an_empty_node_selector_is_an_empty_claim():
    needs = requirements({"nodeSelector": {}})
    assert needs.node_claim == {}
    assert requirements({"tolerations": []}) is None


def references(pod, own=frozenset()):
    return [(one.kind, one.name) for one in dependencies(pod, "shop", own)]


def test_every_place_that_names_a_config_map_counts_once():
    pod = {
        "initContainers": [{"envFrom": [{"configMapRef": {"name": "a"}}]}],
        "containers": [
            {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "b", "optional": True}}}]}
        ],
        "ephemeralContainers": [
            {"envFrom": [{"configMapRef": {"name": "c"}}, {"configMapRef": {"name": "a"}}]}
        ],
        "volumes": [{"configMap": {"name": "d"}}, {"projected": {"sources": [{"configMap": {"name": "e"}}]}}],
    }
    assert references(pod) == [("ConfigMap", name) for name in "abcde"]


def test_every_place_that_names_a_secret_counts_once():
    pod = {
        "imagePullSecrets": [{"name": "a"}, {"name": ""}, {}],
        "containers": [
            {
                "envFrom": [{"secretRef": {"name": "b"}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "c"}}}],
            }
        ],
        "volumes": [
            {"secret": {"secretName": "d"}},
            {"projected": {"sources": [{"secret": {"name": "e"}}, {"serviceAccountToken": {}}]}},
            {"azureFile": {"secretName": "f"}},
            {"csi": {"nodePublishSecretRef": {"name": "g"}}},
            *(
                {kind: {"secretRef": {"name": f"h-{kind.lower()}"}}}
                for kind in ("cephfs", "cinder", "flexVolume")
            ),
            *(
                {kind: {"secretRef": {"name": f"h-{kind.lower()}"}}}
                for kind in ("rbd", "scaleIO", "iscsi", "storageos")
            ),
        ],
    }
    volumes = [
        f"h-{kind}" for kind in ("cephfs", "cinder", "flexvolume", "iscsi", "rbd", "scaleio", "storageos")
    ]
    assert references(pod) == [("Secret", name) for name in [*"abcdefg", *volumes]]


def test_the_default_account_and_the_deprecated_field_name_nothing():
    assert references({"serviceAccountName": "runner"}) == [("ServiceAccount", "runner")]
    assert references({"serviceAccountName": "default", "serviceAccount": "runner"}) == []


def test_claims_of_the_workload_itself_are_left_out():
    pod = {"volumes": [{"persistentVolumeClaim": {"claimName": name}} for name in ("data", "shared")]}
    assert references(pod, frozenset({"data"})) == [("PersistentVolumeClaim", "shared")]


def test_references_are_sorted_and_in_the_namespace_of_the_object():
    pod = {
        "serviceAccountName": "s",
        "volumes": [{"secret": {"secretName": "b"}}, {"configMap": {"name": "c"}}],
    }
    found = dependencies(pod, "shop")
    assert [one.id for one in found] == sorted(one.id for one in found)
    assert {one.namespace for one in found} == {"shop"}
