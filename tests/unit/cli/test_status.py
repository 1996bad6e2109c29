"""`reconciler status` and `get` on a status branch: tables, filters, forms of output, and history."""

import json
import shlex
from datetime import timedelta

import pygit2
import pytest
import yaml
from click.testing import CliRunner

from reconciler.cli.main import root
from reconciler.errors import SettingsError
from reconciler.git.references import full_name
from reconciler.git.repository import open_repository
from reconciler.git.trailers import RENDERED_COMMIT, SOURCE_COMMIT
from reconciler.git.writer import CommitFacts, write_files
from reconciler.model.binding import Binding, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.identity import ObjectId
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.observation import Health, Readiness
from reconciler.status.aggregate import status_files
from tests.unit.status.fleet import C1, DIGEST, NOW, WEB, binding, facts, member, merge, report, template

BACKUP = ObjectId(group="velero.io", kind="Backup", namespace="velero", name="nightly")


def scene(phases, previous):
    """Two workloads on three clusters; on rome the Deployment is not well."""
    sick = {"health": Health.UNHEALTHY, "readiness": Readiness.IN_PROGRESS}
    web = (member("oslo"), member("paris"), member("rome", ready=1, message="1 of 2 are ready", **sick))
    backups = tuple(member(name, status={"phase": phase}) for name, phase in phases.items())
    clusters = tuple(TargetCluster(name=name) for name in phases)
    body = {"apiVersion": "velero.io/v1", "kind": "Backup", "metadata": {"labels": {"team": "ops"}}}
    return facts(
        clusters=(
            Cluster(name="oslo", labels={"tier": "edge"}, region="north"),
            Cluster(name="paris"),
            Cluster(name="rome"),
        ),
        reports={
            name: report(name, **({"message": "slow\x1b[31m"} if name == "rome" else {}))
            for name in ("oslo", "paris", "rome")
        },
        bindings={
            WEB: binding(),
            BACKUP: Binding(resource=BACKUP, api_version="velero.io/v1", clusters=clusters),
        },
        templates={
            WEB: template(labels={"app": "web"}),
            BACKUP: Manifest(id=BACKUP, body=body, origin=Origin(path="b.yaml")),
        },
        members={WEB: web, BACKUP: backups},
        digests={WEB: DIGEST, BACKUP: DIGEST},
        previous=previous,
    )


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    path = tmp_path_factory.mktemp("fleet")
    pygit2.init_repository(str(path))
    repository = open_repository(str(path / ".git"))
    tip, files = "", {}
    for hour, phase in enumerate(("New", "InProgress", "Completed")):
        files = status_files(scene({"oslo": phase, "paris": "Completed"}, files), merge)
        time = NOW + timedelta(hours=hour)
        written = write_files(
            repository,
            files,
            previous=tip,
            facts=CommitFacts(
                message="status",
                author_time=time,
                committer_time=time,
                trailers={SOURCE_COMMIT: f"{hour}" * 40, RENDERED_COMMIT: C1},
            ),
        )
        repository.handle.references.create(full_name("reconciler/status"), written.commit, force=True)
        tip = written.commit
    return path


