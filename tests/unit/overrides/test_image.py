import pytest

from reconciler.model.override import ImageOverrider
from reconciler.overrides.image import Image, edited_image, override_image, parse_image
from reconciler.overrides.outcome import OverriderError

DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER = "sha256:" + "f" * 64


def edit(component, operator, value="", path=None):
    return ImageOverrider(component=component, operator=operator, value=value, predicate_path=path)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nginx", ("", "nginx", "", "")),
        ("nginx:1.25", ("", "nginx", "1.25", "")),
        ("library/nginx", ("", "library/nginx", "", "")),
        ("quay.io/team/app:v1", ("quay.io", "team/app", "v1", "")),
        ("localhost/app", ("localhost", "app", "", "")),
        ("registry:5000/app:2", ("registry:5000", "app", "2", "")),
        (f"quay.io/app@{DIGEST}", ("quay.io", "app", "", DIGEST)),
        # Beside a tag the digest is dropped.
        (f"app:1@{DIGEST}", ("", "app", "1", "")),
        # Without a slash, what follows the colon is a tag, not a port.
        ("localhost:5000", ("", "localhost", "5000", "")),
    ],
)
def test_a_reference_has_four_parts(reference, parts):
    image = parse_image(reference)
    assert (image.registry, image.repository, image.tag, image.digest) == parts


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "NGINX",
        "quay.io/Team/app",
        "app:",
        "app:.x",
        "app:1\n",
        "app@sha256:12",
        "app@sha256:" + "A" * 64,
        "app@md5:" + "a" * 32,
        "https://quay.io/app",
        "quay.io//app",
        "a" * 256,
        "app:" + "x" * 129,
    ],
)
def test_what_breaks_the_grammar_is_refused(reference):
    with pytest.raises(OverriderError):
        parse_image(reference)


@pytest.mark.parametrize(
    ("reference", "overrider", "result"),
    [
        ("reg.example/img:v1", edit("Registry", "add", ".test"), "reg.example.test/img:v1"),
        ("perl:5", edit("Registry", "add", "registry.k8s.io"), "registry.k8s.io/perl:5"),
        ("quay.io/app:1", edit("Registry", "replace", "mirror:5000"), "mirror:5000/app:1"),
        ("quay.io/app:1", edit("Registry", "remove"), "app:1"),
        ("reg.example/img:v1", edit("Repository", "add", "/nginx"), "reg.example/img/nginx:v1"),
        ("quay.io/app:1", edit("Repository", "replace", "team/other"), "quay.io/team/other:1"),
        ("quay.io/app:1", edit("Repository", "remove"), "quay.io/:1"),
        ("app:1", edit("Tag", "add", "-alpine"), "app:1-alpine"),
        ("app", edit("Tag", "add", "v2"), "app:v2"),
        ("app:1", edit("Tag", "replace", "2"), "app:2"),
        ("app:1", edit("Tag", "replace", DIGEST), f"app@{DIGEST}"),
        (f"app@{DIGEST}", edit("Tag", "replace", "3"), "app:3"),
        (f"app@{DIGEST}", edit("Tag", "replace", OTHER), f"app@{OTHER}"),
        ("app:1", edit("Tag", "remove"), "app"),
        (f"app@{DIGEST}", edit("Tag", "remove"), "app"),
        # Neither a tag nor a digest: nothing changes.
        ("app:v1.0.0", edit("Tag", "add", DIGEST), "app:v1.0.0"),
        ("app:1", edit("Tag", "replace", f"@{DIGEST}"), "app:1"),
        ("app:1", edit("Tag", "replace", "bad tag"), "app:1"),
    ],
)
def test_each_component_is_added_to_replaced_and_removed(reference, overrider, result):
    assert edited_image(reference, overrider) == result


def test_an_image_prints_as_its_reference():
    assert str(Image(registry="", repository="app")) == "app"


def deployment(*containers, **more):
    pod = {"containers": list(containers), **more}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": pod}}}


def test_every_container_is_changed_and_init_containers_are_not():
    body = deployment(
        {"name": "a", "image": "a:1"},
        {"name": "b", "image": "b:1"},
        initContainers=[{"name": "i", "image": "i:1"}],
    )
    result = override_image(body, [edit("Tag", "replace", "2")], [])
    pod = result["spec"]["template"]["spec"]
    assert [one["image"] for one in pod["containers"]] == ["a:2", "b:2"]
    assert pod["initContainers"] == [{"name": "i", "image": "i:1"}]
    assert body["spec"]["template"]["spec"]["containers"][0]["image"] == "a:1"


def test_one_bad_image_fails_the_overrider_and_names_its_place():
    body = deployment({"image": "a:1"}, {"image": "B A D"})
    with pytest.raises(OverriderError) as caught:
        override_image(body, [edit("Tag", "remove"), edit("Registry", "remove")], [])
    assert caught.value.place == ("imageOverrider", 0)


def test_a_container_without_an_image_is_an_error():
    with pytest.raises(OverriderError):
        override_image(deployment({"name": "a"}), [edit("Tag", "remove")], [])


def test_an_object_that_is_not_its_builtin_kind_is_refused_with_the_field():
    body = deployment({"image": "a:1", "ports": [{"containerPort": "http"}]})
    with pytest.raises(
        OverriderError, match=r"spec\.template\.spec\.containers\[0\]\.ports\[0\]\.containerPort"
    ):
        override_image(body, [edit("Tag", "remove")], [])


def test_another_kind_without_a_predicate_is_noted_and_unchanged():
    notes = []
    body = {"kind": "Rollout", "spec": {"image": "a:1"}}
    assert override_image(body, [edit("Tag", "replace", "2")], notes) is body
    assert notes[0].place == ("imageOverrider", 0)
    assert "predicate.path" in notes[0].reason


def test_a_predicate_reaches_any_string_of_any_kind():
    body = {"kind": "Rollout", "spec": {"workers": [{"image": "a:1"}, {"image": "b:1"}]}}
    result = override_image(body, [edit("Tag", "replace", "2", "/spec/workers/1/image")], [])
    assert result["spec"]["workers"] == [{"image": "a:1"}, {"image": "b:2"}]
    assert result["spec"]["workers"][0] is body["spec"]["workers"][0]


@pytest.mark.parametrize(
    "path",
    ["/spec/nope", "/spec/workers/x/image", "/spec/workers/7/image", "/spec/workers/-1/image", "/spec", ""],
)
def test_a_predicate_that_leads_nowhere_is_an_error(path):
    body = {"kind": "Rollout", "spec": {"workers": [{"image": "a:1"}]}}
    with pytest.raises(OverriderError):
        override_image(body, [edit("Tag", "remove", path=path)], [])


def test_a_tag_that_cannot_be_set_is_noted():
    notes = []
    override_image(deployment({"image": "a:1"}), [edit("Tag", "replace", f"@{DIGEST}")], notes)
    assert "leaves the tag as it is" in notes[0].reason


def test_a_predicate_of_two_slashes_reads_but_edits_nothing():
    body = {"kind": "Widget", "spec": {"image": "nginx:1"}}
    notes = []
    assert override_image(body, [edit("Tag", "replace", "2", path="//spec/image")], notes) == body
    assert [note.place for note in notes] == [("imageOverrider", 0)]


def test_null_containers_are_none():
    body = {"kind": "Pod", "spec": {"containers": None}}
    assert override_image(body, [edit("Tag", "replace", "2")], []) == body
