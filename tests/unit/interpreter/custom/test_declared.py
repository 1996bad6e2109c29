"""Declared rules end to end: documents, the engine, conversion, and problems with their places. The engine is the real one."""

from datetime import UTC, datetime
from textwrap import dedent, indent

import pytest

from reconciler.interpreter.custom.answers import Answers
from reconciler.interpreter.custom.declared import interpreters_for
from reconciler.interpreter.custom.decode import OPERATIONS, declared_scripts, syntax_problems
from reconciler.interpreter.registry import NATIVE
from reconciler.interpreter.rules import ScriptFailed
from reconciler.lua.engine import LuaEngine
from reconciler.manifests.load import load
from reconciler.model.binding import ReplicaRequirements
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest
from reconciler.model.observation import Health
from reconciler.model.selector import LabelSelector, ObjectReference

NOW = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = {
    "apiVersion": "example.io/v1",
    "kind": "Gadget",
    "metadata": {"name": "g", "namespace": "shop"},
    "spec": {"size": 3},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d"},
    "spec": {"replicas": 2},
}


@pytest.fixture(scope="module")
def engine():
    with LuaEngine(seconds=60.0) as engine:
        yield engine


def customization(name, api_version="example.io/v1", kind="Gadget", path="rules.yaml", **scripts):
    """A document as it would stand in a file: one script a field."""
    lines = [
        "apiVersion: config.karmada.io/v1alpha1",
        "kind: ResourceInterpreterCustomization",
        f"metadata: {{name: {name}}}",
        "spec:",
        f"  target: {{apiVersion: {api_version}, kind: {kind}}}",
        "  customizations:",
    ]
    for field, script in scripts.items():
        lines += [f"    {field}:", "      luaScript: |", indent(dedent(script).strip("\n"), " " * 8)]
    loaded = load(("\n".join(lines) + "\n").encode(), path)
    assert not loaded.problems
    (document,) = loaded.documents
    return Manifest(id=id_of_body(document.body), body=document.body, origin=document.origin)


def gadget(engine, **scripts):
    return interpreters_for([customization("g", **scripts)], engine, now=NOW)


def failure(rules, operation, *arguments):
    with pytest.raises(ScriptFailed) as caught:
        rules.rule(BODY, operation)(*arguments)
    return caught.value


def test_replicas_and_what_one_needs(engine):
    rules = gadget(
        engine,
        replicaResource="""
        function GetReplicas(obj)
          return obj.spec.size + 0.9, {resourceRequest = {cpu = "100m"}, nodeClaim = {nodeSelector = {}}, unknown = 1}
        end
        """,
    )
    assert rules.replicas(BODY) == (3, ReplicaRequirements(node_claim={}, resource_request={"cpu": "100m"}))


def test_no_requirement_is_none(engine):
    rules = gadget(engine, replicaResource="function GetReplicas(obj) return 1, nil end")
    assert rules.replicas(BODY) == (1, None)


def test_components(engine):
    rules = gadget(
        engine,
        componentResource="""
        function GetComponents(obj)
          return {{name = "a", replicas = 2}, {name = "b", replicas = 1, replicaRequirements = {priorityClassName = "p"}}}
        end
        """,
    )
    first, second = rules.rule(BODY, "components")(BODY)
    assert (first.name, first.replicas, first.requirements) == ("a", 2, None)
    assert second.requirements == ReplicaRequirements(priority_class_name="p")


def test_revision_keeps_empty_objects_and_lists_as_the_template_has_them(engine):
    body = {**BODY, "spec": {"size": 3, "dir": {}, "args": [], "list": [{"opts": {}}]}}
    rules = gadget(engine, replicaRevision="function ReviseReplica(obj, n) obj.spec.size = n return obj end")
    assert rules.revise(body, 7) == {**body, "spec": {**body["spec"], "size": 7}}
    assert body["spec"]["size"] == 3


def test_retention_sees_both_objects(engine):
    live = {**BODY, "spec": {"size": 9, "dir": {}}}
    rules = gadget(
        engine,
        retention="function Retain(desired, observed) desired.spec.dir = observed.spec.dir return desired end",
    )
    assert rules.retain(BODY, live) == {**BODY, "spec": {"size": 3, "dir": {}}}


def test_status_without_its_empty_parts(engine):
    rules = gadget(
        engine,
        statusReflection="function ReflectStatus(obj) return {phase = obj.status.phase, list = {}, n = 1.0} end",
    )
    assert rules.reflect({**BODY, "status": {"phase": "up"}}) == {"phase": "up", "n": 1}


