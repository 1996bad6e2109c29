"""Whether the newest commit is known, and how long to wait after a failure."""

from reconciler.loop.backoff import Backoff
from reconciler.loop.freshness import Freshness


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_nothing_is_certain_before_the_first_look_and_again_after_some_missed_polls():
    clock = Clock()
    fresh = Freshness(patience=Freshness.polling(60.0).patience, clock=clock)
    assert "not reached yet" in fresh.doubt()
    fresh.confirm()
    clock.now += 300
    assert fresh.doubt() == ""
    clock.now += 1
    assert "not reached for 300 s" in fresh.doubt()
    fresh.confirm()
    assert fresh.doubt() == ""


def test_patience_follows_the_poll_and_a_program_that_is_told_of_news_does_not_lose_it():
    assert Freshness.polling(1.0).patience == 300
    assert Freshness.polling(600.0).patience == 1800
    clock = Clock()
    told = Freshness(patience=Freshness.polling(0.0).patience, clock=clock)
    assert told.doubt()
    told.confirm()
    clock.now += 1e9
    assert told.doubt() == ""


def test_waits_grow_to_a_bound_with_jitter_and_begin_anew_after_a_success():
    backoff = Backoff(first=1.0, most=60.0)
    waits = [backoff.next() for _ in range(40)]
    for number, wait in enumerate(waits):
        ceiling = min(60.0, 2.0**number)
        assert ceiling / 2 <= wait <= ceiling
    assert len({round(wait, 6) for wait in waits[10:]}) > 20
    backoff.reset()
    assert backoff.next() <= 1.0
