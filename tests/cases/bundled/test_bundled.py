"""Every bundled kind answers its cases: documents in the layout of Karmada's, written by hand (`tests/parity/thirdparty.py`)."""

import json
from pathlib import Path

import pytest

from reconciler.interpreter.bundled.registry import BUNDLED_RULES, RULES_BY_KIND
from reconciler.interpreter.custom.decode import OPERATIONS
from reconciler.interpreter.registry import NATIVE
from tests.parity.thirdparty import _by_rules, cases_in, judge

CASES = list(cases_in(Path(__file__).parent))
OPERATION_OF_RULE = {rule: operation.name for rule, operation in OPERATIONS.items()}

# Group/version, kind and letters as in spec rendering-and-status §5: R replicas, C components, V revision, T retention,
# S status, A aggregation, H health, D dependencies.
KINDS = """
apps.kruise.io/v1alpha1 AdvancedCronJob A D
apps.kruise.io/v1alpha1 BroadcastJob R V T S A H D
apps.kruise.io/v1alpha1 CloneSet R V S A H D
apps.kruise.io/v1alpha1 DaemonSet S A H D
apps.kruise.io/v1alpha1 SidecarSet R T S A H D
apps.kruise.io/v1alpha1 UnitedDeployment R V S A H D
apps.kruise.io/v1beta1 StatefulSet R V S A H D
argoproj.io/v1alpha1 Workflow R V T H D
batch.volcano.sh/v1alpha1 Job C S A H
flink.apache.org/v1beta1 FlinkDeployment R C S A H
helm.toolkit.fluxcd.io/v2beta1 HelmRelease T S A H D
kubeflow.org/v1 Notebook R S A H
kubeflow.org/v1 PyTorchJob C A H D
kubeflow.org/v1 TFJob C A H D
kubeflow.org/v2beta1 MPIJob C S A H
kustomize.toolkit.fluxcd.io/v1 Kustomization T S A H D
kyverno.io/v1 ClusterPolicy S A H
kyverno.io/v1 Policy S A H
ray.io/v1 RayCluster C A H
ray.io/v1 RayJob C A H D
ray.io/v1 RayService R V A H D
source.toolkit.fluxcd.io/v1 GitRepository T S A H D
source.toolkit.fluxcd.io/v1beta2 Bucket T S A H D
source.toolkit.fluxcd.io/v1beta2 HelmChart T S A H D
source.toolkit.fluxcd.io/v1beta2 HelmRepository T S A H D
source.toolkit.fluxcd.io/v1beta2 OCIRepository T S A H D
sparkoperator.k8s.io/v1beta2 SparkApplication C S A H
"""
RULE_OF_LETTER = {
    "R": "replicas",
    "C": "components",
    "V": "revise",
    "T": "retain",
    "S": "reflect",
    "A": "aggregate",
    "H": "health",
    "D": "dependencies",
}


def wanted():
    """Kind to the rules that it must have."""
    rows = (line.split() for line in KINDS.strip().splitlines())
    return {(row[0], row[1]): {RULE_OF_LETTER[letter] for letter in row[2:]} for row in rows}


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.kind[1]}-{case.body['name']}".replace(" ", "-")
)
def test_a_case_agrees_and_leaves_its_input_as_it_is(case):
    given = json.dumps(case.body)
    judge(case, _by_rules(RULES_BY_KIND[case.kind]))
    assert json.dumps(case.body) == given


def test_every_kind_has_exactly_the_operations_of_the_specification():
    found = {
        kind: {rule for rule in OPERATION_OF_RULE if getattr(rules, rule) is not None}
        for kind, rules in RULES_BY_KIND.items()
    }
    assert found == wanted()
    assert len(found) == 27


def test_every_operation_of_every_kind_has_a_case_with_an_output():
    shown = {(case.kind, case.body["operation"].lower()) for case in CASES if case.body.get("output")}
    missing = {
        (kind, OPERATION_OF_RULE[rule])
        for kind, rules in wanted().items()
        for rule in rules
        if (kind, OPERATION_OF_RULE[rule].lower()) not in shown
    }
    assert not missing


def test_the_layer_takes_an_empty_list_for_nothing_to_aggregate():
    body = {
        "apiVersion": "kyverno.io/v1",
        "kind": "Policy",
        "metadata": {"name": "p"},
        "status": {"old": True},
    }
    assert NATIVE.aggregate(body, ()) == body
    assert RULES_BY_KIND["kyverno.io/v1", "Policy"].aggregate(body, (), None) != body
    assert set(BUNDLED_RULES) == set(RULES_BY_KIND)


@pytest.mark.parametrize("kind", ["BroadcastJob", "CloneSet", "DaemonSet", "StatefulSet"])
def test_the_health_of_what_has_no_status_yet_is_unknown(kind):
    version = "v1beta1" if kind == "StatefulSet" else "v1alpha1"
    body = {"apiVersion": f"apps.kruise.io/{version}", "kind": kind, "metadata": {"name": "n"}, "spec": {}}
    assert NATIVE.health(body).value == "Unknown"
    assert NATIVE.health({**body, "status": {"observedGeneration": 1}}).value == "Unhealthy"


def test_what_a_rule_makes_of_null_is_not_kept_from_the_member():
    desired = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "r", "creationTimestamp": None},
        "spec": {"url": "u"},
    }
    live = {**desired, "spec": {"url": "u", "suspend": True}}
    assert NATIVE.retained_paths(desired, live) == (("spec", "suspend"),)


def test_a_kind_that_is_not_bundled_in_this_version_is_left_to_others():
    assert NATIVE.rule({"apiVersion": "kyverno.io/v2", "kind": "Policy"}, "health") is None
