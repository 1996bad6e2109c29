"""What a policy puts on a binding, and what it must leave alone."""

from datetime import UTC, datetime

from reconciler.errors import Problem
from reconciler.model.binding import (
    Binding,
    Claim,
    EvictionTask,
    ReplicaRequirements,
    RequiredBy,
    TargetCluster,
)
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.policy import Suspension
from reconciler.policy.binding_spec import (
    Interpretation,
    Surroundings,
    binding_spec,
    priority_classes,
    released,
    template_digest,
)
from reconciler.policy.decode import decode_propagation_policy


def manifest(body: dict, path: str = "f.yaml") -> Manifest:
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path=path))


def template(**extra) -> Manifest:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "Web:1", "namespace": "shop", "labels": {"team": "red"}},
        "spec": {"replicas": 3},
    }
    return manifest(body | extra, "web.yaml")


def policy(**spec):
    body = {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], **spec},
    }
    return decode_propagation_policy(manifest(body, "p.yaml"))


THREE = Interpretation(uid="u", replicas=3, requirements=ReplicaRequirements(resource_request={"cpu": "1"}))
NOW = datetime(2025, 3, 1, tzinfo=UTC)


def bind(given, **kwargs) -> Binding:
    result = binding_spec(template(), given, THREE, **kwargs)
    assert isinstance(result, Binding)
    return result


def test_a_new_binding_carries_what_policy_and_interpreter_say():
    binding = bind(
        policy(
            placement={"clusterAffinity": {"clusterNames": ["m1"]}},
            propagateDeps=True,
            conflictResolution="Overwrite",
            preserveResourcesOnDeletion=True,
            suspension={"dispatching": True},
            failover={"cluster": {"purgeMode": "Directly"}},
        )
    )
    assert binding.claim == Claim(name="p", namespace="shop")
    assert (binding.name, binding.namespace, binding.source_path) == ("web.1-deployment", "shop", "web.yaml")
    assert (binding.uid, binding.replicas, binding.requirements) == ("u", 3, THREE.requirements)
    assert binding.placement is not None
    assert binding.placement.body == {"clusterAffinity": {"clusterNames": ["m1"]}}
    assert binding.propagate_deps
    assert binding.conflict_resolution == "Overwrite"
    assert binding.preserve_resources_on_deletion
    assert binding.suspension == Suspension(dispatching=True)
    assert binding.failover == {"cluster": {"purgeMode": "Directly"}}
    assert binding.clusters == ()


def test_results_of_the_past_are_kept():
    past = Binding(
        resource=template().id,
        api_version="apps/v1",
        clusters=(TargetCluster(name="m1", replicas=3),),
        required_by=(RequiredBy(namespace="shop", name="owner"),),
        eviction_tasks=(EvictionTask(from_cluster="m2"),),
        reschedule_triggered_at=NOW,
        last_scheduled_time=NOW,
        observed_affinity="primary",
        generation=4,
        suspension=Suspension(dispatching=True, scheduling=True),
    )
    now = bind(policy(), previous=past)
    for name in (
        "clusters", "required_by", "eviction_tasks", "reschedule_triggered_at", "last_scheduled_time",
        "observed_affinity", "generation",
    ):  # fmt: skip
        assert getattr(now, name) == getattr(past, name)
    # The policy no longer suspends dispatching; who suspended scheduling is somebody else.
    assert now.suspension == Suspension(scheduling=True)


def test_a_missing_dependent_override_keeps_the_policy_from_being_applied():
    waiting = binding_spec(template(), policy(dependentOverrides=["o1"]), THREE)
    assert isinstance(waiting, Problem)
    assert waiting.code == "R310"
    assert str(waiting.location) == "p.yaml:1:1"
    found = Surroundings(overrides={("shop", "o1")})
    assert isinstance(
        binding_spec(template(), policy(dependentOverrides=["o1"]), THREE, surroundings=found), Binding
    )
    elsewhere = Surroundings(overrides={("", "o1")})
    assert isinstance(
        binding_spec(template(), policy(dependentOverrides=["o1"]), THREE, surroundings=elsewhere), Problem
    )


def test_the_priority_is_the_value_of_the_priority_class():
    high = manifest(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "high"},
            "value": 7,
        }
    )
    priority = {"priorityClassSource": "KubePriorityClass", "priorityClassName": "high"}
    around = Surroundings(priority_classes=priority_classes([high, template()]))
    assert bind(policy(schedulePriority=priority), surroundings=around).schedule_priority == 7
    missing = binding_spec(template(), policy(schedulePriority=priority), THREE)
    assert isinstance(missing, Problem)
    assert missing.code == "R311"
    system = priority | {"priorityClassName": "system-node-critical"}
    assert bind(policy(schedulePriority=system)).schedule_priority == 2_000_001_000


def test_a_lazy_policy_waits_for_the_template_to_change():
    lazy = {"activationPreference": "Lazy"}
    first = bind(policy(**lazy, placement={"clusterAffinity": {"clusterNames": ["m1"]}}))
    changed_policy = policy(**lazy, placement={"clusterAffinity": {"clusterNames": ["m2"]}})
    second = bind(changed_policy, previous=first)
    assert second.placement == first.placement
    touched = template(metadata=template().body["metadata"] | {"annotations": {"x.karmada.io/y": "z"}})
    assert binding_spec(touched, changed_policy, THREE, second) == second
    changed = template(spec={"replicas": 3, "paused": True})
    third = binding_spec(changed, changed_policy, THREE, second)
    assert isinstance(third, Binding)
    assert third.placement == changed_policy.placement


def test_becoming_lazy_does_not_apply_the_change_that_comes_with_it():
    eager = bind(policy(placement={"clusterAffinity": {"clusterNames": ["m1"]}}))
    lazy = policy(activationPreference="Lazy", placement={"clusterAffinity": {"clusterNames": ["m2"]}})
    assert bind(lazy, previous=eager).placement == eager.placement


def test_a_lazy_policy_that_takes_a_template_over_is_applied_at_once():
    other = Binding(
        resource=template().id, api_version="apps/v1", claim=Claim(name="other", namespace="shop")
    )
    lazy = policy(activationPreference="Lazy")
    assert bind(lazy, previous=other).placement == lazy.placement


def test_the_template_digest_ignores_status_and_karmadas_own_marks():
    plain = template_digest(template())
    assert template_digest(template(status={"replicas": 1})) == plain
    metadata = template().body["metadata"]
    assert template_digest(template(metadata=metadata | {"generation": 7, "resourceVersion": "1"})) == plain
    marked = metadata | {"labels": metadata["labels"] | {"propagationpolicy.karmada.io/permanent-id": "x"}}
    assert template_digest(template(metadata=marked)) == plain
    skip = metadata | {"labels": metadata["labels"] | {"namespace.karmada.io/skip-auto-propagation": "true"}}
    assert template_digest(template(metadata=skip)) != plain
    assert template_digest(template(spec={"replicas": 4})) != plain


def test_workload_affinity_groups_need_a_policy_and_the_label():
    placement = {
        "workloadAffinity": {
            "affinity": {"groupByLabelKey": "team"},
            "antiAffinity": {"groupByLabelKey": "none"},
        }
    }
    assert bind(policy()).workload_affinity_group == ""
    grouped = bind(policy(placement=placement))
    assert (grouped.workload_affinity_group, grouped.workload_anti_affinity_group) == ("team=red", "")


def test_a_released_binding_keeps_everything_but_its_claim():
    binding = bind(policy())
    assert released(binding).claim is None
    assert released(binding).placement == binding.placement
