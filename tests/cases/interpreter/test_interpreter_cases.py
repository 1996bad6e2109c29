"""Objects as members report them, one file a state: what kstatus and Karmada's health say of each.

The first lines of a file hold the expected answers. The name of a file begins with the state that people see: `healthy`
(Current), `progressing` (InProgress or Terminating) or `degraded` (Failed).
"""

from pathlib import Path

import pytest

from reconciler.interpreter.registry import NATIVE
from reconciler.manifests.load import load
from reconciler.model.time import parse_time

ROOT = Path(__file__).parent
FILES = sorted(ROOT.glob("*/*.yaml"))
STATES = {"healthy": {"Current"}, "progressing": {"InProgress", "Terminating"}, "degraded": {"Failed"}}


def expected(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if line.startswith("# "))
    return dict(line[2:].split(": ", 1) for line in lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_readiness_and_health_are_as_the_file_says(path):
    (document,) = load(path.read_bytes(), path.name).documents
    says = expected(path)
    now = parse_time(says["now"]) if "now" in says else None
    readiness, why = NATIVE.readiness(document.body, now)
    assert (readiness.value, why) == (says["readiness"], says["why"])
    assert NATIVE.health(document.body).value == says["health"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_file_stands_under_its_kind_and_state(path):
    (document,) = load(path.read_bytes(), path.name).documents
    group = document.body["apiVersion"].rpartition("/")[0] or "core"
    assert path.parent.name == f"{group}.{document.body['kind']}"
    assert expected(path)["readiness"] in STATES[path.stem.partition("-")[0]]


def test_a_field_of_the_wrong_type_is_unknown_and_says_which():
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "three"}}
    readiness, why = NATIVE.readiness(body)
    assert (readiness.value, why) == ("Unknown", "spec.replicas is not an integer")
    assert NATIVE.health({**body, "status": {"observedGeneration": "x"}}).value == "Unknown"


def test_without_a_moment_an_unschedulable_pod_is_never_given_up():
    path = ROOT / "core.Pod/degraded-unschedulable.yaml"
    (document,) = load(path.read_bytes(), path.name).documents
    assert NATIVE.readiness(document.body)[0].value == "InProgress"
