"""The pull request's comment: its order, its budget, and that nothing from the repository can act in it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.diff.difference import Provenance, Verdict, difference
from reconciler.diff.markdown import BUDGET, code, difference_markdown, fenced, marker
from reconciler.errors import Location, Problem, Severity
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Guard
from tests.searching import examples
from tests.unit.diff.builders import binding, compare, config_map, deployment, plain, rendered, tree

WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")
PARSER = MarkdownIt("gfm-like", {"linkify": False}).enable("table")


def acting(markdown: str) -> list[str]:
    """What a host would act on: links, images, raw HTML other than our own folding, and mentions outside of code."""
    found = []
    for token in PARSER.parse(markdown):
        if token.type == "html_block":
            rest = re.sub(
                r"<!-- fleet-reconciler diff [\w./-]+ -->|</?details>|</?summary>|</?code>", "", token.content
            )
            found += re.findall(r"<[^>]*>?", rest)
        for child in token.children or ():
            if child.type in ("link_open", "image", "html_inline"):
                found.append(child.content or child.type)
            if child.type == "text" and re.search(r"@\w", child.content):
                found.append(child.content)
    return found


def change(image: str = "web:2") -> str:
    before = tree({"a": [deployment()], "b": [deployment()]})
    after = tree({"a": [deployment(image=image)], "b": [deployment(image=image)]})
    return difference_markdown(compare(before, after), instance="shop/fleet")


def test_the_first_line_is_the_hidden_mark_of_the_instance():
    assert change().splitlines()[0] == "<!-- fleet-reconciler diff shop/fleet -->"


def test_a_mark_cannot_be_closed_from_inside():
    assert marker("x --> <script>") == "<!-- fleet-reconciler diff x_--___script_ -->"


def test_an_equal_change_is_shown_once_for_all_clusters():
    text = change()
    assert text.count("web:2") == 1
    assert (
        "<details><summary>changed <code>Deployment.apps shop/web</code> on all 2 clusters</summary>" in text
    )


def test_sections_come_in_the_order_in_which_a_reviewer_needs_them():
    before = tree({"a": [deployment(), plain("v1", "Namespace", "shop")]})
    after = tree({"a": [deployment(replicas=1)]})
    old = rendered(before, binding(WEB, {"a": 3}))
    problem = Problem(
        code="R301", message="no cluster fits", location=Location(path="p.yaml", line=3, column=1)
    )
    new = rendered(after, binding(WEB, {"a": 1}), problems=(problem,))
    provenance = Provenance(
        base="1111111", head="2222222", facts="3333333", engine="0.1.0", command="reconciler diff"
    )
    guard = Guard(name="protected-kind", message="needs an approval", objects=())
    text = difference_markdown(difference(old, new, provenance=provenance, guards={"a": (guard,)}))
    wanted = [
        "⛔ Blocked",
        "#### Guards and dangers",
        "`protected-kind`",
        "`removed-namespace`",
        "#### Problems",
        "`p.yaml:3:1`",
        "#### Placement",
        "`a 3→1`",
        "#### Clusters",
        "#### Changes",
        "```diff",
        "`1111111` → `2222222`; facts of `3333333`; engine `0.1.0`",
        "Reproduce with `reconciler diff`",
    ]
    places = [text.index(words) for words in wanted]
    assert places == sorted(places)


def test_nothing_changes_is_only_said_when_all_of_it_is_known():
    one = tree({"a": [deployment()]})
    assert "✅ Nothing to deliver: nothing changes" in difference_markdown(compare(one, one))
    incomplete = difference_markdown(compare(one, one, complete=False))
    assert (
        "⛔ Blocked: no object changes; incomplete: some of it is held at its last good state" in incomplete
    )
    assert "nothing changes" not in incomplete.lower()


def test_a_warning_that_was_there_before_does_not_ask_for_caution():
    one = tree({"a": [deployment()]})
    old = Problem(code="R320", message="claimed by nobody", severity=Severity.WARNING)
    new = Problem(code="R320", message="another", severity=Severity.WARNING)
    provenance = Provenance()
    same = difference(rendered(one, problems=(old,)), rendered(one, problems=(old,)), provenance=provenance)
    more = difference(
        rendered(one, problems=(old,)), rendered(one, problems=(old, new)), provenance=provenance
    )
    assert (same.verdict, more.verdict) == (Verdict.UNCHANGED, Verdict.CAUTION)
    assert "another" in difference_markdown(more)
    assert "claimed by nobody" not in difference_markdown(more)


def test_a_large_difference_stays_inside_its_budget_and_says_what_is_left_out():
    many = [config_map(f"m{i}", {"key": "x" * 300}) for i in range(600)]
    text = difference_markdown(compare(tree({"a": []}), tree({"a": many})))
    assert len(text.encode()) <= BUDGET
    match = re.search(r"Showing (\d+) of 600 changes; the whole diff is in the job's artifact\.", text)
    assert match is not None
    assert text.count("<details>") == text.count("</details>") == int(match[1]) > 50
    assert text.rstrip().splitlines()[-1].startswith("`base` → `head`")


def test_one_enormous_object_does_not_hide_the_small_ones():
    huge = config_map("huge", {"key": "y" * 70_000})
    small = config_map("small", {"key": "z"})
    text = difference_markdown(compare(tree({"a": []}), tree({"a": [huge, small]})))
    assert len(text.encode()) <= BUDGET
    assert "ConfigMap shop/small" in text
    assert "Showing 1 of 2 changes" in text


def test_an_object_of_many_lines_is_cut_and_the_cut_is_said():
    long = config_map("long", {"key": "\n".join(f"line {i}" for i in range(1_000)) + "\n"})
    text = difference_markdown(compare(tree({"a": []}), tree({"a": [long]})))
    assert re.search(r"^\d+ more lines\.$", text, re.MULTILINE)


def test_dangerous_changes_are_shown_first():
    bodies = [config_map(f"m{i}", {"key": "x" * 900}) for i in range(200)]
    crd = plain(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "zebras.example.com", spec={"group": "z"}
    )
    text = difference_markdown(compare(tree({"a": [*bodies, crd]}), tree({"a": []})))
    assert text.index("zebras.example.com</code>") < text.index("ConfigMap shop/m0</code>")


def test_a_diff_cannot_close_its_own_fence():
    assert fenced(["+```", "+````` x"]) == ["``````diff", "+```", "+````` x", "``````"]


HOSTILE = (
    "`` ``` ` ticks",
    "@everyone @octocat",
    "<img src=x onerror=alert(1)>",
    "</details></code><script>alert(1)</script>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<!-- hidden -->",
    "https://evil.example",
    "a | b | c",
    "line\n\n# heading\n\n```\n@octocat\n```",
    "\u202egnp.exe\u2066",
    "\x1b[31mred\x1b[0m",
    "#123 GH-1 octo/repo#5",
    "*bold* _it_ ~~no~~",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_mean_nothing_wherever_they_stand(text: str):
    body = config_map("x", {text: text})
    body["metadata"]["annotations"] = {text: text}
    after = tree({"a": [body]})
    problem = Problem(
        code="R101",
        message=text,
        location=Location(path=text),
        evidence=(text,),
        remedy=text,
        severity=Severity.WARNING,
    )
    hostile_id = ObjectId(group=text, kind=text, namespace=text, name=text)
    guard = Guard(name=text, message=text, objects=(hostile_id,))
    provenance = Provenance(base=text, head=text, facts=text, engine=text, command=text)
    value = difference(
        rendered(tree({"a": []}), binding(hostile_id, {text: 3})),
        rendered(after, problems=(problem,), assumed_clusters=(text,)),
        provenance=provenance,
        guards={text: (guard,)},
    )
    markdown = difference_markdown(value, instance=text)
    assert acting(markdown) == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", markdown)


@settings(max_examples=examples(200), deadline=None)
@given(st.text(st.sampled_from("`|\\<>@[]()!*_ \n#&a"), max_size=30))
def test_a_code_span_holds_whatever_is_put_into_it(text: str):
    cell = code(text)
    (table,) = [t for t in PARSER.parse(f"| x |\n| --- |\n| {cell} |\n") if t.type == "table_open"]
    inline = [t for t in PARSER.parse(f"| x |\n| --- |\n| {cell} |\n") if t.type == "inline"][1]
    kinds = [child.type for child in inline.children or ()]
    assert table
    assert kinds == ["code_inline"]


def test_a_simulation_stands_below_the_verdict_where_names_of_zones_mean_nothing():
    value = compare(tree({"a": [deployment()]}), tree({"a": [deployment(replicas=1)]}))
    line = "N-1: not ok: the loss of www.example.com, @a leaves something unplaced"
    markdown = difference_markdown(replace(value, simulated=line))
    assert markdown.splitlines()[3] == f"`{line}`"
    assert "N-1" not in difference_markdown(value)
    assert acting(markdown) == []
