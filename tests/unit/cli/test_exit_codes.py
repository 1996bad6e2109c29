"""The exit codes and streams that scripts rely on, as docs/reference/cli/index.md says them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli.demo import example


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A rendered copy of the example, with a change on the branch `more-web`."""
    directory = tmp_path_factory.mktemp("rendered") / "fleet"
    reconciler("demo", "--keep", str(directory), cwd=directory.parent)
    git(directory, "config", "user.name", "You")
    git(directory, "config", "user.email", "you@example.com")
    git(directory, "switch", "--quiet", "main")
    return directory


@pytest.fixture
def fleet(rendered, tmp_path):
    """The same, for one test to change."""
    return shutil.copytree(rendered, tmp_path / "fleet", symlinks=True)


def reconciler(*words, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**{key: value for key, value in os.environ.items() if key != "NO_COLOR"}, **environment},
    )


def git(directory, *words):
    return subprocess.run(["git", *words], cwd=directory, check=True, capture_output=True, text=True).stdout


def commit(directory, message="change"):
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "--message", message)


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_clean_fleet_is_0_a_broken_one_1_and_what_cannot_be_read_2(fleet, tmp_path):
    assert reconciler("validate", cwd=fleet).returncode == 0
    replace(fleet / "policies" / "api.yaml", "weight: 2", "weigth: 2")
    broken = reconciler("validate", cwd=fleet)
    assert broken.returncode == 1
    assert "policies/api.yaml:29:13: R201 unknown field" in broken.stdout
    assert reconciler("validate", "--revision", "no-such-branch", cwd=fleet).returncode == 2
    assert reconciler("validate", str(tmp_path / "nowhere"), cwd=fleet).returncode == 2


def test_an_annotation_for_github_is_one_line_that_no_path_can_break(fleet):
    (fleet / "apps" / "a,line=1::b%.yaml").write_text("a: [\n")
    shown = reconciler("validate", "--output", "github", cwd=fleet).stdout.splitlines()
    (line,) = [each for each in shown if each.startswith("::")]
    assert line.startswith("::error file=apps/a%2Cline=1%3A%3Ab%25.yaml,line=2,col=1,title=R103::")


def test_warnings_count_where_they_are_asked_to(fleet):
    replace(fleet / "policies" / "worker.yaml", "name: worker\n  placement", "name: nobody\n  placement")
    assert reconciler("validate", cwd=fleet).returncode == 0
    assert reconciler("validate", "--warnings-as-errors", cwd=fleet).returncode == 1


def test_a_diff_is_0_without_changes_and_1_with_some(fleet):
    assert reconciler("diff", cwd=fleet).returncode == 0
    assert reconciler("diff", "main...main", cwd=fleet).returncode == 0
    assert reconciler("diff", "main...more-web", cwd=fleet).returncode == 1
    assert reconciler("diff", "main...more-web", "--no-exit-code", cwd=fleet).returncode == 0


def test_one_object_of_a_diff_is_told_in_every_detail(fleet):
    """The branch wants six replicas and a new image; the edge shop keeps its one, America takes its mirror's image."""

    def detail(what, *more):
        return reconciler("diff", "main...more-web", "--detail", what, *more, cwd=fleet)

    image = "changed  spec.template.spec.containers[0].image:"
    assert detail("deploy/web").stdout.splitlines() == [
        "  ~ Deployment.apps shop/web  on frankfurt, paris",
        "      changed  spec.replicas: 3 → 6",
        f'      {image} "shop.example.com/web:2.4.1" → "shop.example.com/web:2.5.0"',
        "  ~ Deployment.apps shop/web  on lyon-shop",
        f'      {image} "shop.example.com/web:2.4.1" → "shop.example.com/web:2.5.0"',
        "  ~ Deployment.apps shop/web  on virginia",
        "      changed  spec.replicas: 3 → 6",
        f'      {image} "america.mirror.example.com/web:2.4.1" → "america.mirror.example.com/web:2.5.0"',
    ]
    both, edge, america = json.loads(detail("deployment/web", "-o", "json").stdout)["detail"]
    assert [each["clusters"] for each in (both, edge, america)] == [
        ["frankfurt", "paris"],
        ["lyon-shop"],
        ["virginia"],
    ]
    assert both["changes"][0] == {
        "action": "changed", "path": "spec.replicas", "newPath": "spec.replicas", "before": 3, "after": 6
    }  # fmt: skip
    assert detail("deployment/api").stdout == "nothing changes in deployment/api\n"
    assert json.loads(detail("deployment/api", "-o", "json").stdout)["detail"] == []
    for wrong in (
        ("web",),
        ("",),
        ("deployment/web", "-o", "markdown"),
        ("deployment/web", "--names"),
        ("deployment/web", "--simulate", "each-zone"),
    ):
        assert detail(*wrong).returncode == 2


