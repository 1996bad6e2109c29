"""Reading files: what documents they hold, and every way in which a file is refused."""

import pytest

from reconciler.manifests.compose import Refused
from reconciler.manifests.load import LARGEST_FILE, first_value, load
from reconciler.problems import CATALOGUE


def bodies(text):
    loaded = load(text if isinstance(text, bytes) else text.encode(), "x.yaml")
    assert loaded.problems == ()
    return [document.body for document in loaded.documents]


def places(text, path="x.yaml"):
    loaded = load(text if isinstance(text, bytes) else text.encode(), path)
    assert loaded.documents == () or not loaded.problems
    return [(problem.code, problem.location.line, problem.location.column) for problem in loaded.problems]


# ---- Documents


def test_every_document_has_its_line_column_and_index():
    text = (
        b"# a file\n---\nkind: A\n---\n\n  kind: B\n---\n---\n# nothing\n--- {kind: C}\n...\n---\nkind: D\n"
    )
    loaded = load(text, "dir/x.yaml")
    found = [(d.body["kind"], d.origin.line, d.origin.column, d.origin.document) for d in loaded.documents]
    assert found == [("A", 3, 1, 0), ("B", 6, 3, 1), ("C", 10, 5, 4), ("D", 13, 1, 5)]
    assert {(d.origin.path, d.origin.item) for d in loaded.documents} == {("dir/x.yaml", None)}
    assert all(d.origin.text is text for d in loaded.documents)


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment\n", "---\n", "---\n---\n", "~\n", "null", "--- # x\n...\n", "\ufeff"]
)
def test_empty_documents_are_nothing(text):
    loaded = load(text.encode(), "x.yaml")
    assert (loaded.documents, loaded.problems, loaded.others) == ((), (), ())


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "12\n", "'quoted'\n", "yes\n"])
def test_documents_that_are_no_mapping_are_named_and_not_given(text):
    loaded = load(f"a: 1\n---\n{text}".encode(), "x.yaml")
    assert [d.body for d in loaded.documents] == [{"a": 1}]
    assert [(o.line, o.column, o.document) for o in loaded.others] == [(3, 1, 1)]
    assert loaded.is_readable


def test_a_byte_order_mark_and_carriage_returns_change_nothing():
    text = "\ufeffa:\r\n  b: |\r\n    x\r\n    y\r\n---\r\nc: 1\r\n"
    loaded = load(text.encode(), "x.yaml")
    assert [d.body for d in loaded.documents] == [{"a": {"b": "x\ny\n"}}, {"c": 1}]
    assert [(d.origin.line, d.origin.column) for d in loaded.documents] == [(1, 1), (6, 1)]


def test_tabs_may_separate_and_may_not_indent():
    assert bodies("a:\t1\t# why\nb: [1,\t2]\n") == [{"a": 1, "b": [1, 2]}]
    assert places("a: 1\nb:\n\tc: 1\n") == [("R103", 3, 1)]


def test_block_scalars_keep_their_text():
    text = "a: |\n  x\n   y\nb: >-\n  x\n  y\nc: |+\n  x\n\nd: |2\n   x\n"
    assert bodies(text) == [{"a": "x\n y\n", "b": "x y", "c": "x\n\n", "d": " x\n"}]


def test_duplicate_keys_are_refused_wherever_they_are():
    assert places("a: 1\nb: 2\na: 3\n") == [("R107", 3, 1)]
    assert places("s:\n  - k: 1\n    l: 2\n    k: 1\n") == [("R107", 4, 5)]
    assert places("{a: 1, b: {c: 1, c: 2}, a: 3}\n") == [("R107", 1, 18), ("R107", 1, 25)]


def test_keys_that_become_the_same_string_are_duplicates():
    assert places("1: a\n'1': b\n") == [("R107", 2, 1)]
    assert places("yes: a\ntrue: b\n") == [("R107", 2, 1)]
    assert places("0x10: a\n16: b\n") == [("R107", 2, 1)]
    assert places("!!str 1: a\n1: b\n") == [("R107", 2, 1)]


