"""What a person gets wrong at first: each ends in one line that says what is meant, with exit code 2, and changes nothing."""

import shutil
import subprocess
import sys

import pytest

from reconciler.cli.demo import example


@pytest.fixture
def fleet(tmp_path):
    return shutil.copytree(example(), tmp_path / "a fleet")


def reconciler(directory, *words):
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def git(directory, *words):
    subprocess.run(["git", *words], cwd=directory, check=True, capture_output=True)


def files(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["explain", "nightly-report"], "did you mean cronjob/nightly-report?"),
        (["explain", "web"], "did you mean deployment/web or service/web?"),
        (["explain", "deploy/web", "-n", "shpo"], "has no template deploy/web in namespace shpo; there is one in namespace shop"),
        (["explain", "deployment/wbe"], "did you mean deployment/web?"),
        (["cluster", "remove", "pairs"], "no such cluster: pairs; there are frankfurt, lyon-shop, paris, virginia"),
        (["simulate", "--lose", "zone=mars"], "no cluster is in zone 'mars'; there are "),
        (["diff", "main"], "did you mean main...HEAD?"),
        (["diff", "--at", "0001-01-01T00:00:00+14:00"], "no such time in UTC: "),
        (["simulate", "--at", "9999-12-31T23:59:59-14:00"], "no such time in UTC: "),
        (["interpret", "-f", "apps/shop/api.yaml"], "holds 2 documents"),
        (["interpret", "-f", "apps/shop/worker.yaml", "--customization", "policies/web.yaml"], "PropagationPolicy.policy.karmada.io shop/web holds no rules"),
        (["rollback"], "`git revert`"),
        (["import"], "not there yet"),
        (["render", "-d", "/dev/null"], "error: /dev/null: File exists"),
        (["init", "/proc/nowhere"], "error: /proc/nowhere: No such file or directory"),
        (["demo", "--keep", "reconciler.yaml"], "error: reconciler.yaml: Not a directory"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_meant(fleet, words, told):
    before = files(fleet)
    git(fleet, "init", "--quiet", "--initial-branch=main")
    done = reconciler(fleet, *words)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    after = files(fleet)
    assert {path: after.get(path) for path in before} == before


def test_a_fleet_without_zones_says_so(tmp_path):
    assert reconciler(tmp_path, "init").returncode == 0
    done = reconciler(tmp_path, "simulate", "--lose", "zone=mars")
    assert "no cluster is in zone 'mars'; no cluster says its zone" in done.stderr


def test_kinds_may_be_as_short_as_kubectl_takes_them(fleet):
    for word in ("deploy/web", "deployments/web", "Deployment.apps/web"):
        assert reconciler(fleet, "explain", word).stdout.startswith("Deployment.apps shop/web: ")


def test_a_repository_without_a_commit_says_so(fleet):
    git(fleet, "init", "--quiet")
    for words in (("render", "--branches"), ("validate", "--revision", "main"), ("diff", "main...HEAD")):
        done = reconciler(fleet, *words)
        assert done.returncode == 2
        assert "it has none yet; commit first" in done.stderr


def test_a_repository_without_a_remote_is_not_told_to_fetch(fleet):
    git(fleet, "init", "--quiet")
    for words in (("status",), ("diff",), ("apply",)):
        shown = reconciler(fleet, *words).stderr
        assert "it has no remote to fetch one from" in shown
        assert "git fetch" not in shown
    git(fleet, "remote", "add", "upstream", "https://git.example.com/fleet.git")
    assert "git fetch upstream '+refs/heads/reconciler/status:" in reconciler(fleet, "status").stderr


def test_nothing_at_all_is_said_to_be_nothing(tmp_path):
    for verb in ("validate", "render", "diff"):
        assert "no fleet is here: `reconciler init`" in reconciler(tmp_path, verb).stderr


def test_a_cluster_is_not_added_where_there_is_no_work_tree(tmp_path):
    git(tmp_path, "init", "--quiet", "--bare", "bare")
    assert reconciler(tmp_path, "cluster", "add", "x", "-C", "bare").returncode == 2
    assert not (tmp_path / "bare" / "clusters").exists()
    assert reconciler(tmp_path, "cluster", "add", "No Name").returncode == 2
    assert not (tmp_path / "clusters").exists()


def test_a_directory_that_is_named_like_a_file_hides_no_cluster(fleet):
    (fleet / "a.yaml").mkdir()
    assert reconciler(fleet, "cluster", "add", "oslo").returncode == 0
    assert reconciler(fleet, "cluster", "remove", "oslo").returncode == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [\n", "reconciler.yaml cannot be read: nothing was changed\nreconciler.yaml:2:1: R103"),
        ("kind: ConfigMap\n", "reconciler.yaml holds no FleetConfig"),
        ("apiVersion: fleet-reconciler/v1alpha1\nkind: FleetConfig\nspec: [1]\n", "whose spec is no mapping"),
    ],
)
def test_settings_that_cannot_be_edited_are_left_alone(fleet, text, told):
    (fleet / "reconciler.yaml").write_text(text)
    for verb in ("suspend", "resume"):
        done = reconciler(fleet, verb)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
        assert (fleet / "reconciler.yaml").read_text() == text


