"""Edits of people's files, stated whole: what is asked for changes and nothing else does."""

import pytest

from reconciler.errors import FleetError
from reconciler.manifests.load import load
from reconciler.manifests.rewrite import APPEND, REMOVE, Edit, append_document, remove_document, rewrite

CLUSTER = """\
# The cluster in the north.
apiVersion: cluster.karmada.io/v1alpha1
kind: Cluster   # a member
metadata:
    name:  north  # keep
    labels: {tier: "gold", zone: 'az1'}
spec:
    syncMode:   Push
    # Nothing is tainted yet.
    taints: []
    replicas: 007
    provider: ~

---
# Another one
kind: Cluster
spec:
  taints:
    # why gpu
    - key: gpu
      effect: NoSchedule   # for now
    - {key: slow, effect: NoExecute}

    # the end
  note: |
    two
    lines

  last: x
"""


def after(text, document, *edits, path="clusters.yaml"):
    changed = rewrite(
        text.encode(), document, [Edit(path=where, value=value) for where, value in edits], path=path
    )
    return changed.decode()


def changed_lines(before, now):
    """Lines that went and lines that came."""
    old, new = before.splitlines(), now.splitlines()
    start = next(
        (i for i, (x, y) in enumerate(zip(old, new, strict=False)) if x != y), min(len(old), len(new))
    )
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return old[start : len(old) - end], new[start : len(new) - end]


@pytest.mark.parametrize(
    ("document", "path", "value", "went", "came"),
    [
        # Scalars: in place, in the quotes they had, comments untouched.
        (0, ("spec", "syncMode"), "Pull", ["    syncMode:   Push"], ["    syncMode:   Pull"]),
        (0, ("metadata", "name"), "south", ["    name:  north  # keep"], ["    name:  south  # keep"]),
        (0, ("metadata", "name"), "yes", ["    name:  north  # keep"], ['    name:  "yes"  # keep']),
        (0, ("spec", "replicas"), 3, ["    replicas: 007"], ["    replicas: 3"]),
        (0, ("spec", "provider"), "aws", ["    provider: ~"], ["    provider: aws"]),
        (0, ("metadata", "labels", "tier"), "silver", ["    labels: {tier: \"gold\", zone: 'az1'}"], ["    labels: {tier: \"silver\", zone: 'az1'}"]),
        (0, ("metadata", "labels", "zone"), "it's", ["    labels: {tier: \"gold\", zone: 'az1'}"], ["    labels: {tier: \"gold\", zone: 'it''s'}"]),
        (1, ("spec", "taints", 0, "effect"), "NoExecute", ["      effect: NoSchedule   # for now"], ["      effect: NoExecute   # for now"]),
        (1, ("spec", "note"), "one", ["  note: |", "    two", "    lines"], ["  note: one"]),
        (1, ("spec", "last"), "a\nb\n", ["  last: x"], ["  last: |", "    a", "    b"]),
        (0, ("metadata", "name"), "a\nb\n", ["    name:  north  # keep"], ['    name:  "a\\nb\\n"  # keep']),
        # Adding: at the end of its container, in the document's own indentation.
        (0, ("spec", "suspend"), True, [], ["    suspend: true"]),
        (0, ("metadata", "labels", "new"), "x", ["    labels: {tier: \"gold\", zone: 'az1'}"], ["    labels: {tier: \"gold\", zone: 'az1', new: x}"]),
        (0, ("spec", "taints", APPEND), {"key": "a", "effect": "NoSchedule"}, ["    taints: []"], ["    taints:", "    - effect: NoSchedule", "      key: a"]),
        (0, ("metadata", "annotations", "a/b"), "c", [], ["    annotations:", "        a/b: c"]),
        (0, ("spec", "provider"), {"name": "aws", "zones": ["a"]}, ["    provider: ~"], ["    provider:", "        name: aws", "        zones:", "        - a"]),
        (1, ("spec", "taints", APPEND), {"key": "a"}, [], ["    - key: a"]),
        (1, ("spec", "taints", 1, "value"), "v", ["    - {key: slow, effect: NoExecute}"], ["    - {key: slow, effect: NoExecute, value: v}"]),
        (1, ("spec", "taints", 0, "list"), ["x", ["z"]], [], ["      list:", "        - x", "        - - z"]),
        # Removing: its lines, and the container's brackets when it was the last.
        (0, ("spec", "replicas"), REMOVE, ["    replicas: 007"], []),
        (0, ("metadata", "labels", "tier"), REMOVE, ["    labels: {tier: \"gold\", zone: 'az1'}"], ["    labels: {zone: 'az1'}"]),
        (0, ("metadata", "labels", "zone"), REMOVE, ["    labels: {tier: \"gold\", zone: 'az1'}"], ['    labels: {tier: "gold"}']),
        (1, ("spec", "taints", 0), REMOVE, ["    - key: gpu", "      effect: NoSchedule   # for now"], []),
        (1, ("spec", "taints", 0, "key"), REMOVE, ["    - key: gpu", "      effect: NoSchedule   # for now"], ["    - effect: NoSchedule   # for now"]),
        (1, ("spec", "taints", 1), REMOVE, ["    - {key: slow, effect: NoExecute}"], []),
        (1, ("spec", "note"), REMOVE, ["  note: |", "    two", "    lines"], []),
        (1, ("spec", "taints"), REMOVE, ["  taints:", "    # why gpu", "    - key: gpu", "      effect: NoSchedule   # for now", "    - {key: slow, effect: NoExecute}"], []),
        (1, ("spec", "taints"), [], ["  taints:", "    # why gpu", "    - key: gpu", "      effect: NoSchedule   # for now", "    - {key: slow, effect: NoExecute}"], ["  taints: []"]),
        (1, ("spec", "taints"), ["x"], ["    # why gpu", "    - key: gpu", "      effect: NoSchedule   # for now", "    - {key: slow, effect: NoExecute}"], ["    - x"]),
        (1, ("spec", "taints", 0), "x", ["    - key: gpu", "      effect: NoSchedule   # for now"], ["    - x   # for now"]),
    ],
)  # fmt: skip
def test_an_edit_changes_these_lines_and_no_other(document, path, value, went, came):
    now = after(CLUSTER, document, (path, value))
    assert changed_lines(CLUSTER, now) == (went, came)


