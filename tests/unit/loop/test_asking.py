"""Who asks webhooks: once, again with pauses, not at all while a webhook is away; and how threads wait for an answer of now."""

import asyncio
import json
import threading

import pytest

from reconciler.interpreter.registry import Interpreters
from reconciler.interpreter.rules import WebhookFailed
from reconciler.interpreter.webhook.layer import WebhookLayer
from reconciler.interpreter.webhook.question import question
from reconciler.loop.asking import Asker, Live, Nobody
from reconciler.model.observation import Health
from reconciler.model.webhook import Webhook, WebhookRule
from tests.interpreterwebhook import WebhookServer, respond, workload

ANY = frozenset("*")
SLEEP = asyncio.sleep


@pytest.fixture
def server(tmp_path):
    with WebhookServer(tmp_path) as found:
        yield found


class Log:
    def __init__(self):
        self.lines = []

    def info(self, event, **facts):
        self.lines.append((event, facts))

    warning = error = exception = info


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
async def asker():
    found = Asker(log=Log(), clock=Clock(), dice=lambda: 0.0)
    found.told = 0

    def news():
        found.told += 1

    found.news = news
    yield found
    await found.close()


def webhook(server, **more):
    rule = WebhookRule(operations=ANY, groups=ANY, versions=ANY, kinds=frozenset({"Workload"}))
    given = {"url": server.url, "authority": server.authority, "seconds": 30.0, **more}
    return Webhook(configuration="c", name="a.example.com", rules=(rule,), **given)


def asked(server, body=None, **more):
    return question(webhook(server, **more), "InterpretReplica", body or workload())


async def until(is_so):
    """Wait for what other threads and tasks do."""
    async with asyncio.timeout(30):
        while not is_so():
            await SLEEP(0.01)


async def pursue(asker, *questions, within=30.0, known=()):
    return await asker.pursue(questions, (*questions, *known), within=within)


async def test_an_answer_in_time_is_given_at_once_and_asked_for_once(server, asker):
    about = asked(server)
    for _ in range(3):
        found = await pursue(asker, about)
        assert json.loads(found[about.digest].result)["replicas"] == 3
    assert server.operations() == ["InterpretReplica"]
    assert asker.told == 0
    assert asker.problems() == ()


async def test_a_late_answer_is_told_of_when_it_comes(server, asker):
    gate = threading.Event()

    def late(request):
        gate.wait(30)
        return respond(request)

    server.answer = late
    about = asked(server)
    assert await pursue(asker, about, within=0.05) == {}
    gate.set()
    await until(lambda: asker.told)
    assert about.digest in await pursue(asker, about, within=0.0)
    assert len(server.requests) == 1


async def test_each_try_has_a_uid_of_its_own(server, asker):
    await pursue(asker, asked(server), asked(server, workload("api")))
    assert len({request["uid"] for request in server.requests}) == 2


async def test_what_failed_is_tried_again_until_it_is_answered_or_not_wanted(server, asker, monkeypatch):
    pauses = []
    real = asyncio.sleep

    async def sleep(seconds):
        pauses.append(seconds)
        await real(0)

    monkeypatch.setattr("reconciler.loop.asking.asyncio.sleep", sleep)
    about = asked(server)

    def fail(exchange, _):
        if len(server.requests) == 4:
            server.handle = None
        exchange.send(500, b"")

    server.handle = fail
    assert about.digest in await pursue(asker, about)
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    # Said once, not at every try, and when it is over.
    assert [event for event, _ in asker._log.lines] == ["interpreter.away", "interpreter.back"]
    assert asker._log.lines[0][1]["problem"] == "it answers with status 500"
    server.handle = lambda exchange, _: exchange.send(500, b"")
    other = asked(server, workload("api"))
    pursuit = asyncio.create_task(pursue(asker, other, within=0.2))
    await until(asker.problems)
    (problem,) = asker.problems()
    assert problem.code == "R432"
    assert problem.evidence == (f"{server.url}: it answers with status 500",)
    await pursuit
    await pursue(asker, within=0.0)
    await until(lambda: not (asker._pursuits or asker._asking))
    before = len(server.requests)
    await real(0.1)
    assert len(server.requests) == before


async def test_a_webhook_that_is_away_is_left_alone_and_then_tried_by_one(server, asker):
    away = [asked(server, workload(f"w{n}"), url="https://127.0.0.1:1/x") for n in range(50)]
    pursuit = asyncio.create_task(pursue(asker, *away, within=0.5))
    await until(asker.problems)
    assert await pursuit == {}
    (state,) = asker._states.values()
    # The first ones found out together; the rest were not even tried.
    assert state.failures <= 8
    assert state.rests_until > 0
    assert [problem.code for problem in asker.problems()] == ["R432"]
    await asker.keep_to(())
    assert asker.problems() == ()