def test_a_status_may_be_a_list(engine):
    rules = gadget(engine, statusReflection="function ReflectStatus(obj) return {'up', {}, 1} end")
    assert rules.reflect(BODY) == ["up", 1]


def test_an_item_names_its_cluster_even_where_that_is_empty(engine):
    rules = gadget(
        engine,
        statusAggregation="""function AggregateStatus(obj, items)
          obj.status = {names = items[1].clusterName .. '|' .. tostring(items[1].applied)}
          return obj
        end""",
    )
    assert rules.aggregate(BODY, [{"clusterName": "", "applied": False}]) == {
        **BODY,
        "status": {"names": "|nil"},
    }


def test_health_is_a_boolean_and_a_failure_is_unknown(engine):
    rules = gadget(engine, healthInterpretation="function InterpretHealth(obj) return obj.status.up end")
    assert rules.health({**BODY, "status": {"up": True}}) is Health.HEALTHY
    assert rules.health({**BODY, "status": {"up": False}}) is Health.UNHEALTHY
    assert rules.health({**BODY, "status": {"up": "yes"}}) is Health.UNKNOWN
    assert rules.health(BODY) is Health.UNKNOWN


def test_aggregation_gets_nil_where_nobody_reports_and_leaves_out_empty_fields(engine):
    rules = gadget(
        engine,
        statusAggregation="""
        function AggregateStatus(obj, items)
          if items == nil then obj.status = {nobody = true} return obj end
          obj.status = {first = items[1].clusterName, applied = items[1].applied == nil, at = os.time(), count = #items}
          return obj
        end
        """,
    )
    assert rules.aggregate(BODY, ())["status"] == {"nobody": True}
    items = [{"clusterName": "north", "applied": False, "appliedMessage": "", "status": {"up": 1}}]
    later = datetime(2031, 1, 3, tzinfo=UTC)
    assert rules.aggregate(BODY, items, later)["status"] == {
        "first": "north",
        "applied": True,
        "at": int(later.timestamp()),
        "count": 1,
    }


def test_the_clock_is_now(engine):
    script = (
        'function ReflectStatus(obj) return {at = os.date("%Y-%m-%dT%H:%M:%SZ"), seconds = os.time()} end'
    )
    rules = gadget(engine, statusReflection=script)
    assert rules.reflect(BODY) == {"at": "2031-01-02T03:04:05Z", "seconds": int(NOW.timestamp())}


def test_dependencies_of_all_scripts_are_united_and_sorted(engine):
    first = customization(
        "a",
        dependencyInterpretation="""
        function GetDependencies(obj)
          return {{apiVersion = "v1", kind = "Secret", name = "s", namespace = "shop"},
            {apiVersion = "v1", kind = "Service", labelSelector = {matchLabels = {app = "x"}}}}
        end
        """,
    )
    second = customization(
        "b",
        dependencyInterpretation="""
        function GetDependencies(obj)
          return {{apiVersion = "v1", kind = "Secret", name = "s", namespace = "shop"},
            {apiVersion = "v1", kind = "ConfigMap", name = "c"},
            {apiVersion = "v1", kind = "Service", labelSelector = {matchLabels = {app = "x"}}}}
        end
        """,
    )
    found = interpreters_for([second, first], engine, now=NOW).dependencies(BODY)
    selector = LabelSelector(match_labels=(("app", "x"),))
    assert found == (
        ObjectReference(api_version="v1", kind="ConfigMap", name="c"),
        ObjectReference(api_version="v1", kind="Secret", namespace="shop", name="s"),
        ObjectReference(api_version="v1", kind="Service", label_selector=selector),
    )


def test_no_dependencies_may_be_nil(engine):
    rules = gadget(engine, dependencyInterpretation="function GetDependencies(obj) return nil end")
    assert rules.dependencies(BODY) == ()


def test_of_several_objects_the_first_by_name_counts(engine):
    first = customization("a", healthInterpretation="function InterpretHealth(obj) return true end")
    second = customization(
        "b",
        healthInterpretation="function InterpretHealth(obj) return false end",
        statusReflection='function ReflectStatus(obj) return {from = "b"} end',
    )
    rules = interpreters_for([second, first], engine, now=NOW)
    assert rules.health(BODY) is Health.HEALTHY
    assert rules.reflect(BODY) == {"from": "b"}


