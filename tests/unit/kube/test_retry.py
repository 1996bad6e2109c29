"""When a request is tried again."""

from reconciler.kube.retry import Backoff, RetryBudget, doubled


def test_a_wait_is_random_up_to_a_bound_that_doubles_and_ends():
    full = Backoff(first=0.2, longest=5.0, dice=lambda: 1.0)
    assert [round(full.wait(attempt), 1) for attempt in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert Backoff(dice=lambda: 0.0).wait(3) == 0.0


def test_a_wait_has_its_bound_however_often_it_was_doubled():
    assert [doubled(0.5, times, 300.0) for times in (0, 1, 9, 10, 10_000)] == [0.5, 1.0, 256.0, 300.0, 300.0]


def test_what_the_server_asks_for_is_kept_and_jitter_is_on_top():
    assert Backoff(first=1.0, dice=lambda: 0.5).wait(0, asked=3.0) == 3.5


def test_a_spent_budget_ends_all_retries_until_time_refills_it():
    now = [0.0]
    budget = RetryBudget(capacity=2, per_second=0.5, clock=lambda: now[0])
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    now[0] = 1.0
    assert not budget.spend()
    now[0] = 2.5
    assert budget.spend()
    now[0] = 1000.0
    assert [budget.spend() for _ in range(3)] == [True, True, False]
