"""Each native kind, rule by rule; recorded answers for many more inputs are in `tests/parity`."""

import copy
from datetime import UTC, datetime

import pytest

from reconciler.interpreter.registry import NATIVE
from reconciler.interpreter.rules import InterpretationError

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def obj(kind, api_version="v1", *, metadata=None, **fields):
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "namespace": "n", **(metadata or {})},
        **fields,
    }


def items(*statuses):
    return [
        {"clusterName": f"m{number}", "applied": True, **({} if status is None else {"status": status})}
        for number, status in enumerate(statuses, 1)
    ]


def merged(template, *statuses):
    before = copy.deepcopy(template)
    result = NATIVE.aggregate(template, items(*statuses), NOW)
    assert template == before
    return result.get("status")


# Replicas


@pytest.mark.parametrize(
    ("spec", "replicas"),
    [({}, 0), ({"parallelism": 3}, 3), ({"parallelism": 3, "completions": 2}, 2), ({"completions": 5}, 0)],
)
def test_a_job_has_as_many_replicas_as_it_can_run_at_once(spec, replicas):
    assert NATIVE.replicas(obj("Job", "batch/v1", spec=spec))[0] == replicas


def test_a_pod_is_one_replica_and_a_daemon_set_none():
    assert NATIVE.replicas(obj("Pod", spec={}))[0] == 1
    assert NATIVE.replicas(obj("DaemonSet", "apps/v1", spec={"replicas": 3})) == (0, None)


def test_replicas_of_the_wrong_type_are_an_error():
    with pytest.raises(InterpretationError, match=r"spec\.replicas"):
        NATIVE.replicas(obj("Deployment", "apps/v1", spec={"replicas": "3"}))


@pytest.mark.parametrize(
    ("kind", "field"), [("Deployment", "replicas"), ("StatefulSet", "replicas"), ("Job", "parallelism")]
)
def test_the_count_is_revised_only_where_it_is_written(kind, field):
    body = obj(kind, "batch/v1" if kind == "Job" else "apps/v1", spec={field: 1, "other": 2})
    assert NATIVE.revise(body, 7)["spec"] == {field: 7, "other": 2}
    absent = {**body, "spec": {"other": 2}}
    assert NATIVE.revise(absent, 7) is absent


# Dependencies


def test_a_stateful_set_does_not_depend_on_the_claims_it_makes():
    volumes = [{"persistentVolumeClaim": {"claimName": name}} for name in ("data", "shared")]
    spec = {
        "template": {"spec": {"volumes": volumes}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
    }
    assert [one.name for one in NATIVE.dependencies(obj("StatefulSet", "apps/v1", spec=spec))] == ["shared"]


def test_a_cron_job_depends_on_what_its_jobs_need():
    spec = {"jobTemplate": {"spec": {"template": {"spec": {"serviceAccountName": "runner"}}}}}
    assert [one.name for one in NATIVE.dependencies(obj("CronJob", "batch/v1", spec=spec))] == ["runner"]


def test_an_ingress_depends_on_its_certificates():
    spec = {"tls": [{"secretName": "b"}, {"hosts": ["x"]}, {"secretName": "a"}]}
    found = NATIVE.dependencies(obj("Ingress", "networking.k8s.io/v1", spec=spec))
    assert [(one.kind, one.name) for one in found] == [("Secret", "a"), ("Secret", "b")]


def test_a_service_import_depends_on_the_derived_service_and_its_slices():
    slices, service = NATIVE.dependencies(obj("ServiceImport", "multicluster.x-k8s.io/v1alpha1"))
    assert service.name == "derived-x"
    assert slices.label_selector.match_labels == (("kubernetes.io/service-name", "derived-x"),)


# Reflected status


def test_a_deployment_reports_its_counters_and_generations():
    metadata = {"generation": 4, "annotations": {"resourcetemplate.karmada.io/generation": "2"}}
    body = obj(
        "Deployment",
        "apps/v1",
        metadata=metadata,
        status={"replicas": 3, "observedGeneration": 4, "conditions": []},
    )
    assert NATIVE.reflect(body) == {
        "generation": 4,
        "resourceTemplateGeneration": 2,
        "observedGeneration": 4,
        "replicas": 3,
    }
    assert NATIVE.reflect(obj("Deployment", "apps/v1", status={})) is None
    assert NATIVE.reflect(obj("Deployment", "apps/v1")) is None


def test_a_generation_that_is_no_number_is_an_error_and_an_absent_one_is_not():
    metadata = {"annotations": {"resourcetemplate.karmada.io/generation": "two"}}
    with pytest.raises(InterpretationError):
        NATIVE.reflect(obj("ReplicaSet", "apps/v1", metadata=metadata, status={"replicas": 1}))
    assert NATIVE.reflect(obj("ReplicaSet", "apps/v1", status={"replicas": 1})) == {"replicas": 1}


def test_a_stateful_set_does_not_report_the_generation_it_observed():
    body = obj("StatefulSet", "apps/v1", status={"observedGeneration": 3})
    assert NATIVE.reflect(body) == {"replicas": 0, "availableReplicas": 0}


def test_a_daemon_set_always_reports_four_counters():
    assert NATIVE.reflect(obj("DaemonSet", "apps/v1", status={"numberReady": 2, "numberAvailable": 1})) == {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 2,
        "numberAvailable": 1,
    }


def test_only_load_balancers_report_addresses():
    status = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}, "conditions": []}
    assert NATIVE.reflect(obj("Service", spec={"type": "LoadBalancer"}, status=status)) == {
        "loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}
    }
    assert NATIVE.reflect(obj("Service", spec={"type": "ClusterIP"}, status=status)) is None
    assert NATIVE.reflect(obj("Service", spec={}, status=status)) is None


