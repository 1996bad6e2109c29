"""Built-in kinds are namespaced or not as Kubernetes' own client says."""

import re

import kubernetes.client

from reconciler.fleet.scope import BUILT_IN_SCOPES, Scopes, configured_scopes, declared_scopes
from reconciler.model.config import KindScope

_METHOD = re.compile(r"create_(?P<namespaced>namespaced_)?(?P<name>\w+?)(?:_with_http_info)?\Z")

# Made through their owners alone: no file holds one.
_SUBRESOURCES = re.compile(r"_(token|eviction|binding)\Z")


def _client_scopes():
    """(class of the client, kind in snake case) to whether it is namespaced, from the names of its methods."""
    found = {}
    for class_name in dir(kubernetes.client):
        match = re.fullmatch(r"(?P<group>[A-Z]\w*?)(?P<version>V\d+(?:(?:alpha|beta)\d+)?)Api", class_name)
        if match is None or match["group"] == "CustomObjects":
            continue
        for method in dir(getattr(kubernetes.client, class_name)):
            made = _METHOD.fullmatch(method)
            if made and not method.endswith("_with_http_info") and not _SUBRESOURCES.search(method):
                found[match["group"], made["name"]] = bool(made["namespaced"])
    return found


def _snake(kind):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()


def test_every_kind_that_the_client_can_create_is_known_with_its_scope():
    ours = {}
    for (_, kind), is_namespaced in BUILT_IN_SCOPES.items():
        ours.setdefault(_snake(kind), set()).add(is_namespaced)
    theirs = _client_scopes()
    assert len(theirs) > 60
    assert {at: {is_namespaced} for at, is_namespaced in theirs.items()} == {
        at: ours.get(at[1]) for at in theirs
    }


def test_a_definition_that_says_nothing_sensible_is_left_out():
    bodies = [
        {},
        {"spec": None},
        {"spec": {"group": "x", "names": {"kind": "Y"}, "scope": "namespaced"}},
        {"spec": {"group": 1, "names": {"kind": "Y"}, "scope": "Namespaced"}},
        {"spec": {"group": "x", "names": [], "scope": "Namespaced"}},
        {"spec": {"group": "x", "names": {"kind": "Y"}, "scope": "Namespaced"}},
    ]
    assert declared_scopes(bodies) == {("x", "Y"): True}


def test_the_first_who_knows_is_believed():
    scopes = Scopes(
        declared={("x", "A"): True},
        observed={("x", "A"): False, ("x", "B"): False, ("", "Pod"): False},
        configured=configured_scopes([KindScope(group="x", kind="B", namespaced=True)]),
    )
    assert scopes.is_namespaced("", "Pod") is True
    assert scopes.is_namespaced("x", "A") is True
    assert scopes.is_namespaced("x", "B") is False
    assert scopes.is_namespaced("x", "C") is None