def test_an_object_that_goes_whole_has_no_detail_and_one_with_a_new_name_is_found_by_both(fleet):
    def detail(what):
        return reconciler("diff", "main..HEAD", "--detail", what, cwd=fleet).stdout.splitlines()

    git(fleet, "switch", "--quiet", "--create", "renamed", "main")
    replace(
        fleet / "apps" / "shop" / "worker.yaml", "metadata:\n  name: worker\n", "metadata:\n  name: toiler\n"
    )
    git(fleet, "commit", "--quiet", "--all", "--message", "nobody claims it")
    assert detail("deployment/worker") == [
        "  - Deployment.apps shop/worker  on frankfurt",
        "  - Deployment.apps shop/worker  on paris",
    ]
    replace(fleet / "policies" / "worker.yaml", "name: worker\n  placement", "name: toiler\n  placement")
    git(fleet, "commit", "--quiet", "--all", "--message", "its policy does")
    found = detail("deployment/worker")
    assert found == detail("deployment/toiler")
    assert "  > Deployment.apps shop/toiler (was Deployment.apps shop/worker)  on paris" in found
    assert '      changed  metadata.name: "worker" → "toiler"' in found


def test_a_diff_that_cannot_be_made_is_2_and_says_what_to_fetch(fleet):
    git(fleet, "remote", "add", "origin", "https://git.example.com/fleet.git")
    missing = reconciler("diff", "origin/main...HEAD", cwd=fleet)
    assert missing.returncode == 2
    assert "to fetch it: git fetch origin +refs/heads/main:refs/remotes/origin/main" in missing.stderr
    assert reconciler("diff", "main", cwd=fleet).returncode == 2


def test_a_guard_is_3_and_no_flag_hides_it(fleet):
    git(fleet, "switch", "--quiet", "--create", "gone")
    git(fleet, "rm", "--quiet", "-r", "apps/shop")
    commit(fleet)
    for more in ((), ("--no-exit-code",), ("-o", "markdown"), ("-o", "json")):
        assert reconciler("diff", "main...HEAD", *more, cwd=fleet).returncode == 3
    approved = reconciler("approve", "--reason", "it goes", cwd=fleet)
    assert approved.returncode == 0, approved.stderr
    commit(fleet, "approve")
    assert reconciler("diff", "main...HEAD", cwd=fleet).returncode == 1


def test_what_cannot_be_rendered_is_4_and_goes_before_a_guard(fleet):
    git(fleet, "switch", "--quiet", "--create", "broken")
    replace(fleet / "policies" / "api.yaml", "weight: 2", "weigth: 2")
    commit(fleet)
    assert reconciler("diff", "main...HEAD", "--no-exit-code", cwd=fleet).returncode == 4
    git(fleet, "rm", "--quiet", "-r", "apps/shop/web.yaml", "apps/shop/api.yaml", "apps/shop/database.yaml")
    commit(fleet)
    assert reconciler("diff", "main...HEAD", cwd=fleet).returncode == 4
    assert reconciler("render", cwd=fleet).returncode == 4


def test_a_directory_of_the_fleet_is_never_taken_for_a_fleet_of_its_own(fleet):
    below = fleet / "apps" / "shop"
    whole = reconciler("render", "-o", "json", cwd=fleet)
    assert reconciler("render", "-o", "json", cwd=below).stdout == whole.stdout
    assert reconciler("render", "-o", "json", "apps", cwd=fleet).stdout == whole.stdout
    assert reconciler("diff", cwd=below).returncode == 0
    assert "nothing to approve" in reconciler("approve", cwd=below).stderr
    assert reconciler("cluster", "add", "rome", cwd=below).returncode == 0
    assert (fleet / "clusters" / "rome.yaml").is_file()
    assert f"the fleet is at {fleet}" in reconciler("validate", cwd=below).stderr


def test_a_fleet_in_a_directory_of_another_repository_begins_at_its_settings(fleet, tmp_path):
    shutil.rmtree(fleet / ".git")
    git(tmp_path, "init", "--quiet")
    done = reconciler("validate", cwd=fleet / "apps")
    assert done.returncode == 0
    assert "4 clusters" in done.stdout


def test_without_settings_it_is_the_top_or_the_directory_that_was_named(fleet):
    (fleet / "reconciler.yaml").unlink()
    assert "4 clusters" in reconciler("validate", cwd=fleet / "apps").stdout
    assert "0 clusters" in reconciler("validate", "apps", cwd=fleet).stdout


