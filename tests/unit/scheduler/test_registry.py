"""Profiles: which plugins take part, third-party ones and whole schedulers included."""

import pytest

from reconciler.model.binding import TargetCluster
from reconciler.scheduler.batch import schedule_all
from reconciler.scheduler.outcome import Failure, FailureKind
from reconciler.scheduler.plugin import FITS, Filter, Score, Verdict
from reconciler.scheduler.registry import FILTERS, SCORES, Profile, profile
from tests.unit.scheduler.build import NOW, binding, cluster, clusters, placement, result


def names(given: Profile) -> tuple[set[str], set[str]]:
    return {f.name for f in given.filters}, {s.name for s in given.scores}


ALL = ({f.name for f in FILTERS}, {s.name for s in SCORES})


@pytest.mark.parametrize(
    ("plugins", "filters", "scores"),
    [
        (["*"], *ALL),
        (["*", "-TaintToleration"], ALL[0] - {"TaintToleration"}, ALL[1]),
        (["-ClusterAffinity", "*"], ALL[0] - {"ClusterAffinity"}, ALL[1] - {"ClusterAffinity"}),
        (["APIEnablement", "ClusterLocality"], {"APIEnablement"}, {"ClusterLocality"}),
        (["-TaintToleration"], set(), set()),
    ],
)
def test_plugins_are_chosen_by_karmadas_names(plugins, filters, scores):
    assert names(profile(plugins)) == (filters, scores)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no plugin is named Taints; there are APIEnablement"):
        profile(["*", "-Taints"])


def run(given, among, chosen: Profile):
    (decision,) = schedule_all([given], among, NOW, profiles={chosen.name: chosen}).decisions.values()
    return decision


def test_a_disabled_filter_refuses_nothing():
    tainted = cluster("m1", taints=[{"key": "k", "effect": "NoSchedule"}])
    assert result(run(binding(), [tainted], profile(["*", "-TaintToleration"]))) == {"m1": 0}
    assert run(binding(), [tainted], profile()).failure is not None


def not_on_fridays(context, one):
    return Verdict(reason="it is Friday there") if one.name == "m2" else FITS


def test_a_third_party_filter_refuses_with_its_own_reason():
    chosen = profile(filters=[Filter(name="NotOnFridays", check=not_on_fridays)])
    decision = run(binding(), clusters(1, 1), chosen)
    assert result(decision) == {"m1": 0}
    assert decision.binding.reasons == "1 of 2 clusters fit; 1 it is Friday there"
    without = profile(["*", "-NotOnFridays"], filters=[Filter(name="NotOnFridays", check=not_on_fridays)])
    assert len(result(run(binding(), clusters(1, 1), without))) == 2


def test_a_third_party_score_prefers():
    chosen = profile(scores=[Score(name="Latest", grade=lambda context, one: int(one.name[1:]))])
    placed = placement(spreadConstraints=[{"minGroups": 1, "maxGroups": 2}])
    assert list(result(run(binding(placed=placed), clusters(1, 1, 1), chosen))) == ["m3", "m2"]


def alphabetical(context, living):
    if context.binding.replicas > 10:
        return Failure(kind=FailureKind.UNSCHEDULABLE, message="ten is enough")
    return (TargetCluster(name=living[0].name, replicas=context.binding.replicas),)


def test_a_scheduler_of_its_own_replaces_the_four_steps():
    own = Profile(name="alphabetical", scheduler=alphabetical)
    among = [cluster("m0", deleting=True), *clusters(1, 1)]
    assert result(run(binding("a", 3, scheduler_name="alphabetical"), among, own)) == {"m1": 3}
    failed = run(binding("a", 30, scheduler_name="alphabetical"), among, own)
    assert failed.failure is not None
    assert failed.failure.message == "ten is enough"
    assert failed.binding.scheduled is not None
    assert failed.binding.scheduled.reason == "Unschedulable"
