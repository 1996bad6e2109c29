"""What `explain` says of each decision: the rule, and the file and the line it comes from. Lines are counted by hand."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import root
from tests.unit.cli.test_explain_and_simulate import EXAMPLE, explained, run

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.com")
HOW_TO = Path(__file__).resolve().parents[3] / "docs/how-to/examples"

CLUSTERS = """\
apiVersion: cluster.karmada.io/v1alpha1
kind: Cluster
metadata: {name: a}
spec: {syncMode: Push, region: north}
status: &status
  conditions: [{type: Ready, status: "True"}]
  apiEnablements: [{groupVersion: apps/v1, resources: [{kind: Deployment, name: deployments}]}]
  resourceSummary:
    allocatable: {pods: "10"}
---
apiVersion: cluster.karmada.io/v1alpha1
kind: Cluster
metadata: {name: b}
spec:
  syncMode: Push
  region: south
  taints:
    - {key: other, value: x, effect: NoSchedule}
    - {key: edge, effect: NoSchedule}
status:
  conditions: [{type: Ready, status: "False"}]
  resourceSummary:
    allocatable: {pods: "4"}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""
POLICIES = """\
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: web, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]
  placement:
    clusterAffinities:
      - affinityName: south
        clusterNames: [b]
      - affinityName: north
        clusterNames: [a]
      - affinityName: all
    clusterTolerations: [{key: other, operator: Exists}]
    spreadConstraints:
      - {spreadByField: zone, minGroups: 1, maxGroups: 1}
      - {spreadByField: cluster, minGroups: 1, maxGroups: 1}
    replicaScheduling:
      replicaDivisionPreference: Aggregated
---
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: lower, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]
  priority: -1
---
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: all, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]
---
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: zzz, namespace: shop}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]
---
apiVersion: policy.karmada.io/v1alpha1
kind: ClusterPropagationPolicy
metadata: {name: strong}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]
  priority: 99
"""


@pytest.fixture
def fleet(tmp_path):
    for name, text in (("clusters", CLUSTERS), ("policies", POLICIES), ("web", WEB)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_every_loser_is_told_the_rule_by_which_it_lost(fleet):
    rows = explained(fleet, "deployment/web")["policy"]["candidates"]
    assert {row["name"]: (row["lostBy"], row["location"]) for row in rows} == {
        "web": ("", "policies.yaml:1:1"),
        "lower": ("its priority -1 is lower than 0", "policies.yaml:20:1"),
        "all": ("it selects by all, less specific than by name", "policies.yaml:27:1"),
        "zzz": ("its name comes later", "policies.yaml:33:1"),
        "strong": ("a policy of the object's own namespace goes first", "policies.yaml:39:1"),
    }


def test_every_reason_has_the_place_it_comes_from(fleet):
    south, north, everywhere = explained(fleet, "deployment/web")["groups"]
    refusals = {
        row["name"]: [(r["filter"], r["location"]) for r in row["refusals"]] for row in south["clusters"]
    }
    assert refusals == {
        # neither named by the group nor in a zone
        "a": [("ClusterAffinity", "policies.yaml:8:9"), ("SpreadConstraint", "policies.yaml:15:9")],
        # the second taint, line 18 counted from the first document; the API is observed in no file, so the Cluster itself
        "b": [
            ("TaintToleration", "clusters.yaml:19:7"),
            ("APIEnablement", "clusters.yaml:20:1"),
            ("SpreadConstraint", "policies.yaml:15:9"),
        ],
    }
    (a,) = (row for row in everywhere["clusters"] if row["name"] == "a")
    assert "ClusterAffinity" in a["passed"]
    assert north["failure"]["kind"] == "NoClusterFit"


def test_groups_say_why_they_were_chosen_or_not(fleet):
    def outcomes():
        rows = explained(fleet, "deployment/web")["affinityGroups"]
        return {row["name"]: (row["outcome"], row["location"]) for row in rows}

    assert outcomes() == {
        "south": ("FAILED", "policies.yaml:8:9"),
        "north": ("FAILED", "policies.yaml:10:9"),
        "all": ("FAILED", "policies.yaml:12:9"),
    }
    path = fleet / "policies.yaml"
    path.write_text(
        path.read_text().replace("      - {spreadByField: zone, minGroups: 1, maxGroups: 1}\n", "")
    )
    assert {name: outcome for name, (outcome, _) in outcomes().items()} == {
        "south": "FAILED",
        "north": "CHOSEN",
        "all": "NOT_REACHED",
    }


def test_the_regions_that_were_chosen_from_are_there_with_their_weights(tmp_path):
    # Not in place: there the fleet would be the whole repository.
    fleet = shutil.copytree(HOW_TO / "three-zones", tmp_path / "fleet")
    found = explained(fleet, "deployment/ledger")
    (attempt,) = found["groups"]
    # Six replicas over three regions are two each, which every region has room for: 1000 a replica.
    assert attempt["regions"] == [
        {"name": f"zone-{name}", "clusters": clusters, "weight": 2000, "chosen": True}
        for name, clusters in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert attempt["divisions"][0]["location"].startswith("policies.yaml:")


def test_what_goes_somewhere_without_a_policy_is_not_called_unplaced(tmp_path):
    example = shutil.copytree(EXAMPLE, tmp_path / "fleet")
    namespace = explained(example, "namespace/shop")
    assert namespace["everywhere"]
    assert namespace["verdict"] == "on every cluster: a Namespace needs no policy"
    text = run("explain", "configmap/web-settings", "-C", example).stdout
    assert "Follows: shop/web-deployment" in text
    assert "R320" not in text  # it is where it is needed, and validate says nothing either


def test_a_scheduler_that_is_not_there_is_named(fleet):
    path = fleet / "policies.yaml"
    path.write_text(path.read_text().replace("  placement:\n", "  schedulerName: mine\n  placement:\n", 1))
    assert explained(fleet, "deployment/web")["waits"] == "no scheduler is named mine"
    text = run("explain", "deployment/web", "-C", fleet).stdout
    assert "Scheduling: no scheduler is named mine, so the last result stands" in text


def test_one_cluster_is_told_with_every_filter(fleet):
    text = run("explain", "deployment/web", "-C", fleet, "--cluster", "a").stdout
    for name in ("ClusterEviction", "TaintToleration", "APIEnablement", "WorkloadAffinity"):
        assert f"{name} " in text
    assert "ClusterAffinity" in text


def test_scores_and_what_is_held_are_told_where_the_object_is_already(fleet):
    policy = fleet / "policies.yaml"
    policy.write_text(
        policy.read_text().replace("      - {spreadByField: zone, minGroups: 1, maxGroups: 1}\n", "")
    )
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*GIT, *words], cwd=fleet, check=True)
    result = CliRunner().invoke(
        root, ["render", str(fleet), "--revision", "main", "--branches"], standalone_mode=False
    )
    assert result.exception is None, result.output
    found = json.loads(run("explain", "deployment/web", "-C", fleet, "-o", "json").stdout)
    assert found["trigger"] is None
    assert {row["name"]: row["outcome"] for row in found["affinityGroups"]}["north"] == "STANDS"
    (a,) = (row for row in found["groups"][0]["clusters"] if row["name"] == "a")
    assert (a["scores"], a["held"]) == ({"ClusterLocality": 100}, 4)
    assert "TaintToleration" in a["notAsked"]
    assert found["groups"][0]["hypothetical"]
