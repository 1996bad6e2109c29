"""Label selectors as kubectl's `-l` takes them."""

import pytest

from reconciler.selectors.labels import matches_labels
from reconciler.selectors.text import parse_selector

LABELS = {"app": "web", "tier": "edge", "example.com/team": "a"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=api", False),
        ("app!=api", True),
        ("app!=web", False),
        ("missing!=web", True),
        ("tier in (edge, core)", True),
        ("tier notin (edge,core)", False),
        ("missing notin (a)", True),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("!app", False),
        ("app=web,tier in (edge,core),!canary", True),
        ("app=web,tier in (core)", False),
        ("example.com/team=a", True),
        ("app=", False),
    ],
)
def test_a_selector_matches_as_kubectls_does(text, matches):
    assert matches_labels(parse_selector(text), LABELS) is matches


@pytest.mark.parametrize("text", ["app=web tier=edge", "a in b", "a=b=c", "=web", "a in (b", "-x=1", "a=b c"])
def test_what_is_no_selector_is_refused(text):
    with pytest.raises(ValueError, match="not a label selector"):
        parse_selector(text)
