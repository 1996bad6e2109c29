"""What a document's schema finds fault with hides nothing else, and invents nothing."""

import pytest

from reconciler.fleet import schema
from reconciler.fleet.remainder import remainder
from reconciler.fleet.validate.rules import RULES


def judged(spec, kind="PropagationPolicy"):
    """What the schema says, and what the rules say of the rest."""
    body = {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], **spec},
    }
    deviations = schema.check(body)
    left = remainder(body, deviations)
    (rule,) = RULES["policy.karmada.io", kind]
    said = [] if left is None else [f.code for f in rule(left.body) if left.is_certain(f)]
    return [f.code for f in deviations], said


@pytest.mark.parametrize(
    ("spec", "deviations", "rules"),
    [
        # An unknown field is only left out.
        ({"Placement": {}, "preemption": "Always"}, ["R201"], ["R226"]),
        # A value of a few takes one of them; nothing is said of what stands beside it.
        ({"conflictResolution": "overwrite", "preemption": "Always"}, ["R204"], ["R226"]),
        ({"priority": 2**40, "preemption": "Always"}, ["R204"], ["R226"]),
        ({"priority": "5", "preemption": "Always"}, ["R202"], ["R226"]),
        # Two constraints of which one is unclear are not said to be for the same field.
        (
            {
                "placement": {
                    "spreadConstraints": [
                        {"spreadByField": "planet", "maxGroups": 1},
                        {"spreadByField": "cluster", "maxGroups": 1},
                    ]
                },
                "preemption": "Always",
            },
            ["R204"],
            ["R226"],
        ),
        # A list whose entry lacks what it needs is not judged; the rest is.
        (
            {"placement": {"clusterAffinities": [{"clusterNames": ["a"]}]}, "preemption": "Always"},
            ["R203"],
            ["R226"],
        ),
        # Nothing is left to judge.
        ({"resourceSelectors": 5, "preemption": "Always"}, ["R202"], []),
    ],
)
def test_the_rest_is_judged(spec, deviations, rules):
    assert judged(spec) == (deviations, rules)


def test_a_sound_document_is_left_as_it_is():
    body = {"apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "spec": {}}
    left = remainder(body, ())
    assert left is not None
    assert left.body == body
    assert left.doubtful == frozenset()