@pytest.fixture
def run(fleet):
    def typed(words):
        done = CliRunner().invoke(root, [*shlex.split(words), "-C", str(fleet)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return typed


def test_the_fleet_at_a_glance(run):
    assert run("status").splitlines() == [
        "CLUSTER   MODE   READY   SYNC     CURRENT   HEALTHY   VERSION",
        "oslo      Push   True    Synced   yes       2/2       v1.36.3",
        "paris     Push   True    Synced   yes       2/2       v1.36.3",
        "rome      Push   True    Synced   yes       0/1       v1.36.3",
        "",
        "NAMESPACE   WORKLOAD         APPLIED   READY   HEALTH      READINESS    STATE",
        "shop        Deployment/web   3/3       5/6     Unhealthy   InProgress   -",
    ]


def test_get_is_status(run):
    assert run("get workloads") == run("status workloads")


def test_workloads_in_wide(run):
    assert run("get workloads -o wide").splitlines() == [
        "NAMESPACE   WORKLOAD         APPLIED   READY   HEALTH      READINESS    STATE       RENDERED       WHERE AND WHY",
        "shop        Deployment/web   3/3       5/6     Unhealthy   InProgress   -           111111111111   rome: 1 of 2 are ready",
        "velero      Backup/nightly   2/2       -       Healthy     Current      Completed   111111111111   -",
    ]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("get workloads", ["deployment.apps/web", "backup.velero.io/nightly"]),
        ("get workloads -A", ["deployment.apps/web", "backup.velero.io/nightly"]),
        ("get workloads -n velero", ["backup.velero.io/nightly"]),
        ("get workloads -l app=web", ["deployment.apps/web"]),
        ("get workloads -l 'team in (ops),!app'", ["backup.velero.io/nightly"]),
        ("get workloads --cluster rome", ["deployment.apps/web"]),
        ("get workloads --cluster 'o*' --cluster rome", ["deployment.apps/web", "backup.velero.io/nightly"]),
        ("get workloads nightly", ["backup.velero.io/nightly"]),
        ("get deploy", ["deployment.apps/web"]),
        ("get Deployments", ["deployment.apps/web"]),
        ("get backups.velero.io", ["backup.velero.io/nightly"]),
        ("get backup nightly", ["backup.velero.io/nightly"]),
        ("get backup/nightly deploy/web", ["backup.velero.io/nightly", "deployment.apps/web"]),
        ("get deploy -n velero", []),
        ("get clusters", ["cluster/oslo", "cluster/paris", "cluster/rome"]),
        ("get clusters -l tier=edge", ["cluster/oslo"]),
        ("get clusters paris", ["cluster/paris"]),
        ("get clusters --cluster 'r*'", ["cluster/rome"]),
        ("get cluster/paris", ["cluster/paris"]),
        ("get paris", ["cluster/paris"]),
    ],
)
def test_what_is_asked_for_and_nothing_else_is_named(run, words, names):
    assert run(f"{words} -o name").split() == names


def test_a_workload_on_one_cluster_is_judged_by_that_cluster(run):
    (line,) = run("get workloads --cluster paris -n shop").splitlines()[1:]
    assert line.split() == ["shop", "Deployment/web", "1/1", "-", "Healthy", "Current", "-"]


def test_one_workload_cluster_by_cluster(run):
    text = run("status deployment/web")
    assert text.startswith("Deployment shop/web: Unhealthy, InProgress; rendered at 111111111111\n")
    rome = next(line for line in text.splitlines() if line.startswith("rome"))
    assert rome.split()[:6] == ["rome", "2", "1/2", "111111111111", "Unhealthy", "InProgress"]
    assert "1 of 2 are ready" in rome
    rows = [line.split()[:3] for line in text.splitlines()]
    assert ["Delivered", "True", "Delivered"] in rows
    assert ["Healthy", "False", "Unhealthy"] in rows


def test_one_cluster_with_its_conditions_and_what_is_on_it(run):
    text = run("status oslo")
    assert text.startswith("oslo: Push, ready True, Synced, Kubernetes v1.36.3\n")
    rows = [line.split() for line in text.splitlines() if line]
    assert ["Applied", "True", "Applied", "2026-01-02T00:00:00Z", "-"] in rows
    assert [row[1] for row in rows if row[0] in ("shop", "velero")] == ["Deployment/web", "Backup/nightly"]


def test_documents_as_they_stand(run):
    body = json.loads(run("status backup/nightly -o json"))
    assert body["kind"] == "WorkloadStatus"
    assert yaml.safe_load(run("status backup/nightly -o yaml")) == body
    rows = json.loads(run("get workloads -o json"))
    assert (rows["kind"], len(rows["items"])) == ("WorkloadStatusList", 2)
    assert json.loads(run("status -o json"))["kind"] == "FleetStatus"
    assert json.loads(run("get clusters -o json"))["items"][0]["name"] == "oslo"
    assert json.loads(run("status oslo -o json"))["summary"]["region"] == "north"


