"""Real repositories' files, read whole. They lie beside this repository, not in it (RECONCILER_TEST_DATA)."""

import re

import pytest

from reconciler.manifests.emit import emit, emit_json
from reconciler.manifests.load import load
from reconciler.manifests.rewrite import Edit, rewrite
from tests import goyaml
from tests.outside import outside_data

# Files, and objects as grep counts them: 92 documents with one object, and lists of 33 ConfigMaps, 3 Roles, 3 RoleBindings.
APPLICATIONS = {"online-boutique": (11, 35), "kube-prometheus": (95, 131), "argo-cd": (1, 70)}
SEPARATOR = re.compile(r"^---[ \t]*(?:#.*)?$", re.MULTILINE)


def files(application):
    folder = outside_data("real-manifests", application)
    return [] if folder is None else sorted(folder.rglob("*.yaml"))


def objects(application):
    for path in files(application):
        loaded = load(path.read_bytes(), path.name)
        assert loaded.problems == (), path.name
        assert loaded.others == (), path.name
        yield from loaded.documents


@pytest.mark.parametrize("application", APPLICATIONS)
def test_every_object_of_a_real_application_is_read(application):
    found = list(objects(application))
    if files(application):
        assert (len(files(application)), len(found)) == APPLICATIONS[application]
    for document in found:
        assert document.body["apiVersion"]
        assert document.body["kind"]
        assert document.body["metadata"]["name"]


@pytest.mark.parametrize("application", APPLICATIONS)
def test_real_files_are_read_as_kubernetes_reads_them(application):
    for path in files(application):
        # Documents are separated as kubectl does it, by lines.
        texts = [text for text in SEPARATOR.split(path.read_text()) if text.strip()]
        values = [answer.value for answer in goyaml.read(texts) if answer.value is not None]
        expected = [
            item
            for value in values
            for item in (value["items"] if value["kind"].endswith("List") else [value])
        ]
        found = [document.body for document in load(path.read_bytes(), path.name).documents]
        assert [emit_json(body) for body in found] == [emit_json(body) for body in expected], path.name


@pytest.mark.parametrize("application", APPLICATIONS)
def test_real_objects_survive_being_written(application):
    bodies = [document.body for document in objects(application)]
    written = [emit(body) for body in bodies]
    for body, data in zip(bodies, written, strict=True):
        (document,) = load(data, "x.yaml").documents
        assert emit_json(document.body) == emit_json(body)
    answers = goyaml.read([data.decode() for data in written])
    assert not [answer for answer in answers if answer.error or answer.strict]


def test_one_line_of_a_real_file_can_be_edited_and_nothing_else_moves():
    for path in files("online-boutique"):
        text = path.read_bytes()
        for document in load(text, path.name).documents:
            if document.body["kind"] != "Deployment":
                continue
            where = ("spec", "template", "spec", "containers", 0, "image")
            now = rewrite(
                text, document.origin.document, [Edit(path=where, value="shop/new:2")], path=path.name
            )
            old_lines, new_lines = text.decode().splitlines(), now.decode().splitlines()
            differing = [(old, new) for old, new in zip(old_lines, new_lines, strict=True) if old != new]
            assert len(differing) == 1
            assert differing[0][0].split("image:")[0] == differing[0][1].split("image:")[0]
            added = [Edit(path=("metadata", "annotations", "a/b"), value="c")]
            now = rewrite(text, document.origin.document, added, path=path.name)
            assert 1 <= len(now.splitlines()) - len(text.splitlines()) <= 2