def test_several_edits_are_made_in_order():
    now = after(
        "spec: {}\n", 0,
        (("spec", "taints", APPEND), {"key": "a"}), (("spec", "taints", APPEND), {"key": "b"}), (("spec", "taints", 0), REMOVE), (("spec", "on"), True),
    )  # fmt: skip
    assert now == 'spec:\n  taints:\n  - key: b\n  "on": true\n'


def test_removing_the_last_entry_leaves_an_empty_container():
    text = "a:\n  # why\n  b: 1 # one\nc:\n- x\nd: [1]\ne: {f: 1}\n"
    assert after(text, 0, (("a", "b"), REMOVE)) == "a: {} # one\nc:\n- x\nd: [1]\ne: {f: 1}\n"
    assert after(text, 0, (("c", 0), REMOVE)) == text.replace("c:\n- x\n", "c: []\n")
    assert after(text, 0, (("d", 0), REMOVE)) == text.replace("[1]", "[]")
    assert after(text, 0, (("e", "f"), REMOVE)) == text.replace("{f: 1}", "{}")


def test_an_edit_that_changes_nothing_gives_the_same_bytes():
    assert (
        after(
            CLUSTER,
            0,
            (("spec", "absent"), REMOVE),
            (("spec", "syncMode"), "Push"),
            (("spec", "replicas"), 7),
        )
        == CLUSTER
    )


def test_carriage_returns_a_byte_order_mark_and_a_missing_last_line_break_stay():
    text = "\ufeffa: 1\r\nb:\r\n- x\r\nc: 2"
    assert after(text, 0, (("b", APPEND), "z")) == "\ufeffa: 1\r\nb:\r\n- x\r\n- z\r\nc: 2"
    assert after(text, 0, (("d", "e"), [1])) == "\ufeffa: 1\r\nb:\r\n- x\r\nc: 2\r\nd:\r\n  e:\r\n  - 1"
    assert after(text, 0, (("c",), REMOVE)) == "\ufeffa: 1\r\nb:\r\n- x\r\n"


def test_places_are_counted_in_characters():
    text = "# größe 😀\nname: 名前 # ü\nlist: [é, 😀, x]\n"
    assert (
        after(text, 0, (("list", 1), "z"), (("name",), "m")) == "# größe 😀\nname: m # ü\nlist: [é, z, x]\n"
    )


def test_keys_are_named_as_kubernetes_names_them():
    assert after("on: 1\n0x10: 2\n", 0, (("true",), 5), (("16",), 6)) == "on: 5\n0x10: 6\n"


def test_documents_inside_a_list_are_reached_through_items():
    text = "kind: List\napiVersion: v1\nitems:\n- kind: A\n  spec: {a: 1}\n- kind: B\n  spec: {a: 1}\n"
    assert after(text, 0, (("items", 1, "spec", "a"), 2)) == text[:-3] + "2}\n"


