"""What faults hold, asked with all benefit of the doubt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.binding import Binding, Claim, TargetCluster
from reconciler.model.cluster import Cluster
from reconciler.model.fleet import Fleet
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.tree import PreviousRender
from reconciler.render.hold import Faults, faults_of


def manifest(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> Manifest:
    body = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        **fields,
    }
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path=f"{name}.yaml"))


WEB = manifest("apps/v1", "Deployment", "web", "shop")
POLICY = "policy.karmada.io/v1alpha1"


def refusing(*refused: Manifest, unreadable: tuple[str, ...] = (), trees: tuple[str, ...] = ()) -> Faults:
    fleet = Fleet(
        commit="",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        clusters=(Cluster(name="here"),),
        refused=refused,
        unreadable=unreadable,
    )
    return faults_of(fleet, PreviousRender(trees={name: {} for name in trees}))


def binding(claim: Claim | None = None, *clusters: str) -> Binding:
    targets = tuple(TargetCluster(name=name) for name in clusters)
    return Binding(resource=WEB.id, api_version="apps/v1", claim=claim, clusters=targets)


def policy(kind: str = "PropagationPolicy", namespace: str = "shop", selectors: Any = "absent") -> Manifest:
    spec = {} if selectors == "absent" else {"resourceSelectors": selectors}
    return manifest(POLICY, kind, "p", namespace, spec=spec)


def test_a_healthy_fleet_holds_nothing():
    faults = refusing()
    assert faults.on_claim(WEB, binding(), claim_is_kept=False) == faults.on_content(WEB, binding()) == ""
    assert not faults.everything


def test_what_a_refused_policy_had_claimed_is_held_whatever_it_selects_now():
    faults = refusing(policy(selectors=[{"kind": "Nothing"}]))
    had = binding(Claim(name="p", namespace="shop"))
    assert faults.on_claim(WEB, had, claim_is_kept=False) == "PropagationPolicy shop/p is refused"
    assert faults.on_claim(WEB, binding(Claim(name="p")), claim_is_kept=False) == ""


@pytest.mark.parametrize(
    ("selectors", "governs"),
    [
        ("absent", True),
        (None, True),
        ([], False),
        ("text", True),
        ([3], True),
        ([{}], True),
        ([{"apiVersion": "apps/v1", "kind": "Deployment"}], True),
        ([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}], True),
        ([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}], False),
        ([{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "other"}], False),
        ([{"apiVersion": "apps/v1", "kind": "StatefulSet"}], False),
        ([{"apiVersion": "apps/v1", "kind": 7}], True),
        # The refusal may be about the labels, so they exclude nothing.
        (
            [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "labelSelector": {"matchLabels": {"no": "such"}},
                }
            ],
            True,
        ),
    ],
)
def test_a_refused_policy_governs_what_it_may_select(selectors: Any, governs: bool):
    faults = refusing(policy(selectors=selectors))
    held = faults.on_claim(WEB, None, claim_is_kept=False)
    assert held == ("PropagationPolicy shop/p is refused and may select it" if governs else "")


def test_a_template_whose_own_policy_claims_it_still_is_not_held_by_another():
    faults = refusing(policy())
    assert faults.on_claim(WEB, binding(Claim(name="mine", namespace="shop")), claim_is_kept=True) == ""


def test_a_namespaced_policy_governs_its_namespace_alone():
    assert refusing(policy(namespace="other")).on_claim(WEB, None, claim_is_kept=False) == ""
    everywhere = refusing(policy(kind="ClusterPropagationPolicy", namespace=""))
    assert everywhere.on_claim(WEB, None, claim_is_kept=False)


def test_an_override_without_selectors_governs_everything_in_its_scope():
    faults = refusing(policy(kind="OverridePolicy", selectors=[]))
    assert faults.on_content(WEB, None) == "OverridePolicy shop/p is refused and may select it"
    assert faults.on_content(manifest("v1", "ConfigMap", "x", "other"), None) == ""


def test_a_refused_cluster_holds_what_is_on_it():
    cluster = manifest("cluster.karmada.io/v1alpha1", "Cluster", "there")
    faults = refusing(cluster)
    assert faults.on_content(WEB, binding(None, "here", "there")) == "Cluster there is refused"
    assert faults.on_content(WEB, binding(None, "here")) == ""
    assert faults.places["there"].path == "there.yaml"


def test_a_cluster_that_is_gone_is_held_only_while_a_file_cannot_be_read():
    assert refusing(trees=("there", "here")).clusters == {}
    faults = refusing(unreadable=("x.yaml",), trees=("there", "here"))
    assert faults.clusters == {"there": "Cluster there is gone, while x.yaml cannot be read"}
    assert faults.places == {}


def test_a_refused_document_of_another_kind_leaves_a_cluster_that_left_alone():
    assert refusing(WEB, trees=("there", "here")).clusters == {}


def test_a_refused_template_is_held():
    assert refusing(WEB).on_claim(WEB, None, claim_is_kept=True) == "its document in web.yaml is refused"


def test_a_refused_customization_holds_the_kind_that_it_interprets():
    def customization(**target: str) -> Manifest:
        return manifest(
            "config.karmada.io/v1alpha1", "ResourceInterpreterCustomization", "c", spec={"target": target}
        )

    assert refusing(customization(kind="Deployment")).on_content(WEB, None)
    assert refusing(customization(kind="Rollout")).on_content(WEB, None) == ""
    assert refusing(customization()).on_content(WEB, None)


@pytest.mark.parametrize(
    "fault",
    [
        {"unreadable": ("reconciler.yaml",)},
        {"refused": (manifest("fleet-reconciler/v1alpha1", "FleetConfig", "x"),)},
    ],
)
def test_unknown_settings_hold_everything(fault: dict[str, Any]):
    refused = fault.pop("refused", ())
    assert refusing(*refused, **fault).everything


def webhooks(*rules: Any) -> Manifest:
    listed = [{"name": "a.example.com", "rules": list(rules)}] if rules else []
    return manifest(
        "config.karmada.io/v1alpha1", "ResourceInterpreterWebhookConfiguration", "hook", webhooks=listed
    )


@pytest.mark.parametrize(
    ("refused", "is_held"),
    [
        (webhooks({"apiGroups": ["apps"], "kinds": ["Deployment"]}), True),
        (webhooks({"apiGroups": ["*"], "kinds": ["*"]}), True),
        (webhooks({"apiGroups": ["batch"], "kinds": ["*"]}), False),
        (webhooks({"apiGroups": ["apps"], "kinds": ["StatefulSet"]}), False),
        (webhooks({"kinds": ["StatefulSet"]}, {"apiGroups": "apps"}), True),
        (webhooks("apps"), True),
        (webhooks(), False),
        (manifest("config.karmada.io/v1alpha1", "ResourceInterpreterWebhookConfiguration", "hook", webhooks=7), True),
    ],
)  # fmt: skip
def test_a_refused_webhook_configuration_holds_the_kinds_that_it_may_be_about(
    refused: Manifest, is_held: bool
):
    assert bool(refusing(refused).on_content(WEB, binding())) is is_held
