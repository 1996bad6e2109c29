"""`STATUS.md`, for a person at a glance: with three clusters, with a hundred, and with hostile words in it."""

from reconciler.model.cluster import Cluster
from reconciler.model.observation import Health, Readiness
from reconciler.status.aggregate import status_files
from tests.unit.status.fleet import C1, C2, WEB, binding, facts, member, merge, report


def text(**more):
    return status_files(facts(**more), merge)["STATUS.md"].decode()


def test_three_clusters_that_are_well():
    assert (
        text()
        == """# Fleet status

**All is well.**

| | |
|---|---|
| clusters well | 3 of 3 |
| workloads well | 1 of 1 |
| source | `aaaaaaaaaaaa` |
| rendered | `111111111111` |

## Clusters

| cluster | mode | ready | delivery | workloads healthy | Kubernetes |
|---|---|---|---|---|---|
| oslo | Push | True | Synced | 1/1 | v1.36.3 |
| paris | Push | True | Synced | 1/1 | v1.36.3 |
| rome | Push | True | Synced | 1/1 | v1.36.3 |

## Workloads

| workload | applied | ready | health | readiness |
|---|---|---|---|---|
| Deployment shop/web | 3/3 | 6/6 | Healthy | Current |
"""
    )


def hundred(sick=()):
    names = tuple(f"member-{number:03}" for number in range(100))
    return {
        "clusters": tuple(Cluster(name=name) for name in names),
        "reports": {name: report(name, C2 if name in sick else C1) for name in names},
        "bindings": {WEB: binding(*names)},
        "members": {
            WEB: tuple(
                member(
                    name,
                    ready=1,
                    health=Health.UNHEALTHY,
                    readiness=Readiness.IN_PROGRESS,
                    message="1 of 2 replicas are available",
                )
                if name in sick
                else member(name)
                for name in names
            )
        },
        "newer": {C2: frozenset({C1})},
    }


def test_a_hundred_clusters_that_are_well_are_folded_away():
    page = text(**hundred())
    first, _, folded = page.partition("<details>")
    assert "**All is well.**" in first
    assert "| member-" not in first
    assert "<summary>all 100 are well</summary>" in folded
    assert folded.count("\n| member-") == 100


def test_of_a_hundred_clusters_those_come_first_that_need_somebody():
    sick = [f"member-{number:03}" for number in (7, 42, 61, 99)]
    first, _, folded = text(**hundred(sick)).partition("<details>")
    assert "**4 clusters not ready or not up to date; 1 workload not healthy or still moving.**" in first
    assert [line.split(" ")[1] for line in first.splitlines() if line.startswith("| member")] == sick
    assert first.count("Synced, behind") == 4
    assert "96 more are well" in folded
    why = "member-007, member-042, member-061 and 1 more: 1 of 2 replicas are available"
    assert f"| {why} |" in folded


def test_a_part_that_is_held_is_said_in_the_verdict():
    page = text(complete=False)
    assert "**parts of the fleet held at their last good state.**" in page
    assert "(incomplete)" in page


def test_words_of_a_report_neither_leave_their_cell_nor_mention_anybody():
    hostile = "a|b\n| c | <script> `x` @everyone"
    page = text(reports={"oslo": report("oslo", sync="SyncFailed", message=hostile)})
    (line,) = [each for each in page.splitlines() if each.startswith("| oslo")]
    assert line.replace("\\|", "").count("|") == 8
    assert "<script>" not in line
    assert "@everyone" not in line
    assert "`" not in line


def test_numbers_that_are_not_due_do_not_move_the_page():
    first = status_files(facts(), merge)
    slower = {WEB: tuple(member(name, ready=1) for name in ("oslo", "paris", "rome"))}
    second = status_files(facts(members=slower, previous=first, counters_due=False), merge)
    assert second["STATUS.md"] == first["STATUS.md"]
