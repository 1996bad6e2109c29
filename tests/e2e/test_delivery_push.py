"""Delivery to real API servers: what is written, in which order, and what is left alone. kubectl and the audit log are the witnesses."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import Outdated, Unreachable
from reconciler.interpreter.registry import NATIVE
from reconciler.kube.client import Limits
from reconciler.model.config import Approval
from reconciler.model.identity import id_of_body
from reconciler.model.marks import CONTENT, DRIFT, PART_OF, RECREATE
from reconciler.model.plan import Action
from reconciler.plan.inventory import PARENT_NAME, apply_set_id
from reconciler.settings import GuardLimits
from reconciler.targets.breaker import Breaker, BreakerOpen
from tests.contract.delivering import (
    Commits,
    annotated,
    config_map,
    definition,
    deliver,
    deployment,
    namespace,
    target_of,
    until_granted,
    widget,
)
from tests.controlplane.polling import eventually

DEFAULT_GUARDS = GuardLimits()
OURS = f"{PART_OF}={apply_set_id('fleet-reconciler')}"


def written(plane, mark: int) -> list[tuple[str, str]]:
    """What `reconciler` changed since, as (verb, resource/name), our record apart."""
    return [
        (write.verb, f"{write.resource}/{write.name}")
        for write in plane.writes(since=mark, failed=False)
        if write.namespace != "fleet-reconciler" and write.name != "fleet-reconciler"
    ]


def codes(outcome) -> list[str]:
    return sorted(problem.code for problem in outcome.problems)


def rests(plane, name: str = "web") -> bool:
    """Whether the cluster is done with a Deployment: every pod is there, and nobody writes its status any more."""
    live = plane.find("deployment", name, "shop")
    conditions = {each["type"]: each["reason"] for each in live["status"].get("conditions", ())}
    return (
        live["status"].get("observedGeneration") == live["metadata"]["generation"]
        and conditions.get("Progressing") == "NewReplicaSetAvailable"
    )


async def test_a_crd_and_its_resources_arrive_in_one_pass_in_the_right_order(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = commits.commit(widget(), deployment(), config_map("a"), definition(), namespace())
    mark = plane.audit_mark()
    async with target_of(plane, commits) as target:
        plan, outcome = await deliver(target, wanted)
    assert outcome.complete
    assert outcome.failed == {}
    assert outcome.counts[Action.CREATE] == 5
    assert {str(change.id) for change in plan.changes if change.deferred} == {
        "ConfigMap shop/a",
        "Deployment.apps shop/web",
        "Widget.shop.example.com shop/one",
    }
    order = [what for _, what in written(plane, mark)]
    # Objects of one wave go side by side.
    assert sorted(order[:2]) == ["customresourcedefinitions/widgets.shop.example.com", "namespaces/shop"]
    assert order[2:] == [
        "configmaps/a",
        "deployments/web",
        "widgets/one",
    ]
    assert plane.find("widgets.shop.example.com", "one", "shop")["spec"] == {"size": 1}


async def test_a_second_pass_sends_no_write_and_no_dry_run(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = commits.commit(
        namespace(), definition(), widget(), *(config_map(f"c{number}") for number in range(30))
    )
    async with target_of(plane, commits) as target:
        await deliver(target, wanted)
        # The namespace and the CRD were written to by their controllers since: one look proves them equal.
        await deliver(target, wanted)
        mark = plane.audit_mark()
        plan, outcome = await deliver(target, wanted)
        _, quick = await deliver(target, wanted, full=False)
    assert plan.is_empty
    assert outcome.complete
    assert quick.complete
    assert plane.writes(since=mark, dry_runs=True) == []


async def test_a_restart_proves_everything_again_and_writes_nothing(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = commits.commit(namespace(), definition(), widget(), deployment(), config_map("a"))
    async with target_of(plane, commits) as target:
        await deliver(target, wanted)
    # What is written to between a look and its dry-run is looked at again.
    eventually("the deployment rests", lambda: rests(plane), within=60)
    mark = plane.audit_mark()
    async with target_of(plane, commits) as target:
        plan, outcome = await deliver(target, wanted)
    assert plan.is_empty
    assert outcome.counts[Action.UNCHANGED] == 5
    assert plane.writes(since=mark) == []
    tried = [(write.verb, write.resource) for write in plane.writes(since=mark, dry_runs=True)]
    assert sorted(tried) == [
        ("patch", "configmaps"),
        ("patch", "customresourcedefinitions"),
        ("patch", "deployments"),
        ("patch", "namespaces"),
        ("patch", "widgets"),
    ]


async def test_one_changed_object_costs_one_write_and_the_record(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    many = [config_map(f"c{number}") for number in range(20)]
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), *many))
        mark = plane.audit_mark()
        many[7] = config_map("c7", key="other")
        _, outcome = await deliver(target, commits.commit(namespace(), *many), full=False)
    assert outcome.counts[Action.CONFIGURE] == 1
    assert outcome.counts[Action.UNCHANGED] == 20
    assert [(write.verb, write.resource, write.name) for write in plane.writes(since=mark)] == [
        ("update", "configmaps", PARENT_NAME),
        ("patch", "configmaps", "c7"),
    ]


async def test_looking_writes_nothing(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    mark = plane.audit_mark()
    async with target_of(plane, commits) as target:
        await target.inspect(commits.commit(namespace(), config_map("a"), definition(), widget()))
    assert plane.writes(since=mark) == []
    assert plane.find("namespace", "shop") is None
    assert plane.find("namespace", "fleet-reconciler") is None


async def test_an_object_that_exists_without_our_label_is_not_touched_though_its_values_are_equal(
    clean_clusters,
):
    plane, *_ = clean_clusters
    plane.apply(namespace(), config_map("theirs"))
    before = plane.find("configmap", "theirs", "shop")["metadata"]["resourceVersion"]
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        plan, outcome = await deliver(target, commits.commit(config_map("theirs"), config_map("ours")))
    assert plane.find("configmap", "theirs", "shop")["metadata"]["resourceVersion"] == before
    assert plane.names("configmaps", "shop", selector=OURS) == ["ours"]
    assert codes(outcome) == ["R501"]
    assert [str(id_) for id_ in outcome.failed] == ["ConfigMap shop/theirs"]
    assert not outcome.complete
    assert {change.id.name: change.action for change in plan.changes} == {
        "theirs": Action.SKIP,
        "ours": Action.CREATE,
    }


async def test_overwrite_adopts_and_a_label_taken_off_by_hand_gives_it_back(clean_clusters):
    plane, *_ = clean_clusters
    plane.apply(namespace(), config_map("theirs", key="theirs"))
    commits = Commits(plane.name)
    adopted = annotated(config_map("theirs", key="ours"), work_karmada_io__conflict_resolution="overwrite")
    adopted["metadata"]["annotations"] = {"work.karmada.io/conflict-resolution": "overwrite"}
    async with target_of(plane, commits) as target:
        _, outcome = await deliver(target, commits.commit(adopted))
        assert outcome.complete
        assert plane.find("configmap", "theirs", "shop")["data"] == {"key": "ours"}

        plane.kubectl("label", "configmap", "theirs", "-n", "shop", f"{PART_OF}-")
        aborted = config_map("theirs", key="newer")
        _, outcome = await deliver(target, commits.commit(aborted))
        assert codes(outcome) == ["R501"]
        assert plane.find("configmap", "theirs", "shop")["data"] == {"key": "ours"}

        # Detached by hand, it is no longer ours to delete either.
        _, outcome = await deliver(target, commits.commit())
        assert outcome.complete
    assert plane.find("configmap", "theirs", "shop") is not None


async def test_prune_takes_exactly_what_left_the_tree(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    async with target_of(plane, commits) as target:
        await deliver(
            target, commits.commit(namespace(), config_map("a"), config_map("b"), deployment(), service)
        )
        plane.apply(config_map("theirs"))
        # The controller copies the Service's labels, ours too, to what it makes.
        eventually(
            "there is a copy",
            lambda: len(plane.names("endpointslices", "shop", selector=OURS)) == 1,
            within=60,
        )
        mark = plane.audit_mark()
        _, outcome = await deliver(
            target, commits.commit(namespace(), config_map("b"), deployment(), service)
        )
    assert outcome.complete
    assert outcome.counts[Action.DELETE] == 1
    assert [entry for entry in written(plane, mark) if entry[0] == "delete"] == [("delete", "configmaps/a")]
    assert "theirs" in plane.names("configmaps", "shop")


async def test_what_is_ours_is_found_without_any_tree_and_never_mistaken(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a"), definition(), widget(), service))
    eventually("there is a copy", lambda: plane.names("endpointslices", "shop", selector=OURS), within=60)
    commits.trees.clear()
    # Somebody else's object that merely carries a copy of the label, of a kind that we deliver too.
    copy = config_map("copied")
    copy["metadata"]["labels"] = {PART_OF: apply_set_id("fleet-reconciler")}
    plane.apply(copy)
    plane.kubectl("delete", "configmap", PARENT_NAME, "-n", "fleet-reconciler")
    async with target_of(plane, commits) as target:
        plan, outcome = await deliver(target, commits.commit(namespace()))
    assert sorted(str(change.id) for change in plan.deletions if change.action is Action.DELETE) == [
        "ConfigMap shop/a",
        "CustomResourceDefinition.apiextensions.k8s.io widgets.shop.example.com",
        "Service shop/web",
        "Widget.shop.example.com shop/one",
    ]
    assert outcome.complete
    assert "copied" in plane.names("configmaps", "shop")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"complete": False}, "the tree is incomplete"),
        ({"held": "a guard held the render"}, "a guard held the render"),
    ],
)
async def test_nothing_is_pruned_on_the_word_of_an_incomplete_or_held_tree(clean_clusters, fields, reason):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a"), config_map("b")))
        plan, outcome = await deliver(target, commits.commit(namespace(), config_map("b"), **fields))
        assert [change.action for change in plan.deletions] == [Action.SKIP]
        assert reason in plan.deletions[0].reason
        assert not outcome.complete
        assert codes(outcome) == ["R506"]
        assert plane.find("configmap", "a", "shop") is not None

        # What stayed is not forgotten: a later, complete tree takes it away.
        _, outcome = await deliver(target, commits.commit(namespace(), config_map("b"), config_map("c")))
    assert outcome.complete
    assert plane.find("configmap", "a", "shop") is None


async def test_an_annotation_on_the_live_object_keeps_it_for_good(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a"), config_map("b")))
        plane.kubectl("annotate", "configmap", "a", "-n", "shop", "fleet-reconciler/prune=disabled")
        plan, outcome = await deliver(target, commits.commit(namespace()))
    assert {change.id.name: change.action for change in plan.deletions} == {
        "a": Action.SKIP,
        "b": Action.DELETE,
    }
    assert outcome.complete
    assert plane.find("configmap", "a", "shop") is not None
    assert plane.find("configmap", "b", "shop") is None


async def test_a_guard_stops_too_many_deletions_until_an_approval_lists_them(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    many = [config_map(f"c{number:02}") for number in range(20)]
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), *many))
        fewer = commits.commit(namespace(), *many[11:])
        plan, outcome = await deliver(target, fewer, limits=DEFAULT_GUARDS)
        assert [guard.name for guard in outcome.guards] == ["too-many-deletions"]
        assert len(plan.guards[0].objects) == 11
        assert codes(outcome) == ["R504"]
        assert Action.DELETE not in outcome.counts
        assert len(plane.names("configmaps", "shop", selector=OURS)) == 20

        now = datetime.now(UTC)
        listed = tuple(id_of_body(body) for body in many[:11])
        expired = Approval(name="late", objects=listed, expires=now - timedelta(seconds=1))
        other = Approval(
            name="other", objects=listed, expires=now + timedelta(hours=1), clusters=("elsewhere-*",)
        )
        _, outcome = await deliver(target, fewer, limits=DEFAULT_GUARDS, approvals=(expired, other))
        assert len(outcome.guards) == 1

        valid = Approval(name="ok", objects=listed, expires=now + timedelta(hours=1), clusters=("member*",))
        _, outcome = await deliver(target, fewer, limits=DEFAULT_GUARDS, approvals=(expired, other, valid))
    assert outcome.complete
    assert outcome.counts[Action.DELETE] == 11
    assert plane.names("configmaps", "shop", selector=OURS) == [f"c{number:02}" for number in range(11, 20)]


async def test_namespaces_and_crds_go_last_and_only_with_an_approval(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    everything = (namespace(), definition(), widget(), config_map("a"), deployment())
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(*everything))
        nothing = commits.commit()
        _, outcome = await deliver(target, nothing, limits=DEFAULT_GUARDS)
        (guard,) = outcome.guards
        assert sorted(map(str, guard.objects)) == [
            "CustomResourceDefinition.apiextensions.k8s.io widgets.shop.example.com",
            "Namespace shop",
        ]
        assert codes(outcome) == ["R505"]
        assert plane.find("deployment", "web", "shop") is not None

        approval = Approval(name="ok", objects=guard.objects, expires=datetime.now(UTC) + timedelta(hours=1))
        mark = plane.audit_mark()
        _, outcome = await deliver(target, nothing, limits=DEFAULT_GUARDS, approvals=(approval,))
    assert outcome.complete
    assert [what for verb, what in written(plane, mark) if verb == "delete"] == [
        "widgets/one",
        "deployments/web",
        "configmaps/a",
        "namespaces/shop",
        "customresourcedefinitions/widgets.shop.example.com",
    ]
    assert plane.find("namespace", "shop") is None


async def test_a_namespace_that_still_holds_wanted_objects_is_not_deleted(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), config_map("a"), definition(), widget()))
        plan, outcome = await deliver(target, commits.commit(config_map("a"), widget()))
    assert {change.id.kind: change.action for change in plan.deletions} == {
        "Namespace": Action.SKIP,
        "CustomResourceDefinition": Action.SKIP,
    }
    assert "ConfigMap shop/a" in next(c.reason for c in plan.deletions if c.id.kind == "Namespace")
    assert codes(outcome) == ["R506"]
    assert plane.find("configmap", "a", "shop") is not None


async def test_a_binding_waits_for_its_role_when_the_caller_is_not_an_administrator(clean_clusters):
    plane, *_ = clean_clusters
    rules = [
        {"apiGroups": [""], "resources": ["namespaces", "configmaps"], "verbs": ["*"]},
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["roles", "rolebindings"],
            "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
        },
    ]
    plane.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "narrow"},
            "rules": rules,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "narrow"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "narrow"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "powerless"}],
        },
        namespace(),
    )
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader", "namespace": "shop"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "a-binding", "namespace": "shop"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "shop"}],
    }
    until_granted(plane, "create", "rolebindings", "shop")
    commits = Commits(plane.name)
    async with target_of(plane, commits, kubeconfig=plane.powerless_kubeconfig) as target:
        plan, outcome = await deliver(target, commits.commit(binding, role))
    deferred = {str(change.id): change.reason for change in plan.changes if change.deferred}
    assert deferred == {
        "RoleBinding.rbac.authorization.k8s.io shop/a-binding": "is tried once "
        "Role.rbac.authorization.k8s.io shop/reader is there"
    }
    assert outcome.complete
    assert plane.find("rolebinding", "a-binding", "shop") is not None


async def test_string_data_is_sent_as_data_so_that_a_removed_key_goes(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "shop"},
        "data": {"user": base64.b64encode(b"root").decode()},
        "stringData": {"password": "hunter2", "extra": "x"},
    }
    async with target_of(plane, commits) as target:
        _, outcome = await deliver(target, commits.commit(namespace(), secret))
        assert outcome.complete
        live = plane.find("secret", "login", "shop")["data"]
        assert {key: base64.b64decode(value) for key, value in live.items()} == {
            "user": b"root", "password": b"hunter2", "extra": b"x"
        }  # fmt: skip
        fewer = {**secret, "stringData": {"password": "hunter2"}}
        _, outcome = await deliver(target, commits.commit(namespace(), fewer))
    assert sorted(plane.find("secret", "login", "shop")["data"]) == ["password", "user"]


async def test_replicas_stay_with_the_autoscaler_that_owns_them(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    scaled = deployment(replicas=2)
    scaled["metadata"]["labels"] = {"resourcetemplate.karmada.io/retain-replicas": "true"}
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), scaled))
        plane.kubectl("scale", "deployment", "web", "-n", "shop", "--replicas=5")
        newer = {**deployment(replicas=2, image="web:2"), "metadata": scaled["metadata"]}
        plan, outcome = await deliver(target, commits.commit(namespace(), newer))
        assert outcome.complete
        live = plane.kubectl_json("get", "deployment", "web", "-n", "shop", "--show-managed-fields")
        assert live["spec"]["replicas"] == 5
        assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"
        ours = next(e for e in live["metadata"]["managedFields"] if e["manager"] == "fleet-reconciler")
        assert "f:replicas" not in ours["fieldsV1"]["f:spec"]

        plane.kubectl("scale", "deployment", "web", "-n", "shop", "--replicas=3")
        plan, _ = await deliver(target, commits.commit(namespace(), newer))
        assert plan.is_empty
    assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == 3


async def test_a_retained_field_that_only_we_own_is_sent_with_its_live_value(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), deployment(replicas=4)))
        # The template drops replicas and leaves them to the member: dropping the field would reset it to 1.
        retained = deployment(replicas=None)
        retained["metadata"]["labels"] = {"resourcetemplate.karmada.io/retain-replicas": "true"}
        _, outcome = await deliver(target, commits.commit(namespace(), retained))
    assert outcome.complete
    assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == 4


async def test_a_status_that_never_rests_holds_up_nothing_and_a_writer_that_never_rests_is_told(
    clean_clusters,
):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = commits.commit(namespace(), definition(), widget(), config_map("a"))
    path = "/apis/shop.example.com/v1/namespaces/shop/widgets/one"
    looks = itertools.count()

    def written_between_every_look_and_its_dry_run(where: str, change):
        def retain(desired, _live):
            if desired["kind"] == "Widget":
                answer = plane.api.request(
                    "PATCH", path + where, change(next(looks)), content_type="application/merge-patch+json"
                )
                assert answer.status == 200, answer.text
            return desired

        return {"retain": retain}

    async with target_of(plane, commits) as target:
        await deliver(target, wanted)
    reports = written_between_every_look_and_its_dry_run("/status", lambda n: {"status": {"seen": n}})
    async with target_of(plane, commits, answers=reports) as target:
        plan, outcome = await deliver(target, wanted)
        assert plan.is_empty
        assert outcome.complete
        bigger = commits.commit(namespace(), definition(), widget(size=2), config_map("a"))
        _, outcome = await deliver(target, bigger)
        assert [str(id_) for id_ in outcome.written] == ["Widget.shop.example.com shop/one"]
    edits = written_between_every_look_and_its_dry_run("", lambda n: {"spec": {"theirs": n}})
    async with target_of(plane, commits, answers=edits) as target:
        _, outcome = await deliver(target, bigger)
    assert [str(id_) for id_ in outcome.failed] == ["Widget.shop.example.com shop/one"]
    assert codes(outcome) == ["R510"]


async def test_without_a_rule_the_tree_decides_whoever_changed_the_field(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    wanted = commits.commit(namespace(), deployment(replicas=2))
    async with target_of(plane, commits) as target:
        await deliver(target, wanted)
        plane.kubectl("scale", "deployment", "web", "-n", "shop", "--replicas=5")
        plan, _ = await deliver(target, wanted)
    assert [(str(c.id), c.reason) for c in plan.changes if c.action is Action.CONFIGURE] == [
        ("Deployment.apps shop/web", "differs in spec.replicas")
    ]
    assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == 2


async def test_a_stale_writer_stops_before_its_first_write(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    first = commits.commit(namespace(), config_map("a"))
    async with target_of(plane, commits) as old, target_of(plane, commits) as new:
        await deliver(old, first)
        older = commits.commit(namespace(), config_map("a", key="older"), config_map("old"))
        newer = commits.commit(namespace(), config_map("a", key="newer"))
        await old.inspect(older)
        await deliver(new, newer)
        mark = plane.audit_mark()
        live = await old.inspect(older, full=False)
        from reconciler.plan.changes import Rules, changes

        with pytest.raises(Outdated):
            await old.apply(changes(older, live, Rules(now=datetime.now(UTC))))
        assert plane.writes(since=mark, failed=False) == []
    assert plane.find("configmap", "a", "shop")["data"] == {"key": "newer"}


async def test_a_writer_that_was_overtaken_between_two_stages_stops_there(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)

    def overtake(name: str) -> None:
        if name == "after-record":
            plane.kubectl(
                "patch",
                "configmap",
                PARENT_NAME,
                "-n",
                "fleet-reconciler",
                "--type=merge",
                "-p",
                '{"data":{"commit":"other"}}',
            )

    async with target_of(plane, commits, checkpoint=overtake) as target:
        with pytest.raises(Outdated):
            await deliver(target, commits.commit(namespace(), config_map("a")))
    assert plane.find("namespace", "shop") is not None
    assert plane.find("configmap", "a", "shop") is None


async def test_a_commit_that_does_not_follow_the_applied_one_is_not_even_planned(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), name="b" * 40))

    async def supersedes(new: str, applied: str) -> bool:
        return (new, applied) != ("a" * 40, "b" * 40)

    async with target_of(plane, commits, answers={"supersedes": supersedes}) as target:
        with pytest.raises(Outdated, match="aaaaaaaaaaaa does not follow"):
            await target.inspect(commits.commit(namespace("other"), name="a" * 40))


async def test_a_cluster_that_does_not_answer_is_unreachable_in_time_and_costs_the_others_nothing(
    start_cluster, clean_clusters
):
    frozen, (healthy, *_) = start_cluster("frozen"), clean_clusters
    commits, others = Commits(frozen.name), Commits(healthy.name)
    breaker = Breaker(failures_to_open=1, first=60.0)
    async with (
        target_of(frozen, commits, breaker=breaker) as dead,
        target_of(healthy, others) as alive,
    ):
        await deliver(dead, commits.commit(namespace()))
        frozen.pause_apiserver()
        failing = asyncio.create_task(deliver(dead, commits.commit(namespace(), config_map("a"))))
        _, outcome = await deliver(alive, others.commit(namespace(), config_map("a")))
        assert outcome.complete
        # With patience for half a minute it still waits; nobody waited for it.
        assert not failing.done()
        failing.cancel()
        await asyncio.gather(failing, return_exceptions=True)
        patient, dead.site.client.limits = dead.site.client.limits, Limits(timeout=2.0)
        async with asyncio.timeout(20):
            with pytest.raises(Unreachable, match="no answer within 2 s"):
                await deliver(dead, commits.commit(namespace(), config_map("a")))
        with pytest.raises(BreakerOpen):
            await deliver(dead, commits.commit(namespace(), config_map("a")))
        frozen.resume()
        dead.site.client.limits = patient
        breaker.reset()
        _, outcome = await deliver(dead, commits.commit(namespace(), config_map("a")))
    assert outcome.complete


async def test_suspension_stops_before_the_next_write(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    seen: list[str] = []

    def stopped() -> str:
        return "suspended by annotation" if "mid-stage" in seen else ""

    wanted = commits.commit(namespace(), *(config_map(f"c{number}") for number in range(5)))
    async with target_of(
        plane, commits, answers={"stopped": stopped}, checkpoint=seen.append, concurrency=1
    ) as target:
        _, outcome = await deliver(target, wanted)
        assert codes(outcome) == ["R516"]
        assert not outcome.complete
        assert plane.find("namespace", "shop") is not None
        assert plane.names("configmaps", "shop", selector=OURS) == []
        seen.clear()
        _, outcome = await deliver(target, wanted)
        assert codes(outcome) == ["R516"]
    assert len(plane.names("configmaps", "shop", selector=OURS)) == 1


async def test_an_immutable_field_is_named_with_its_remedy_and_recreated_only_when_asked(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), deployment()))
        uid = plane.find("deployment", "web", "shop")["metadata"]["uid"]
        other = deployment()
        other["spec"]["selector"] = {"matchLabels": {"app": "web", "track": "stable"}}
        other["spec"]["template"]["metadata"]["labels"] = {"app": "web", "track": "stable"}
        _, outcome = await deliver(target, commits.commit(namespace(), other))
        (problem,) = outcome.problems
        assert problem.code == "R503"
        assert problem.evidence == ("spec.selector",)
        assert RECREATE in problem.remedy
        assert plane.find("deployment", "web", "shop")["metadata"]["uid"] == uid

        other["metadata"]["annotations"] = {RECREATE: "true"}
        plan, outcome = await deliver(target, commits.commit(namespace(), other))
    assert [change.recreate for change in plan.changes if change.action is Action.CONFIGURE] == [True]
    assert outcome.complete
    assert plane.find("deployment", "web", "shop")["metadata"]["uid"] != uid


async def test_what_asks_to_be_left_stays_as_the_member_has_it_until_something_else_is_desired(
    clean_clusters,
):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)

    def asking(content):
        body = deployment()
        body["metadata"]["annotations"] = {DRIFT: "ignore", CONTENT: content}
        return body

    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), asking("one")))
        plane.kubectl("-n", "shop", "scale", "deployment", "web", "--replicas=7")
        # Something else of the fleet moves: everything is looked at again.
        plan, outcome = await deliver(target, commits.commit(namespace("other"), namespace(), asking("one")))
        assert outcome.complete
        assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == 7
    async with target_of(plane, commits) as fresh:
        plan, _ = await deliver(fresh, commits.commit(namespace(), asking("one")))
        assert Action.CONFIGURE not in {change.action for change in plan.changes if change.id.name == "web"}
        assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == 7
        await deliver(fresh, commits.commit(namespace(), asking("two")))
    assert plane.find("deployment", "web", "shop")["spec"]["replicas"] == deployment()["spec"]["replicas"]


async def test_an_object_that_could_not_be_made_anew_is_not_deleted(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), deployment()))
        uid = plane.find("deployment", "web", "shop")["metadata"]["uid"]
        other = deployment()
        other["metadata"]["annotations"] = {RECREATE: "true"}
        other["spec"]["selector"] = {"matchLabels": {"app": "web", "track": "stable"}}
        other["spec"]["template"]["metadata"]["labels"] = {"app": "web", "track": "stable"}
        # On an update the server complains of the immutable field first, and of its policies never.
        admission = "admissionregistration.k8s.io/v1"
        policy = {
            "apiVersion": admission,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "no-tracks"},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": ["apps"],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["deployments"],
                        }
                    ]
                },
                "validations": [
                    {"expression": "!('track' in object.spec.selector.matchLabels)", "message": "no tracks"}
                ],
            },
        }
        binding = {
            "apiVersion": admission,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "no-tracks"},
            "spec": {"policyName": "no-tracks", "validationActions": ["Deny"]},
        }
        plane.apply(policy, binding)
        try:
            await _until_denied(plane, {**other, "metadata": {"name": "probe", "namespace": "shop"}})
            _, outcome = await deliver(target, commits.commit(namespace(), other))
            assert [problem.code for problem in outcome.problems] == ["R502"]
            assert "no tracks" in outcome.problems[0].message
            assert plane.find("deployment", "web", "shop")["metadata"]["uid"] == uid
        finally:
            plane.kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", "no-tracks")
        await _until_allowed(plane, {**other, "metadata": {"name": "probe", "namespace": "shop"}})
        _, outcome = await deliver(target, commits.commit(namespace(), other))
        assert outcome.complete
    assert plane.find("deployment", "web", "shop")["metadata"]["uid"] != uid


async def test_an_object_is_made_anew_in_the_room_that_it_leaves(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), deployment()))
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "full", "namespace": "shop"},
            "spec": {"hard": {"count/deployments.apps": "1"}},
        }
        plane.apply(quota)
        await _until_denied(plane, deployment("second"))
        other = deployment()
        other["metadata"]["annotations"] = {RECREATE: "true"}
        other["spec"]["selector"] = {"matchLabels": {"app": "web", "track": "stable"}}
        other["spec"]["template"]["metadata"]["labels"] = {"app": "web", "track": "stable"}
        _, outcome = await deliver(target, commits.commit(namespace(), other))
        if not outcome.complete:
            # The quota counts the deleted object for a moment longer; the next pass makes it.
            await _until_denied(plane, deployment("second"), denied=False)
            _, outcome = await deliver(target, commits.commit(namespace(), other))
    assert outcome.complete
    assert plane.find("deployment", "web", "shop")["spec"]["selector"]["matchLabels"]["track"] == "stable"


async def _until_denied(plane, body, *, denied: bool = True) -> None:
    for _ in range(200):
        result = plane.kubectl_result("create", "--dry-run=server", "-f", "-", stdin=json.dumps(body))
        if (result.returncode != 0) is denied:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the policy did not take effect")


async def _until_allowed(plane, body) -> None:
    await _until_denied(plane, body, denied=False)


async def test_an_object_of_a_version_that_the_server_does_not_prefer_is_not_written_for_ever(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "maxReplicas": 3,
            "targetCPUUtilizationPercentage": 80,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }
    wanted = commits.commit(namespace(), scaler)
    async with target_of(plane, commits) as target:
        await deliver(target, wanted)
    async with target_of(plane, commits) as target:
        plan, outcome = await deliver(target, wanted)
    assert plan.is_empty
    assert outcome.written == ()


async def test_a_refused_object_holds_its_namespace_and_nobody_elses(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(
            target,
            commits.commit(
                namespace(), namespace("other"), config_map("going"), config_map("leaving", "other")
            ),
        )
        bad = deployment(replicas=-1)
        wanted = commits.commit(
            namespace(), namespace("other"), bad, config_map("beside"), config_map("beside", "other")
        )
        _, outcome = await deliver(target, wanted)
    assert {str(id_): message for id_, message in outcome.failed.items()} == {
        "Deployment.apps shop/web": "Deployment.apps shop/web: spec.replicas: Invalid value: must be greater than or equal to 0"
    }
    assert "R502" in codes(outcome)
    assert plane.find("configmap", "beside", "shop") is None
    assert plane.find("configmap", "beside", "other") is not None
    # Nor is anything deleted that the half of an application may still need.
    assert plane.find("configmap", "going", "shop") is not None
    assert plane.find("configmap", "leaving", "other") is None


async def test_what_a_finalizer_holds_stays_in_the_inventory_until_it_is_gone(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/wait"]
    async with target_of(plane, commits, settle_timeout=0.5) as target:
        await deliver(target, commits.commit(namespace(), held))
        gone = commits.commit(namespace())
        _, outcome = await deliver(target, gone)
        assert not outcome.complete
        assert codes(outcome) == ["R506"]
        mark = plane.audit_mark()
        plan, outcome = await deliver(target, gone)
        assert [change.reason for change in plan.deletions] == ["is already being deleted"]
        assert not outcome.complete
        assert plane.writes(since=mark) == []
        plane.kubectl(
            "patch",
            "configmap",
            "held",
            "-n",
            "shop",
            "--type=merge",
            "-p",
            '{"metadata":{"finalizers":null}}',
        )
        _, outcome = await deliver(target, gone)
    assert outcome.complete
    record = plane.find("configmap", PARENT_NAME, "fleet-reconciler")
    assert [line.split()[0] for line in record["data"]["commits"].splitlines()] == [gone.commit]


async def test_old_objects_go_only_after_the_new_ones_are_ready_or_the_deadline_has_passed(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    states: list[bool] = []

    def readiness(body):
        if body["kind"] == "Deployment":
            states.append(plane.find("configmap", "old", "shop") is not None)
        return NATIVE.readiness(body)

    async with target_of(plane, commits, answers={"readiness": readiness}, ready_timeout=3.0) as target:
        await deliver(target, commits.commit(namespace(), config_map("old")))
        _, outcome = await deliver(target, commits.commit(namespace(), deployment(image="web:ok")))
        assert outcome.complete
        assert states
        assert all(states)
        assert plane.find("configmap", "old", "shop") is None

        await deliver(target, commits.commit(namespace(), deployment(image="web:ok"), config_map("old")))
        stuck = deployment("stuck", image="web:never-ready")
        _, outcome = await deliver(target, commits.commit(namespace(), deployment(image="web:ok"), stuck))
    assert codes(outcome) == ["R513"]
    assert plane.find("configmap", "old", "shop") is None


async def test_the_record_follows_the_applyset_convention_and_is_the_same_everywhere(clean_clusters):
    one, two, _ = clean_clusters
    records = []
    for plane in (one, two):
        commits = Commits(plane.name)
        wanted = commits.commit(namespace(), config_map("a"), definition(), widget())
        async with target_of(plane, commits) as target:
            await deliver(target, wanted)
        record = plane.find("configmap", PARENT_NAME, "fleet-reconciler")
        assert record["data"]["commit"] == wanted.commit
        records.append(record["metadata"])
        assert plane.names("widgets.shop.example.com", selector=OURS) == ["shop/one"]
    assert (
        records[0]["labels"]
        == records[1]["labels"]
        == {"applyset.kubernetes.io/id": apply_set_id("fleet-reconciler")}
    )
    assert records[0]["annotations"] == records[1]["annotations"]
    assert records[0]["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == (
        "ConfigMap,CustomResourceDefinition.apiextensions.k8s.io,Namespace,Widget.shop.example.com"
    )


async def test_a_kind_that_nobody_serves_is_said_and_stops_only_itself(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        _, outcome = await deliver(
            target, commits.commit(namespace(), namespace("other"), widget(), config_map("a", "other"))
        )
    assert codes(outcome) == ["R508"]
    assert list(map(str, outcome.failed)) == ["Widget.shop.example.com shop/one"]
    assert plane.find("configmap", "a", "other") is not None


async def test_an_aggregated_api_without_a_server_is_unreadable_and_never_empty(clean_clusters):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)
    async with target_of(plane, commits) as target:
        await deliver(target, commits.commit(namespace(), definition(), widget(), config_map("a")))
        # The CRD goes behind our back and an aggregated API without a server takes its group.
        plane.kubectl("patch", "crd", "widgets.shop.example.com", "--type=json",
                      "-p", '[{"op":"replace","path":"/spec/versions/0/served","value":true}]')  # fmt: skip
        plane.apply(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": "v1.broken.example.com"},
                "spec": {
                    "group": "broken.example.com",
                    "version": "v1",
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "insecureSkipTLSVerify": True,
                    "service": {"name": "nobody", "namespace": "shop"},
                },
            }
        )
        broken = {
            "apiVersion": "broken.example.com/v1",
            "kind": "Thing",
            "metadata": {"name": "x", "namespace": "shop"},
        }
        try:
            discovery = await _until_stale(target, "broken.example.com")
            assert discovery.find("v1", "ConfigMap") is not None
            _, outcome = await deliver(target, commits.commit(namespace(), definition(), widget(), broken))
            assert set(codes(outcome)) >= {"R507", "R508"}
            assert not outcome.complete
            # Nothing of another kind is lost by it, and the pass is not.
            assert plane.find("widgets.shop.example.com", "one", "shop") is not None
        finally:
            plane.kubectl("delete", "apiservice", "v1.broken.example.com")


async def _until_stale(target, group: str):
    for _ in range(200):
        discovery = await target.site.client.discovery(refresh=True)
        if discovery.is_stale(group):
            return discovery
        await asyncio.sleep(0.1)
    raise AssertionError(f"{group} never became stale")


@pytest.mark.parametrize(
    "point", ["after-record", "mid-stage", "between-stages", "before-prune", "mid-prune", "after-prune"]
)
async def test_ended_at_any_point_and_started_again_it_converges_and_writes_nothing_twice(
    clean_clusters, point
):
    plane, *_ = clean_clusters
    commits = Commits(plane.name)

    class Ended(BaseException):
        """Not an error: the process is gone."""

    def end(name: str) -> None:
        if name == point:
            raise Ended

    before = commits.commit(
        namespace(), *(config_map(f"old{number}") for number in range(3)), config_map("stays")
    )
    after = commits.commit(
        namespace(),
        namespace("two"),
        *(config_map(f"new{number}") for number in range(3)),
        config_map("stays"),
        deployment(),
    )
    async with target_of(plane, commits) as target:
        await deliver(target, before)
    mark = plane.audit_mark()
    async with target_of(plane, commits, checkpoint=end, concurrency=1) as target:
        with pytest.raises(Ended):
            await deliver(target, after)
    async with target_of(plane, commits) as target:
        _, outcome = await deliver(target, after)
        assert outcome.complete
        plan, _ = await deliver(target, after)
        assert plan.is_empty
    assert plane.names("configmaps", "shop", selector=OURS) == ["new0", "new1", "new2", "stays"]
    done = written(plane, mark)
    assert len(done) == len(set(done)), done
    assert ("patch", "configmaps/stays") not in done


def test_the_id_of_our_applyset_is_the_one_that_kubectl_makes_of_the_same_parent(clean_clusters, tmp_path):
    plane, *_ = clean_clusters
    plane.apply(namespace("fleet-reconciler"))
    manifest = tmp_path / "a.yaml"
    manifest.write_text(json.dumps(config_map("a", "fleet-reconciler")))
    command = [
        str(plane.binaries.path("kubectl")),
        "--kubeconfig",
        str(plane.kubeconfig),
        "apply",
        "-f",
        str(manifest),
    ]
    command += ["--prune", f"--applyset=configmaps/{PARENT_NAME}", "-n", "fleet-reconciler"]
    # Nothing of this machine's user: neither settings nor what another cluster behind this port once served.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECTL_APPLYSET": "true"}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    assert plane.names("configmaps", "fleet-reconciler", selector=OURS) == ["a"]
