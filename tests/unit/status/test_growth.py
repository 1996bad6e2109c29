"""The status branch grows by what happens in the fleet, not by what keeps moving in it (DESIGN §5, promise 10)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import yaml

from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Cluster, ClusterStatus, Condition
from reconciler.model.identity import ObjectId
from reconciler.model.observation import ClusterReport, Health, MemberStatus, Readiness
from reconciler.observe.branches import encode_report
from reconciler.status.aggregate import status_files
from reconciler.status.facts import Facts

WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def condition(status="True", reason="ClusterReady", message=""):
    return Condition(type="Ready", status=status, reason=reason, message=message)


def report(name="a", *, message="", sync="Synced", status="True"):
    facts = ClusterStatus(kubernetes_version="v1.36.3", conditions=(condition(status),))
    return ClusterReport(name=name, status=facts, rendered_commit="r" * 40, sync=sync, message=message)


def member(replicas, *, health=Health.HEALTHY, readiness=Readiness.CURRENT):
    return MemberStatus(
        cluster="a", applied=True, health=health, readiness=readiness, status={"readyReplicas": replicas}
    )


def facts_at(now, told, members, *, previous, due):
    return Facts(
        source_commit="s" * 40,
        rendered_commit="r" * 40,
        now=now,
        clusters=(Cluster(name="a"),),
        reports={"a": told},
        bindings={WEB: Binding(resource=WEB, api_version="apps/v1", clusters=(TargetCluster(name="a"),))},
        members={WEB: members},
        previous=previous,
        counters_due=due,
    )


class Branch:
    """What would be committed: a tree each time something is new; counters at most every five minutes."""

    def __init__(self):
        self.files = {}
        self.commits = 0
        self.counted = None

    def write(self, now, told, members):
        due = self.counted is None or now - self.counted >= timedelta(minutes=5)
        files = status_files(
            facts_at(now, told, members, previous=self.files, due=due), lambda body, _items: body
        )
        if due:
            self.counted = now
        if files != self.files:
            self.files, self.commits = files, self.commits + 1

    def read(self, path):
        return yaml.safe_load(self.files[path])


def test_an_hour_of_counters_is_twelve_commits_and_an_hour_of_nothing_is_none():
    branch = Branch()
    for second in range(0, 3600, 5):
        branch.write(NOW + timedelta(seconds=second), report(), (member(second),))
    assert branch.commits == 12
    branch.write(NOW + timedelta(hours=1), report(), (member(3600),))
    before = branch.commits
    for second in range(5, 3600, 5):
        branch.write(NOW + timedelta(hours=1, seconds=second), report(), (member(3600),))
    assert branch.commits == before


def test_words_that_change_by_themselves_are_no_news_and_a_transition_is_at_once():
    branch = Branch()
    away = {"sync": "ClusterUnreachable", "status": "False"}
    branch.write(NOW, report(), (member(1),))
    for second in range(1, 240):
        told = report(message=f"no answer, try {second}", **away)
        branch.write(NOW + timedelta(seconds=second), told, (member(1),))
    assert branch.commits == 2
    assert branch.read("summary.yaml")["clusters"][0]["message"] == "no answer, try 1"
    assert branch.read("clusters/a.yaml")["sync"]["message"] == "no answer, try 1"
    ill = member(0, health=Health.UNHEALTHY, readiness=Readiness.IN_PROGRESS)
    branch.write(NOW + timedelta(seconds=240), report(message="no answer, try 240", **away), (ill,))
    assert branch.commits == 3
    assert branch.read("workloads/shop/Deployment.apps/web.yaml")["health"] == "Unhealthy"


def test_a_report_keeps_its_numbers_until_they_are_due_and_tells_a_transition_at_once():
    first = encode_report(report(), {WEB: member(1)})
    again = encode_report(report(message="x"), {WEB: member(2)}, previous=first, counters_due=False)
    assert again == first
    due = encode_report(report(), {WEB: member(2)}, previous=first, counters_due=True)
    assert due != first
    ill = replace(member(2), health=Health.UNHEALTHY)
    changed = encode_report(report(), {WEB: ill}, previous=first, counters_due=False)
    path = "objects/shop/Deployment.apps/web.yaml"
    assert yaml.safe_load(changed[path])["health"] == "Unhealthy"
    assert changed["cluster.yaml"] == first["cluster.yaml"]
    failed = replace(member(2), applied=False, applied_message="exceeded quota")
    said = encode_report(report(), {WEB: failed}, previous=first, counters_due=False)
    assert "exceeded quota" in said[path].decode()
