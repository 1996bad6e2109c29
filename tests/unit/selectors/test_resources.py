"""Resource selectors: how specifically a policy means an object."""

import pytest

from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.selector import ResourceSelector
from reconciler.selectors.decode import decode_resource_selector
from reconciler.selectors.resources import Level, best_level, body_level, selector_level

BODY = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
}
WEB = Manifest(id=id_of_body(BODY), body=BODY, origin=Origin(path="web.yaml"))


def selector(**fields) -> ResourceSelector:
    return decode_resource_selector({"apiVersion": "apps/v1", "kind": "Deployment", **fields})


@pytest.mark.parametrize(
    ("given", "level"),
    [
        (selector(), Level.ALL),
        (selector(labelSelector={}), Level.LABELS),
        (selector(labelSelector={"matchLabels": {"app": "web"}}), Level.LABELS),
        (selector(labelSelector={"matchLabels": {"app": "api"}}), Level.NONE),
        (selector(labelSelector={"matchExpressions": [{"key": "app", "operator": "In"}]}), Level.NONE),
        (selector(name="web"), Level.NAME),
        (selector(name="web", labelSelector={"matchLabels": {"app": "api"}}), Level.NAME),
        (selector(name="api", labelSelector={}), Level.NONE),
        (selector(namespace="shop"), Level.ALL),
        (selector(namespace="other", name="web"), Level.NONE),
        (selector(apiVersion="apps/v1beta1"), Level.NONE),
        (selector(kind="deployment"), Level.NONE),
    ],
)
def test_the_level_says_how_specific_the_selector_is(given, level):
    assert selector_level(WEB, given) is level
    assert body_level(BODY, given) is level


def test_the_best_of_several_selectors_counts():
    assert best_level(WEB, (selector(), selector(name="web"), selector(kind="Job"))) is Level.NAME
    assert best_level(WEB, ()) is Level.NONE
