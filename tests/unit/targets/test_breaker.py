"""The circuit breaker of one cluster."""

import pytest

from reconciler.errors import CredentialRefused, Rejected, Unauthorized, Unreachable
from reconciler.targets.breaker import Breaker, BreakerOpen


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def fail(breaker: Breaker, error: Exception, renewed=None) -> None:
    with pytest.raises(type(error)):
        async with breaker.watching(renewed):
            raise error


async def passes(breaker: Breaker, renewed=None) -> bool:
    try:
        async with breaker.watching(renewed):
            return True
    except BreakerOpen:
        return False


def a_breaker(**fields) -> tuple[Breaker, Clock]:
    clock = Clock()
    return Breaker(clock=clock, dice=lambda: 1.0, **fields), clock


async def test_one_silent_pass_is_forgiven_and_the_second_opens():
    breaker, clock = a_breaker(first=10.0)
    await fail(breaker, Unreachable("no answer"))
    assert await passes(breaker)
    await fail(breaker, Unreachable("no answer"))
    await fail(breaker, Unreachable("no answer within 2 s"))
    assert breaker.is_open
    assert breaker.why == "no answer within 2 s"
    assert not await passes(breaker)
    clock.now += 10.0
    assert await passes(breaker)
    assert not breaker.is_open


async def test_every_failure_after_that_doubles_the_wait_up_to_a_bound():
    breaker, clock = a_breaker(failures_to_open=1, first=10.0, longest=35.0)
    waits = []
    for _ in range(4):
        await fail(breaker, Unreachable("no"))
        with pytest.raises(BreakerOpen) as caught:
            async with breaker.watching():
                pass
        waits.append(caught.value.seconds)
        clock.now += caught.value.seconds
    assert waits == [10.0, 20.0, 35.0, 35.0]


async def test_a_cluster_that_is_away_for_weeks_is_still_asked_as_rarely():
    breaker, clock = a_breaker(failures_to_open=1)
    for _ in range(1100):
        await fail(breaker, Unreachable("no"))
        clock.now += 300.0
    await fail(breaker, Unreachable("no"))
    clock.now += 299.0
    assert not await passes(breaker)


async def test_a_refused_credential_opens_it_at_once_and_a_new_one_closes_it():
    for error in (Unauthorized("renew Secret x"), CredentialRefused("no", code="R532")):
        breaker, _ = a_breaker()
        await fail(breaker, error)

        async def same() -> bool:
            return False

        async def changed() -> bool:
            return True

        assert not await passes(breaker)
        assert not await passes(breaker, same)
        assert await passes(breaker, changed)
        assert not breaker.is_open


async def test_a_new_credential_does_not_wake_a_cluster_that_is_silent():
    breaker, _ = a_breaker(failures_to_open=1)
    await fail(breaker, Unreachable("no"))

    async def changed() -> bool:
        raise AssertionError("not asked")

    assert not await passes(breaker, changed)


async def test_a_refusal_is_an_answer_and_closes_it():
    breaker, _ = a_breaker()
    await fail(breaker, Unreachable("no"))
    await fail(breaker, Rejected("invalid"))
    await fail(breaker, Unreachable("no"))
    assert not breaker.is_open
