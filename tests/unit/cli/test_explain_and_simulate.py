"""`explain` and `simulate` on the example fleet, whose placement `fleet-repo-example/README.md` describes."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import root
from reconciler.errors import FleetError, SettingsError

EXAMPLE = Path(__file__).resolve().parents[3] / "fleet-repo-example"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    directory = tmp_path_factory.mktemp("example") / "fleet"
    shutil.copytree(EXAMPLE, directory)
    return directory


def run(*arguments):
    result = CliRunner().invoke(root, [str(each) for each in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def explained(fleet, what, *more):
    return json.loads(run("explain", what, "-C", fleet, "-o", "json", *more).stdout)


def test_explain_names_the_policy_the_filters_and_the_division_with_their_places(fleet):
    found = explained(fleet, "deployment/api")
    assert found["policy"]["winner"] == "PropagationPolicy shop/api"
    assert [row["location"].split(":")[0] for row in found["policy"]["candidates"]] == ["policies/api.yaml"]
    (group,) = found["groups"]
    refused = {
        row["name"]: [r["filter"] for r in row["refusals"]] for row in group["clusters"] if row["refusals"]
    }
    # Every reason, not the first: the edge cluster is neither named nor tolerated.
    assert refused == {"lyon-shop": ["ClusterAffinity", "TaintToleration"]}
    (division,) = group["divisions"]
    assert division["mode"] == "static weight"
    assert division["seats"] == 8
    assert division["result"] == {"frankfurt": 2, "paris": 2, "virginia": 4}
    assert [row["clusters"] for row in found["overrides"] if row["rules"]] == [["virginia"]]


def test_explain_can_be_asked_of_one_cluster_and_as_kubectl_would_name_it(fleet):
    for what in ("deployment/api", "Deployment/api", "deployments/api", "deployment.apps/api"):
        (group,) = explained(fleet, what, "--cluster", "paris")["groups"]
        assert [row["name"] for row in group["clusters"]] == ["paris"]


def test_why_is_explain_and_text_begins_with_the_verdict(fleet):
    text = run("why", "deployment/api", "-C", fleet).stdout
    assert text.splitlines()[0] == "Deployment.apps shop/api: frankfurt 2, paris 2, virginia 4"


def test_an_unknown_template_or_cluster_is_said_with_what_there_is(fleet):
    with pytest.raises(Exception, match="the fleet has no template deployment/nobody"):
        run("explain", "deployment/nobody", "-C", fleet)
    with pytest.raises(Exception, match="no such cluster: rome; there are frankfurt"):
        run("explain", "deployment/api", "-C", fleet, "--cluster", "rome")


def test_a_template_that_is_refused_or_may_be_in_a_file_that_cannot_be_read_is_not_said_to_be_absent(
    fleet, tmp_path
):
    broken = shutil.copytree(fleet, tmp_path / "fleet")
    api = broken / "apps" / "shop" / "api.yaml"
    api.write_text(api.read_text().replace("replicas: 8", "replicas: eight"))
    (broken / "apps" / "shop" / "web.yaml").write_text("a: [\n")
    with pytest.raises(FleetError, match=r"Deployment\.apps shop/api is refused") as refused:
        run("explain", "deployment/api", "-C", broken)
    assert [problem.code for problem in refused.value.problems] == ["R146"]
    with pytest.raises(FleetError, match="it may stand in a file that cannot be read") as unread:
        run("explain", "deployment/web", "-C", broken)
    assert [str(problem.location) for problem in unread.value.problems] == ["apps/shop/web.yaml:2:1"]
    with pytest.raises(SettingsError, match=r"did you mean deployment/worker\?"):
        run("explain", "deployment/workers", "-C", fleet)


def test_an_answer_about_a_fleet_with_errors_says_so(fleet, tmp_path):
    broken = shutil.copytree(fleet, tmp_path / "fleet")
    (broken / "apps" / "shop" / "web.yaml").write_text("a: [\n")
    for words in (("explain", "deployment/api", "-C", broken), ("simulate", broken, "--lose", "paris")):
        assert "the fleet has 1 errors" in run(*words).stderr


def simulated(fleet, *arguments):
    result = CliRunner().invoke(
        root, ["simulate", str(fleet), "-o", "json", *arguments], standalone_mode=False
    )
    return result.return_value, json.loads(result.stdout)["results"]


def moves(result, name):
    rows = next(row for row in result["moves"] if row["object"] == name)
    return {each["name"]: (each["before"], each["after"]) for each in rows["clusters"]}


def test_losing_a_cluster_moves_its_share_and_leaves_the_rest(fleet):
    code, (result,) = simulated(fleet, "--lose", "paris")
    assert code == 1
    # Eight replicas by weights 1 to 2: three and five are the nearest.
    assert moves(result, "Deployment.apps shop/api") == {
        "frankfurt": (2, 3),
        "paris": (2, None),
        "virginia": (4, 5),
    }
    assert result["doesNotFit"] == []


def test_losing_the_only_cluster_of_a_database_is_said_to_fit_nowhere(fleet):
    code, rows = simulated(fleet, "--each", "cluster")
    unfit = {row["name"]: [each["object"] for each in row["doesNotFit"]] for row in rows if row["doesNotFit"]}
    assert code == 4
    assert set(unfit) == {"frankfurt"}
    assert "StatefulSet.apps shop/database" in unfit["frankfurt"]


def test_what_no_cluster_takes_without_the_change_either_is_not_held_against_it(fleet, tmp_path):
    unfit = shutil.copytree(fleet, tmp_path / "fleet")
    policy = unfit / "policies" / "database.yaml"
    policy.write_text(policy.read_text().replace("storage: fast", "storage: tape"))
    database = [
        "CronJob.batch shop/nightly-report",
        "Service shop/database",
        "StatefulSet.apps shop/database",
    ]
    code, rows = simulated(unfit, "--each", "zone")
    assert code == 1
    assert all((row["doesNotFit"], row["didNotFitBefore"]) == ([], database) for row in rows)
    # The evidence differs with the number of clusters; it is the same failure.
    shown = run("simulate", unfit, "--lose", "lyon-shop").stdout
    assert shown.splitlines()[0] == (
        "ok: 5 placed differently, everything fits; not counted: 3 unscheduled without it too"
    )
    assert "R301" not in shown


def test_a_group_that_does_not_exist_is_said_with_those_that_do(fleet):
    with pytest.raises(Exception, match="no cluster is in zone 'mars'"):
        run("simulate", fleet, "--lose", "zone=mars")


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("zone", "N-1: not ok: the loss of frankfurt-a leaves something unplaced"),
        ("cluster", "N-1: not ok: the loss of frankfurt leaves something unplaced"),
    ],
)
def test_a_diff_carries_the_verdict_in_every_form_and_stays_what_it_was(fleet, by, told):
    def diff(*more):
        return CliRunner().invoke(root, ["diff", "-C", str(fleet), *more], standalone_mode=False)

    asked = ("--simulate", f"each-{by}")
    assert json.loads(diff("-o", "json", *asked).stdout)["simulated"] == told
    assert told in diff(*asked).stdout.splitlines()
    assert f"`{told}`" in diff("-o", "markdown", *asked).stdout.splitlines()
    assert diff(*asked).return_value == diff().return_value
    assert json.loads(diff("-o", "json").stdout)["simulated"] == ""


def test_what_an_override_sets_is_told_beside_the_schedulers_number(fleet):
    """The edge shop gets one replica by an override, whatever the policy gives it."""
    shown = run("render", fleet).stdout
    (row,) = [line.split() for line in shown.splitlines() if "Deployment/web" in line]
    assert row[3:] == ["3", "1*", "3", "3"]
    assert "* an override sets it: Deployment.apps shop/web on lyon-shop: 1, the scheduler gave 3" in shown
    placements = json.loads(run("render", fleet, "-o", "json").stdout)["placements"]
    (web,) = [each for each in placements if (each["kind"], each["name"]) == ("Deployment", "web")]
    assert {each["name"]: (each["replicas"], each["delivered"]) for each in web["clusters"]} == {
        "frankfurt": (3, 3),
        "lyon-shop": (3, 1),
        "paris": (3, 3),
        "virginia": (3, 3),
    }
    assert "lyon-shop 3 (override: 1)" in explained(fleet, "deployment/web")["verdict"]
    moves = json.loads(run("simulate", fleet, "--lose", "lyon-shop", "-o", "json").stdout)["results"][0][
        "moves"
    ]
    (web,) = [each for each in moves if each["object"] == "Deployment.apps shop/web"]
    assert web["clusters"] == [
        {"name": "lyon-shop", "before": 3, "after": None, "deliveredBefore": 1, "deliveredAfter": None}
    ]
    shares = json.loads(run("diff", "-C", fleet, "-o", "json").stdout)["placements"]
    (web,) = [
        each for each in shares if (each["object"]["kind"], each["object"]["name"]) == ("Deployment", "web")
    ]
    assert web["clusters"][1] == {
        "name": "lyon-shop", "before": None, "after": 3, "deliveredBefore": None, "deliveredAfter": 1
    }  # fmt: skip
