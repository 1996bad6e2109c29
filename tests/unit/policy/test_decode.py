"""A policy document becomes a value with the defaults that Karmada's admission and schema would fill in."""

from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.policy import PropagationPolicy, SpreadConstraint, Suspension
from reconciler.policy.decode import decode_placement, decode_propagation_policy, default_placement


def policy(spec: dict, *, namespace: str = "shop") -> PropagationPolicy:
    metadata = {"name": "p", "namespace": namespace} if namespace else {"name": "p"}
    kind = "PropagationPolicy" if namespace else "ClusterPropagationPolicy"
    body = {"apiVersion": "policy.karmada.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    return decode_propagation_policy(Manifest(id=id_of_body(body), body=body, origin=Origin(path="p.yaml")))


SELECTOR = {"apiVersion": "apps/v1", "kind": "Deployment"}


def test_an_empty_spec_gets_every_default():
    value = policy({"resourceSelectors": [SELECTOR]})
    assert value.resource_selectors[0].namespace == "shop"
    assert value.placement.replica_scheduling is None
    assert value.placement.body == {}
    assert (value.priority, value.preemption, value.conflict_resolution) == (0, "Never", "Abort")
    assert value.scheduler_name == "default-scheduler"
    assert value.failover is None
    assert value.suspension is None


def test_a_cluster_policy_fills_no_namespace_into_its_selectors():
    value = policy({"resourceSelectors": [SELECTOR]}, namespace="")
    assert value.is_cluster_scoped
    assert value.resource_selectors[0].namespace == ""


def test_an_empty_replica_scheduling_divides_by_weight():
    scheduling = policy({"placement": {"replicaScheduling": {}}}).placement.replica_scheduling
    assert scheduling is not None
    assert (scheduling.type, scheduling.division_preference) == ("Divided", "Weighted")
    assert scheduling.weight_preference is None


def test_duplicated_gets_no_division_preference():
    placement = policy(
        {"placement": {"replicaScheduling": {"replicaSchedulingType": "Duplicated"}}}
    ).placement
    assert placement.replica_scheduling is not None
    assert placement.replica_scheduling.division_preference == ""
    assert placement.body == {"replicaScheduling": {"replicaSchedulingType": "Duplicated"}}


def test_a_spread_constraint_without_a_field_spreads_by_cluster_and_max_groups_stays_absent():
    placement = policy({"placement": {"spreadConstraints": [{}, {"spreadByLabel": "rack"}]}}).placement
    assert placement.spread_constraints == (
        SpreadConstraint(spread_by_field="cluster", min_groups=1, max_groups=0),
        SpreadConstraint(spread_by_label="rack", min_groups=1, max_groups=0),
    )


def test_a_service_import_selector_forces_the_propagation_of_dependencies():
    selector = {"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport"}
    assert policy({"resourceSelectors": [SELECTOR, selector]}).propagate_deps
    assert not policy({"resourceSelectors": [SELECTOR]}).propagate_deps


def test_failover_gets_its_purge_mode_grace_period_and_toleration():
    value = policy({"failover": {"application": {}, "cluster": {}}})
    assert value.failover == {
        "application": {
            "purgeMode": "Gracefully",
            "gracePeriodSeconds": 600,
            "decisionConditions": {"tolerationSeconds": 300},
        },
        "cluster": {"purgeMode": "Gracefully"},
    }


def test_no_grace_period_is_filled_in_for_other_purge_modes():
    value = policy({"failover": {"application": {"purgeMode": "Directly"}}})
    assert value.failover == {
        "application": {"purgeMode": "Directly", "decisionConditions": {"tolerationSeconds": 300}}
    }


def test_suspension_names_the_clusters():
    value = policy({"suspension": {"dispatchingOnClusters": {"clusterNames": ["m1"]}}})
    assert value.suspension == Suspension(dispatching_on_clusters=("m1",))
    assert value.suspension.dispatch_to("m1")
    assert not value.suspension.dispatch_to("m2")


def test_a_bindings_placement_is_read_without_defaults():
    placement = decode_placement({"replicaScheduling": {"replicaSchedulingType": "Divided"}})
    assert placement.replica_scheduling is not None
    assert placement.replica_scheduling.division_preference == ""


def test_defaulting_twice_changes_nothing_and_never_touches_its_input():
    body = {
        "spreadConstraints": [{"maxGroups": 2}],
        "replicaScheduling": {},
        "clusterAffinity": {"clusterNames": ["a"]},
    }
    once = default_placement(body)
    assert default_placement(once) == once
    assert body["spreadConstraints"] == [{"maxGroups": 2}]
    assert decode_placement(once).body is once