def test_a_duplicate_names_the_key_and_its_first_place():
    (problem,) = load(b"a: 1\nb: 2\na: secret\n", "x.yaml").problems
    assert problem.message == "duplicate key `a`"
    assert problem.evidence == ("first set at 1:1",)
    assert "secret" not in str(problem)


def test_all_semantic_problems_of_a_file_are_shown_at_once_and_none_of_its_documents():
    text = b"kind: A\n---\na: 1\na: 2\n---\nb: .nan\nc: !x y\n---\nkind: D\n"
    loaded = load(text, "x.yaml")
    assert [(p.code, p.location.line, p.location.column) for p in loaded.problems] == [
        ("R107", 4, 1),
        ("R110", 6, 4),
        ("R108", 7, 4),
    ]
    assert loaded.documents == ()
    assert not loaded.is_readable


def test_one_document_that_cannot_be_parsed_makes_the_whole_file_unreadable():
    loaded = load(b"kind: A\n---\nkind: [\n---\nkind: C\n", "x.yaml")
    assert loaded.documents == ()
    assert [(p.code, p.location.line, p.location.column) for p in loaded.problems] == [("R103", 4, 1)]
    assert loaded.problems[0].evidence == ("inside the brackets that open at 3:7",)


# ---- Syntax


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: b: c\n", (1, 5)),
        ("a: 'x\nb: 1\n", (3, 1)),
        ('a: "x\\q"\n', (1, 6)),
        ("a: [1, 2\nb: 3\n", (2, 2)),
        # The end of the file is its last character's line where no line break follows it.
        ("a: 1\nb: [", (2, 5)),
        ("a: 1\nb: [\n", (3, 1)),
        ("a: 'x", (1, 6)),
        ("a: {b: 1\n", (2, 1)),
        ("a: 1\n  b: 2\n", (2, 4)),
        ("a:\n  b: 1\n c: 2\n", (3, 2)),
        ("- a\nb: 1\n", (2, 1)),
        ("a: @x\n", (1, 4)),
        ("a: `x`\n", (1, 4)),
        ("a: %x\n", (1, 4)),
        ("a\nb: 1\n", (2, 2)),
        ("a: - b\n", (1, 4)),
        ("%YAML 2.0\n---\na: 1\n", (1, 1)),
        ("%YAML 1.1\na: 1\n", (2, 1)),
        ("a: |x\n  b\n", (1, 5)),
        ("}\n", (1, 1)),
        ("a: &x\nb: *x y\n", (2, 7)),
    ],
)
def test_broken_syntax_has_a_place(text, place):
    assert places(text) == [("R103", *place)]


def test_an_unclosed_quote_is_named_by_where_it_opens():
    (problem,) = load(b"a: 1\nb: 'x\nc: 1\n", "x.yaml").problems
    assert (problem.location.line, problem.location.column) == (4, 1)
    assert problem.evidence == ("while scanning a quoted scalar that begins at 2:4",)
    assert "quote" in problem.remedy


def test_an_unknown_alias_is_named_by_its_place():
    assert places("a: 1\nb: *missing\n") == [("R114", 2, 4)]
    # Anchors end with their document.
    assert places("a: &x 1\n---\nb: *x\n") == [("R114", 3, 4)]


# ---- Bytes


def test_bytes_that_are_not_utf8_are_refused_at_their_column():
    assert places(b"a: b\nc: \xc3\xa9\xff\n") == [("R101", 2, 5)]
    assert places("\ufeffa: ".encode() + b"\xff") == [("R101", 1, 4)]
    assert places("a: b\n".encode("utf-16")) == [("R101", 1, 1)]
    # A surrogate half, encoded.
    assert places(b"a: \xed\xa0\x80\n") == [("R101", 1, 4)]


@pytest.mark.parametrize(
    "character", ["\x00", "\x01", "\x08", "\x0b", "\x1b", "\x7f", "\x80", "\x9f", "\ufffe", "\uffff"]
)
def test_control_characters_are_refused_at_their_column(character):
    assert places(f"a: b\nc: 'x{character}y'\n") == [("R102", 2, 6)]


