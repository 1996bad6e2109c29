"""The table of field types, against the published client and by example."""

import re

import kubernetes.client.models
import pytest

from reconciler.manifests.builtin_types import WrongType, check_type, typed
from reconciler.manifests.field_types import FIELD_TYPES


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"kind": "Pod", "spec": []}, "spec is not an object"),
        ({"kind": "Pod", "spec": {"containers": {}}}, "spec.containers is not a list"),
        ({"kind": "Pod", "spec": {"containers": ["a"]}}, r"spec.containers\[0\] is not an object"),
        ({"kind": "Pod", "spec": {"nodeName": 1}}, "spec.nodeName is not a string"),
        ({"kind": "Pod", "spec": {"hostNetwork": "true"}}, "spec.hostNetwork"),
        ({"kind": "Pod", "metadata": {"labels": {"a": 1}}}, "metadata.labels.a"),
        ({"kind": "Deployment", "spec": {"replicas": 1.5}}, "spec.replicas"),
        ({"kind": "Deployment", "spec": {"replicas": True}}, "spec.replicas"),
        ({"kind": "Job", "spec": {"template": {"spec": {"overhead": {"cpu": "much"}}}}}, "overhead.cpu"),
        ({"kind": "Job", "metadata": {"creationTimestamp": "yesterday"}}, "creationTimestamp"),
        ({"kind": "Job", "metadata": {"creationTimestamp": "2025-02-30T00:00:00Z"}}, "creationTimestamp"),
        ({"kind": "DaemonSet", "spec": {"updateStrategy": {"rollingUpdate": {"maxSurge": 1.5}}}}, "maxSurge"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(body, place):
    with pytest.raises(WrongType, match=place):
        check_type(body, body["kind"])


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "Pod"},
        {"kind": "Pod", "spec": None, "unknown": 5},
        {"kind": "Pod", "spec": {"containers": [None, {"image": None, "futureField": [1]}]}},
        {"kind": "Deployment", "spec": {"replicas": 3.0, "strategy": {"rollingUpdate": {"maxSurge": "25%"}}}},
        {"kind": "Job", "spec": {"template": {"spec": {"overhead": {"cpu": 1, "memory": "1Gi"}}}}},
        {
            "kind": "Pod",
            "metadata": {"creationTimestamp": None, "managedFields": [{"fieldsV1": {"f:a": {}}}]},
        },
        {"kind": "Pod", "metadata": {"creationTimestamp": "2025-02-28T00:00:00.5+01:00"}},
    ],
)
def test_nulls_unknown_fields_and_either_spelling_are_accepted(body):
    check_type(body, body["kind"])


def test_every_field_is_what_the_published_client_says():
    for name, row in FIELD_TYPES.items():
        model = next(
            found
            for prefix in ("V2", "V1", "CoreV1")
            if (found := getattr(kubernetes.client.models, prefix + name, None))
        )
        published = {model.attribute_map[key]: type_ for key, type_ in model.openapi_types.items()}
        for entry in row.split():
            field, ours = entry.split(":", 1)
            field = field.rstrip("!?")
            theirs = re.sub(r"\b(?:CoreV1|V1|V2)(?=[A-Z])", "", published[field])
            theirs = re.sub(r"(?i)list\[(.*)\]", r"[\1]", theirs)
            theirs = re.sub(r"(?i)dict\(str, (\w+)\)|dict\[str, (\w+)\]", r"{\1\2}", theirs)
            allowed = {
                "datetime": {"time"},
                "object": {"any", "int-or-string"},
                "str": {"str", "quantity"},
                "{str}": {"{str}", "{quantity}"},
                "{datetime}": {"{time}"},
            }
            assert ours in allowed.get(theirs, {theirs}), (
                f"{name}.{field}: {ours}, published {published[field]}"
            )


def test_every_row_that_is_referred_to_exists():
    named = {name for row in FIELD_TYPES.values() for name in re.findall(r"[:\[{]([A-Z]\w*)", row)}
    assert named <= FIELD_TYPES.keys()


def test_a_time_beyond_the_calendar_cannot_be_written():
    with pytest.raises(WrongType, match="beyond the calendar"):
        typed("0001-01-01T00:00:00+14:00", "time")


@pytest.mark.parametrize(
    ("type_", "value", "written"),
    [
        # Zero values go, but those that the type always writes; what it does not know goes, too.
        ("Toleration", {"key": "", "operator": "Exists", "unknown": 1}, {"operator": "Exists"}),
        ("NodeSelectorRequirement", {"key": None, "values": []}, {"key": "", "operator": ""}),
        ("NodeSelector", {}, {"nodeSelectorTerms": None}),
        # A number behind a pointer may be zero, an object behind one may be empty.
        ("Toleration", {"tolerationSeconds": 0}, {"tolerationSeconds": 0}),
        ("Volume", {"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}),
        ("ContainerState", {"waiting": {}, "running": None}, {"waiting": {}}),
        ("DeploymentStatus", {"replicas": 2.0, "readyReplicas": 0}, {"replicas": 2}),
        ("[PortStatus]", [{"port": 80}, None], [{"port": 80, "protocol": ""}, {"port": 0, "protocol": ""}]),
        ("ResourceRequirements", {"limits": {"cpu": "1000m"}, "requests": {}}, {"limits": {"cpu": "1"}}),
        ("{time}", {"a": "2025-03-01T09:00:00.5+01:00"}, {"a": "2025-03-01T08:00:00Z"}),
        (
            "JobCondition",
            {"type": "Complete"},
            {"lastProbeTime": None, "lastTransitionTime": None, "status": "", "type": "Complete"},
        ),
    ],
)
def test_a_type_writes_what_it_knows(type_, value, written):
    assert typed(value, type_) == written