def test_a_job_reports_counters_conditions_and_times():
    times = {"lastProbeTime": "2025-03-01T10:00:00Z", "lastTransitionTime": "2025-03-01T10:00:00Z"}
    complete = {"type": "Complete", "status": "True", **times}
    status = {
        "active": 0,
        "succeeded": 2,
        "startTime": "2025-03-01T10:00:00Z",
        "conditions": [{**complete, "reason": "", "of another version": 1}],
        "ready": 1,
    }
    assert NATIVE.reflect(obj("Job", "batch/v1", status=status)) == {
        "succeeded": 2,
        "startTime": "2025-03-01T10:00:00Z",
        "conditions": [complete],
    }
    assert NATIVE.reflect(obj("Job", "batch/v1", status={})) == {}


def test_budgets_and_autoscalers_report_numbers_also_when_zero():
    assert NATIVE.reflect(obj("PodDisruptionBudget", "policy/v1", status={"disruptedPods": {}})) == {
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
    }
    body = obj(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        status={"currentReplicas": 2, "currentMetrics": [{"type": "Pods"}]},
    )
    assert NATIVE.reflect(body) == {"currentReplicas": 2, "desiredReplicas": 0, "currentMetrics": None}


# Aggregated status


def test_counters_are_summed_and_other_fields_of_the_template_kept():
    template = obj("Deployment", "apps/v1", status={"collisionCount": 1, "replicas": 9})
    assert merged(template, {"replicas": 2, "readyReplicas": 1}, {"replicas": 3}, None) == {
        "collisionCount": 1,
        "replicas": 5,
        "readyReplicas": 1,
    }


@pytest.mark.parametrize(
    ("statuses", "observed"),
    [
        # Every member has seen the newest template.
        ([{"generation": 2, "observedGeneration": 2, "resourceTemplateGeneration": 5}] * 2, 5),
        # One member's controller lags behind.
        ([{"generation": 2, "observedGeneration": 1, "resourceTemplateGeneration": 5}], 3),
        # One member still has the template before.
        ([{"generation": 2, "observedGeneration": 2, "resourceTemplateGeneration": 4}], 3),
        # One member reports nothing.
        ([{"generation": 2, "observedGeneration": 2, "resourceTemplateGeneration": 5}, None], 3),
        ([], 5),
    ],
)
def test_the_observed_generation_moves_when_every_member_has_observed(statuses, observed):
    template = obj("Deployment", "apps/v1", metadata={"generation": 5}, status={"observedGeneration": 3})
    assert merged(template, *statuses)["observedGeneration"] == observed


