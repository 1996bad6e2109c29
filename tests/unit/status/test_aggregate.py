"""From what clusters report to the files of the status branch: conditions, commits, merging, and what is worth a commit."""

from dataclasses import replace

import pytest
import yaml

from reconciler.errors import Location, Problem, Severity
from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Cluster, Condition, DeliveryMode
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.observation import Health, Readiness
from reconciler.model.policy import Suspension
from reconciler.model.tree import RenderTree, Variant
from reconciler.status.aggregate import StatusMemo, status_files
from reconciler.status.document import decode_observation
from reconciler.status.facts import held_subjects, rendered_digests
from tests.unit.status.fleet import (
    C1,
    C2,
    C3,
    DIGEST,
    LATER,
    NAMES,
    NOW,
    OTHER,
    WEB,
    binding,
    facts,
    member,
    merge,
    report,
    template,
)

PATH = "workloads/shop/Deployment.apps/web.yaml"


def web(files):
    return yaml.safe_load(files[PATH])


def conditions(body):
    return {each["type"]: (each["status"], each["reason"]) for each in body["conditions"]}


def test_a_workload_that_is_well_everywhere_says_so_in_five_conditions():
    body = web(status_files(facts(), merge))
    assert conditions(body) == {
        "Scheduled": ("True", "Success"),
        "Rendered": ("True", "Success"),
        "Delivered": ("True", "Delivered"),
        "FullyApplied": ("True", "FullyAppliedSuccess"),
        "Healthy": ("True", "Healthy"),
    }
    assert body["rendered"] == {"commit": C1, "digest": DIGEST}
    assert [item["appliedCommit"] for item in body["aggregatedStatus"]] == [C1, C1, C1]
    assert (body["health"], body["readiness"]) == ("Healthy", "Current")
    assert body["status"]["readyReplicas"] == 6


def test_a_render_that_changes_nothing_of_a_workload_moves_no_byte_of_it():
    first = status_files(facts(), merge)
    after = status_files(
        facts(
            rendered_commit=C2,
            reports={name: report(name, C2) for name in NAMES},
            previous=first,
            now=LATER,
        ),
        merge,
    )
    assert after[PATH] == first[PATH]
    assert yaml.safe_load(after["summary.yaml"])["renderedCommit"] == C2


def test_a_cluster_that_stands_at_an_older_render_has_not_been_delivered_to():
    first = status_files(facts(), merge)
    body = web(
        status_files(
            facts(
                rendered_commit=C2,
                digests={WEB: OTHER},
                reports={"oslo": report("oslo", C2), "paris": report("paris", C2), "rome": report("rome")},
                newer={C1: frozenset({C2})},
                previous=first,
            ),
            merge,
        )
    )
    assert body["rendered"] == {"commit": C2, "digest": OTHER}
    assert conditions(body)["Delivered"] == ("False", "Progressing")
    assert conditions(body)["FullyApplied"] == ("False", "FullyAppliedFailed")
    commits = {item["clusterName"]: item["appliedCommit"] for item in body["aggregatedStatus"]}
    assert commits == {"oslo": C2, "paris": C2, "rome": C1}


def test_a_cluster_behind_has_everything_that_did_not_change_since():
    first = status_files(facts(), merge)
    body = web(
        status_files(
            facts(
                rendered_commit=C3,
                reports={name: report(name, C2) for name in NAMES},
                newer={C2: frozenset({C3})},
                previous=first,
            ),
            merge,
        )
    )
    assert conditions(body)["Delivered"] == ("True", "Delivered")
    assert conditions(body)["FullyApplied"] == ("True", "FullyAppliedSuccess")


def test_a_pass_in_which_something_else_failed_has_still_delivered_this_one():
    reports = {name: report(name) for name in NAMES} | {
        "rome": report("rome", commit="", sync="SyncFailed", delivered=C1)
    }
    files = status_files(facts(reports=reports), merge)
    assert conditions(web(files))["FullyApplied"] == ("True", "FullyAppliedSuccess")
    rome = yaml.safe_load(files["clusters/rome.yaml"])
    assert conditions(rome) == {
        "Rendered": ("True", "Success"),
        "Delivered": ("True", "Delivered"),
        "Applied": ("False", "SyncFailed"),
        "Healthy": ("True", "Healthy"),
    }


