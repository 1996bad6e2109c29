"""Plugins of an installed distribution take part in every verb, and only where `--plugins` lets them."""

import json
import re
import shutil
import sys
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner

from reconciler.cli.demo import commit
from reconciler.cli.main import root
from reconciler.errors import SettingsError
from reconciler.git.mirror import open_mirror
from reconciler.loop.plugins import load_profiles
from reconciler.loop.triggers import Triggers
from reconciler.settings import RemoteUrls, Settings
from reconciler.wiring import Access, Surroundings, reconciler_of, remotes_of
from tests.gitservers import Clone, bare_repository

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/how-to/write-a-scheduler-plugin.md"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The plugin of the how-to page as pip leaves it: a module, and a directory of metadata with its entry points."""
    page = PAGE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (project,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    groups = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", project).replace('"', "")
    return install(tmp_path, monkeypatch, code, groups)


def install(directory, monkeypatch, code, entry_points):
    site = directory / "site"
    metadata = site / "my_plugin-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "my_plugin.py").write_text(code)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "my_plugin", raising=False)
    return site


@pytest.fixture
def fleet(tmp_path):
    """The example fleet with Paris in maintenance."""
    directory = tmp_path / "fleet"
    shutil.copytree(ROOT / "fleet-repo-example", directory)
    paris = directory / "clusters/paris.yaml"
    paris.write_text(paris.read_text().replace("  labels:\n", '  labels:\n    maintenance: "true"\n', 1))
    return directory


def placed(fleet, *more):
    result = CliRunner().invoke(
        root, ["explain", "deployment/api", "-C", str(fleet), "-o", "json", *more], standalone_mode=False
    )
    if result.exception is not None:
        raise result.exception
    found = json.loads(result.stdout)
    (group,) = found["groups"]
    refusals = {row["name"]: [each["filter"] for each in row["refusals"]] for row in group["clusters"]}
    return group["divisions"][-1]["result"], refusals


EVERYWHERE = {"frankfurt": 2, "paris": 2, "virginia": 4}
# Eight replicas by weights 1 to 2: three and five are the nearest.
WITHOUT_PARIS = {"frankfurt": 3, "virginia": 5}


def test_without_the_plugin_nobody_asks_about_maintenance(fleet):
    assert placed(fleet)[0] == EVERYWHERE


def test_an_installed_filter_takes_part_and_is_switched_off_by_name(installed, fleet):
    shares, refusals = placed(fleet)
    assert shares == WITHOUT_PARIS
    assert refusals["paris"] == ["Maintenance"]
    assert placed(fleet, "--plugins=*,-Maintenance")[0] == EVERYWHERE


def test_every_verb_decides_with_it(installed, fleet, tmp_path):
    def run(*words):
        result = CliRunner().invoke(root, [str(word) for word in words], standalone_mode=False)
        assert result.exception is None
        return result.stdout

    def virginia_without_frankfurt(*more):
        (result,) = json.loads(run("simulate", fleet, "--lose", "frankfurt", "-o", "json", *more))["results"]
        (move,) = [each for each in result["moves"] if each["object"] == "Deployment.apps shop/api"]
        return next(each["after"] for each in move["clusters"] if each["name"] == "virginia")

    def is_new_in_paris(*more):
        found = json.loads(run("diff", "-C", fleet, "-o", "json", *more))
        (move,) = [
            each
            for each in found["placements"]
            if (each["object"]["kind"], each["object"]["name"]) == ("Deployment", "api")
        ]
        return "paris" in [each["name"] for each in move["clusters"]]

    off = "--plugins=*,-Maintenance"
    run("render", fleet, "-d", tmp_path / "on")
    run("render", fleet, "-d", tmp_path / "off", off)
    file = "clusters/paris/shop/Deployment.apps/api.yaml"
    assert [(tmp_path / side / file).exists() for side in ("on", "off")] == [False, True]
    assert (virginia_without_frankfurt(), virginia_without_frankfurt(off)) == (8, 5)
    assert (is_new_in_paris(), is_new_in_paris(off)) == (False, True)


async def test_the_reconciler_decides_with_it(installed, fleet, tmp_path):
    repository = bare_repository(tmp_path / "fleet.git")
    files = {
        path.relative_to(fleet).as_posix(): path.read_text()
        for path in fleet.rglob("*.yaml")
        if path.is_file()
    }
    Clone(tmp_path / "author", repository.url).commit_and_push("fleet", files)
    settings = Settings(remotes=RemoteUrls(source=repository.url))
    found = {}
    for words in ("*", "*,-Maintenance"):
        mirror = open_mirror(tmp_path / f"data-{len(words)}")
        program, _, _ = reconciler_of(
            settings,
            Access(),
            mirror.repository,
            remotes_of(settings, None, laptop=True),
            Triggers(poll_interval=0),
            Surroundings(data=tmp_path),
            profiles=load_profiles(words),
        )
        decision = program.record.decide(program.record.fetch(), None)
        (api,) = [
            binding
            for id_, binding in decision.rendered.bindings.items()
            if (id_.kind, id_.name) == ("Deployment", "api")
        ]
        found[words] = {target.name: target.replicas for target in api.clusters}
        mirror.close()
    assert found == {"*": WITHOUT_PARIS, "*,-Maintenance": EVERYWHERE}


def test_validate_accepts_a_scheduler_that_is_installed_and_refuses_one_that_is_not(installed, fleet):
    policy = fleet / "policies/api.yaml"
    policy.write_text(policy.read_text().replace("spec:\n", "spec:\n  schedulerName: one-cluster\n", 1))
    assert "R304" not in CliRunner().invoke(root, ["validate", str(fleet)]).output
    sys.path.remove(str(installed))
    assert "R304" in CliRunner().invoke(root, ["validate", str(fleet)]).output


def test_the_profiles_hold_everything_that_is_installed(installed):
    found = load_profiles()
    assert set(found) == {"default-scheduler", "one-cluster"}
    default = found["default-scheduler"]
    assert default.filters[-1].name == "Maintenance"
    assert default.scores[-1].name == "GoldFirst"
    assert found["one-cluster"].scheduler is not None
    alone = load_profiles("ClusterAffinity")["default-scheduler"]
    assert [each.name for each in (*alone.filters, *alone.scores)] == ["ClusterAffinity", "ClusterAffinity"]


@pytest.mark.parametrize(
    ("code", "entry_points", "message"),
    [
        ("raise ImportError('no such thing')", "[reconciler.filters]\na = my_plugin:a\n", "cannot be loaded"),
        ("a = 1", "[reconciler.filters]\na = my_plugin:a\n", "is not a Filter"),
        ("a = 1", "[reconciler.schedulers]\na = my_plugin:a\n", "is not a function"),
        (
            "from reconciler.scheduler.registry import FILTERS\na = FILTERS[0]",
            "[reconciler.filters]\na = my_plugin:a\n",
            "two filters are named ClusterAffinity",
        ),
        ("def a(): ...", "[reconciler.schedulers]\ndefault-scheduler = my_plugin:a\n", "cannot be named"),
    ],
)
def test_a_plugin_that_is_none_is_said_before_anything_is_decided(
    tmp_path, monkeypatch, code, entry_points, message
):
    install(tmp_path, monkeypatch, code, entry_points)
    with pytest.raises(SettingsError, match=message):
        load_profiles()


def test_a_word_that_names_no_plugin_is_said_with_those_that_exist():
    with pytest.raises(SettingsError, match="no plugin is named Nope; there are APIEnablement"):
        load_profiles("*,-Nope")


BROKEN = """
from reconciler.scheduler.plugin import FITS, Filter

def check(context, cluster):
    if context.binding.resource.name == "web":
        raise KeyError("no-such-label")
    return FITS

broken = Filter(name="Broken", check=check)
"""


def verb(*words):
    result = CliRunner().invoke(root, [str(word) for word in words], standalone_mode=False)
    assert result.exception is None, result.exception
    return result


@pytest.fixture
def breaking(tmp_path, monkeypatch):
    """Breaks the plugins: installs one that fails for everything named `web`."""
    return lambda: install(tmp_path, monkeypatch, BROKEN, "[reconciler.filters]\nbroken = my_plugin:broken\n")


def test_a_plugin_that_fails_is_a_problem_in_every_verb(breaking, fleet):
    breaking()
    for words in (
        ("validate", fleet),
        ("render", fleet),
        ("diff", "-C", fleet),
        ("explain", "deployment/web", "-C", fleet),
    ):
        output = verb(*words).output
        assert "Broken, a filter of my-plugin 1.0: check raised KeyError: 'no-such-label'" in output, words
    (problem,) = [
        each
        for each in json.loads(verb("validate", fleet, "-o", "json").stdout)["problems"]
        if each["code"] == "R305" and each["subject"] == "Deployment.apps shop/web"
    ]
    assert problem["path"] == "apps/shop/web.yaml"
    assert "--plugins" in problem["remedy"]
    # What cannot be decided with all clusters is no news of a lost one; it is said that there is something.
    assert "the fleet has 2 errors" in verb("simulate", fleet, "--lose", "paris").output
    assert verb("validate", fleet).return_value == 1
    assert verb("render", fleet).return_value == 4
    assert verb("validate", fleet, "--plugins", "*,-Broken").return_value == 0


def test_a_plugin_that_fails_moves_nothing_and_deletes_nothing(breaking, fleet, tmp_path):
    """What was placed stays with its newest content; nothing may be pruned on the word of such a render."""
    commit(fleet, "main", "before")
    assert verb("render", fleet, "--branches", "-r", "main").return_value == 0
    before = tree(fleet)
    breaking()
    web = fleet / "apps/shop/web.yaml"
    web.write_text(web.read_text().replace("web:2.4.1", "web:2.5.0"))
    (fleet / "apps/shop/nightly-report.yaml").unlink()
    policy = fleet / "policies/web.yaml"
    policy.write_text(
        policy.read_text().replace(
            "placement:\n", "placement:\n    clusterAffinity: {clusterNames: [paris]}\n"
        )
    )
    commit(fleet, "main", "after")
    assert verb("render", fleet, "--branches", "-r", "main").return_value == 4
    after = tree(fleet)
    gone = before.keys() - after.keys()
    assert {path.rpartition("/")[2] for path in gone} == {"nightly-report.yaml"}
    path = "clusters/paris/shop/Deployment.apps/web.yaml"
    assert b"web:2.5.0" in after[path]
    handle = pygit2.Repository(str(fleet))
    tip = handle.references["refs/heads/reconciler/rendered"].peel(pygit2.Commit)
    assert "Complete: false" in tip.message


def tree(fleet):
    handle = pygit2.Repository(str(fleet))
    found = {}

    def walk(tree, prefix):
        for entry in tree:
            if isinstance(entry, pygit2.Tree):
                walk(entry, f"{prefix}{entry.name}/")
            else:
                found[f"{prefix}{entry.name}"] = entry.data

    walk(handle.references["refs/heads/reconciler/rendered"].peel(pygit2.Commit).tree, "")
    return found
