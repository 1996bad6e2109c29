from types import MappingProxyType

import pytest

from reconciler.interpreter.registry import NATIVE, NATIVE_RULES, Interpreters
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.model.observation import Health

WIDGET = ("example.io/v1", "Widget")
BODY = {"apiVersion": "example.io/v1", "kind": "Widget", "status": {"phase": "Up"}}


def layer(**rules):
    return MappingProxyType({WIDGET: KindRules(**rules)})


def test_the_first_layer_that_has_the_rule_answers():
    interpreters = Interpreters(
        declared=layer(revise=lambda body, _count: {**body, "by": "declared"}),
        webhook=layer(
            revise=lambda body, _count: {**body, "by": "webhook"}, replicas=lambda _body: (1, None)
        ),
        bundled=layer(replicas=lambda _body: (2, None), health=lambda _body: False),
        native=layer(health=lambda _body: True, dependencies=lambda _body: ()),
    )
    assert interpreters.revise(BODY, 1)["by"] == "declared"
    assert interpreters.replicas(BODY) == (1, None)
    assert interpreters.health(BODY) is Health.UNHEALTHY
    assert interpreters.dependencies(BODY) == ()


def test_an_error_in_the_chosen_rule_is_final():
    def fails(_body):
        raise InterpretationError("no")

    interpreters = Interpreters(
        declared=layer(replicas=fails, health=fails), native=layer(replicas=lambda _body: (1, None))
    )
    with pytest.raises(InterpretationError):
        interpreters.replicas(BODY)
    assert interpreters.health(BODY) is Health.UNKNOWN


def test_a_kind_without_rules_is_healthy_and_reports_its_whole_status():
    assert NATIVE.health(BODY) is Health.HEALTHY
    assert NATIVE.reflect(BODY) == {"phase": "Up"}
    assert NATIVE.reflect({**BODY, "status": None}) is None
    assert NATIVE.replicas(BODY) == (0, None)
    assert not NATIVE.can_revise(BODY)
    assert NATIVE.revise(BODY, 3) is BODY
    assert NATIVE.aggregate(BODY, []) is BODY
    assert NATIVE.retain(BODY, {}) is BODY
    assert NATIVE.dependencies(BODY) == ()


def test_the_version_of_an_api_is_part_of_the_kind():
    old = {"apiVersion": "apps/v1beta1", "kind": "Deployment", "spec": {"replicas": 3}}
    assert NATIVE.replicas(old) == (0, None)


def test_every_native_kind_has_a_rule():
    assert all(any(getattr(rules, field) for field in KindRules.__slots__) for rules in NATIVE_RULES.values())


def test_retained_paths_are_where_the_member_keeps_its_own():
    desired = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": []}}
    live = {**desired, "spec": {"ports": [], "clusterIP": "10.0.0.1", "healthCheckNodePort": 3000}}
    assert NATIVE.retained_paths(desired, live) == (("spec", "clusterIP"), ("spec", "healthCheckNodePort"))
    assert NATIVE.retained_paths(live, live) == ()


def test_server_fields_are_pruned_from_every_kind():
    body = {
        **BODY,
        "metadata": {
            "name": "w",
            "uid": "1",
            "resourceVersion": "5",
            "finalizers": ["x"],
            "ownerReferences": [],
            "generation": 2,
            "labels": {},
        },
    }
    assert NATIVE.prune(body) == {
        "apiVersion": "example.io/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "labels": {}},
    }
    clean = {"kind": "Widget", "metadata": {"name": "w"}}
    assert NATIVE.prune(clean) is clean
