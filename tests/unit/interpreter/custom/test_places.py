"""Where a line of a script stands in the file, for every way to write a block of text."""

from textwrap import dedent

import pytest

from reconciler.interpreter.custom.places import script_location
from reconciler.manifests.load import load

PATH = ("spec", "customizations", "healthInterpretation", "luaScript")


def places(text, document=0):
    loaded = load(dedent(text).encode(), "rules.yaml")
    assert not loaded.problems
    found = loaded.documents[document]
    script = found.body["spec"]["customizations"]["healthInterpretation"]["luaScript"]
    lines = script.rstrip("\n").split("\n")
    return lines, [
        script_location(found.origin, PATH, script, line).line for line in range(1, len(lines) + 1)
    ]


def test_a_literal_block_has_its_lines():
    lines, found = places(
        """\
        apiVersion: a/v1
        kind: B
        spec:
          customizations:
            healthInterpretation:
              luaScript: |
                function InterpretHealth(o)

                  return true
                end
        """
    )
    assert lines == ["function InterpretHealth(o)", "", "  return true", "end"]
    assert found == [7, 8, 9, 10]


@pytest.mark.parametrize("indicator", [">", ">-", ">+"])
def test_a_folded_block_joins_lines_of_one_indentation_alone(indicator):
    lines, found = places(
        f"""\
        spec:
          customizations:
            healthInterpretation:
              luaScript: {indicator}
                local a = 1
                local b = 2

                function InterpretHealth(o)
                  return true


                  -- more
                end
                x = 1
        apiVersion: a/v1
        kind: B
        """
    )
    assert lines == [
        "local a = 1 local b = 2",
        "function InterpretHealth(o)",
        "  return true",
        "",
        "",
        "  -- more",
        "end x = 1",
    ]
    assert found == [5, 8, 9, 10, 11, 12, 13]


def test_a_script_in_quotes_is_where_it_begins():
    _, found = places(
        """\
        apiVersion: a/v1
        kind: B
        spec: {customizations: {healthInterpretation: {luaScript: "function InterpretHealth(o)\\n return true\\nend"}}}
        """
    )
    assert found == [3, 3, 3]


def test_a_second_document_counts_from_the_files_beginning():
    _, found = places(
        """\
        apiVersion: a/v1
        kind: A
        ---
        apiVersion: a/v1
        kind: B
        spec:
          customizations:
            healthInterpretation:
              luaScript: |-
                return 1
        """,
        document=1,
    )
    assert found == [10]


def test_a_line_that_is_not_known_is_the_scripts_own_place():
    text = b"apiVersion: a/v1\nkind: B\nspec: {customizations: {healthInterpretation: {luaScript: 'x'}}}\n"
    (document,) = load(text, "rules.yaml").documents
    for line in (0, 7):
        assert script_location(document.origin, PATH, "x", line).line == 3