def test_one_operation_is_replaced_and_the_others_stay_native(engine):
    rules = interpreters_for(
        [
            customization(
                "d",
                api_version="apps/v1",
                kind="Deployment",
                healthInterpretation="function InterpretHealth(obj) return true end",
            )
        ],
        engine,
        now=NOW,
    )
    unhealthy = {**DEPLOYMENT, "status": {"observedGeneration": 9}}
    assert NATIVE.health(unhealthy) is Health.UNHEALTHY
    assert rules.health(unhealthy) is Health.HEALTHY
    assert rules.replicas(DEPLOYMENT) == NATIVE.replicas(DEPLOYMENT)


def test_another_version_of_the_kind_is_not_meant(engine):
    rules = gadget(engine, healthInterpretation="function InterpretHealth(obj) return false end")
    assert rules.health({**BODY, "apiVersion": "example.io/v2"}) is Health.HEALTHY


def test_without_customizations_there_is_nothing_to_ask(engine):
    assert interpreters_for([], engine, now=NOW, base=NATIVE) is NATIVE


# ---- failures


def test_a_failing_script_is_named_with_its_line(engine):
    rules = gadget(engine, healthInterpretation="function InterpretHealth(obj)\n  return obj.status.up\nend")
    problem = failure(rules, "health", BODY).problem
    assert problem.code == "R421"
    assert str(problem.location) == "rules.yaml:10:1"
    assert problem.subject == "Gadget.example.io shop/g"
    assert "line 2 of the script" in problem.evidence[0]
    assert "attempt to index field 'status' (a nil value)" in problem.evidence[0]


def test_no_other_layer_is_asked_after_a_failure(engine):
    rules = interpreters_for(
        [
            customization(
                "d",
                api_version="apps/v1",
                kind="Deployment",
                replicaResource="function GetReplicas(obj) error('no') end",
            )
        ],
        engine,
        now=NOW,
    )
    with pytest.raises(ScriptFailed, match="no"):
        rules.replicas(DEPLOYMENT)


@pytest.mark.parametrize(
    ("field", "script", "words"),
    [
        ("replicaResource", "function GetReplicas(o) return '3' end", "expected to be a number, not string"),
        ("replicaResource", "function GetReplicas(o) return 2^40 end", "not a 32-bit integer"),
        ("replicaResource", "function GetReplicas(o) return 0/0 end", "not a 32-bit integer"),
        (
            "replicaResource",
            "function GetReplicas(o) return 1, {resourceRequest = {cpu = 'much'}} end",
            "not a quantity",
        ),
        (
            "replicaResource",
            "function GetReplicas(o) return 1, {nodeClaim = 'x'} end",
            "nodeClaim has the wrong type",
        ),
        ("componentResource", "function GetComponents(o) return {a = 1} end", "a list is expected"),
        ("componentResource", "function GetComponents(o) return {{replicas = 1.5}} end", "not an integer"),
        ("replicaRevision", "function ReviseReplica(o, n) return nil end", "a table is expected, not nil"),
        (
            "replicaRevision",
            "function ReviseReplica(o, n) o.metadata.name = 'x' return o end",
            "same metadata.name",
        ),
        ("replicaRevision", "function ReviseReplica(o, n) return {} end", "same apiVersion"),
        ("retention", "function Retain(d, o) d.a = {1, x = 2} return d end", "both strings and other keys"),
        ("statusReflection", "function ReflectStatus(o) return nil end", "a table is expected, not nil"),
        (
            "statusReflection",
            "function ReflectStatus(o) local t = {1} return {a = t, b = t} end",
            "reached twice",
        ),
        ("statusReflection", "function ReflectStatus(o) return {[2] = 'a'} end", "holes"),
        (
            "healthInterpretation",
            "function InterpretHealth(o) return nil end",
            "a boolean is expected, not nil",
        ),
        (
            "dependencyInterpretation",
            "function GetDependencies(o) return {{kind = 'Secret', name = 'x'}} end",
            "without apiVersion",
        ),
        (
            "dependencyInterpretation",
            "function GetDependencies(o) return {{apiVersion = 'v1', kind = 'Secret'}} end",
            "neither a name",
        ),
        (
            "dependencyInterpretation",
            "function GetDependencies(o) return {{apiVersion = 'v1', kind = 'A', labelSelector = {matchLabels = {a = '/'}}}} end",
            "invalid labelSelector",
        ),
        (
            "dependencyInterpretation",
            "function GetDependencies(o) return {{apiVersion = 'v1', kind = 'A', labelSelector = {matchLabels = 'a'}}} end",
            "invalid labelSelector",
        ),
    ],
)
def test_what_an_operation_cannot_use_is_a_problem(engine, field, script, words):
    rules = gadget(engine, **{field: script})
    rule = next(each.rule for each in OPERATIONS.values() if each.field == field)
    arguments = {"revise": (BODY, 1), "retain": (BODY, BODY)}.get(rule, (BODY,))
    failed = failure(rules, rule, *arguments)
    assert failed.problem.code == "R424"
    assert words in failed.problem.evidence[0]
    assert not failed.is_transient


