"""What is applied before what, and deleted before what."""

import random

import pytest

from reconciler.model.identity import ObjectId
from reconciler.plan.order import apply_key, deletion_key, deletion_step, is_custom, stage_of, wave_of


def an(kind_group: str, name: str = "x", namespace: str = "") -> ObjectId:
    kind, _, group = kind_group.partition(".")
    return ObjectId(group=group, kind=kind, namespace=namespace, name=name)


APPLIED = (
    an("CustomResourceDefinition.apiextensions.k8s.io"),
    an("Namespace"),
    an("ClusterRole.rbac.authorization.k8s.io"),
    an("PriorityClass.scheduling.k8s.io"),
    an("StorageClass.storage.k8s.io"),
    an("ResourceQuota", namespace="shop"),
    an("ServiceAccount", namespace="shop"),
    an("Role.rbac.authorization.k8s.io", namespace="shop"),
    an("ConfigMap", namespace="shop"),
    an("Secret", namespace="shop"),
    an("RoleBinding.rbac.authorization.k8s.io", namespace="shop"),
    an("Service", namespace="shop"),
    an("Deployment.apps", namespace="shop"),
    an("HorizontalPodAutoscaler.autoscaling", namespace="shop"),
    an("Prometheus.monitoring.coreos.com", namespace="shop"),
    an("ValidatingWebhookConfiguration.admissionregistration.k8s.io"),
    an("APIService.apiregistration.k8s.io"),
)


@pytest.mark.parametrize("seed", range(5))
def test_objects_are_applied_in_one_order_however_they_come(seed):
    shuffled = list(APPLIED)
    random.Random(seed).shuffle(shuffled)
    assert sorted(shuffled, key=apply_key) == list(APPLIED)


def test_stages_are_foundations_classes_the_rest_and_interceptors():
    assert [stage_of(id_) for id_ in APPLIED] == [0, 0, 0, 1, 1, *[2] * 10, 3, 3]


def test_a_custom_class_is_a_class_and_a_kind_that_only_sounds_like_a_crd_is_not():
    assert stage_of(an("GatewayClass.gateway.networking.k8s.io")) == 1
    assert stage_of(an("Namespace.example.com")) == 2
    assert stage_of(an("CustomResourceDefinition.example.com")) == 2


def test_inside_the_rest_workloads_come_after_what_they_mount_and_custom_resources_last():
    waves = {id_.kind: wave_of(id_) for id_ in APPLIED if stage_of(id_) == 2}
    assert waves["ConfigMap"] < waves["Deployment"]
    assert waves["Role"] < waves["RoleBinding"] < waves["Deployment"]
    assert waves["Prometheus"] == max(waves.values())


def test_equal_kinds_are_ordered_by_namespace_and_name():
    ids = [an("ConfigMap", name, space) for space in ("b", "a") for name in ("2", "1")]
    assert [(id_.namespace, id_.name) for id_ in sorted(ids, key=apply_key)] == [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
        ("b", "2"),
    ]


def test_deletion_takes_interceptors_then_children_then_what_they_stand_on():
    deleted = sorted(APPLIED, key=deletion_key)
    kinds = [id_.kind for id_ in deleted]
    assert kinds[:3] == ["APIService", "ValidatingWebhookConfiguration", "Prometheus"]
    assert kinds[-3:] == ["ClusterRole", "Namespace", "CustomResourceDefinition"]
    assert kinds.index("Deployment") < kinds.index("Service") < kinds.index("ServiceAccount")


def test_every_custom_resource_goes_in_an_earlier_step_than_any_crd_or_namespace():
    custom = deletion_step(an("Widget.shop.example.com", namespace="shop"))
    assert custom < deletion_step(an("Deployment.apps", namespace="shop"))
    assert custom < deletion_step(an("Namespace"))
    assert deletion_step(an("Namespace")) < deletion_step(an("CustomResourceDefinition.apiextensions.k8s.io"))


def test_groups_below_k8s_io_that_the_server_does_not_own_are_custom():
    assert is_custom(an("VolumeSnapshot.snapshot.storage.k8s.io"))
    assert not is_custom(an("StorageClass.storage.k8s.io"))
