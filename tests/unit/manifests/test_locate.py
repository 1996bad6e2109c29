"""Finding a field again; every line and column is counted by hand."""

import pytest

from reconciler.errors import Location
from reconciler.manifests.load import load
from reconciler.manifests.locate import locate
from reconciler.model.manifest import Origin

TEXT = b"""\
# first
apiVersion: v1
kind: A
---
apiVersion: v1
kind: B
metadata:
  name:   b
  labels: {app: web, tier: 'x'}
spec:
    ports:
    - name: http
      port: 80
    -
      name: https
    yes: |
      text
    empty:
    ? long
    : value
    1: one
"""


def place(field_path, *, key=False, text=TEXT, document=1, path="x.yaml", item=None):
    loaded = load(text, path)
    (origin,) = [d.origin for d in loaded.documents if (d.origin.document, d.origin.item) == (document, item)]
    found = locate(origin, field_path, key=key)
    assert found.path == path
    return found.line, found.column


@pytest.mark.parametrize(
    ("field_path", "value", "key"),
    [
        (("kind",), (6, 7), (6, 1)),
        (("metadata", "name"), (8, 11), (8, 3)),
        (("metadata", "labels", "tier"), (9, 28), (9, 22)),
        (("metadata",), (8, 3), (7, 1)),
        (("spec", "ports", 0), (12, 7), (12, 7)),
        (("spec", "ports", 0, "port"), (13, 13), (13, 7)),
        (("spec", "ports", 1, "name"), (15, 13), (15, 7)),
        # `yes` is the key "true" to Kubernetes.
        (("spec", "true"), (16, 10), (16, 5)),
        (("spec", "empty"), (18, 11), (18, 5)),
        (("spec", "long"), (20, 7), (19, 7)),
        (("spec", "1"), (21, 8), (21, 5)),
        ((), (5, 1), (5, 1)),
    ],
)
def test_a_field_is_found_by_value_and_by_key(field_path, value, key):
    assert place(field_path) == value
    assert place(field_path, key=True) == key


@pytest.mark.parametrize(
    ("field_path", "ancestor"),
    [
        (("spec", "absent"), (10, 1)),
        (("spec", "ports", 5, "port"), (11, 5)),
        # A list's item has no key: its own first character.
        (("spec", "ports", 1, "port"), (15, 7)),
        (("metadata", "name", "deeper"), (8, 3)),
        (("absent", "deeper"), (5, 1)),
        (("spec", "ports", "0"), (11, 5)),
    ],
)
def test_an_absent_field_is_placed_at_its_nearest_ancestor(field_path, ancestor):
    assert place(field_path) == ancestor


def test_the_document_counts():
    assert place(("kind",), document=0) == (3, 7)


def test_a_merged_field_is_found_where_it_is_written():
    text = b"base: &b\n  x: 1\nother:\n  <<: [{z: 0}, *b]\n  q: 2\n"
    assert place(("other", "x"), text=text, document=0) == (2, 6)
    assert place(("other", "z"), text=text, document=0, key=True) == (4, 9)


def test_paths_inside_a_list_are_relative_to_the_item():
    text = b"apiVersion: v1\nkind: List\nitems:\n- kind: A\n  spec: {a: 1}\n- kind: B\n  spec:\n    a: 2\n"
    assert place(("spec", "a"), text=text, document=0, item=1) == (8, 8)
    assert place(("spec", "a"), text=text, document=0, item=0) == (5, 13)
    assert place(("absent",), text=text, document=0, item=1) == (6, 3)


def test_json_files_have_places_too():
    text = b'{"e": "\\ud83d\\ude00", "a": {"b":\n  [1, 2]}}\n{"c": 1}'
    assert place(("a", "b", 1), text=text, document=0, path="x.json") == (2, 7)
    assert place(("a",), text=text, document=0, path="x.json", key=True) == (1, 23)
    assert place(("c",), text=text, document=1, path="x.json") == (3, 7)


def test_a_byte_order_mark_is_no_column():
    assert place(("a",), text="\ufeffa: 1\n".encode(), document=0) == (1, 4)


def test_a_file_that_cannot_be_read_again_leaves_the_documents_own_place():
    origin = Origin(path="x.yaml", line=7, column=3, text=b"a: [")
    assert locate(origin, ("a",)) == Location(path="x.yaml", line=7, column=3)
    assert locate(Origin(path="x.yaml", line=1, column=1, document=4, text=b"a: 1\n"), ("a",)).line == 1