def test_characters_outside_the_basic_plane_and_next_line_are_read():
    assert bodies("a: 😀\nb: '\u00a0\ue000\ufffd'\n") == [{"a": "😀", "b": "\u00a0\ue000\ufffd"}]


def test_escapes_may_write_what_may_not_stand_there():
    assert bodies('a: "\\0\\x7f\\u2028\\U0001F600\\e"\n') == [{"a": "\0\x7f\u2028😀\x1b"}]


def test_a_file_above_three_mebibytes_is_not_parsed():
    text = b"a: 1\n" + b"#" * LARGEST_FILE
    assert places(text) == [("R105", 0, 0)]
    assert bodies(b"a: 1\n" + b"#" * (LARGEST_FILE - 5)) == [{"a": 1}]


def test_a_git_lfs_pointer_is_no_text_document():
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
    assert places(text) == [("R116", 0, 0)]


# ---- Depth


def test_two_hundred_levels_are_read_and_one_more_is_refused():
    assert places("a: " + "[" * 199 + "]" * 199 + "\n") == []
    assert places("a: " + "[" * 200 + "]" * 200 + "\n") == [("R106", 1, 203)]
    assert places("- " * 201 + "x") == [("R106", 1, 401)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"[" * 1_000_000, (1, 201)),
        (b"{a: " * 700_000, (1, 801)),
        (b"- " * 1_500_000, (1, 401)),
        (b"? " * 1_500_000, (1, 401)),
        (b": " * 1_500_000, None),
        (b"-\t" * 1_500_000, None),
        (b"[{" * 1_000_000, (1, 201)),
    ],
)
def test_nesting_that_would_exhaust_the_stack_is_refused_before_it_does(text, place):
    found = places(text)
    assert len(found) == 1
    assert found == [("R106", *place)] if place else found[0][0] in ("R103", "R106")


def test_indented_nesting_has_the_same_limit():
    text = "".join(f"{'  ' * level}a:\n" for level in range(201)) + "  " * 201 + "x\n"
    assert places(text) == [("R106", 201, 401)]


def test_many_brackets_side_by_side_are_not_depth():
    assert bodies("a: [" + "[], {}, " * 5_000 + "1]\n")[0]["a"][-1] == 1


# ---- Aliases and merge keys


def test_aliases_give_equal_values_that_share_nothing():
    ((body,),) = [bodies("a: &x {k: [1]}\nb: *x\nc: [*x]\n")]
    assert body == {"a": {"k": [1]}, "b": {"k": [1]}, "c": [{"k": [1]}]}
    assert body["a"] is not body["b"]
    assert body["a"]["k"] is not body["b"]["k"]


def test_a_later_anchor_replaces_an_earlier_one():
    assert bodies("a: &x 1\nb: *x\nc: &x {d: [2]}\ne: *x\n---\nf: &x 3\ng: *x\n") == [
        {"a": 1, "b": 1, "c": {"d": [2]}, "e": {"d": [2]}},
        {"f": 3, "g": 3},
    ]


def test_a_scalar_that_begins_with_a_star_in_a_text_is_no_alias():
    assert bodies("a: '*/5 * * * *'\nb: x *y &z\n") == [{"a": "*/5 * * * *", "b": "x *y &z"}]


def test_a_billion_laughs_ends_at_the_alias_that_goes_too_far():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    (problem,) = load("\n".join(lines).encode(), "x.yaml").problems
    # Line 2 means 91 nodes, line 3 means 820, so line 4 breaks 1,000 + 10 x (those written) at its second alias:
    # written by then: the root, and keys and lists of four lines with the nine x of line 1 -> 18.
    # meant by then: 1 + 11 + 92 + 821 + 2 + 820 = 1,747.
    assert (problem.code, problem.location.line, problem.location.column) == ("R113", 4, 10)
    assert problem.evidence == ("up to here 18 nodes are written, and 1,747 are meant",)