def test_settings_behind_a_link_are_not_edited_and_empty_ones_are_begun(fleet, tmp_path):
    elsewhere = tmp_path / "elsewhere.yaml"
    (fleet / "reconciler.yaml").rename(elsewhere)
    text = elsewhere.read_bytes()
    (fleet / "reconciler.yaml").symlink_to(elsewhere)
    done = reconciler(fleet, "suspend")
    assert (done.returncode, "symbolic link" in done.stderr) == (2, True)
    assert elsewhere.read_bytes() == text
    (fleet / "reconciler.yaml").unlink()
    (fleet / "reconciler.yaml").write_text("")
    assert reconciler(fleet, "suspend").returncode == 0
    assert "suspend: true" in (fleet / "reconciler.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--name", "../../elsewhere"], "'../../elsewhere' is no name of an approval"),
        (["--name", "A B"], "'A B' is no name of an approval"),
        (["--expires", "1d2d"], "not a duration or a time: '1d2d'"),
        (["--expires", "99999999999d"], "not a duration or a time"),
    ],
)
def test_an_approval_is_written_to_its_place_or_not_at_all(fleet, tmp_path, words, told):
    git(fleet, "init", "--quiet", "--initial-branch=main")
    git(fleet, "add", ".")
    git(fleet, "-c", "user.name=You", "-c", "user.email=you@example.com", "commit", "--quiet", "-m", "first")
    assert reconciler(fleet, "render", "--branches").returncode == 0
    (fleet / "clusters/paris.yaml").unlink()
    before = files(tmp_path)
    done = reconciler(fleet, "approve", "--reason", "it is closed", *words)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert {path for path in files(tmp_path) if ".git" not in path.parts} <= before.keys()
    assert reconciler(fleet, "approve", "--reason", "it is closed").returncode == 0
    assert len(list((fleet / "approvals").iterdir())) == 1


def test_rules_that_lack_their_parts_are_a_problem(fleet):
    (fleet / "rules.yaml").write_text(
        "apiVersion: config.karmada.io/v1alpha1\nkind: ResourceInterpreterCustomization\nmetadata: {name: a}\n"
    )
    done = reconciler(fleet, "interpret", "-f", "apps/shop/worker.yaml", "--customization", "rules.yaml")
    assert done.returncode == 1
    assert "rules.yaml:1:1: R2" in done.stderr


def test_a_kind_without_rules_is_said_to_have_none(fleet):
    done = reconciler(fleet, "interpret", "-f", "policies/web.yaml")
    assert done.returncode == 0
    assert "no rule is about PropagationPolicy.policy.karmada.io shop/web" in done.stderr


def test_a_tree_that_is_written_into_the_fleet_is_told_of(fleet, tmp_path):
    told = "is in the fleet and will be read as part of it"
    assert told in reconciler(fleet, "render", "-d", "out").stderr
    shutil.rmtree(fleet / "out")
    for directory in (".out", str(tmp_path / "out")):
        assert told not in reconciler(fleet, "render", "-d", directory).stderr
    (fleet / ".reconcilerignore").write_text("out/\n")
    assert told not in reconciler(fleet, "render", "-d", "out").stderr


@pytest.mark.parametrize("verb", ["validate", "render", "diff"])
def test_a_reader_that_has_gone_is_no_answer_of_the_verb(fleet, verb):
    program = subprocess.Popen(
        [sys.executable, "-m", "reconciler", verb],
        cwd=fleet,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    program.stdout.close()
    said = program.stderr.read()
    assert program.wait() == 141
    assert "Traceback" not in said
    assert "Exception ignored" not in said
