"""A burst at once, then a steady pace, whatever is asked for."""

import pytest

from reconciler.loop.allowance import Allowance


def test_a_burst_is_free_and_then_one_is_allowed_every_so_often():
    allowance = Allowance(burst=3, every=10.0)
    for _ in range(3):
        assert allowance.wait(100.0) == 0.0
        allowance.spend(100.0)
    assert allowance.wait(100.0) == 10.0
    assert allowance.wait(104.0) == pytest.approx(6.0)
    assert allowance.wait(110.0) == 0.0


def test_quiet_time_gives_the_burst_back_and_no_more():
    allowance = Allowance(burst=3, every=10.0)
    for _ in range(3):
        allowance.spend(0.0)
    for _ in range(3):
        assert allowance.wait(1000.0) == 0.0
        allowance.spend(1000.0)
    assert allowance.wait(1000.0) == 10.0


def test_a_day_of_flapping_is_bounded():
    allowance, now, done = Allowance(), 0.0, 0
    while now < 86_400:
        now += max(allowance.wait(now), 0.3)
        allowance.spend(now)
        done += 1
    assert done <= 30 + 86_400 / 10 + 1
