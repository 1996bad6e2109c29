"""Pushes to hosts: a burst, then a steady rate; the truth before the status; machines of our own are not counted."""

import pytest

from reconciler.git.remote import Remote
from reconciler.git.urls import Role
from reconciler.loop.pushrate import BURST, KEPT, PushRate

HOST = Remote(role=Role.RENDERED, url="https://git.example.com/fleet.git")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_burst_is_free_and_then_each_push_waits_for_its_turn():
    clock = Clock()
    rate = PushRate(per_minute=6.0, clock=clock)
    for _ in range(BURST):
        assert rate.wait(HOST) == 0.0
        rate.spend(HOST)
    assert rate.wait(HOST) == pytest.approx(10.0)
    clock.now = 4.0
    assert rate.wait(HOST) == pytest.approx(6.0)
    clock.now = 10.0
    assert rate.wait(HOST) == pytest.approx(0.0)
    rate.spend(HOST)
    assert rate.wait(HOST) == pytest.approx(10.0)
    # In an hour of as many pushes as it lets through, there are no more than that.
    pushes = 0
    for second in range(3600):
        clock.now = 10.0 + second
        if rate.wait(HOST) < 1e-6:
            rate.spend(HOST)
            pushes += 1
    assert pushes == pytest.approx(360, abs=1)


def test_what_is_told_leaves_room_for_what_is_decided():
    rate = PushRate(clock=Clock())
    while rate.wait(HOST, kept=KEPT) == 0.0:
        rate.spend(HOST)
    assert rate.wait(HOST) == 0.0
    for _ in range(KEPT):
        assert rate.wait(HOST) == 0.0
        rate.spend(HOST)
    assert rate.wait(HOST) > 0.0


@pytest.mark.parametrize(
    "url",
    [
        "/srv/fleet.git",
        "file:///srv/fleet.git",
        "http://127.0.0.1:8080/fleet.git",
        "ssh://git@localhost/x.git",
    ],
)
def test_a_repository_on_this_machine_is_pushed_to_as_often_as_one_likes(url):
    rate, remote = PushRate(clock=Clock()), Remote(role=Role.RENDERED, url=url)
    for _ in range(10 * BURST):
        rate.spend(remote)
    assert rate.wait(remote) == 0.0


def test_each_repository_is_counted_by_itself_and_zero_counts_none():
    rate = PushRate(clock=Clock())
    for _ in range(BURST):
        rate.spend(HOST)
    assert rate.wait(HOST) > 0.0
    assert rate.wait(Remote(role=Role.STATUS, url="https://git.example.com/status.git")) == 0.0
    unlimited = PushRate(per_minute=0.0, clock=Clock())
    for _ in range(10 * BURST):
        unlimited.spend(HOST)
    assert unlimited.wait(HOST) == 0.0