def test_a_large_text_may_not_be_multiplied_beyond_a_mebibyte():
    text = f"a: &x {'y' * 300_000}\nb: [*x, *x, *x]\n"
    assert places(text) == []
    assert places(f"a: &x {'y' * 300_000}\nb: [*x, *x, *x, *x]\n") == [("R113", 2, 17)]


def test_an_anchor_that_contains_itself_is_refused():
    assert places("a: &x\n  b: *x\n") == [("R113", 2, 6)]
    assert places("a: &x [1, *x]\n") == [("R113", 1, 11)]
    assert places("a: &x\n  <<: *x\n") == [("R113", 2, 7)]


def test_merge_keys_take_what_is_not_written_after_them():
    text = "base: &b {p: 1, q: 2}\nover: &o {q: 3, r: 4}\none:\n  <<: *b\n  q: 5\nmany:\n  <<: [*o, *b]\n"
    assert bodies(text)[0]["one"] == {"p": 1, "q": 5}
    assert bodies(text)[0]["many"] == {"p": 1, "q": 3, "r": 4}


def test_merges_nest_no_deeper_than_anything_else():
    assert [code for code, *_ in places("<<: {" * 1_500 + "a: 1" + "}" * 1_500)] == ["R106"]


def test_anchors_and_aliases_are_seen_wherever_yaml_allows_them():
    assert places('{"a":&x [1,*x]}') == [("R113", 1, 12)]
    assert places("a: [1,&x [*x]]") == [("R113", 1, 11)]
    assert places("a: 1\u2028b: &x [*x]\n") == [("R113", 2, 8)]


def test_merged_mappings_may_merge_themselves():
    text = "a: &a {p: 1}\nb: &b\n  <<: *a\n  q: 2\nc:\n  <<: *b\n  r: 3\n"
    assert bodies(text)[0]["c"] == {"p": 1, "q": 2, "r": 3}


def test_a_quoted_merge_sign_is_an_ordinary_key():
    assert bodies("'<<': {a: 1}\n") == [{"<<": {"a": 1}}]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\n<<: {a: 2}\n", ("R112", 2, 1)),
        ("<<: text\n", ("R112", 1, 1)),
        ("<<: [{a: 1}, text]\n", ("R112", 1, 1)),
        ("x: &x [1]\ny:\n  <<: *x\n", ("R112", 3, 3)),
        ("x: &x [{a: 1}]\ny:\n  <<: *x\n", ("R112", 3, 3)),
        ("<<: {a: 1}\n<<: {b: 1}\n", ("R107", 2, 1)),
        ("<<: {m: 1}\na: 1\na: 2\n", ("R107", 3, 1)),
        ("<<: {b: 1, c: 2}\na: 1\na: 2\n", ("R107", 3, 1)),
    ],
)
def test_merges_that_tools_read_differently_are_refused(text, place):
    assert places(text) == [place]


# ---- Lists


def test_a_list_gives_its_items_with_their_own_places():
    text = (
        b"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n-   kind: B\n    apiVersion: v1\n"
    )
    loaded = load(text, "x.yaml")
    assert [(d.body["kind"], d.origin.line, d.origin.column, d.origin.item) for d in loaded.documents] == [
        ("A", 4, 3, 0),
        ("B", 6, 5, 1),
    ]


def test_items_of_a_kind_list_are_of_that_kind_unless_they_say_otherwise():
    text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBindingList\nitems:\n- metadata: {name: a}\n- {apiVersion: v1, kind: X}\n- {kind: Half}\n"
    assert bodies(text) == [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "X"},
        {"kind": "Half"},
    ]


def test_an_empty_list_gives_nothing_and_a_kind_that_ends_in_list_without_items_is_an_object():
    assert bodies("apiVersion: v1\nkind: List\nitems: []\n") == []
    allow = {"apiVersion": "x/v1", "kind": "AllowList", "spec": {}}
    assert bodies("apiVersion: x/v1\nkind: AllowList\nspec: {}\n") == [allow]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("apiVersion: v1\nkind: List\n", (1, 1)),
        ("apiVersion: v1\nkind: List\nitems:\n", (3, 7)),
        ("apiVersion: v1\nkind: List\nitems: {a: 1}\n", (3, 8)),
        ("apiVersion: v1\nkind: List\nitems:\n- {kind: A}\n- text\n", (5, 3)),
        ("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PodList\n  items: []\n", (4, 3)),
    ],
)
def test_a_list_without_objects_is_refused(text, place):
    assert places(text) == [("R115", *place)]


