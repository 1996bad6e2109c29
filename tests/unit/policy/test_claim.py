"""Who owns a template: precedence for newcomers, stickiness for owners, preemption behind its gate."""

import pytest

from reconciler.model.binding import Claim
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.policy import PropagationPolicy
from reconciler.policy.claim import Rule, claim_template
from reconciler.policy.decode import decode_propagation_policy
from reconciler.policy.precedence import index_policies


def manifest(body: dict) -> Manifest:
    return Manifest(id=id_of_body(body), body=body, origin=Origin(path="f.yaml"))


def template(**metadata) -> Manifest:
    return manifest(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, **metadata},
        }
    )


def policy(name: str, namespace: str = "shop", *, selector: dict | None = None, **spec) -> PropagationPolicy:
    chosen = {"apiVersion": "apps/v1", "kind": "Deployment"} | (selector or {})
    return decode_propagation_policy(
        manifest(
            {
                "apiVersion": "policy.karmada.io/v1alpha1",
                "kind": "PropagationPolicy" if namespace else "ClusterPropagationPolicy",
                "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
                "spec": {"resourceSelectors": [chosen], **spec},
            }
        )
    )


ANY = {}
LABELS = {"labelSelector": {"matchLabels": {"app": "web"}}}
NAME = {"name": "web"}


@pytest.mark.parametrize(
    ("policies", "winner"),
    [
        ([policy("b"), policy("a")], "a"),
        ([policy("a", selector=LABELS), policy("b", selector=NAME)], "b"),
        ([policy("a", selector=NAME), policy("b", priority=1)], "b"),
        ([policy("a"), policy("b", selector=LABELS)], "b"),
        ([policy("a", selector={"name": "other"}), policy("b")], "b"),
        ([policy("zz", ""), policy("a", "other", priority=9)], "zz"),
        ([policy("a", "", priority=100, selector=NAME), policy("b")], "b"),
        ([policy("Z"), policy("a")], "Z"),
    ],
)
def test_the_best_policy_claims_an_unclaimed_template(policies, winner):
    for given in (policies, policies[::-1]):
        claimed = claim_template(template(), index_policies(given))
        assert claimed.policy is not None
        assert claimed.policy.name == winner


def test_a_cluster_scoped_template_sees_only_cluster_scoped_policies():
    role = manifest({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})
    index = index_policies([policy("a", "shop", priority=9), policy("b", "")])
    assert claim_template(role, index).claim == Claim(name="b")


def test_a_policy_that_is_being_deleted_claims_nothing():
    gone = policy("a")
    assert gone.manifest is not None
    gone.manifest.body["metadata"]["deletionTimestamp"] = "2025-03-01T08:00:00Z"
    index = index_policies([decode_propagation_policy(gone.manifest)])
    assert claim_template(template(), index).rule is Rule.NOBODY


def test_the_owner_keeps_a_template_against_a_better_policy():
    owner, better = policy("z"), policy("a", priority=9, selector=NAME)
    claimed = claim_template(template(), index_policies([owner, better]), Claim(name="z", namespace="shop"))
    assert (claimed.policy, claimed.rule) == (owner, Rule.KEPT)
    assert [candidate.policy.name for candidate in claimed.candidates] == ["a", "z"]


def test_an_owner_that_no_longer_selects_the_template_loses_it():
    index = index_policies([policy("z", selector={"name": "other"}), policy("a")])
    claimed = claim_template(template(), index, Claim(name="z", namespace="shop"))
    assert (claimed.claim, claimed.rule) == (Claim(name="a", namespace="shop"), Rule.CHOSEN)


def test_an_owner_that_is_gone_leaves_the_template_to_the_others_or_to_nobody():
    claim = Claim(name="gone", namespace="shop")
    assert claim_template(template(), index_policies([policy("a", "")]), claim).claim == Claim(name="a")
    nobody = claim_template(template(), index_policies([]), claim)
    assert (nobody.claim, nobody.rule, nobody.previous) == (None, Rule.NOBODY, claim)


def test_the_claim_of_an_unreadable_policy_is_held():
    claim = Claim(name="gone", namespace="shop")
    held = claim_template(template(), index_policies([policy("a")]), claim, is_held=lambda _c: True)
    assert held.is_held
    assert (held.claim, held.policy) == (claim, None)


def test_a_template_claimed_by_another_controller_is_left_alone():
    claimed = claim_template(
        template(labels={"resourcetemplate.karmada.io/claimed-by": "MultiClusterService"}),
        index_policies([policy("a")]),
    )
    assert (claimed.rule, claimed.claim) == (Rule.FOREIGN, None)


PP, CPP = Claim(name="owner", namespace="shop"), Claim(name="owner")


@pytest.mark.parametrize(
    ("owner", "taker", "taken"),
    [
        (PP, policy("t", selector=NAME, priority=1, preemption="Always"), True),
        (PP, policy("t", selector=NAME, priority=0, preemption="Always"), False),
        (PP, policy("t", selector=NAME, priority=1), False),
        (PP, policy("t", selector=LABELS, priority=1, preemption="Always"), False),
        (PP, policy("t", "", selector=NAME, priority=9, preemption="Always"), False),
        (CPP, policy("t", selector=NAME, priority=-5, preemption="Always"), True),
        (CPP, policy("t", "", selector=NAME, priority=1, preemption="Always"), True),
        (CPP, policy("t", "", selector=NAME, priority=0, preemption="Always"), False),
    ],
)
def test_preemption_takes_by_explicit_priority_within_a_scope_and_from_cluster_scope_always(
    owner, taker, taken
):
    index = index_policies([policy("owner", owner.namespace), taker])
    claimed = claim_template(template(), index, owner, preemption=True)
    assert (claimed.rule is Rule.PREEMPTED) is taken
    assert claimed.claim == (Claim(name="t", namespace=taker.namespace) if taken else owner)
    assert claim_template(template(), index, owner).claim == owner


def test_the_best_preemptor_wins():
    index = index_policies(
        [
            policy("owner"),
            policy("b", selector=NAME, priority=2, preemption="Always"),
            policy("a", selector=NAME, priority=1, preemption="Always"),
        ]
    )
    assert claim_template(template(), index, PP, preemption=True).claim == Claim(name="b", namespace="shop")