def test_a_merge_that_changes_nothing_gives_the_same_object():
    template = obj("Deployment", "apps/v1", status={"replicas": 2, "readyReplicas": 0})
    assert NATIVE.aggregate(template, items({"replicas": 2})) is template


def test_addresses_of_load_balancers_are_united_and_sorted():
    template = obj("Service", spec={"type": "LoadBalancer"})
    first = {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}, {"hostname": "b.example"}]}}
    port = {"port": 80, "protocol": "TCP"}
    second = {
        "loadBalancer": {
            "ingress": [
                {"ip": "1.1.1.1", "ports": [port]},
                {"hostname": "a.example"},
                {"ip": "2.2.2.2", "ports": [port]},
            ]
        }
    }
    assert merged(template, first, second) == {
        "loadBalancer": {
            "ingress": [
                {"hostname": "a.example"},
                {"hostname": "b.example"},
                {"ip": "1.1.1.1", "ports": [port]},
                {"ip": "2.2.2.2", "ports": [port]},
            ]
        }
    }


def test_services_keep_modes_apart_and_ingresses_do_not():
    entries = [{"ip": "1.1.1.1"}, {"ip": "1.1.1.1", "ipMode": "VIP"}]
    status = {"loadBalancer": {"ingress": entries}}
    assert (
        merged(obj("Service", spec={"type": "LoadBalancer"}), status)["loadBalancer"]["ingress"]
        == entries[::-1]
    )
    assert merged(obj("Ingress", "networking.k8s.io/v1"), status)["loadBalancer"]["ingress"] == entries[:1]


