"""Label selectors mean what Kubernetes means by them."""

import pytest

from reconciler.model.selector import LabelSelector, Requirement
from reconciler.selectors.labels import (
    field_test,
    is_label_key,
    is_label_value,
    is_valid_selector,
    matches_labels,
)


def expression(key: str, operator: str, *values: str) -> LabelSelector:
    return LabelSelector(match_expressions=(Requirement(key=key, operator=operator, values=values),))


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        (LabelSelector(), {}, True),
        (LabelSelector(match_labels=(("app", "web"),)), {"app": "web", "tier": "gold"}, True),
        (LabelSelector(match_labels=(("app", "web"),)), {"app": "api"}, False),
        (LabelSelector(match_labels=(("app", ""),)), {"app": ""}, True),
        (LabelSelector(match_labels=(("app", ""),)), {}, False),
        (expression("app", "In", "web", "api"), {"app": "api"}, True),
        (expression("app", "In", "web"), {}, False),
        (expression("app", "NotIn", "web"), {}, True),
        (expression("app", "NotIn", "web"), {"app": "web"}, False),
        (expression("app", "Exists"), {"app": "web"}, True),
        (expression("app", "Exists"), {}, False),
        (expression("app", "DoesNotExist"), {}, True),
        (expression("app", "DoesNotExist"), {"app": "web"}, False),
    ],
)
def test_a_selector_matches_the_labels_it_describes(selector, labels, expected):
    assert matches_labels(selector, labels) is expected


@pytest.mark.parametrize(
    "selector",
    [
        expression("app", "In"),
        expression("app", "NotIn"),
        expression("app", "Exists", "web"),
        expression("app", "Equals", "web"),
        expression("app", "Gt", "3"),
        expression("app", "", "web"),
        expression("no spaces", "Exists"),
        expression("Upper.Case/app", "Exists"),
        expression("app", "NotIn", "not a value"),
        LabelSelector(match_labels=(("-app", "web"),)),
        LabelSelector(match_labels=(("app", "web-"),)),
    ],
)
def test_an_invalid_selector_matches_nothing(selector):
    assert not is_valid_selector(selector)
    assert not matches_labels(selector, {})
    assert not matches_labels(selector, {"app": "web"})


def test_one_invalid_expression_spoils_the_whole_selector():
    selector = LabelSelector(
        match_labels=(("app", "web"),), match_expressions=(Requirement(key="tier", operator="In"),)
    )
    assert not matches_labels(selector, {"app": "web"})


def test_field_selectors_compare_integers_with_gt_and_lt():
    above = field_test((Requirement(key="region", operator="Gt", values=("3",)),))
    below = field_test((Requirement(key="region", operator="Lt", values=("3",)),))
    assert above({"region": "4"})
    assert not above({"region": "3"})
    assert not above({"region": "eu"})
    assert not above({})
    assert below({"region": "-1"})


@pytest.mark.parametrize("large", [str(2**63), "9" * 5000])
def test_what_64_bits_do_not_hold_is_no_integer(large):
    assert not field_test((Requirement(key="region", operator="Gt", values=("3",)),))({"region": large})
    assert not field_test((Requirement(key="region", operator="Lt", values=(large,)),))({"region": "3"})
    assert field_test((Requirement(key="region", operator="Gt", values=("3",)),))({"region": str(2**63 - 1)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", True),
        ("example.com/app", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("", False),
        ("/app", False),
        ("example.com/", False),
        ("a/b/c", False),
        ("app_1.x-y", True),
        ("app\n", False),
    ],
)
def test_label_keys_are_qualified_names(text, expected):
    assert is_label_key(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("", True), ("a", True), ("a b", False), ("a" * 64, False), ("é", False)]
)
def test_label_values_are_short_and_plain(text, expected):
    assert is_label_value(text) is expected