# ---- JSON


def test_json_files_are_read_as_json():
    text = b'\n{"apiVersion": "v1",\n "kind": "A", "n": 1.0, "e": "\\ud83d\\ude00\\/", "t": "yes", "o": "0755"}\n{"kind": "B"}\n'
    loaded = load(text, "x.json")
    assert [d.body for d in loaded.documents] == [
        {"apiVersion": "v1", "kind": "A", "n": 1, "e": "😀/", "t": "yes", "o": "0755"},
        {"kind": "B"},
    ]
    assert [(d.origin.line, d.origin.column, d.origin.document) for d in loaded.documents] == [
        (2, 1, 0),
        (4, 1, 1),
    ]


def test_braces_in_a_yaml_file_may_be_json_or_yaml():
    assert bodies('{"a": "\\ud83d\\ude00"}') == [{"a": "😀"}]
    assert bodies("{a: yes, b: [1]}\n---\nc: 1\n") == [{"a": True, "b": [1]}, {"c": 1}]


def test_a_json_list_gives_its_items_with_their_own_places():
    text = b'{"apiVersion": "v1", "kind": "List", "items": [\n  {"kind": "A", "apiVersion": "\\ud83d\\ude00"},\n {"kind": "B"}]}\n'
    loaded = load(text, "x.json")
    assert [(d.body["kind"], d.origin.line, d.origin.column, d.origin.item) for d in loaded.documents] == [
        ("A", 2, 3, 0),
        ("B", 3, 2, 1),
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,\n "a": 2}', ("R107", 2, 2)),
        ('{"a": {"b": 1,\n "b": 2}}', ("R107", 2, 2)),
        ('{"a": NaN}', ("R110", 1, 7)),
        ('{"a":\n-Infinity}', ("R110", 2, 1)),
        ('{"a": 1e999}', ("R110", 1, 7)),
        ('{"a": "\\ud83d"}', ("R104", 1, 7)),
        ('{"a": 1,}', ("R104", 1, 9)),
        ("{\"a\": 'x'}", ("R104", 1, 7)),
        ("{a: 1}", ("R104", 1, 2)),
        ('{"a": 1', ("R104", 1, 8)),
        ('// no comments\n{"a": 1}', ("R104", 1, 1)),
        ('{"a": "tab\there"}', ("R104", 1, 11)),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", ("R106", 1, 206)),
        ("[" * 1_000_000, ("R106", 1, 201)),
        ('{"a": 01}', ("R104", 1, 8)),
    ],
)
def test_broken_json_has_a_place(text, place):
    assert places(text, "x.json") == [place]


def test_json_numbers_are_those_of_an_api_server():
    text = b'{"a": 1.0, "b": 1e3, "c": 18446744073709551616, "d": 9223372036854775807, "e": 1.5, "f": -0.0}'
    (document,) = load(text, "x.json").documents
    expected = {"a": 1, "b": 1000, "c": 18446744073709551616.0, "d": 9223372036854775807, "e": 1.5, "f": 0}
    assert document.body == expected
    assert [type(value) for value in document.body.values()] == [type(value) for value in expected.values()]


def test_hostile_json_is_walked_in_linear_time():
    # Quotes that never end: a walk that starts over at each of them would take hours.
    for text in ('{"a": "\\ud83d' + '\\"' * 1_000_000, "[" * 201 + '"\\"' * 1_000_000, "{}\n" * 400_000):
        load(text.encode(), "x.json")


# ---- Problems