def test_json_files_stay_json():
    text = '{\n  "kind": "A",\n  "list": [1, 2],\n  "e": "\\/"\n}\n'
    now = after(
        text, 0, (("list", APPEND), {"k": "yes"}), (("kind",), "on"), (("new", "a"), None), path="a.json"
    )
    assert now == '{\n  "kind": "on",\n  "list": [1, 2, {"k": "yes"}],\n  "e": "\\/", "new": {"a": null}\n}\n'
    assert load(now.encode(), "a.json").documents[0].body == {
        "kind": "on",
        "list": [1, 2, {"k": "yes"}],
        "e": "/",
        "new": {"a": None},
    }


def test_an_anchor_is_never_changed_through_its_alias():
    text = "base: &b\n  x: 1\nuse: *b\nmore:\n  <<: *b\n  y: 2\n"
    with pytest.raises(FleetError) as caught:
        after(text, 0, (("use", "x"), 5))
    assert [problem.code for problem in caught.value.problems] == ["R124"]
    # What a merge brings is overridden where it is merged.
    assert after(text, 0, (("more", "x"), 5)) == text + "  x: 5\n"


def test_an_edit_of_what_others_repeat_is_refused():
    # `use` would change too.
    with pytest.raises(FleetError):
        after("base: &b {x: 1}\nuse: *b\n", 0, (("base", "x"), 5))


def test_a_list_behind_an_anchor_is_edited_where_it_stands():
    text = "a:  1   # one\nlist: &l\n- x  # why\nend: 'q'\n"
    assert after(text, 0, (("list", APPEND), "yes")) == text.replace("# why\n", '# why\n- "yes"\n')


def test_unusual_layout_is_written_by_the_round_trip_with_its_comments():
    text = "# top\n? a\n: 1\nb: 2   # two\n---\nc:   2\n"
    assert after(text, 0, (("a",), REMOVE)) == "# top\nb: 2   # two\n---\nc:   2\n"


def test_what_the_round_trip_would_tidy_elsewhere_is_refused():
    with pytest.raises(FleetError):
        after("? a\n: 1\nb: 2\nc:    3\n", 0, (("a",), REMOVE))


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a: 1\n", ("a", 0), 1),
        ("a: [1]\n", ("a", 5), 1),
        ("a: [1]\n", ("a", "b"), 1),
        ("a: 1\n", ("a", "b"), 1),
        ("a: 1\n", ("b", 3), 1),
        ("a: 1\n", (APPEND, "b"), 1),
        ("a: *x\n", ("a",), 1),
        ("a: 1\na: 2\n", ("a",), 1),
    ],
)
def test_what_does_not_fit_is_refused(text, path, value):
    with pytest.raises(FleetError) as caught:
        after(text, 0, (path, value))
    assert caught.value.problems
    assert all(problem.location.path == "clusters.yaml" for problem in caught.value.problems)


@pytest.mark.parametrize("document", [-1, 1, 7])
def test_a_document_that_is_not_there_is_refused(document):
    with pytest.raises(FleetError, match="there is no document"):
        after("a: 1\n", document, (("a",), 2))


# ---- Whole documents


def test_a_document_is_appended_behind_a_separator():
    body = {"kind": "Cluster", "apiVersion": "v1", "spec": {"a": 1}}
    written = "apiVersion: v1\nkind: Cluster\nspec:\n  a: 1\n"
    assert append_document(b"# c\na: 1\n", body) == f"# c\na: 1\n---\n{written}".encode()
    assert append_document(b"a: 1", body) == f"a: 1\n---\n{written}".encode()
    assert append_document(b"", body) == written.encode()
    assert append_document(b"# only this\n", body) == f"# only this\n{written}".encode()
    assert append_document(b"a: 1\r\n", body) == f"a: 1\n---\n{written}".replace("\n", "\r\n").encode()


def test_appending_never_changes_what_is_there():
    # The line break that closes the file would become part of this text.
    with pytest.raises(FleetError):
        append_document(b"a: |\n  x", {"kind": "B"})
    with pytest.raises(FleetError):
        append_document(b'{"a": 1}', {"kind": "B"}, path="x.json")


def test_a_document_is_cut_out_with_its_separator():
    text = b"# first\na: 1\n---\n# second\nb: 2\n---\nc: 3\n"
    assert remove_document(text, 1) == b"# first\na: 1\n---\nc: 3\n"
    assert remove_document(text, 2) == b"# first\na: 1\n---\n# second\nb: 2\n"
    assert remove_document(text, 0) == b"---\n# second\nb: 2\n---\nc: 3\n"
    assert remove_document(b"a: 1\n", 0) == b""
    with pytest.raises(FleetError):
        remove_document(text, 3)
