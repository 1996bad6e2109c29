"""The lookup walk with webhooks: after scripts, before what this program knows; and what is said where nobody answers."""

from dataclasses import replace

import pytest

from reconciler.errors import Location, Severity
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.interpreter.rules import KindRules, WebhookFailed
from reconciler.interpreter.webhook.layer import WebhookLayer
from reconciler.model.observation import Health
from reconciler.model.webhook import Webhook, WebhookAnswer, WebhookRule
from tests.interpreterwebhook.workload import WORKLOAD, workload

ANY = frozenset("*")


def layer(*operations, kinds=ANY, groups=ANY):
    rule = WebhookRule(
        operations=frozenset(operations), groups=frozenset(groups), versions=ANY, kinds=frozenset(kinds)
    )
    webhook = Webhook(
        configuration="c",
        name="a.example.com",
        url="https://hook.example.com",
        seconds=1.0,
        rules=(rule,),
        location=Location(path="hook.yaml", line=5, column=5),
    )
    return WebhookLayer(webhooks=(webhook,))


def knowing(interpreters, body, operation, result, replicas=0):
    about = interpreters.question(body, operation, replicas)
    answer = WebhookAnswer(
        digest=about.digest, webhook="c/a.example.com", operation=about.operation, result=result
    )
    return interpreters.knowing((answer,))


DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "x"}, "spec": {"replicas": 2}}  # fmt: skip


def test_a_webhook_comes_before_native_rules_for_its_operations_alone():
    asked = replace(NATIVE, webhook=layer("InterpretReplica"))
    answered = knowing(asked, DEPLOYMENT, "replicas", '{"replicas":9}')
    assert answered.replicas(DEPLOYMENT) == (9, None)
    assert answered.revise(DEPLOYMENT, 4)["spec"]["replicas"] == 4
    assert NATIVE.replicas(DEPLOYMENT)[0] == 2


def test_a_declared_rule_comes_before_a_webhook_for_its_operations_alone():
    declared = {WORKLOAD: KindRules(replicas=lambda _: (1, None))}
    asked = Interpreters(declared=declared, webhook=layer("*"))
    assert asked.question(workload(), "replicas") is None
    assert asked.replicas(workload()) == (1, None)
    assert asked.question(workload(), "revise", 5).operation == "ReviseReplica"


def test_nobody_is_asked_about_a_kind_that_no_rule_names():
    asked = Interpreters(webhook=layer("*", kinds={"Workload"}))
    assert asked.question(DEPLOYMENT, "replicas") is None
    assert asked.webhook.get(("apps/v1", "Deployment")) is None
    assert not asked.can_revise({**workload(), "kind": "Other"})
    assert asked.can_revise(workload())


def test_without_an_answer_the_walk_ends_in_words_and_in_no_lower_layer():
    asked = replace(NATIVE, webhook=layer("*"))
    with pytest.raises(WebhookFailed) as caught:
        asked.replicas(DEPLOYMENT)
    problem = caught.value.problem
    assert (problem.code, problem.severity) == ("R430", Severity.WARNING)
    assert str(problem.location) == "hook.yaml:5:5"
    assert problem.message == "Deployment.apps x/d waits for InterpretReplica of c/a.example.com"
    assert asked.health(DEPLOYMENT) is Health.UNKNOWN


def test_an_answer_of_no_use_is_final():
    asked = replace(NATIVE, webhook=layer("*"))
    about = asked.question(DEPLOYMENT, "replicas")
    useless = WebhookAnswer(
        digest=about.digest, webhook="c/a.example.com", operation=about.operation, failure="no such thing"
    )
    with pytest.raises(WebhookFailed) as caught:
        asked.knowing((useless,)).replicas(DEPLOYMENT)
    assert (caught.value.problem.code, caught.value.problem.evidence) == ("R431", ("no such thing",))


def test_what_answers_outside_of_this_process_takes_time():
    asked = Interpreters(webhook=layer("Retain", kinds={"Workload"}))
    assert asked.takes_time(workload(), "retain")
    assert not asked.takes_time(workload(), "health")
    assert not asked.takes_time(DEPLOYMENT, "retain")


def test_without_webhooks_nothing_is_made_anew():
    assert NATIVE.knowing(()) is NATIVE
    answer = WebhookAnswer(digest="d", webhook="w", operation="o", result="{}")
    assert NATIVE.knowing((answer,)) is NATIVE
