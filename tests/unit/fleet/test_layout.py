"""What of a commit is read, what is left out, and what is said about it."""

from reconciler.errors import Location, Problem, Severity
from reconciler.fleet.layout import lay_out
from tests.unit.fleet.sources import source


def read(files, **more):
    return [file.path for file in lay_out(source(dict.fromkeys(files, "")), **more).files]


def skipped(files, **more):
    drawing = lay_out(source(dict.fromkeys(files, "") if isinstance(files, list) else files), **more)
    return [(each.path, each.reason) for each in drawing.skipped]


DOTTED = "in a directory or file whose name begins with a dot"
CHART = "in the directory of a Helm chart"


def test_yaml_and_json_are_read_in_order_of_their_paths():
    assert read(["b.yaml", "a/b.yml", "c.json", "README.md", "run.sh", "x.yaml.bak"]) == [
        "a/b.yml",
        "b.yaml",
        "c.json",
    ]


def test_dotted_names_and_charts_are_left_out_and_counted():
    files = [".github/workflows/ci.yaml", ".gitlab-ci.yml", "a/.x/b.yaml", "charts/web/Chart.yaml",
             "charts/web/templates/deep/web.yaml", "charts/other.yaml"]  # fmt: skip
    assert read(files) == ["charts/other.yaml"]
    assert skipped(files) == [
        (".github/workflows/ci.yaml", DOTTED),
        (".gitlab-ci.yml", DOTTED),
        ("a/.x/b.yaml", DOTTED),
        ("charts/web/Chart.yaml", CHART),
        ("charts/web/templates/deep/web.yaml", CHART),
    ]


def test_a_chart_at_the_root_leaves_everything_out():
    assert read(["Chart.yaml", "a/b.yaml", "c.yaml"]) == []


def test_ignore_files_of_every_folder_count():
    files = {".reconcilerignore": "drafts/\n*.json\n", "a/.reconcilerignore": "!keep.json\nx.yaml\n",
             "drafts/a.yaml": "", "a/keep.json": "", "a/b.json": "", "a/x.yaml": "", "x.yaml": ""}  # fmt: skip
    drawing = lay_out(source(files))
    assert [file.path for file in drawing.files] == ["a/keep.json", "x.yaml"]
    assert {each.reason for each in drawing.skipped} == {"excluded in .reconcilerignore"}


def test_an_ignore_file_that_cannot_be_used_holds_what_is_below_it_alone():
    files = {"a/.reconcilerignore": "[\n", "a/b/c.yaml": "", "d.yaml": ""}
    drawing = lay_out(source(files))
    assert [file.path for file in drawing.files] == ["d.yaml"]
    assert drawing.unreadable == ("a/.reconcilerignore", "a/b/c.yaml")
    assert [str(problem.location) for problem in drawing.problems] == ["a/.reconcilerignore:1:1"]


def test_ignore_files_are_bounded():
    for text in ("x" * 70000, "a\n" * 1001):
        drawing = lay_out(source({".reconcilerignore": text, "a.yaml": ""}))
        assert [problem.code for problem in drawing.problems] == ["R133"]
        assert drawing.unreadable == (".reconcilerignore", "a.yaml")


def test_included_paths_are_the_only_ones_but_for_the_settings():
    files = ["reconciler.yaml", "apps/web.yaml", "clusters/eu.yaml", "other.yaml"]
    assert read(files, include=["apps/", "/clusters/*.yaml"]) == [
        "apps/web.yaml",
        "clusters/eu.yaml",
        "reconciler.yaml",
    ]


def test_nobody_can_ignore_the_settings():
    drawing = lay_out(source({".reconcilerignore": "*\n", "reconciler.yaml": "", "a.yaml": ""}))
    assert [file.path for file in drawing.files] == ["reconciler.yaml"]


def test_kustomizations_of_every_spelling_are_named_and_not_opened():
    files = {"kustomization.yaml": "a: [", "x/kustomization.yml": "{{", "y/Kustomization": "resources: []"}
    drawing = lay_out(source(files))
    assert drawing.files == ()
    assert [(str(problem.location), problem.severity) for problem in drawing.problems] == [
        ("kustomization.yaml", Severity.WARNING),
        ("x/kustomization.yml", Severity.WARNING),
        ("y/Kustomization", Severity.WARNING),
    ]
    assert drawing.unreadable == ()


def problem(path, code="R117", severity=Severity.ERROR):
    return Problem(code=code, message="x", location=Location(path=path), severity=severity)


def test_problems_of_the_source_count_where_files_would():
    found = [
        problem("vendor/lib"),
        problem(".cache/lib"),
        problem("chart/charts/dep"),
        problem("drafts/lib"),
        problem("link.yaml", "R119", Severity.WARNING),
        problem(".git", "R120"),
        problem(".x/..", "R120"),
    ]
    drawing = lay_out(source({".reconcilerignore": "drafts\n", "chart/Chart.yaml": ""}, problems=found))
    assert [str(each.location) for each in drawing.problems] == ["vendor/lib", "link.yaml", ".git"]
    assert drawing.unreadable == (".git", "vendor/lib")


def test_a_file_with_a_problem_of_the_source_is_not_read_as_well():
    assert [
        file.path for file in lay_out(source({"a.yaml": ""}, problems=[problem("a.yaml", "R105")])).files
    ] == []
