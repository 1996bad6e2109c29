"""The fleet's record on real repositories: fetch, decide, publish; `git` is the witness."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import ForeignCommit, GitError, HistoryRewritten
from reconciler.loop.publish import ALLOWED, HELD
from reconciler.model.time import format_time
from reconciler.settings import GuardLimits
from tests.unit.loop.fleets import config_map, fleet, maps_of, one_pass, published, started, trailers


def test_a_pass_moves_the_truth_and_shows_each_cluster_its_part(scene):
    repository, _, _ = scene
    published = started(scene)
    branches = repository.branches()
    assert branches["reconciler/rendered"] == published.commit
    assert maps_of(repository) == [f"shop/ConfigMap/c{i:02}.yaml" for i in range(3)]
    for name in ("a", "b"):
        assert repository.git("rev-parse", f"reconciler/cluster/{name}^{{tree}}") == repository.git(
            "rev-parse", f"reconciler/rendered:clusters/{name}"
        )
    assert trailers(repository, "reconciler/rendered")["Prune"] == ALLOWED
    repository.check()


def test_a_pass_over_the_same_facts_commits_and_moves_nothing(scene):
    repository, _, record = scene
    started(scene)
    before = repository.branches()
    again = one_pass(record)
    assert not again.written.changed
    assert again.updates == ()
    assert repository.branches() == before


def test_too_many_deletions_are_held_in_the_commit_and_an_approval_lets_them_go(scene):
    repository, author, record = scene
    allowed = started(scene, 30)
    removed = {f"apps/c{i:02}.yaml": None for i in range(12)}
    author.commit_and_push("remove", removed)
    held = one_pass(record)
    assert not held.prune_allowed
    assert trailers(repository, "reconciler/rendered")["Prune"] == HELD
    # Counted from the last commit whose deletions were allowed, also by later passes and other processes.
    assert trailers(repository, "reconciler/rendered")["Prune-Base"] == allowed.commit
    assert trailers(repository, "reconciler/cluster/b")["Complete"] == "false"
    author.commit_and_push("another", {"apps/more.yaml": config_map("more")})
    assert trailers_after(record, repository)["Prune-Base"] == allowed.commit
    author.commit_and_push("approve", {"approvals/a.yaml": approval([f"c{i:02}" for i in range(12)])})
    released = one_pass(record)
    assert released.prune_allowed
    assert trailers(repository, "reconciler/rendered")["Prune"] == ALLOWED
    assert trailers(repository, "reconciler/cluster/b")["Complete"] == "true"


def test_an_approval_holds_until_it_expires_and_for_any_part_of_what_it_lists(scene):
    repository, author, record = scene
    started(scene, 30)
    names = [f"c{i:02}" for i in range(14)]
    author.commit_and_push(
        "twelve go, by an approval of last year",
        {
            "approvals/a.yaml": approval(names, expires="2025-01-01T00:00:00Z"),
            **{f"apps/{name}.yaml": None for name in names[:12]},
        },
    )
    assert not one_pass(record).prune_allowed
    author.commit_and_push("renewed; it lists two more than go", {"approvals/a.yaml": approval(names)})
    assert one_pass(record).prune_allowed
    # One that is released stays so when the approval is gone: what it asked for is decided.
    author.commit_and_push("the approval is cleaned up", {"approvals/a.yaml": None})
    assert one_pass(record).prune_allowed
    author.commit_and_push("eleven others go", {f"apps/c{i:02}.yaml": None for i in range(14, 25)})
    assert not one_pass(record).prune_allowed
    assert trailers(repository, "reconciler/rendered")["Prune"] == HELD


def test_a_cluster_branch_that_somebody_deletes_is_made_again(scene):
    repository, _, record = scene
    started(scene)
    tree = repository.git("rev-parse", "reconciler/cluster/b^{tree}")
    repository.git("update-ref", "-d", "refs/heads/reconciler/cluster/b")
    one_pass(record)
    assert "reconciler/cluster/b" not in repository.branches()
    record._tips_at -= 600
    one_pass(record)
    assert repository.git("rev-parse", "reconciler/cluster/b^{tree}") == tree


def test_a_foreign_status_is_no_fact_and_stops_the_pass(scene):
    repository, author, record = scene
    started(scene)
    before = repository.branches()["reconciler/rendered"]
    author.git("fetch", "--quiet", "origin")
    author.git("checkout", "--quiet", "-b", "mine", "origin/reconciler/status")
    author.git("rm", "--quiet", "clusters/a.yaml")
    author.git("commit", "--quiet", "-m", "a is gone")
    author.git("push", "--quiet", "origin", "HEAD:reconciler/status")
    author.git("checkout", "--quiet", "main")
    author.commit_and_push("more", {"apps/more.yaml": config_map("more")})
    with pytest.raises(ForeignCommit):
        one_pass(record)
    assert repository.branches()["reconciler/rendered"] == before


def test_a_branch_of_somebodys_that_leaves_no_place_is_said_at_start(scene):
    repository, author, record = scene
    author.commit_and_push("first", fleet(1))
    author.git("push", "--quiet", "origin", "HEAD:reconciler")
    with pytest.raises(GitError, match="the branch reconciler leaves no place for reconciler/rendered"):
        record.fetch()
    repository.git("update-ref", "-d", "refs/heads/reconciler")
    assert record.fetch().source == author.head


def trailers_after(record, repository):
    one_pass(record)
    return trailers(repository, "reconciler/rendered")


def approval(names, expires="2099-01-01T00:00:00Z"):
    objects = [{"kind": "ConfigMap", "namespace": "shop", "name": name} for name in names]
    spec = {"objects": objects, "clusters": ["*"], "expires": expires}
    return json.dumps(
        {
            "apiVersion": "fleet-reconciler/v1alpha1",
            "kind": "Approval",
            "metadata": {"name": "a"},
            "spec": spec,
        }
    )


def test_a_change_that_loosens_the_guard_does_not_loosen_its_own(scene):
    _, author, record = scene
    strict = {"apiVersion": "fleet-reconciler/v1alpha1", "kind": "FleetConfig", "metadata": {"name": "fleet"}}
    started(
        scene,
        30,
        **{
            "reconciler.yaml": json.dumps(
                {**strict, "spec": {"guards": {"maxDeletions": 1, "maxDeletionPercent": 1}}}
            )
        },
    )
    loose = json.dumps({**strict, "spec": {"guards": {"maxDeletions": 10, "maxDeletionPercent": 20}}})
    author.commit_and_push(
        "both at once", {"reconciler.yaml": loose, **{f"apps/c{i:02}.yaml": None for i in range(3)}}
    )
    assert not one_pass(record).prune_allowed


def test_the_operators_guard_is_the_ceiling(scene):
    _, author, record = scene
    record.limits = GuardLimits(max_deletions=1, max_percent=0)
    config = {"apiVersion": "fleet-reconciler/v1alpha1", "kind": "FleetConfig", "metadata": {"name": "fleet"}}
    generous = json.dumps({**config, "spec": {"guards": {"maxDeletions": 100, "maxDeletionPercent": 100}}})
    started(scene, 30, **{"reconciler.yaml": generous})
    author.commit_and_push("remove", {f"apps/c{i:02}.yaml": None for i in range(3)})
    assert not one_pass(record).prune_allowed


def test_a_refused_cluster_branch_is_said_with_the_servers_words_and_tried_again(scene):
    repository, author, record = scene
    started(scene)
    repository.refuse_pushes("branch b is protected", refs="refs/heads/reconciler/cluster/b")
    author.commit_and_push("more", {"apps/more.yaml": config_map("more")})
    published = one_pass(record)
    assert repository.branches()["reconciler/rendered"] == published.commit
    (problem,) = [each for each in published.problems if each.code == "R603"]
    assert problem.subject == "reconciler/cluster/b"
    assert "branch b is protected" in problem.evidence[0]
    assert "shop/ConfigMap/more.yaml" not in maps_of(repository)
    repository.accept_pushes()
    assert [each.code for each in one_pass(record).problems] == []
    assert "shop/ConfigMap/more.yaml" in maps_of(repository)


def test_a_foreign_commit_on_a_cluster_branch_stops_that_branch_alone(scene):
    repository, author, record = scene
    started(scene)
    author.git("fetch", "--quiet", "origin")
    author.git("checkout", "--quiet", "-b", "mine", "origin/reconciler/cluster/b")
    author.git("commit", "--quiet", "--allow-empty", "-m", "mine")
    author.git("push", "--quiet", "origin", "HEAD:reconciler/cluster/b")
    author.git("checkout", "--quiet", "main")
    theirs = repository.branches()["reconciler/cluster/b"]
    author.commit_and_push("more", {"apps/more.yaml": config_map("more")})
    record._tips_known = set()
    published = one_pass(record)
    assert repository.branches()["reconciler/cluster/b"] == theirs
    assert [(each.code, each.subject) for each in published.problems] == [("R602", "reconciler/cluster/b")]
    assert "shop/ConfigMap/more.yaml" in maps_of(repository, "reconciler/cluster/a")


def test_a_rewritten_source_history_is_not_followed_until_it_is_accepted(scene):
    repository, author, record = scene
    started(scene)
    author.git("commit", "--quiet", "--amend", "-m", "rewritten")
    author.git("push", "--quiet", "--force", "origin", "HEAD:main")
    with pytest.raises(HistoryRewritten, match="was rewritten"):
        record.fetch()
    record.accept_history = author.head
    published = one_pass(record)
    assert published.written.changed
    assert trailers(repository, "reconciler/rendered")["Accepted-History"] == author.head


def test_losing_the_status_branch_moves_nothing_that_is_placed(scene):
    repository, author, record = scene
    started(scene)
    before = maps_of(repository)
    repository.git("update-ref", "-d", "refs/heads/reconciler/status")
    author.commit_and_push("unrelated", {"docs/x.md": "x"})
    one_pass(record)
    assert maps_of(repository) == before


def test_a_commit_of_the_future_moves_no_deadline_and_no_later_decision(scene):
    """An approval that holds for the next hours is honoured, and a machine without a clock agrees on what follows."""
    repository, author, record = scene
    started(scene, 30)
    names = [f"c{i:02}" for i in range(12)]
    now = datetime.now(UTC)
    record.clock = lambda: now
    author.env["GIT_COMMITTER_DATE"] = "2090-01-01T00:00:00Z"
    author.commit_and_push(
        "from a machine whose clock is wrong",
        {
            "approvals/a.yaml": approval(names, expires=format_time(now + timedelta(hours=2))),
            **{f"apps/{name}.yaml": None for name in names},
        },
    )
    at = record.fetch()
    decision = record.decide(at, None)
    assert [problem.code for problem in decision.problems] == ["R604"]
    assert decision.now == now.replace(microsecond=0)
    assert published(record, decision, at).prune_allowed
    assert trailers(repository, "reconciler/rendered")["Evaluated-At"] == format_time(decision.now)
    record.clock = None
    assert record.decide(record.fetch(), None).now == decision.now
    del author.env["GIT_COMMITTER_DATE"]
    author.commit_and_push("the next one", {"apps/more.yaml": config_map("more")})
    later = record.decide(record.fetch(), None)
    assert later.problems == ()
    assert abs(later.now - now) < timedelta(days=1)