def test_an_object_that_the_server_refused_is_delivered_and_not_applied():
    refused = member("rome", applied=False, applied_message="no", health=Health.UNKNOWN, status=None)
    body = web(status_files(facts(members={WEB: (member("oslo"), member("paris"), refused)}), merge))
    assert conditions(body)["Delivered"] == ("True", "Delivered")
    assert conditions(body)["FullyApplied"] == ("False", "FullyAppliedFailed")
    assert conditions(body)["Healthy"] == ("Unknown", "NotReported")


def test_what_is_suspended_is_not_delivered():
    suspended = binding(suspension=Suspension(dispatching_on_clusters=("rome",)))
    body = web(status_files(facts(bindings={WEB: suspended}), merge))
    assert conditions(body)["Delivered"] == ("False", "SuspendDispatching")
    message = next(each["message"] for each in body["conditions"] if each["type"] == "Delivered")
    assert message == "not yet on rome (SuspendDispatching)"


def test_a_cluster_that_another_tool_delivers_to_has_what_its_branch_shows():
    clusters = (
        Cluster(name="oslo", sync_mode=DeliveryMode.EXTERNAL),
        *(Cluster(name=name) for name in NAMES[1:]),
    )
    reports = {name: report(name) for name in NAMES[1:]}
    seen = facts(clusters=clusters, reports=reports, released={"oslo": C1}, members={})
    assert conditions(web(status_files(seen, merge)))["Delivered"] == ("True", "Delivered")
    behind = facts(clusters=clusters, reports=reports, released={}, members={})
    assert conditions(web(status_files(behind, merge)))["Delivered"] == ("False", "NotReported")


def test_what_is_held_names_the_problem_and_its_place():
    problems = [
        Problem(
            code="R330",
            message=f"{WEB} is held as it was",
            location=Location(path="web.yaml", line=3, column=1),
            severity=Severity.ERROR,
            subject=str(WEB),
        ),
        Problem(code="R301", message="no cluster fits", severity=Severity.ERROR, subject="Job.batch shop/x"),
        Problem(code="R320", message="unclaimed", severity=Severity.WARNING, subject="Job.batch shop/y"),
    ]
    held = held_subjects(problems)
    assert held == {str(WEB): f"R330 {WEB} is held as it was (web.yaml:3:1)"}
    files = status_files(facts(held=held), merge)
    assert conditions(web(files))["Rendered"] == ("False", "Held")
    assert conditions(yaml.safe_load(files["clusters/oslo.yaml"]))["Rendered"] == ("False", "Held")


def test_a_fault_of_the_whole_fleet_holds_everything():
    problem = Problem(code="R332", message="everything is held as it was", severity=Severity.ERROR)
    body = web(status_files(facts(held=held_subjects([problem])), merge))
    assert conditions(body)["Rendered"] == ("False", "Held")


def test_a_workload_that_fits_nowhere_is_scheduled_to_nothing():
    scheduled = Condition(type="Scheduled", status="False", reason="NoClusterFit", message="0/3 clusters")
    nowhere = facts(
        bindings={WEB: replace(binding(), clusters=(), scheduled=scheduled)}, digests={}, members={}
    )
    body = web(status_files(nowhere, merge))
    assert conditions(body) == {
        "Scheduled": ("False", "NoClusterFit"),
        "Rendered": ("False", "NotPlaced"),
        "Delivered": ("False", "NotPlaced"),
        "FullyApplied": ("False", "FullyAppliedFailed"),
        "Healthy": ("Unknown", "NotReported"),
    }
    assert "rendered" not in body


def test_a_conditions_time_moves_with_its_status_alone():
    first = status_files(facts(), merge)
    sick = (member("oslo"), member("paris"), member("rome", health=Health.UNHEALTHY))
    second = web(status_files(facts(members={WEB: sick}, previous=first, now=LATER), merge))
    times = {each["type"]: each["lastTransitionTime"] for each in second["conditions"]}
    assert times.pop("Healthy") == "2026-01-03T00:00:00Z"
    assert set(times.values()) == {"2026-01-02T00:00:00Z"}


