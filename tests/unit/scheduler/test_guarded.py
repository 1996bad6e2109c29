"""A plugin that fails is named, and nothing is decided without it; no other binding is harmed."""

import sys

import pytest

from reconciler.model.binding import TargetCluster
from reconciler.scheduler.batch import schedule_all
from reconciler.scheduler.guarded import Origin, guarded_filter, guarded_scheduler, guarded_score
from reconciler.scheduler.outcome import Failure, FailureKind
from reconciler.scheduler.plugin import FITS, Filter, Score, Verdict
from reconciler.scheduler.registry import Profile, profile
from tests.unit.scheduler.build import NOW, binding, cluster, clusters, placement, previous, result

CLUSTERS = clusters(10, 10, 10)
GROUPS = placement(
    clusterAffinities=[
        {"affinityName": "first", "clusterNames": ["m1"]},
        {"affinityName": "second", "clusterNames": ["m2", "m3"]},
    ]
)


def origin(kind):
    return Origin(name="Odd", kind=kind, distribution="my-plugin 1.0")


def boom(*_arguments):
    raise ValueError("boom\nat <Thing object at 0x7f00aa>")


def given(**parts):
    return Filter(**({"name": "Odd", "check": lambda _context, _cluster: FITS} | parts))


def with_filter(**parts):
    return profile(filters=[guarded_filter(given(**parts), origin("filter"))])


def with_score(**parts):
    values = {"name": "Odd", "grade": lambda _context, _cluster: 1} | parts
    return profile(scores=[guarded_score(Score(**values), origin("score"))])


def with_scheduler(answer):
    return Profile(name="default-scheduler", scheduler=guarded_scheduler(answer, origin("scheduler")))


def run(chosen, one=None, among=CLUSTERS):
    one = one or binding(replicas=3)
    (decision,) = schedule_all([one], among, NOW, profiles={"default-scheduler": chosen}).decisions.values()
    return decision


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (with_filter(check=boom), "a filter of my-plugin 1.0: check raised ValueError: boom at <Thing object>"),
        (with_filter(check=lambda *_: True), "check answered with True, not with a Verdict"),
        (with_filter(check=lambda *_: Verdict(reason=None)), "check answered with Verdict, not with a Verdict"),
        (with_filter(check=lambda *_: sys.exit(3)), "check raised SystemExit: 3"),
        (with_filter(prepare=boom, depends_on=lambda _: 1), "prepare raised ValueError"),
        (with_filter(prepare=lambda _: FITS, depends_on=lambda _: 1), "prepare answered with Verdict, not with a function"),
        (with_filter(prepare=lambda _: boom, depends_on=lambda _: 1), "prepare raised ValueError"),
        (with_filter(depends_on=boom), "depends_on raised ValueError"),
        (with_filter(depends_on=lambda _: []), "depends_on raised TypeError: unhashable type: 'list'"),
        (with_filter(concerns=boom), "concerns raised ValueError"),
        (with_filter(concerns=lambda _: "m1"), "concerns answered with str, not with names of clusters"),
        (with_filter(concerns=lambda _: (1 / 0 for _ in "a")), "concerns raised ZeroDivisionError"),
        (with_filter(concerns=lambda _: [1]), "concerns answered with something that is no name of a cluster"),
        (with_score(grade=boom), "a score of my-plugin 1.0: grade raised ValueError"),
        (with_score(grade=lambda *_: None), "grade answered with None, not with a whole number from 0 to 100"),
        (with_score(grade=lambda *_: 101), "grade answered with 101, not with"),
        (with_score(grade=lambda *_: -1), "grade answered with -1, not with"),
        (with_score(grade=lambda *_: 1.5), "grade answered with 1.5, not with"),
        (with_score(grade=lambda *_: True), "grade answered with True, not with"),
        (with_score(concerns=boom), "concerns raised ValueError"),
        (with_scheduler(boom), "a scheduler of my-plugin 1.0: it raised ValueError"),
        (with_scheduler(lambda *_: None), "it answered with None, not with the clusters or a Failure"),
        (with_scheduler(lambda *_: "m1"), "it answered with str, not with the clusters or a Failure"),
        (with_scheduler(lambda *_: ["m1"]), "it answered with str, not with a TargetCluster"),
        (with_scheduler(lambda *_: (1 / 0 for _ in "a")), "it raised ZeroDivisionError"),
        (with_scheduler(lambda *_: (TargetCluster(name="m1", replicas=None),)), "without a name or a whole number"),
        (with_scheduler(lambda *_: Failure(kind="no", message="x")), "a Failure without a kind or a message"),
        (with_scheduler(lambda *_: (TargetCluster(name="m9"),)), "clusters that it was not given: m9"),
        (with_scheduler(lambda *_: (TargetCluster(name="m1"),) * 2), "a cluster twice"),
        (with_scheduler(lambda *_: (TargetCluster(name="m1", replicas=-1),)), "less than no replicas"),
    ],
)  # fmt: skip
def test_what_it_did_is_told_with_whose_it_is_and_the_last_result_stands(chosen, told):
    held = previous(m1=1, m2=1)
    decision = run(chosen, binding(replicas=3, clusters=held))
    assert decision.failure is not None
    assert (decision.failure.kind, decision.failure.plugin) == (FailureKind.ERROR, "Odd")
    assert decision.failure.message.startswith("Odd, a ")
    assert told in decision.failure.message
    assert "0x" not in decision.failure.message
    assert decision.binding.clusters == held
    assert run(chosen, binding(replicas=3)).binding.clusters == ()