def test_a_service_that_is_no_load_balancer_is_left_alone():
    template = obj("Service", spec={"type": "NodePort"}, status={"loadBalancer": {}})
    assert NATIVE.aggregate(template, items({"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}})) is template


def condition(type_, status="True"):
    return {"type": type_, "status": status}


def test_a_job_fails_as_soon_as_one_member_fails():
    failed = {"failed": 1, "conditions": [condition("Failed")], "startTime": "2025-03-01T10:00:00Z"}
    status = merged(obj("Job", "batch/v1"), failed, {"active": 1}, failed)
    assert status == {
        "active": 1,
        "failed": 2,
        "conditions": [
            {
                "type": "Failed",
                "status": "True",
                "reason": "JobFailed",
                "message": "Job executed failed in member clusters m1,m3",
                "lastProbeTime": "2025-03-01T12:00:00Z",
                "lastTransitionTime": "2025-03-01T12:00:00Z",
            }
        ],
    }


def test_a_job_is_complete_when_every_member_is():
    done = {
        "succeeded": 2,
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
        "startTime": "2025-03-01T10:00:00Z",
        "completionTime": "2025-03-01T11:00:00Z",
    }
    later = {**done, "startTime": "2025-03-01T10:30:00+01:00", "completionTime": "2025-03-01T11:30:00Z"}
    status = merged(obj("Job", "batch/v1"), done, later)
    assert [(one["type"], one["reason"]) for one in status["conditions"]] == [
        ("Complete", "Completed"),
        ("SuccessCriteriaMet", "CompletionsReached"),
    ]
    assert status["startTime"] == "2025-03-01T09:30:00Z"
    assert status["completionTime"] == "2025-03-01T11:30:00Z"
    assert "conditions" not in merged(obj("Job", "batch/v1"), done, {"active": 1})
    assert merged(obj("Job", "batch/v1")) is None


def test_a_finished_job_stays_as_it_is():
    template = obj("Job", "batch/v1", status={"conditions": [condition("Complete")]})
    assert NATIVE.aggregate(template, items({"active": 1})) is template


def test_without_a_moment_a_condition_has_no_time():
    result = NATIVE.aggregate(obj("Job", "batch/v1"), items({"conditions": [condition("Failed")]}))
    assert "lastTransitionTime" not in result["status"]["conditions"][0]


def test_a_cron_job_lists_every_running_job_and_the_latest_times():
    one = {"active": [{"name": "a"}], "lastScheduleTime": "2025-03-01T10:00:00Z"}
    two = {
        "active": [{"name": "b"}],
        "lastScheduleTime": "2025-03-01T09:00:00Z",
        "lastSuccessfulTime": "2025-03-01T08:00:00Z",
    }
    assert merged(obj("CronJob", "batch/v1"), one, two) == {
        "active": [{"name": "a"}, {"name": "b"}],
        "lastScheduleTime": "2025-03-01T10:00:00Z",
        "lastSuccessfulTime": "2025-03-01T08:00:00Z",
    }


@pytest.mark.parametrize(
    ("kind", "phases", "phase"),
    [
        ("Pod", ["Running", "Succeeded"], "Running"),
        ("Pod", ["Running", None], "Pending"),
        ("Pod", ["Pending", "Failed"], "Failed"),
        ("PersistentVolume", ["Bound", "Released"], "Bound"),
        ("PersistentVolume", ["Bound", None], "Pending"),
        ("PersistentVolumeClaim", ["Bound", "Bound"], "Bound"),
        ("PersistentVolumeClaim", ["Pending", "Other", "Bound"], "Other"),
        ("PersistentVolumeClaim", ["Pending", "Lost", "Bound"], "Lost"),
        ("PersistentVolumeClaim", [], "Bound"),
    ],
)
def test_the_worst_phase_stands_for_all(kind, phases, phase):
    statuses = [None if one is None else {"phase": one} for one in phases]
    assert merged(obj(kind), *statuses)["phase"] == phase


def test_containers_of_every_pod_are_listed_with_readiness_and_state():
    state = {"running": {"startedAt": "2025-03-01T10:00:00Z"}}
    status = {
        "phase": "Running",
        "containerStatuses": [{"name": "app", "ready": True, "state": state, "image": "a"}],
    }
    (one, other) = merged(obj("Pod"), status, status)["containerStatuses"]
    assert (
        one
        == other
        == {
            "name": "",
            "ready": True,
            "state": state,
            "lastState": {},
            "restartCount": 0,
            "image": "",
            "imageID": "",
        }
    )


def test_budgets_are_summed_and_disrupted_pods_named_after_their_cluster():
    one = {"currentHealthy": 1, "desiredHealthy": 2, "disruptedPods": {"p": "2025-03-01T10:00:00Z"}}
    assert merged(obj("PodDisruptionBudget", "policy/v1"), one, {"currentHealthy": 3}) == {
        "currentHealthy": 4,
        "desiredHealthy": 2,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
        "disruptedPods": {"m1/p": "2025-03-01T10:00:00Z"},
    }


def test_autoscalers_are_summed():
    status = merged(
        obj("HorizontalPodAutoscaler", "autoscaling/v2"),
        {"currentReplicas": 1, "desiredReplicas": 2},
        {"desiredReplicas": 3},
    )
    assert status == {"currentReplicas": 1, "desiredReplicas": 5, "currentMetrics": None}


# Retained fields


def retained(desired, live):
    before = copy.deepcopy((desired, live))
    result = NATIVE.retain(desired, live)
    assert (desired, live) == before
    return result


def test_a_deployment_keeps_the_members_replicas_only_where_it_is_labelled_so():
    live = obj("Deployment", "apps/v1", spec={"replicas": 7})
    plain = obj("Deployment", "apps/v1", spec={"replicas": 2})
    labelled = obj(
        "Deployment",
        "apps/v1",
        metadata={"labels": {"resourcetemplate.karmada.io/retain-replicas": "true"}},
        spec={"replicas": 2},
    )
    assert retained(plain, live) is plain
    assert retained(labelled, live)["spec"]["replicas"] == 7
    with pytest.raises(InterpretationError):
        retained(labelled, obj("Deployment", "apps/v1", spec={}))


def test_a_service_keeps_its_address_and_health_check_port_and_nothing_else():
    live = obj(
        "Service",
        spec={
            "clusterIP": "10.0.0.1",
            "clusterIPs": ["10.0.0.1"],
            "healthCheckNodePort": 3000,
            "ports": [{"nodePort": 30000}],
        },
    )
    assert retained(obj("Service", spec={"ports": []}), live)["spec"] == {
        "ports": [],
        "clusterIP": "10.0.0.1",
        "healthCheckNodePort": 3000,
    }
    assert (
        retained(obj("Service", spec={}), obj("Service", spec={"clusterIP": "", "healthCheckNodePort": 0}))[
            "spec"
        ]
        == {}
    )


def test_a_service_account_keeps_the_secrets_that_the_member_added():
    desired = obj("ServiceAccount", secrets=[{"name": "a"}])
    live = obj(
        "ServiceAccount",
        secrets=[{"name": "x"}, {"name": "a"}, {"name": "x"}],
        imagePullSecrets=[{"name": "p"}],
    )
    result = retained(desired, live)
    assert result["secrets"] == [{"name": "a"}, {"name": "x"}]
    assert result["imagePullSecrets"] == [{"name": "p"}]
    assert retained(obj("ServiceAccount"), obj("ServiceAccount")) == obj("ServiceAccount")


def test_volumes_claims_and_secrets_keep_what_the_member_bound():
    claim = retained(
        obj("PersistentVolumeClaim", spec={}), obj("PersistentVolumeClaim", spec={"volumeName": "pv-1"})
    )
    assert claim["spec"]["volumeName"] == "pv-1"
    volume = retained(
        obj("PersistentVolume", spec={}), obj("PersistentVolume", spec={"claimRef": {"name": "c"}})
    )
    assert volume["spec"]["claimRef"] == {"name": "c"}
    token = {"type": "kubernetes.io/service-account-token"}
    assert retained(obj("Secret", **token, data={"token": "a"}), obj("Secret", data={"token": "b"}))[
        "data"
    ] == {"token": "b"}
    assert retained(obj("Secret", data={"k": "a"}), obj("Secret", **token, data={"k": "b"}))["data"] == {
        "k": "a"
    }


def test_a_job_keeps_its_generated_selector_and_labels():
    live = obj(
        "Job",
        "batch/v1",
        spec={"selector": {"matchLabels": {"u": "1"}}, "template": {"metadata": {"labels": {"u": "1"}}}},
    )
    desired = obj("Job", "batch/v1", spec={"template": {"metadata": {"labels": {"app": "a"}}, "spec": {}}})
    assert retained(desired, live)["spec"] == {
        "selector": {"matchLabels": {"u": "1"}},
        "template": {"metadata": {"labels": {"u": "1"}}, "spec": {}},
    }


def test_a_pod_keeps_what_cannot_change_once_it_runs():
    live = obj(
        "Pod",
        spec={
            "nodeName": "n1",
            "volumes": [{"name": "token"}],
            "containers": [
                {"name": "app", "volumeMounts": [{"name": "token", "mountPath": "/t"}]},
                {"name": "side"},
            ],
        },
    )
    desired = obj(
        "Pod",
        spec={
            "serviceAccountName": "s",
            "containers": [{"name": "app", "image": "a"}, {"name": "new", "volumeMounts": [{"name": "v"}]}],
        },
    )
    assert retained(desired, live)["spec"] == {
        "nodeName": "n1",
        "volumes": [{"name": "token"}],
        "containers": [
            {"name": "app", "image": "a", "volumeMounts": [{"name": "token", "mountPath": "/t"}]},
            {"name": "new", "volumeMounts": [{"name": "v"}]},
        ],
    }


# Pruned fields


def test_revisions_of_a_deployment_are_pruned():
    annotations = {
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/revision-history": "1",
        "a": "b",
    }
    pruned = NATIVE.prune(obj("Deployment", "apps/v1", metadata={"annotations": annotations}))
    assert pruned["metadata"]["annotations"] == {"a": "b"}


def test_what_the_server_generates_for_a_job_is_pruned_unless_it_was_chosen_by_hand():
    uid = {"controller-uid": "u", "batch.kubernetes.io/controller-uid": "u"}
    spec = {
        "selector": {"matchLabels": uid},
        "template": {
            "metadata": {"labels": {**uid, "job-name": "x", "batch.kubernetes.io/job-name": "x", "app": "a"}}
        },
        "ttlSecondsAfterFinished": 60,
    }
    assert NATIVE.prune(obj("Job", "batch/v1", spec=spec))["spec"] == {
        "selector": {"matchLabels": {}},
        "template": {"metadata": {"labels": {"app": "a"}}},
    }
    by_hand = {**spec, "manualSelector": True}
    del spec["ttlSecondsAfterFinished"]
    assert NATIVE.prune(obj("Job", "batch/v1", spec=by_hand))["spec"] == {**spec, "manualSelector": True}


def test_a_job_of_another_group_keeps_all_its_fields():
    body = obj("Job", "batch.volcano.sh/v1alpha1", spec={"ttlSecondsAfterFinished": 60})
    assert NATIVE.prune(body) is body


def test_an_assigned_address_is_pruned_and_a_headless_service_stays_headless():
    assert (
        NATIVE.prune(obj("Service", spec={"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}))["spec"] == {}
    )
    headless = obj("Service", spec={"clusterIP": "None", "clusterIPs": ["None"]})
    assert NATIVE.prune(headless) is headless


def test_tokens_belong_to_one_cluster():
    secret = obj(
        "Secret",
        metadata={"annotations": {"kubernetes.io/service-account.uid": "u"}},
        type="kubernetes.io/service-account-token",
        data={"token": "a"},
    )
    pruned = NATIVE.prune(secret)
    assert pruned["data"] is None
    assert pruned["metadata"]["annotations"] == {}
    opaque = {**secret, "type": "Opaque"}
    assert NATIVE.prune(opaque) is opaque


def test_every_generated_token_of_a_service_account_is_pruned():
    account = obj("ServiceAccount", secrets=[{"name": "x-token-1"}, {"name": "x-token-2"}, {"name": "own"}])
    assert NATIVE.prune(account)["secrets"] == [{"name": "own"}]


def test_the_node_a_claim_was_bound_on_is_pruned():
    claim = obj(
        "PersistentVolumeClaim", metadata={"annotations": {"volume.kubernetes.io/selected-node": "n1"}}
    )
    assert NATIVE.prune(claim)["metadata"]["annotations"] == {}


# Types


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("replicas", obj("Deployment", "apps/v1", spec={"template": {"spec": {"priority": "high"}}})),
        ("dependencies", obj("CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"parallelism": "2"}}})),
        ("prune", obj("Job", "batch/v1", spec={"template": {"spec": {"overhead": {"memory": ""}}}})),
        ("prune", obj("ServiceAccount", secrets=[{}])),
        ("reflect", obj("Job", "batch/v1", status={"conditions": [{"status": True}]})),
        ("reflect", obj("HorizontalPodAutoscaler", "autoscaling/v2", status=None)),
    ],
)
def test_what_is_not_of_the_built_in_type_is_not_interpreted(operation, body):
    with pytest.raises(InterpretationError):
        getattr(NATIVE, operation)(body)


@pytest.mark.parametrize("generation", ["", " 4", "1_0", "1.0", "9223372036854775808", "1" * 5000])
def test_a_template_generation_is_a_whole_number(generation):
    metadata = {"annotations": {"resourcetemplate.karmada.io/generation": generation}}
    with pytest.raises(InterpretationError, match="not an integer"):
        NATIVE.reflect(obj("DaemonSet", "apps/v1", metadata=metadata, status={}))


def test_a_status_that_says_the_same_stays_as_it_is():
    template = obj("PersistentVolume", status={"phase": "Bound", "of another version": 1})
    assert merged(template, {"phase": "Bound"}) == {"phase": "Bound", "of another version": 1}
    assert merged(template, {"phase": "Failed"}) == {"phase": "Failed"}


def test_a_node_claim_has_what_the_types_write():
    pod = {"tolerations": [{"key": "", "operator": "Exists", "tolerationSeconds": 0}]}
    _, needs = NATIVE.replicas(obj("Pod", spec=pod))
    assert needs.node_claim == {"tolerations": [{"operator": "Exists", "tolerationSeconds": 0}]}
