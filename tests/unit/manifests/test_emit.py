"""The canonical form, stated whole: it is what stands in every render tree."""

import pytest

from reconciler.manifests.emit import emit, emit_json
from reconciler.manifests.load import load

OBJECT = {
    "spec": {"replicas": 2, "on": True, "ratio": 0.5, "none": None, "empty": {}, "nothing": []},
    "metadata": {"name": "web", "labels": {"app": "web", "z": "", "version": "1.0", "y": "yes"}},
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "data": {
        "script": "#!/bin/sh\necho 'hi' # there\n\nexit 0\n",
        "no newline": "a\nb",
        "two newlines": "a\n\n",
        "tab": "a\tb\n",
        "lead": "  a\nb\n",
        "image": "nginx:1.25@sha256:abc",
        "path": "/bin/sh",
        "time": "2026-01-01T00:00:00Z",
        "mode": "0755",
        "word": "a-b_c.d/e%f@g+h=i",
    },
    "list": [1, "a", [1, [2, {"k": "v"}]], {"b": {"c": [{"d": 1}]}, "a": 1}, {}, [], None, "x\ny\n"],
}

WRITTEN = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: web
    version: "1.0"
    "y": "yes"
    z: ""
  name: web
data:
  image: "nginx:1.25@sha256:abc"
  lead: "  a\\nb\\n"
  mode: "0755"
  "no newline": "a\\nb"
  path: /bin/sh
  script: |
    #!/bin/sh
    echo 'hi' # there

    exit 0
  tab: "a\\tb\\n"
  time: "2026-01-01T00:00:00Z"
  "two newlines": "a\\n\\n"
  word: a-b_c.d/e%f@g+h=i
list:
- 1
- a
- - 1
  - - 2
    - k: v
- a: 1
  b:
    c:
    - d: 1
- {}
- []
- null
- |
  x
  y
spec:
  empty: {}
  none: null
  nothing: []
  "on": true
  ratio: 0.5
  replicas: 2
"""


def test_an_object_is_written_in_this_form():
    assert emit(OBJECT).decode() == WRITTEN


def test_the_form_is_read_back_as_the_object():
    assert [document.body for document in load(WRITTEN.encode(), "x.yaml").documents] == [OBJECT]


def test_the_first_keys_come_first_at_the_top_only():
    assert (
        emit({"a": {"metadata": 1, "kind": 2, "b": 3}, "metadata": 1})
        == b"metadata: 1\na:\n  b: 3\n  kind: 2\n  metadata: 1\n"
    )


def test_an_empty_object_is_written_as_such():
    assert emit({}) == b"{}\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"), (-5, "-5"), (True, "true"), (False, "false"), (None, "null"), (18446744073709551615, "18446744073709551615"),
        (1.5, "1.5"), (-0.001, "-0.001"), (1e-7, "1.0e-07"), (2.5e-7, "2.5e-07"), (1e30, "1.0e+30"), (1e19, "1.0e+19"),
        # JSON has one kind of number: a whole one is written as Kubernetes writes it.
        (1.0, "1"), (100.0, "100"), (-0.0, "0"), (1e18, "1000000000000000000"),
        ("", '""'), ("a b", '"a b"'), ("y", '"y"'), ("NO", '"NO"'), ("Null", '"Null"'), ("nUll", "nUll"), ("~", '"~"'), ("1e3", '"1e3"'),
        ("10s", '"10s"'), ("-", '"-"'), ("a:b", '"a:b"'), ("a,b", '"a,b"'), ("#", '"#"'), ("<<", '"<<"'), ("=", '"="'), ("é", '"é"'), ("😀", '"😀"'),
        ("a\x7fb", '"a\\u007fb"'), ("a\x85b", '"a\\u0085b"'), ("a\u2028b\u2029", '"a\\u2028b\\u2029"'), ("\ufeff", '"\\ufeff"'), ("\ufffe\uffff", '"\\ufffe\\uffff"'),
        ("\x00\x1b", '"\\u0000\\u001b"'), ('"\\', '"\\"\\\\"'), ("\r\n", '"\\r\\n"'), ("\n", '"\\n"'), (" \n", '" \\n"'), ("a\u2028\n", '"a\\u2028\\n"'),
    ],
)  # fmt: skip
def test_scalars_are_written_like_this(value, written):
    assert emit({"v": value}).decode() == f"v: {written}\n"


def test_a_long_line_is_not_folded():
    text = "word " * 1_000
    assert emit({"v": text}).decode() == f'v: "{text}"\n'


def test_a_key_too_long_for_a_plain_one_is_written_in_full_form():
    key = "k" * 1_001
    body = {key: {"a": 1}, "l": [{key: [1]}]}
    assert emit(body).decode() == f'? "{key}"\n:\n  a: 1\nl:\n- ? "{key}"\n  :\n  - 1\n'
    assert [document.body for document in load(emit(body), "x.yaml").documents] == [body]


def test_lines_of_blanks_inside_a_block_are_kept():
    assert emit({"v": "a\n   \n\n  b \n"}).decode() == "v: |\n  a\n     \n\n    b \n"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"v": float("nan")}, ValueError),
        ({"v": float("inf")}, ValueError),
        ({"v": 2**64}, ValueError),
        ({"v": "\ud800"}, UnicodeEncodeError),
        ({"v": b"bytes"}, TypeError),
        ({"v": {1, 2}}, TypeError),
        ({1: "v"}, TypeError),
        ({"v": {None: 1}}, TypeError),
        ({"v": (1, 2)}, TypeError),
    ],
)
def test_what_is_not_json_is_an_error(body, error):
    with pytest.raises(error):
        emit(body)


def test_the_object_is_not_changed():
    before = repr(OBJECT)
    emit(OBJECT)
    emit_json(OBJECT)
    assert repr(OBJECT) == before


def test_canonical_json_has_sorted_keys_and_no_blanks():
    assert (
        emit_json({"b": [1, {"d": None, "c": True}], "a": "é"})
        == '{"a":"é","b":[1,{"c":true,"d":null}]}'.encode()
    )
