"""Drift or a fight."""

from reconciler.model.identity import ObjectId
from reconciler.targets.fight import FightDetector

ONE = ObjectId(group="", kind="ConfigMap", namespace="shop", name="one")
TWO = ObjectId(group="", kind="ConfigMap", namespace="shop", name="two")


def test_a_correction_now_and_then_is_no_fight():
    detector = FightDetector()
    assert not any(detector.corrected(ONE, now) for now in range(0, 3600, 60))
    assert detector.wait(ONE, 3600) == 0.0


def test_five_corrections_in_a_moment_are():
    detector = FightDetector()
    assert [detector.corrected(ONE, float(now)) for now in range(6)] == [False] * 5 + [True]
    assert detector.wait(ONE, 6.0) > 0
    assert detector.wait(TWO, 6.0) == 0.0


def test_a_fight_that_goes_on_waits_twice_as_long_each_time_up_to_a_bound():
    detector = FightDetector(first_wait=30.0, longest_wait=200.0)
    now = 0.0
    while not detector.corrected(ONE, now):
        now += 1.0
    waits = [detector.wait(ONE, now)]
    for _ in range(4):
        now += waits[-1]
        assert detector.wait(ONE, now) == 0.0
        assert detector.corrected(ONE, now)
        waits.append(detector.wait(ONE, now))
    assert waits == [30.0, 60.0, 120.0, 200.0, 200.0]


def test_a_fight_that_ended_is_forgiven():
    detector = FightDetector(first_wait=30.0)
    now = 0.0
    while not detector.corrected(ONE, now):
        now += 1.0
    assert not detector.corrected(ONE, now + 600)
    assert detector.wait(ONE, now + 600) == 0.0


def test_a_fight_that_goes_on_for_weeks_is_still_waited_for_as_long():
    detector = FightDetector()
    now = 0.0
    for _ in range(1100):
        detector.corrected(ONE, now)
        now += detector.wait(ONE, now)
    assert detector.corrected(ONE, now)
    assert detector.wait(ONE, now) == 1800.0