@pytest.mark.parametrize(
    "text",
    [
        '{"apiVersion":"v1","kind":"List","items":[1]}\n' * 60_000,
        '{"a":1,"a":2}\n' * 200_000,
        "a: 1\n" * 500_000,
        "---\n" * 700_000,
        "--- a\n" * 400_000,
        "".join(f"- &a{n} x\n- *a{n}\n" for n in range(130_000)),
        "- &a x\n- *a\n" * 200_000,
        "- !x y\n" * 400_000,
        "- ! y\n" * 400_000,
        "? [a]\n: b\n" * 300_000,
        "apiVersion: v1\nkind: List\nitems:\n" + "- 1\n" * 700_000,
        "a: &a {b: &b {c: 1}}\n" + "".join(f"k{n}: {{<<: [*a, *b]}}\n" for n in range(60_000)),
        "'" * 3_000_000,
        '"\\' * 1_500_000,
        "a: |\n" + " \n" * 1_500_000,
        "a: " + "x\n " * 1_000_000,
        "#" * 3_000_000,
        "%TAG ! a\n" * 300_000,
        "&" + "a" * 3_000_000,
        "!" + "a" * 3_000_000,
        "[" + "a, " * 1_000_000 + "]",
        "{" + "a, " * 1_000_000 + "}",
        "x: {" + ",".join(f"k{n}" for n in range(300_000)) + "}",
        "[" * 150 + "a," * 1_000_000 + "]" * 150,
    ],
)  # fmt: skip
def test_large_hostile_files_are_judged_without_blowing_up(text):
    # What is quadratic anywhere would not end.
    found = load(text.encode()[: LARGEST_FILE // 3], "x.yaml")
    assert len(found.problems) <= 100


def test_every_problem_has_a_remedy_from_the_catalogue_or_its_own():
    for text in ("a: b: c\n", "a: .nan\n", "a: !x y\n", "a: 1\na: 1\n", "a: *b\n", "? [a]\n: b\n"):
        (problem,) = load(text.encode(), "x.yaml").problems
        assert problem.remedy
        assert problem.code in CATALOGUE


def test_a_mistake_behind_an_anchor_is_named_once():
    assert places("a: &x {v: .nan}\nb: *x\nc: *x\n") == [("R110", 1, 11)]


def test_a_file_full_of_mistakes_gives_a_hundred_problems_and_a_count():
    def mistakes(count):
        return load(b"".join(b"k%d: .nan\n" % n for n in range(count)), "x.yaml").problems

    assert len(mistakes(100)) == 100
    assert mistakes(100)[-1].evidence == ()
    assert [problem.location.line for problem in mistakes(300)] == list(range(1, 101))
    assert mistakes(300)[-1].evidence == ("and 200 more problems in this file",)
    assert mistakes(5_000)[-1].evidence == ("and many more problems in this file",)


def test_problems_never_quote_values():
    for text in (
        "a: hunter2: x\n",
        "p: !!int hunter2\n",
        "p: !x hunter2\n",
        "hunter2\nb: 1\n",
        "p: 'hunter2\n",
        "p: !!binary hunter2\n",
    ):
        loaded = load(text.encode(), "x.yaml")
        assert loaded.problems
        assert "hunter2" not in str(loaded.problems)


# ---- A text inside a field


def test_the_first_document_of_a_text_is_its_value():
    assert first_value(b"a: yes\nb: [0755]\n---\nc: 1\n") == {"a": True, "b": [493]}
    assert first_value(b"- 1\n") == [1]
    assert first_value(b"") is None
    assert first_value(b"# nothing\n") is None


@pytest.mark.parametrize(("text", "code", "line"), [(b"a: 1\nb: [", "R103", 2), (b"a: 1\na: 2\n", "R107", 2), (b"a: &x [*x]\n", "R113", 1), (b"a: ! 1\n", "R108", 1), (b"a: \xff\n", "R101", 1)])  # fmt: skip
def test_a_text_that_is_no_yaml_is_refused_with_its_line(text, code, line):
    with pytest.raises(Refused) as caught:
        first_value(text)
    assert (caught.value.code, caught.value.line) == (code, line)