def test_a_script_without_its_function_is_a_problem(engine):
    rules = gadget(engine, healthInterpretation="function Health(obj) return true end")
    assert (
        "does not define the function InterpretHealth" in failure(rules, "health", BODY).problem.evidence[0]
    )


def test_a_script_that_is_not_lua_is_found_without_an_engine():
    manifest = customization("g", healthInterpretation="function InterpretHealth(obj)\n  return obj?\nend")
    (problem,) = syntax_problems(manifest)
    assert problem.code == "R420"
    assert str(problem.location) == "rules.yaml:10:1"
    assert syntax_problems(customization("g", healthInterpretation="function InterpretHealth(obj) end")) == ()


def test_values_of_the_object_do_not_reach_the_terminal_as_they_are(engine):
    rules = gadget(engine, healthInterpretation="function InterpretHealth(obj) error(obj.spec.text) end")
    hostile = {**BODY, "spec": {"text": "\x1b[31m\u202e" + "x" * 5000}}
    text = failure(rules, "health", hostile).problem.evidence[0]
    assert text.isprintable()
    assert len(text) < 500


def test_running_out_of_time_is_transient_and_is_not_remembered():
    answers = Answers()
    with LuaEngine(seconds=0.0) as engine:
        rules = interpreters_for(
            [
                customization(
                    "g",
                    healthInterpretation="function InterpretHealth(o) for i = 1, 1e6 do end return true end",
                )
            ],
            engine,
            now=NOW,
            answers=answers,
        )
        failed = failure(rules, "health", BODY)
        assert failed.is_transient
        assert failed.problem.code == "R423"
        assert len(answers) == 0
        assert rules.health(BODY) is Health.UNKNOWN


# ---- memory


def test_answers_are_kept_between_interpreters(engine):
    answers = Answers()
    manifests = [customization("g", healthInterpretation="function InterpretHealth(obj) return true end")]
    for _ in range(3):
        assert interpreters_for(manifests, engine, now=NOW, answers=answers).health(BODY) is Health.HEALTHY
    assert (answers.hits, answers.misses) == (2, 1)


def test_the_same_scripts_are_the_same_value_whatever_time_it_is(engine):
    answers = Answers()
    later = datetime(2032, 1, 1, tzinfo=UTC)
    manifest = customization("g", healthInterpretation="function InterpretHealth(obj) return true end")
    first = interpreters_for([manifest], engine, now=NOW, answers=answers)
    assert interpreters_for([manifest], engine, now=later, answers=answers) is first
    moved = customization(
        "g", path="other.yaml", healthInterpretation="function InterpretHealth(obj) return true end"
    )
    assert interpreters_for([moved], engine, now=NOW, answers=answers) is not first


def test_scripts_that_can_read_the_clock_are_another_value_at_another_time(engine):
    answers = Answers()
    later = datetime(2032, 1, 1, tzinfo=UTC)
    manifest = customization(
        "g", healthInterpretation="function InterpretHealth(obj) return os.time() > 0 end"
    )
    first = interpreters_for([manifest], engine, now=NOW, answers=answers)
    second = interpreters_for([manifest], engine, now=later, answers=answers)
    assert second.digest != first.digest
    assert interpreters_for([manifest], engine, now=later, answers=answers) is second


def test_the_digest_names_scripts_and_targets(engine):
    script = "function InterpretHealth(obj) return true end"
    digests = {
        interpreters_for([each], engine, now=NOW).digest
        for each in (
            customization("g", healthInterpretation=script),
            customization("g", healthInterpretation=script + " "),
            customization("g", kind="Widget", healthInterpretation=script),
            customization("g", statusReflection=script),
        )
    }
    assert len(digests) == 4


def test_scripts_stand_by_kind_and_operation():
    found = declared_scripts(
        [
            customization("b", kind="Widget", healthInterpretation="function InterpretHealth(o) end"),
            customization("a", retention="function Retain(d, o) end"),
        ]
    )
    assert list(found) == [("example.io/v1", "Gadget"), ("example.io/v1", "Widget")]
    assert [script.customization for script in found["example.io/v1", "Gadget"]["retain"]] == ["a"]
