"""What is remembered of scripts' answers, and what never is."""

from datetime import UTC, datetime

from reconciler.interpreter.custom.answers import Answer, Answers
from reconciler.interpreter.custom.engine import FailureKind

NOW = datetime(2031, 1, 1, tzinfo=UTC)
LATER = datetime(2031, 1, 2, tzinfo=UTC)


class Counter:
    """Gives the same answer, and counts how often it is asked."""

    def __init__(self, **answer):
        self.answer = Answer(**answer)
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return self.answer


def ask(answers, compute, script="s", operation="health", arguments=({"a": 1},), now=NOW):
    return answers.remember(script, operation, arguments, now, compute)


def test_the_same_question_is_asked_once():
    answers, compute = Answers(), Counter(value=True)
    assert ask(answers, compute).value is True
    assert ask(answers, compute, now=LATER).value is True
    assert (compute.asked, answers.hits, answers.misses) == (1, 1, 1)


def test_another_script_operation_or_input_is_another_question():
    answers, compute = Answers(), Counter(value=True)
    ask(answers, compute)
    ask(answers, compute, script="t")
    ask(answers, compute, operation="reflect")
    ask(answers, compute, arguments=({"a": 2},))
    ask(answers, compute, arguments=({"a": True},))
    assert compute.asked == 5


def test_the_order_of_keys_is_no_difference():
    answers, compute = Answers(), Counter(value=True)
    ask(answers, compute, arguments=({"a": 1, "b": 2},))
    ask(answers, compute, arguments=({"b": 2, "a": 1},))
    assert compute.asked == 1


def test_a_script_that_read_the_clock_is_asked_again_at_another_moment():
    answers, compute = Answers(), Counter(value=True, reads_clock=True)
    ask(answers, compute)
    ask(answers, compute)
    ask(answers, compute, now=LATER)
    assert compute.asked == 2


def test_a_failure_that_the_budget_decides_is_remembered():
    answers, compute = Answers(), Counter(kind=FailureKind.INSTRUCTIONS)
    ask(answers, compute)
    assert ask(answers, compute).kind is FailureKind.INSTRUCTIONS
    assert compute.asked == 1


def test_what_hit_the_wall_clock_is_never_remembered():
    answers, compute = Answers(), Counter(kind=FailureKind.TIME)
    ask(answers, compute)
    ask(answers, compute)
    assert compute.asked == 2
    assert len(answers) == 0


def test_the_oldest_is_forgotten_first_and_use_makes_young():
    answers, compute = Answers(most=2), Counter(value=True)
    ask(answers, compute, script="a")
    ask(answers, compute, script="b")
    ask(answers, compute, script="a")
    ask(answers, compute, script="c")
    assert compute.asked == 3
    ask(answers, compute, script="a")
    assert compute.asked == 3
    ask(answers, compute, script="b")
    assert compute.asked == 4


def test_what_is_remembered_is_bounded_in_size():
    answers, compute = Answers(largest=1000), Counter(value=True)
    for index in range(50):
        ask(answers, compute, arguments=({"text": "x" * 100, "index": index},))
    assert len(answers) < 10


def test_integers_beyond_64_bits_can_be_asked_about():
    answers, compute = Answers(), Counter(value=True)
    ask(answers, compute, arguments=({"a": 2**70},))
    ask(answers, compute, arguments=({"a": 2**71},))
    assert compute.asked == 2


def test_what_is_made_of_equal_inputs_is_the_very_same_object():
    answers = Answers()
    first = answers.same(("a", 1), object)
    assert answers.same(("a", 1), object) is first
    assert answers.same(("a", 2), object) is not first