def test_a_repository_without_a_work_tree_is_read_by_its_commits_alone(fleet, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", "fleet", "bare.git")
    bare = tmp_path / "bare.git"
    for words in (("validate",), ("render",), ("diff",), ("explain", "deployment/api")):
        done = reconciler(*words, cwd=bare)
        assert done.returncode == 2, words
        assert "without a work tree" in done.stderr
    assert reconciler("validate", "--revision", "main", cwd=bare).returncode == 0
    assert reconciler("diff", "main...more-web", cwd=bare).returncode == 1


def test_the_command_that_a_missing_branch_names_is_the_one_that_helps(fleet, tmp_path):
    git(tmp_path, "clone", "--quiet", "--branch", "more-web", "--single-branch", "fleet", "clone")
    clone = tmp_path / "clone"
    said = reconciler("diff", "main...HEAD", cwd=clone).stderr.strip().splitlines()[-1]
    fetch = said.partition("to fetch it: git ")[2].partition(", then say ")
    git(clone, *fetch[0].split())
    assert reconciler("diff", f"{fetch[2]}...HEAD", cwd=clone).returncode == 1
    assert "origin/main is: say that" in reconciler("diff", "main...HEAD", cwd=clone).stderr


def test_an_empty_directory_is_said_to_hold_no_fleet(tmp_path):
    done = reconciler("validate", cwd=tmp_path)
    assert done.returncode == 0
    assert "reconciler init" in done.stderr


@pytest.mark.parametrize("word", ["plan", "diff"])
def test_plan_is_diff(word, fleet):
    assert reconciler(word, "main...more-web", "--names", cwd=fleet).returncode == 1


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        ("join", "cluster add"),
        ("sync", "apply"),
        ("reconcile", "run"),
        ("valdate", "validate"),
        ("bootstrap", "init"),
    ],
)
def test_a_foreign_or_mistyped_verb_is_2_with_a_hint(foreign, ours, tmp_path):
    done = reconciler(foreign, cwd=tmp_path)
    assert done.returncode == 2
    assert f"reconciler {ours}" in done.stderr


def described():
    """Kind to the names of its fields, from the page that describes them."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "json.md").read_text()
    rows = re.findall(r"^\| [^|]*`[^|]*\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
    return {kind: set(re.findall(r"`(\w+)", cells)) for kind, cells in rows}


@pytest.mark.parametrize(
    "words",
    [
        "validate",
        "render",
        "diff main...more-web",
        "explain deployment/web",
        "simulate --lose paris",
        "interpret -f apps/shop/worker.yaml",
        "cluster add rome",
        "cluster remove paris",
        "approve",
        "suspend",
        "resume --cluster paris",
        "suspend --data-dir .",
        "init elsewhere",
        "version",
    ],
)
def test_json_is_one_versioned_document_on_standard_output_with_the_fields_that_are_described(words, fleet):
    done = reconciler(*words.split(), "-o", "json", cwd=fleet)
    shown = json.loads(done.stdout)
    assert shown.pop("apiVersion") == "fleet-reconciler/v1alpha1"
    kind = shown.pop("kind")
    if kind == "Version":
        assert shown["reconciler"] == __version__
    elif kind != "Diff":
        assert shown.keys() <= described()[kind], done.stderr


def test_colour_is_for_terminals(fleet):
    assert "\x1b[" not in reconciler("diff", "main...more-web", cwd=fleet).stdout
    assert "\x1b[" not in reconciler("validate", cwd=fleet, NO_COLOR="1").stdout


def test_a_flag_can_come_from_the_environment_and_the_command_line_goes_before_it(fleet):
    from_variable = reconciler("diff", "main...more-web", cwd=fleet, RECONCILER_DIFF_OUTPUT="json")
    assert json.loads(from_variable.stdout)
    written = reconciler("diff", "main...more-web", "-o", "text", cwd=fleet, RECONCILER_DIFF_OUTPUT="json")
    assert written.stdout.startswith("Placement")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_is_printed(shell, tmp_path):
    done = reconciler("completion", shell, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "_RECONCILER_COMPLETE" in done.stdout


def test_the_completion_offers_verbs(tmp_path):
    done = reconciler(
        cwd=tmp_path, _RECONCILER_COMPLETE="bash_complete", COMP_WORDS="reconciler va", COMP_CWORD="1"
    )
    assert "validate" in done.stdout


def test_the_example_that_the_command_ships_is_the_one_in_the_repository():
    assert (example() / "reconciler.yaml").is_file()
