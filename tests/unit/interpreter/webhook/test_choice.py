"""Which webhook is asked: Karmada's rules of matching and order."""

import pytest

from reconciler.interpreter.webhook.choice import OPERATIONS, asked_of_members, chosen
from reconciler.interpreter.webhook.decode import SECONDS, webhooks_of
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin


def hooks(*configurations):
    manifests = []
    for name, *webhooks in configurations:
        body = {
            "apiVersion": "config.karmada.io/v1alpha1",
            "kind": "ResourceInterpreterWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": webhooks,
        }
        manifests.append(Manifest(id=id_of_body(body), body=body, origin=Origin(path=f"{name}.yaml")))
    return webhooks_of(manifests)


def hook(name="a.example.com", *rules, **client):
    return {
        "name": name,
        "clientConfig": client or {"url": "https://hook.example.com/x"},
        "rules": list(rules),
        "interpreterContextVersions": ["v1alpha1"],
    }


def rule(operations=("*",), groups=("*",), versions=("*",), kinds=("*",)):
    fields = {"operations": operations, "apiGroups": groups, "apiVersions": versions, "kinds": kinds}
    return {name: list(values) for name, values in fields.items()}


def asked(webhooks, operation="Retain", kind=("apps/v1", "Deployment")):
    found = chosen(webhooks, operation, kind)
    return found.uid if found else None


def test_the_first_by_configuration_and_name_is_asked_however_files_are_ordered():
    one, two = hook("b.example.com", rule()), hook("a.example.com", rule())
    assert asked(hooks(("z", one, two), ("y", one))) == "y/b.example.com"
    assert asked(hooks(("y", one, two))) == "y/a.example.com"
    # By the whole text, as Karmada compares it: `-` comes before `/`.
    assert asked(hooks(("a", one), ("a-b", one))) == "a-b/b.example.com"


def test_any_rule_of_a_webhook_is_enough_and_every_list_of_a_rule_must_agree():
    webhooks = hooks(("c", hook("a.example.com", rule(kinds=["Job"]), rule(operations=["Retain"]))))
    assert asked(webhooks) == "c/a.example.com"
    assert asked(webhooks, "InterpretHealth") is None
    assert asked(webhooks, "InterpretHealth", ("batch/v1", "Job")) == "c/a.example.com"


@pytest.mark.parametrize(
    ("matching", "kind", "is_asked"),
    [
        (rule(groups=[""]), ("v1", "Pod"), True),
        (rule(groups=[""]), ("apps/v1", "Deployment"), False),
        (rule(groups=["apps"]), ("v1", "Pod"), False),
        (rule(versions=["v1"]), ("apps/v1beta1", "Deployment"), False),
        (rule(groups=["apps"], versions=["v1"], kinds=["Deployment"]), ("apps/v1", "Deployment"), True),
        (rule(kinds=["deployment"]), ("apps/v1", "Deployment"), False),
    ],
)
def test_groups_versions_and_kinds_match_exactly(matching, kind, is_asked):
    assert bool(asked(hooks(("c", hook("a.example.com", matching))), "Retain", kind)) is is_asked


def test_a_secret_is_never_sent_whatever_the_rules_say():
    webhooks = hooks(("c", hook("a.example.com", rule())))
    assert all(asked(webhooks, operation, ("v1", "Secret")) is None for operation in OPERATIONS.values())
    assert asked(webhooks, "Retain", ("example.com/v1", "Secret")) == "c/a.example.com"


def test_a_service_is_reached_by_its_name_and_an_absent_timeout_is_ten_seconds():
    service = {"namespace": "tools", "name": "hook"}
    plain, full = hooks(
        ("a", hook("a.example.com", rule(), service=service)),
        (
            "b",
            {
                **hook("a.example.com", rule(), service={**service, "path": "x/y", "port": 8443}),
                "timeoutSeconds": 3,
            },
        ),
    )
    assert (plain.url, plain.seconds) == ("https://hook.tools.svc:443/", SECONDS)
    assert (full.url, full.seconds) == ("https://hook.tools.svc:8443/x/y", 3.0)


def test_members_ask_for_what_is_about_live_objects():
    webhooks = hooks(
        ("a", hook("a.example.com", rule(["InterpretReplica", "ReviseReplica"]))),
        ("b", hook("a.example.com", rule(["Retain"]))),
        ("c", hook("a.example.com", rule())),
    )
    assert asked_of_members(webhooks) == ("b/a.example.com", "c/a.example.com")
