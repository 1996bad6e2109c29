"""What a terminal shows of a difference and of a plan."""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.difference import Provenance, difference
from reconciler.diff.lines import cluster_list, harmless, one_line, unified
from reconciler.diff.text import COLOURED, difference_text, plan_text
from reconciler.errors import Location, Problem, Severity
from reconciler.model.identity import ObjectId
from reconciler.model.plan import Action, Change, Guard, Plan
from tests.unit.diff.builders import binding, compare, config_map, deployment, plain, rendered, tree

WEB = ObjectId(group="apps", kind="Deployment", namespace="shop", name="web")


def test_a_whole_difference_reads_from_danger_to_detail():
    before = tree({"a": [deployment(), plain("v1", "Namespace", "shop")], "b": [deployment()]})
    after = tree({"a": [deployment(replicas=2)], "b": [deployment(replicas=2)]})
    problem = Problem(
        code="R320",
        message="no policy claims ConfigMap shop/x",
        location=Location(path="x.yaml", line=1, column=1),
        severity=Severity.WARNING,
    )
    value = difference(
        rendered(before, binding(WEB, {"a": 3, "b": 3})),
        rendered(after, binding(WEB, {"a": 2, "b": 2}), problems=(problem,)),
        provenance=Provenance(),
    )
    assert difference_text(value).splitlines() == [
        "Dangers",
        "  removed-namespace  Namespace shop on a: everything in the namespace is deleted with it",
        "",
        "Placement",
        "  Deployment.apps shop/web: a 3→2, b 3→2",
        "      replicas 6→4",
        "",
        "Objects",
        "  - Namespace shop  on a",
        "      -apiVersion: v1",
        "      -kind: Namespace",
        "      -metadata:",
        "      -  name: shop",
        "",
        "  ~ Deployment.apps shop/web  on all 2 clusters",
        "      @@ -4,7 +4,7 @@",
        "         name: web",
        "         namespace: shop",
        "       spec:",
        "      -  replicas: 3",
        "      +  replicas: 2",
        "         selector:",
        "           matchLabels:",
        "             app: web",
        "",
        "x.yaml:1:1: warning R320 no policy claims ConfigMap shop/x",
        "1 removed, 1 changed, 1 placed differently on 2 of 2 clusters; 0 errors, 1 warnings",
    ]


def test_without_contents_objects_are_only_named():
    value = compare(tree({"a": [deployment()]}), tree({"a": [deployment(replicas=2)]}))
    assert difference_text(value, contents=False).splitlines() == [
        "Objects",
        "  ~ Deployment.apps shop/web  on a",
        "",
        "1 changed on 1 of 1 clusters",
    ]


def test_colours_are_there_only_when_asked_for():
    value = compare(tree({"a": [deployment()]}), tree({"a": []}))
    assert "\x1b" not in difference_text(value)
    assert "\x1b[31m  - Deployment.apps shop/web\x1b[0m" in difference_text(value, COLOURED)


def test_an_escape_sequence_in_a_manifest_does_not_reach_the_terminal():
    body = config_map("x", {"key": "\x1b]0;owned\x07\u202egnp"})
    text = difference_text(compare(tree({"a": []}), tree({"a": [body]})))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_incomplete_is_never_called_nothing():
    one = tree({"a": [deployment()]})
    assert difference_text(compare(one, one)) == "nothing changes\n"
    assert difference_text(compare(one, one, complete=False)) == (
        "no object changes; incomplete: some of it is held at its last good state\n"
    )


def test_a_plan_shows_what_is_done_and_what_stops_it():
    crd = ObjectId(group="apiextensions.k8s.io", kind="CustomResourceDefinition", namespace="", name="x.y")
    plan = Plan(
        cluster="a",
        commit="1",
        stages=(
            (
                Change(id=WEB, action=Action.CONFIGURE, before=deployment(), after=deployment(replicas=1)),
                Change(
                    id=ObjectId(group="", kind="ConfigMap", namespace="shop", name="x"),
                    action=Action.UNCHANGED,
                ),
            ),
        ),
        deletions=(Change(id=crd, action=Action.DELETE, reason="is no longer in the tree"),),
        guards=(Guard(name="protected-kind", message="needs an approval", objects=(crd,)),),
    )
    assert plan_text(plan).splitlines() == [
        "~ Deployment.apps shop/web",
        "      @@ -4,7 +4,7 @@",
        "         name: web",
        "         namespace: shop",
        "       spec:",
        "      -  replicas: 3",
        "      +  replicas: 1",
        "         selector:",
        "           matchLabels:",
        "             app: web",
        "- CustomResourceDefinition.apiextensions.k8s.io x.y  is no longer in the tree",
        "guard protected-kind: needs an approval",
        "  CustomResourceDefinition.apiextensions.k8s.io x.y",
    ]


def test_a_plan_masks_secrets():
    def secret(value: str):
        return plain("v1", "Secret", "password", "shop", data={"key": value})

    id_ = ObjectId(group="", kind="Secret", namespace="shop", name="password")
    change = Change(id=id_, action=Action.CONFIGURE, before=secret("b2xk"), after=secret("bmV3"))
    text = plan_text(Plan(cluster="a", commit="1", stages=((change,),)))
    assert "b2xk" not in text
    assert "bmV3" not in text
    assert "*** (before)" in text


def test_clusters_are_counted_where_there_are_many():
    names = [f"c{i}" for i in range(8)]
    assert cluster_list(["a"], ["a"]) == "a"
    assert cluster_list(names, names) == "all 8 clusters"
    assert cluster_list(names[:5], names) == "c0, c1, c2, c3, c4"
    assert cluster_list(names[:7], names) == "c0, c1, c2, c3 and 3 more"


def test_lines_that_look_like_file_headers_are_content():
    before, after = config_map("x", {"sql": "a\n-- one\n"}), config_map("x", {"sql": "a\n++ two\n"})
    lines = unified(before, after)
    assert [line for line in lines if line[0] in "+-"] == ["-    -- one", "+    ++ two"]


def test_an_object_too_large_for_lines_is_told_by_its_fields():
    from reconciler.diff.objects import field_changes

    before = config_map("x", {f"k{i}": "v" for i in range(3_000)})
    after = config_map("x", {f"k{i}": "w" if i == 7 else "v" for i in range(3_000)})
    assert unified(before, after, field_changes(before, after)) == ['-data.k7: "v"', '+data.k7: "w"']


def test_words_are_kept_on_one_line_and_cut():
    assert one_line("a\n b\t c") == "a b c"
    assert one_line("x" * 300, 10) == "xxxxxxxxx…"
    assert harmless("a\u2028b\x7f") == "a\\u2028b\\x7f"


def test_a_simulation_is_one_line_before_the_summary_and_none_where_nobody_asked():
    plain = compare(tree({"a": [deployment()]}), tree({"a": [deployment(replicas=1)]}))
    asked = replace(plain, simulated="N-1: ok: the loss of any one zone (2) leaves everything placed")
    before, after = difference_text(plain).splitlines(), difference_text(asked).splitlines()
    assert after == [*before[:-1], asked.simulated, before[-1]]
