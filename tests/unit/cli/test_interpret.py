"""`interpret` runs rules on files: the built-in ones, and an author's own scripts."""

import json

from click.testing import CliRunner

from reconciler.cli.main import root
from tests.interpreterwebhook import WebhookServer, configuration, workload

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
        - {name: web, resources: {requests: {cpu: 250m}}, envFrom: [{configMapRef: {name: settings}}]}
"""
WORKLOAD = "apiVersion: example.com/v1\nkind: Workload\nmetadata: {name: w}\nspec: {size: 6}\n"
RULES = """\
apiVersion: config.karmada.io/v1alpha1
kind: ResourceInterpreterCustomization
metadata: {name: workload}
spec:
  target: {apiVersion: example.com/v1, kind: Workload}
  customizations:
    replicaRevision:
      luaScript: |
        function ReviseReplica(obj, n)
          obj.spec.size = n or 1
          return obj
        end
"""


def run(tmp_path, files, *arguments):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    words = [str(tmp_path / each) if each in files else each for each in arguments]
    result = CliRunner().invoke(root, ["interpret", *words, "-o", "json"], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, json.loads(result.stdout or "{}").get("results"), result.stderr


def test_a_native_kind_answers_every_operation_that_has_its_input(tmp_path):
    code, results, _ = run(tmp_path, {"d.yaml": DEPLOYMENT}, "-f", "d.yaml")
    assert code == 0
    assert results["InterpretReplica"] == {
        "replicas": 1,  # absent in the file, as an API server would fill it in
        "replicaRequirements": {"resourceRequest": {"cpu": "250m"}},
    }
    (dependency,) = results["InterpretDependency"]["dependencies"]
    assert (dependency["kind"], dependency["name"]) == ("ConfigMap", "settings")
    assert "Retain" not in results


def test_a_script_of_the_author_is_run(tmp_path):
    files = {"w.yaml": WORKLOAD, "rules.yaml": RULES}
    code, results, _ = run(
        tmp_path, files, "-f", "w.yaml", "--customization", "rules.yaml", "--replicas", "4"
    )
    assert code == 0
    assert results["ReviseReplica"]["spec"] == {"size": 4}


def test_a_script_that_is_not_lua_is_said_with_its_line(tmp_path):
    files = {"w.yaml": WORKLOAD, "rules.yaml": RULES.replace("return obj", "unless obj")}
    code, results, said = run(tmp_path, files, "-f", "w.yaml", "--customization", "rules.yaml")
    assert code == 1
    assert results is None
    assert "rules.yaml:11:" in said
    assert "R420" in said


def test_a_script_that_never_ends_is_stopped_and_named(tmp_path):
    files = {"w.yaml": WORKLOAD, "rules.yaml": RULES.replace("return obj", "while true do end")}
    code, results, said = run(
        tmp_path, files, "-f", "w.yaml", "--customization", "rules.yaml", "--replicas", "4"
    )
    assert code == 1
    assert results == {}
    assert "rules.yaml:11:" in said
    assert "R422" in said


def test_the_components_of_a_workload_are_told(tmp_path):
    job = (
        "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: j}\n"
        "spec: {tasks: [{name: t, minAvailable: 2, template: {spec: {containers: [{resources: {requests: {cpu: 1}}}]}}}]}\n"
    )
    code, results, _ = run(tmp_path, {"j.yaml": job}, "-f", "j.yaml")
    assert code == 0
    assert results["InterpretComponent"]["components"] == [
        {"name": "t", "replicas": 2, "replicaRequirements": {"resourceRequest": {"cpu": "1"}}}
    ]


def test_a_health_rule_that_fails_is_told_and_not_taken_for_an_answer(tmp_path):
    rules = RULES.replace("replicaRevision", "healthInterpretation").replace(
        "ReviseReplica(obj, n)", "InterpretHealth(obj)"
    )
    code, results, said = run(
        tmp_path, {"w.yaml": WORKLOAD, "rules.yaml": rules}, "-f", "w.yaml", "--customization", "rules.yaml"
    )
    assert code == 1
    assert results == {}
    assert "R424" in said


def test_what_travels_along_by_labels_is_told_with_its_whole_selector(tmp_path):
    rules = RULES.replace("replicaRevision", "dependencyInterpretation").replace(
        "ReviseReplica(obj, n)", "GetDependencies(obj)"
    )
    rules = rules.replace(
        "return obj",
        "return {{apiVersion = 'v1', kind = 'Secret', labelSelector = {matchExpressions = {{key = 'a', operator = 'In', values = {'b'}}}}}}",
    )
    code, results, _ = run(
        tmp_path, {"w.yaml": WORKLOAD, "rules.yaml": rules}, "-f", "w.yaml", "--customization", "rules.yaml"
    )
    assert code == 0
    (reference,) = results["InterpretDependency"]["dependencies"]
    assert reference["labelSelector"] == {
        "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]
    }


def test_a_webhook_is_asked_only_when_that_is_said(tmp_path):
    with WebhookServer(tmp_path) as server:
        files = {
            "w.yaml": json.dumps(workload(replicas=6, status={"readyReplicas": 6})),
            "hook.yaml": json.dumps(configuration(server.url, server.bundle)),
        }
        given = ("-f", "w.yaml", "--customization", "hook.yaml", "--replicas", "2")
        code, results, said = run(tmp_path, files, *given)
        assert (code, results, server.requests) == (1, {}, [])
        assert said.count("R433") == 5
        code, results, _ = run(tmp_path, files, *given, "--ask-webhooks")
        assert code == 0
        assert results["InterpretReplica"] == {
            "replicas": 6,
            "replicaRequirements": {"resourceRequest": {"cpu": "100m"}},
        }
        assert results["ReviseReplica"]["spec"]["replicas"] == 2
        assert results["InterpretHealth"] == {"health": "Healthy"}
        assert [each["name"] for each in results["InterpretDependency"]["dependencies"]] == ["web"]
        server.answer = lambda request: {
            "uid": request["uid"],
            "successful": False,
            "status": {"message": "not today"},
        }
        code, _, said = run(tmp_path, files, *given, "--ask-webhooks", "--operation", "InterpretReplica")
        assert code == 1
        assert "R431" in said
        assert "not today" in said


def test_a_webhook_configuration_is_checked_before_it_is_used(tmp_path):
    files = {
        "w.yaml": json.dumps(workload()),
        "hook.yaml": json.dumps(configuration("http://hook.example.com", "Zm9v")),
    }
    code, _, said = run(tmp_path, files, "-f", "w.yaml", "--customization", "hook.yaml", "--ask-webhooks")
    assert code == 1
    assert said.count("R261") == 2