async def test_one_bad_object_does_not_keep_others_from_an_answer(server, asker):
    def moody(exchange, request):
        if request["name"] == "bad":
            exchange.send(500, b"")
            return
        body = {
            "apiVersion": "config.karmada.io/v1alpha1",
            "kind": "ResourceInterpreterContext",
            "response": respond(request),
        }
        exchange.send(200, json.dumps(body).encode())

    server.handle = moody
    good = [asked(server, workload(f"w{n}")) for n in range(20)]
    bad = asked(server, workload("bad"))
    await pursue(asker, bad, *good, within=0.5)
    await until(lambda: len(asker._known) == len(good) and asker.problems())
    found = await pursue(asker, bad, *good, within=0.0)
    assert found.keys() == {each.digest for each in good}
    # Nor do their answers make it look well: its own is missing still.
    assert [problem.subject for problem in asker.problems()] == ["Workload.workload.example.io shop/bad"]
    assert [event for event, _ in asker._log.lines] == ["interpreter.away"]
    asker._clock.now = 601.0
    assert asker.problems() == ()


async def test_an_answer_of_no_use_stands_for_a_minute_and_a_good_one_for_the_refresh(server, asker):
    about, other = asked(server), asked(server, workload("api"))
    server.answer = lambda request: {
        "uid": request["uid"],
        "successful": request["name"] == "api",
        "replicas": 1,
    }
    found = await pursue(asker, about, other)
    assert "does not say why" in found[about.digest].failure
    assert [problem.code for problem in asker.problems()] == ["R431"]
    asker._clock.now = 59.0
    await pursue(asker, known=(about, other))
    assert len(server.requests) == 2
    server.answer = respond
    asker._clock.now = 61.0
    await pursue(asker, known=(about, other))
    await until(lambda: not (len(server.requests) < 3 or asker._pursuits))
    assert asker.told == 1
    assert asker.problems() == ()
    asker._clock.now = 3601.0
    await pursue(asker, known=(about, other))
    await until(lambda: not (len(server.requests) < 4 or asker._pursuits))
    assert server.requests[-1]["name"] == "api"


async def test_what_was_answered_before_this_process_began_is_asked_again_and_not_waited_for(server, asker):
    gate = threading.Event()

    def slow(request):
        gate.wait(30)
        return respond(request)

    server.answer = slow
    about = asked(server)
    assert await asker.pursue((), (about,), within=30.0) == {}
    assert about.digest in asker._pursuits
    gate.set()
    await until(lambda: asker.told)


async def test_other_words_for_the_same_failure_are_no_news(server, asker):
    def moody(request):
        return {
            "uid": request["uid"],
            "successful": False,
            "status": {"message": f"at {len(server.requests)}"},
        }

    server.answer = moody
    about = asked(server)
    first = (await pursue(asker, about))[about.digest]
    for minute in (1, 2):
        asker._clock.now = 61.0 * minute
        await pursue(asker, known=(about,))
        await until(lambda: not asker._pursuits)
    assert len(server.requests) == 3
    assert asker.told == 0
    later = asker._known[about.digest].answer
    assert later.failure != first.failure
    assert not later.is_news_after(first)
    server.answer = respond
    asker._clock.now = 61.0 * 3
    await pursue(asker, known=(about,))
    await until(lambda: asker.told == 1)


def live(server, asker, **more):
    return Interpreters(webhook=WebhookLayer(webhooks=(webhook(server, **more),))).asking(Live(asker))


async def test_a_thread_gets_an_answer_of_now_and_the_same_question_is_asked_once(server, asker):
    rules = live(server, asker)
    body = workload(status={"readyReplicas": 3})
    healths = await asyncio.gather(*(asyncio.to_thread(rules.health, body) for _ in range(5)))
    assert healths == [Health.HEALTHY] * 5
    assert server.operations() == ["InterpretHealth"]
    assert await asyncio.to_thread(rules.reflect, body) == {"readyReplicas": 3}
    paused = workload(spec={"paused": True})
    assert (await asyncio.to_thread(rules.retain, workload(), paused))["spec"]["paused"] is True
    worse = workload(status={"readyReplicas": 1})
    assert await asyncio.to_thread(rules.health, worse) is Health.UNHEALTHY


async def test_a_thread_is_told_why_there_is_no_answer(server, asker):
    server.handle = lambda exchange, _: exchange.send(503, b"")
    rules = live(server, asker)
    with pytest.raises(WebhookFailed) as caught:
        await asyncio.to_thread(rules.retain, workload(), workload())
    assert caught.value.problem.code == "R432"
    assert caught.value.is_transient
    assert await asyncio.to_thread(rules.health, workload()) is Health.UNKNOWN


async def test_an_event_loop_never_waits_for_itself(server, asker):
    with pytest.raises(RuntimeError, match="on an event loop"):
        live(server, asker).retain(workload(), workload())


async def test_after_the_end_nobody_is_asked(server, asker):
    await asker.close()
    with pytest.raises(WebhookFailed, match="being stopped"):
        await asyncio.to_thread(live(server, asker).retain, workload(), workload())
    assert server.requests == []


def test_who_asks_nobody_says_so(server):
    rules = Interpreters(webhook=WebhookLayer(webhooks=(webhook(server),))).asking(Nobody())
    with pytest.raises(WebhookFailed) as caught:
        rules.retain(workload(), workload())
    assert caught.value.problem.code == "R433"