def test_a_status_in_git_is_nobodys_word():
    claimed = Manifest(
        id=WEB, body={**template().body, "status": {"replicas": 99}}, origin=Origin(path="web.yaml")
    )
    body = web(status_files(facts(templates={WEB: claimed}, members={}), merge))
    assert "status" not in body
    body = web(status_files(facts(templates={WEB: claimed}), merge))
    assert body["status"]["replicas"] == 6


JOB = ObjectId(group="batch", kind="Job", namespace="shop", name="once")
JOB_PATH = "workloads/shop/Job.batch/once.yaml"


def job_facts(status, **more):
    manifest = Manifest(
        id=JOB,
        body={"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once", "namespace": "shop"}},
        origin=Origin(path="job.yaml"),
    )
    clusters = (TargetCluster(name="oslo"),)
    values = {
        "bindings": {JOB: Binding(resource=JOB, api_version="batch/v1", clusters=clusters)},
        "templates": {JOB: manifest},
        "members": {JOB: (member("oslo", status=status),)},
        "digests": {JOB: DIGEST},
    }
    return facts(**(values | more))


def test_a_job_that_failed_stays_so_until_something_else_is_rendered():
    failed = {"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]}
    running = {"active": 1, "startTime": "2026-01-02T00:00:00Z"}
    first = status_files(job_facts(failed), merge)
    again = status_files(job_facts(running, previous=first), merge)
    assert yaml.safe_load(again[JOB_PATH])["status"]["conditions"][0]["type"] == "Failed"
    anew = status_files(job_facts(running, previous=again, digests={JOB: OTHER}, rendered_commit=C2), merge)
    assert yaml.safe_load(anew[JOB_PATH])["status"] == running


def test_a_job_has_no_start_before_every_member_has_told_its_own():
    both = (TargetCluster(name="oslo"), TargetCluster(name="paris"))
    placed = {JOB: Binding(resource=JOB, api_version="batch/v1", clusters=both)}
    late = {"active": 1, "startTime": "2026-01-02T00:00:01Z"}
    first = status_files(job_facts(late, bindings=placed), merge)
    assert yaml.safe_load(first[JOB_PATH])["status"] == {"active": 1}
    told = (
        member("oslo", status=late),
        member("paris", status={"active": 1, "startTime": "2026-01-02T00:00:00Z"}),
    )
    second = status_files(job_facts(late, bindings=placed, members={JOB: told}, previous=first), merge)
    assert yaml.safe_load(second[JOB_PATH])["status"] == {"active": 2, "startTime": "2026-01-02T00:00:00Z"}


def test_sums_that_no_integer_holds_cost_the_merged_status_alone():
    huge = {"replicas": 2**63 - 1}
    body = web(status_files(facts(members={WEB: tuple(member(n, status=huge) for n in NAMES)}), merge))
    assert "status" not in body
    assert len(body["aggregatedStatus"]) == 3


BACKUP = ObjectId(group="velero.io", kind="Backup", namespace="velero", name="nightly")
BACKUP_PATH = "workloads/velero/Backup.velero.io/nightly.yaml"


def backup_facts(*phases, **more):
    names = NAMES[: len(phases)]
    clusters = tuple(TargetCluster(name=name) for name in names)
    rows = tuple(
        member(name, status=phase if isinstance(phase, dict) else {"phase": phase})
        for name, phase in zip(names, phases, strict=True)
    )
    values = {
        "bindings": {BACKUP: Binding(resource=BACKUP, api_version="velero.io/v1", clusters=clusters)},
        "templates": {
            BACKUP: Manifest(
                id=BACKUP, body={"apiVersion": "velero.io/v1", "kind": "Backup"}, origin=Origin(path="b.yaml")
            )
        },
        "members": {BACKUP: rows},
        "digests": {BACKUP: DIGEST},
    }
    return facts(**(values | more))


def test_a_custom_resource_in_different_states_keeps_a_list_by_cluster():
    body = yaml.safe_load(status_files(backup_facts("Completed", "Failed", "New"), merge)[BACKUP_PATH])
    assert {i["clusterName"]: i["status"]["phase"] for i in body["aggregatedStatus"]} == {
        "oslo": "Completed",
        "paris": "Failed",
        "rome": "New",
    }
    assert "status" not in body


def test_a_phase_is_told_at_once_and_a_number_when_it_is_due():
    first = status_files(backup_facts({"phase": "InProgress", "items": 1}), merge)
    counted = backup_facts({"phase": "InProgress", "items": 2}, previous=first, counters_due=False)
    assert status_files(counted, merge)[BACKUP_PATH] == first[BACKUP_PATH]
    ended = backup_facts({"phase": "Completed", "items": 3}, previous=first, counters_due=False)
    body = yaml.safe_load(status_files(ended, merge)[BACKUP_PATH])
    assert body["aggregatedStatus"][0]["status"] == {"phase": "Completed", "items": 3}


def test_numbers_that_waited_are_written_when_they_are_due():
    memo = StatusMemo()
    first = status_files(facts(), merge, memo)
    slower = {WEB: tuple(member(name, ready=1) for name in NAMES)}
    held = status_files(facts(members=slower, previous=first, counters_due=False), merge, memo)
    assert held == first
    due = status_files(facts(members=slower, previous=held, counters_due=True), merge, memo)
    assert web(due)["status"]["readyReplicas"] == 3


@pytest.mark.parametrize("due", [True, False])
def test_with_and_without_a_memo_the_same_files_come_out(due):
    memo = StatusMemo()
    previous, other = {}, {}
    scenes = [
        {},
        {"members": {WEB: tuple(member(name, ready=1) for name in NAMES)}},
        {"members": {WEB: (member("oslo"), member("paris", health=Health.UNHEALTHY))}},
        {"rendered_commit": C2, "digests": {WEB: OTHER}, "newer": {C1: frozenset({C2})}},
        {"templates": {WEB: template(labels={"app": "web"})}},
        {"held": {str(WEB): "R330 held"}},
        {"bindings": {}},
        {},
    ]
    for scene in scenes:
        previous = status_files(facts(**scene, previous=previous, counters_due=due), merge, memo)
        other = status_files(facts(**scene, previous=other, counters_due=due), merge)
        assert previous == other


def test_what_did_not_change_is_not_merged_again():
    asked = []

    def counted(body, items):
        asked.append(body["metadata"]["name"])
        return merge(body, items)

    memo = StatusMemo()
    first = status_files(facts(), counted, memo)
    status_files(facts(previous=first, now=LATER), counted, memo)
    assert asked == ["web"]


def test_what_is_written_reads_back_as_it_was():
    files = status_files(facts(), merge)
    seen = decode_observation(files, commit=C1, time=NOW)
    assert seen.objects[WEB] == tuple(member(name) for name in NAMES)
    assert seen.clusters["rome"].delivered_commit == C1
    assert seen.rendered_commit == C1


def test_reading_again_reads_only_what_changed():
    files = status_files(facts(), merge)
    memo = {}
    first = decode_observation(files, commit=C1, time=NOW, memo=memo)
    sick = (member("oslo"), member("paris"), member("rome", readiness=Readiness.FAILED, message="why"))
    after = status_files(facts(members={WEB: sick}, previous=files), merge)
    second = decode_observation(after, commit=C2, time=NOW, memo=memo)
    assert second == decode_observation(after, commit=C2, time=NOW)
    assert second.clusters["rome"] is first.clusters["rome"]
    assert second.objects[WEB][2].message == "why"


def test_the_digest_of_what_is_rendered_moves_with_any_clusters_content():
    def tree(*variants):
        return RenderTree(
            variants=tuple(Variant(path=WEB.tree_path, data=data, clusters=names) for data, names in variants)
        )

    one = rendered_digests(tree((b"a", ("oslo", "paris"))))
    assert one == rendered_digests(tree((b"a", ("oslo", "paris"))))
    assert one != rendered_digests(tree((b"b", ("oslo", "paris"))))
    assert one != rendered_digests(tree((b"a", ("oslo", "rome"))))
    assert one != rendered_digests(tree((b"a", ("oslo",)), (b"b", ("paris",))))
    assert rendered_digests(RenderTree()) == {}


def test_what_an_override_delivers_is_told_and_its_change_too():
    memo = StatusMemo()
    assert "delivered" not in str(web(status_files(facts(), merge, memo))["clusters"])
    body = web(status_files(facts(delivered={WEB: {"rome": 0}}), merge, memo))
    assert body["clusters"] == [
        {"name": "oslo", "replicas": 2},
        {"name": "paris", "replicas": 2},
        {"name": "rome", "replicas": 2, "delivered": 0},
    ]