def test_what_answers_as_it_should_is_left_alone():
    generous = with_scheduler(
        lambda _context, living: [TargetCluster(name=each.name, replicas=1) for each in living]
    )
    assert result(run(generous)) == {"m1": 1, "m2": 1, "m3": 1}
    told = Failure(kind=FailureKind.FIT, message="no")
    assert run(with_scheduler(lambda *_: told)).failure == told
    only_m2 = with_filter(check=lambda _context, one: FITS if one.name == "m2" else Verdict(reason="no"))
    assert set(result(run(only_m2))) == {"m2"}
    assert set(result(run(with_filter(check=boom, concerns=lambda _: ())))) == {"m1", "m2", "m3"}


def test_a_cluster_that_is_going_away_is_not_given_to_a_scheduler():
    chosen = with_scheduler(lambda *_: (TargetCluster(name="m2"),))
    failure = run(chosen, among=[cluster("m1"), cluster("m2", deleting=True)]).failure
    assert failure is not None
    assert "not given: m2" in failure.message


def test_no_other_group_takes_what_a_plugin_could_not_judge():
    """The first group fails for the plugin's sake, the second would do: moving there would be a decision without it."""

    def afraid_of_m1(_context, one):
        return boom() if one.name == "m1" else FITS

    decision = run(
        with_filter(check=afraid_of_m1, depends_on=lambda context: context.affinity_name),
        binding(placed=GROUPS, clusters=previous(m1=0), observed_affinity="first"),
    )
    # Every group's clusters are asked about, so that the first one fails already.
    assert [attempt.affinity_name for attempt in decision.attempts] == ["first"]
    assert set(result(decision)) == {"m1"}


def test_an_earlier_groups_refusal_does_not_empty_what_a_plugin_could_not_judge():
    """As in Karmada the first group's verdict empties the result; not while nobody knows what a later one would say."""

    def grade(context, _cluster):
        return boom() if context.affinity_name == "second" else 0

    gone = [each for each in CLUSTERS if each.name != "m1"]
    chosen = with_score(grade=grade)
    decision = run(chosen, binding(placed=GROUPS, clusters=previous(m3=0), observed_affinity=""), gone)
    assert decision.attempts[0].failure is not None
    assert decision.attempts[0].failure.kind is FailureKind.FIT
    assert decision.failure is not None
    assert decision.failure.plugin == "Odd"
    assert set(result(decision)) == {"m3"}


def test_other_bindings_are_decided_as_ever():
    def only_about_web(context, _cluster):
        return boom() if context.binding.resource.name == "web" else FITS

    both = [binding("api", 3), binding("web", 3)]
    chosen = {"default-scheduler": with_filter(check=only_about_web)}
    found = schedule_all(both, CLUSTERS, NOW, profiles=chosen).decisions
    assert {id_.name: len(decision.binding.clusters) for id_, decision in found.items()} == {
        "api": 3,
        "web": 0,
    }


def test_an_explanation_says_of_which_clusters_it_said_nothing():
    def afraid_of_m2(_context, one):
        return boom() if one.name == "m2" else FITS

    one = binding(replicas=3)
    found = schedule_all(
        [one],
        CLUSTERS,
        NOW,
        profiles={"default-scheduler": with_filter(check=afraid_of_m2)},
        explained=[one.resource],
    )
    (explanation,) = found.explanations[one.resource]
    refused = {each.name: [(r.filter, r.reason) for r in each.refusals] for each in explanation.clusters}
    assert refused == {"m1": [], "m2": [("Odd", "the plugin failed")], "m3": []}
    assert explanation.failure is not None
    assert explanation.failure.plugin == "Odd"
