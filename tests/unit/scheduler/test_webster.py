"""Webster's dispenser: the recorded vectors, ties, and large numbers in little time."""

import pytest

from reconciler.model.identity import fnv1a32, hash_name
from reconciler.scheduler.replicas.webster import is_descending, webster


@pytest.mark.parametrize(
    ("seats", "votes", "expected"),
    [
        (12, {"m1": 3, "m2": 2, "m3": 1}, {"m1": 6, "m2": 4, "m3": 2}),
        (13, {"m1": 3, "m2": 2, "m3": 1}, {"m1": 7, "m2": 4, "m3": 2}),
        (14, {"m1": 3, "m2": 2, "m3": 1}, {"m1": 7, "m2": 5, "m3": 2}),
        (9, {"m1": 1, "m2": 2}, {"m1": 3, "m2": 6}),
        (9, {"m1": 1, "m2": 3}, {"m1": 2, "m2": 7}),
        (5, {"m1": 1, "m2": 1, "m3": 1}, {"m1": 2, "m2": 2, "m3": 1}),
        (0, {"m1": 1}, {}),
        (3, {"m1": 0, "m2": 0}, {}),
        (3, {}, {}),
        (2, {"m1": 0, "m2": 7}, {"m2": 2}),
    ],
)
def test_seats_follow_votes(seats, votes, expected):
    assert webster(seats, votes) == expected
    assert list(webster(seats, votes)) == sorted(expected)


def test_ties_go_to_greater_names_when_descending():
    assert webster(5, {"m1": 1, "m2": 1, "m3": 1}, descending=True) == {"m1": 1, "m2": 2, "m3": 2}
    assert webster(1, {"m1": 1, "m2": 1}, descending=True) == {"m2": 1}


def test_among_equal_quotients_fewer_seats_go_first():
    # b stands at 3/1 and a at 9/3: b holds less.
    assert webster(1, {"a": 9, "b": 3}, {"a": 1}) == {"a": 1, "b": 1}


def test_seats_held_count_and_may_belong_to_parties_without_votes():
    assert webster(4, {"a": 1, "b": 1}, {"a": 4, "c": 2}) == {"a": 4, "b": 4, "c": 2}


def test_votes_beyond_the_precision_of_a_double_are_rounded_before_they_are_compared():
    # 2^53 + 1 is no double: it becomes 2^53, and the tie goes to the smaller name.
    assert webster(1, {"a": 2**53, "b": 2**53 + 1}) == {"a": 1}
    assert webster(1, {"a": 2**53, "b": 2**53 + 2}) == {"b": 1}


def test_no_seat_is_certain_that_another_party_has_more_votes_for():
    # The 15th seat of a would cost 24/29 of what the first seat of each other party costs.
    votes = {"a": 24 * 2**52, **dict.fromkeys("bcdefg", 2**52)}
    assert webster(20, votes) == {"a": 14, **dict.fromkeys("bcdefg", 1)}


def test_the_order_of_ties_depends_on_the_uid():
    assert not is_descending("")
    uid = next(text for text in ("a", "b", "c", "d") if fnv1a32(text) % 2)
    assert is_descending(uid)


def test_the_hash_of_names_is_karmadas():
    assert hash_name("ns-foorand") == "b4978784"


def test_a_hostile_number_of_replicas_costs_no_more_than_a_small_one():
    # One seat at a time would take an hour; here the test simply ends.
    votes = {f"m{number:04d}": 1 + number * 7919 % 1000 for number in range(2000)}
    result = webster(2**31 - 1, votes)
    assert sum(result.values()) == 2**31 - 1
    assert result["m0001"] > result["m0000"]