def test_markdown_is_the_page_and_with_a_filter_a_table(run, fleet):
    assert run("status -o markdown").startswith("# Fleet status\n")
    assert run("get workloads -n velero -o markdown").splitlines() == [
        "| NAMESPACE | WORKLOAD | APPLIED | READY | HEALTH | READINESS | STATE |",
        "|---|---|---|---|---|---|---|",
        "| velero | Backup/nightly | 2/2 | - | Healthy | Current | Completed |",
    ]


def test_a_report_cannot_move_the_cursor(run):
    assert "\x1b" not in run("get clusters -o wide")


def test_the_history_of_a_custom_resource_is_read_back_newest_first(run):
    lines = run("status backup/nightly --history").splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "2026-01-02T02:00:00Z",
        "2026-01-02T01:00:00Z",
        "2026-01-02T00:00:00Z",
    ]
    assert [line.split("Current")[1].strip() for line in lines[1:]] == [
        "Completed",
        "Completed: paris; InProgress: oslo",
        "Completed: paris; New: oslo",
    ]
    items = json.loads(run("status backup/nightly --history 2 -o json"))["items"]
    assert [each["sourceCommit"] for each in items] == ["2" * 40, "1" * 40]
    assert items[1]["document"]["aggregatedStatus"][0]["status"] == {"phase": "InProgress"}


def test_fields_that_are_asked_for_are_columns_more(run):
    header, line = run("get deploy --show status.readyReplicas --show metadata.labels").splitlines()
    assert header.endswith("STATE   READYREPLICAS   LABELS")
    assert line.split()[-2:] == ["5", '{"app":"web"}']
    header, line = run("status deploy/web --history --show status.readyReplicas").splitlines()
    assert header.endswith("STATE   READYREPLICAS")
    assert line.split()[-1] == "5"
    (line,) = run("get backups --show status.nothing").splitlines()[1:]
    assert line.split()[-1] == "-"


def test_what_did_not_change_has_one_state(run):
    assert len(run("status deployment/web --history").splitlines()) == 2
    assert len(run("status oslo --history").splitlines()) == 2


def test_the_status_as_of_an_earlier_commit(run):
    assert "InProgress" in run("status backup/nightly --at reconciler/status~1")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("status london", "knows no cluster or kind london; there are oslo, paris, rome, backup, deployment"),
        ("status pariss", "did you mean paris? there are oslo, paris, rome"),
        ("status web", "web is no cluster and no kind; did you mean deployment/web?"),
        ("get deployment/wbe", "knows no workload deployment/wbe; did you mean deployment/web?"),
        ("status cluster/london", "knows no cluster london"),
        ("get clusters london", "knows no cluster london"),
        ("get deployment/none", "knows no workload deployment/none"),
        ("get deploy none", "knows no workload deploy/none"),
        ("get workloads -l 'a b'", "not a label selector: 'a b'"),
        ("get workloads -n shop -A", "-n and -A exclude each other"),
        ("status --history", "--history needs one CLUSTER or one KIND/NAME"),
        ("status workloads --history", "--history needs one CLUSTER or one KIND/NAME"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(run, words, says):
    with pytest.raises(SettingsError) as error:
        run(words)
    assert says in str(error.value)


def test_without_a_status_branch_the_command_to_fetch_it_is_printed(tmp_path):
    pygit2.init_repository(str(tmp_path)).remotes.create("origin", "https://git.example.com/fleet.git")
    with pytest.raises(SettingsError, match="git fetch origin '\\+refs/heads/reconciler/status:"):
        CliRunner().invoke(root, ["status", "-C", str(tmp_path)], catch_exceptions=False)
