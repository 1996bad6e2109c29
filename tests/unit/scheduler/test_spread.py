"""Spread constraints: which clusters are selected, by number and by region."""

import pytest

from reconciler.model.policy import SpreadConstraint
from reconciler.policy.decode import decode_placement
from reconciler.scheduler.outcome import Failure, FailureKind
from reconciler.scheduler.spread.by_region import Region, choose
from tests.unit.scheduler.build import (
    AGGREGATED,
    DYNAMIC,
    attempt,
    binding,
    cluster,
    clusters,
    placement,
    previous,
    result,
)


def spread(field: str, least: int, most: int) -> dict:
    return {"spreadByField": field, "minGroups": least, "maxGroups": most}


def names(outcome) -> list[str]:
    return [target.name for target in outcome.clusters]


def message(outcome) -> str:
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.ERROR
    return outcome.failure.message


def test_as_many_clusters_as_the_maximum_allows_holding_ones_first():
    placed = placement(spreadConstraints=[spread("cluster", 1, 2)])
    outcome = attempt(binding(placed=placed, clusters=previous(m4=0)), clusters(1, 1, 1, 1))
    assert names(outcome) == ["m4", "m1"]


def test_too_few_clusters_is_an_error():
    placed = placement(spreadConstraints=[spread("cluster", 3, 4)])
    words = "the number of feasible clusters is less than spreadConstraint.MinGroups"
    assert message(attempt(binding(placed=placed), clusters(1, 1))) == f"failed to select clusters: {words}"


def test_an_omitted_maximum_selects_nothing():
    placed = placement(spreadConstraints=[{"spreadByField": "cluster"}])
    words = "no clusters available to schedule"
    assert message(attempt(binding(placed=placed), clusters(1, 1))) == f"failed to assign replicas: {words}"


def test_small_clusters_are_traded_for_larger_ones_until_the_replicas_fit():
    placed = placement(spreadConstraints=[spread("cluster", 1, 2)], replicaScheduling=AGGREGATED)
    # m1 and m2 hold the template, so they come first; together with what they hold they have 12.
    given = binding(replicas=30, placed=placed, clusters=previous(m1=1, m2=1))
    outcome = attempt(given, clusters(5, 5, 50, 8))
    # The last of the selected is replaced first, by the largest of the rest.
    assert result(outcome) == {"m1": 4, "m3": 26}


def test_the_replaced_cluster_may_come_back_into_another_slot():
    placed = placement(spreadConstraints=[spread("cluster", 1, 3)], replicaScheduling=DYNAMIC)
    given = binding(replicas=40, placed=placed, clusters=previous(m1=1, m2=1))
    outcome = attempt(given, clusters(2, 4, 9, 20, 14))
    # Order m2 m1 | m4 m5 m3: three slots m2, m1, m4; slot m1 takes m5 (14), slot m2 takes m3 (9).
    assert sorted(result(outcome)) == ["m3", "m4", "m5"]


def test_too_little_room_in_any_selection_is_an_error():
    placed = placement(spreadConstraints=[spread("cluster", 1, 2)], replicaScheduling=DYNAMIC)
    words = "no enough resource when selecting 2 clusters"
    given = binding(replicas=30, placed=placed)
    assert message(attempt(given, clusters(9, 9, 9))) == f"failed to select clusters: {words}"


def test_static_weights_make_spread_constraints_moot():
    listed = {"staticWeightList": [{"targetCluster": {}, "weight": 1}]}
    placed = placement(
        spreadConstraints=[spread("cluster", 1, 1)], replicaScheduling={"weightPreference": listed}
    )
    assert result(attempt(binding(replicas=3, placed=placed), clusters(1, 1, 1))) == {
        "m1": 1,
        "m2": 1,
        "m3": 1,
    }


def test_only_a_label_to_spread_by_is_an_error():
    placed = placement(spreadConstraints=[{"spreadByLabel": "rack", "maxGroups": 2}])
    words = "just support cluster and region spread constraint"
    assert message(attempt(binding(placed=placed), clusters(1))) == f"failed to select clusters: {words}"


def regional(**rooms: tuple[str, int]):
    return [cluster(name, room, region=region) for name, (region, room) in rooms.items()]


THREE_REGIONS = regional(
    a1=("ap", 10), a2=("ap", 20), e1=("eu", 50), e2=("eu", 5), u1=("us", 8), u2=("us", 7), u3=("us", 6)
)


def test_the_best_cluster_of_each_chosen_region_comes_first_then_the_best_of_the_rest():
    placed = placement(spreadConstraints=[spread("region", 2, 2), spread("cluster", 2, 3)])
    given = binding(replicas=6, placed=placed)
    # us has three clusters that hold 6, ap two, eu one.
    outcome = attempt(given, THREE_REGIONS)
    assert names(outcome) == ["u1", "a2", "a1"]


def test_a_maximum_below_the_number_of_regions_still_gives_one_cluster_a_region():
    placed = placement(spreadConstraints=[spread("region", 3, 3), spread("cluster", 1, 2)])
    assert len(names(attempt(binding(replicas=1, placed=placed), THREE_REGIONS))) == 3


def test_divided_replicas_weigh_regions_by_what_they_can_take():
    placed = placement(
        spreadConstraints=[spread("region", 1, 1), spread("cluster", 1, 2)], replicaScheduling=DYNAMIC
    )
    outcome = attempt(binding(replicas=40, placed=placed), THREE_REGIONS)
    assert set(names(outcome)) == {"e1", "e2"}


def test_too_few_regions_is_an_error():
    placed = placement(spreadConstraints=[spread("region", 4, 4), spread("cluster", 1, 9)])
    words = "the number of feasible region is less than spreadConstraint.MinGroups"
    assert message(attempt(binding(placed=placed), THREE_REGIONS)) == f"failed to select clusters: {words}"


def test_too_few_clusters_in_any_regions_is_an_error():
    placed = placement(spreadConstraints=[spread("region", 1, 2), spread("cluster", 6, 9)])
    words = "the number of clusters is less than the cluster spreadConstraint.MinGroups"
    assert message(attempt(binding(placed=placed), THREE_REGIONS)) == f"failed to select clusters: {words}"


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("R1:1/80 R3:1/80 R2:1/60 R5:2/60 R4:5/50 R6:3/50", (1, 3, 10), "R5 R4 R6"),
        ("R1:1/80 R2:4/40 R3:1/30 R4:3/30 R5:3/20 R6:5/10", (2, 6, 5), "R1 R2"),
        ("R1:1/60 R2:1/50 R3:1/40 R4:3/30 R5:3/20 R6:3/10", (1, 3, 6), "R1 R4 R5"),
        ("R1:1/60 R2:2/50 R3:3/40 R4:4/30", (1, 2, 5), "R1 R4"),
        ("R4:1/60 R3:3/50 R1:3/40 R2:4/30", (1, 2, 5), "R3 R1"),
        ("R1:1/5 R2:1/9", (2, 2, 1), "R2 R1"),
        ("R1:1/5 R2:1/9", (2, 2, 3), ""),
        ("R1:1/5 R2:1/9", (2, 1, 1), ""),
    ],
)
def test_regions_are_chosen_as_karmadas_walk_does(groups, limits, expected):
    parsed = []
    for text in groups.split():
        name, _, numbers = text.partition(":")
        value, _, weight = numbers.partition("/")
        parsed.append(Region(name=name, value=int(value), weight=int(weight)))
    for given in (parsed, parsed[::-1]):
        chosen = choose(given, *limits)
        assert ([] if isinstance(chosen, Failure) else chosen) == expected.split()


def test_a_hostile_number_of_regions_ends_in_an_error_and_not_in_a_hang():
    groups = [
        Region(name=f"r{number:04d}", value=1 + number % 50, weight=number % 97) for number in range(1500)
    ]
    chosen = choose(groups, 500, 900, 30_000)
    assert isinstance(chosen, Failure)
    assert "too many combinations" in chosen.message


def test_regions_without_a_cluster_constraint_give_one_cluster_each():
    # Validation refuses this; a stored placement may still hold it.
    placed = decode_placement({"spreadConstraints": [spread("region", 1, 2)]})
    assert placed.spread_constraints == (
        SpreadConstraint(spread_by_field="region", min_groups=1, max_groups=2),
    )
    assert len(names(attempt(binding(placed=placed), THREE_REGIONS))) <= 2
