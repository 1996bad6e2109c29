"""One request over real TLS: to an honest webhook, and to those that are slow, strange or hostile."""

import asyncio
import gzip
import json
import ssl
import threading
import time
import tracemalloc

import pytest

from reconciler.model.webhook import Webhook
from reconciler.webhooks.client import LARGEST_ANSWER, NotAnswered, WebhookClient
from tests.gitservers.certificates import write_certificates
from tests.interpreterwebhook import WebhookServer


@pytest.fixture
def server(tmp_path):
    with WebhookServer(tmp_path) as found:
        yield found


@pytest.fixture
async def client():
    found = WebhookClient()
    yield found
    await found.close()


def webhook(server, **more):
    given = {"url": server.url, "authority": server.authority, "seconds": 30.0, **more}
    return Webhook(configuration="c", name="a.example.com", **given)


DATA = json.dumps({"request": {"uid": "u", "operation": "none", "object": {}}}).encode()


async def refused(client, hook):
    with pytest.raises(NotAnswered) as caught:
        await client.post(hook, DATA)
    return caught.value


async def test_an_answer_comes_back_as_it_was_sent_and_nothing_secret_goes_along(server, client, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    server.handle = lambda exchange, _: exchange.send(200, b'{"a":1}', Set_Cookie="session=1; Path=/")
    for _ in range(2):
        assert await client.post(webhook(server), DATA) == b'{"a":1}'
    assert server.paths == ["/interpret?timeout=30s"] * 2
    for headers in server.headers:
        assert headers["Content-Type"] == "application/json"
        assert not {"Cookie", "Authorization", "Proxy-Authorization"} & headers.keys()


async def test_a_certificate_by_another_authority_is_not_trusted(server, client, tmp_path):
    other = write_certificates(tmp_path / "other").ca.read_text()
    found = await refused(client, webhook(server, authority=other))
    assert str(found).startswith("its certificate is not trusted: ")
    assert found.is_away
    assert "not trusted" in str(await refused(client, webhook(server, authority="")))
    assert server.requests == []


async def test_a_certificate_for_another_name_is_not_trusted(client, tmp_path):
    with WebhookServer(tmp_path, host="127.0.0.2") as elsewhere:
        found = await refused(client, webhook(elsewhere))
        assert "its certificate is not trusted: IP address mismatch" in str(found)
        assert elsewhere.requests == []


async def test_nobody_there_is_said_without_waiting(client, server):
    started = time.monotonic()
    found = await refused(client, webhook(server, url="https://127.0.0.1:1/x"))
    assert found.is_away
    assert str(found).startswith("no connection: ")
    assert time.monotonic() - started < 10
    assert (await refused(client, webhook(server, url="https://no-such-host.invalid/x"))).is_away


@pytest.mark.parametrize(
    ("status", "words"),
    [(302, "redirects (status 302)"), (307, "redirects (status 307)"), (500, "status 500"), (404, "status 404"), (204, "status 204")],
)  # fmt: skip
async def test_anything_but_a_plain_success_is_no_answer(server, client, status, words):
    server.handle = lambda exchange, _: exchange.send(status, b"", Location="https://127.0.0.1:1/elsewhere")
    found = await refused(client, webhook(server))
    assert words in str(found)
    assert not found.is_away
    assert len(server.requests) == 1


async def test_a_slow_webhook_ends_at_its_time_also_when_it_trickles(server, client):
    heard = threading.Event()

    def trickle(exchange, _):
        exchange.send_response(200)
        exchange.send_header("Content-Length", "1000")
        exchange.end_headers()
        while not heard.wait(0.1):
            exchange.wfile.write(b" ")
            exchange.wfile.flush()

    try:
        for handle in (lambda _exchange, _request: heard.wait(60), trickle):
            server.handle = handle
            started = time.monotonic()
            assert str(await refused(client, webhook(server, seconds=1.0))) == "no answer within 1 s"
            assert 0.9 < time.monotonic() - started < 20
    finally:
        heard.set()


@pytest.mark.parametrize("is_told", [True, False])
async def test_an_answer_without_end_is_cut_off_in_bounded_memory(server, client, is_told):
    chunk = b"x" * 65536

    def flood(exchange, _):
        exchange.send_response(200)
        if is_told:
            exchange.send_header("Content-Length", str(2**33))
        exchange.send_header("Connection", "close")
        exchange.end_headers()
        try:
            for _ in range(2**13):
                exchange.wfile.write(chunk)
        except OSError:
            pass

    server.handle = flood
    tracemalloc.start()
    try:
        assert "larger than 1 MiB" in str(await refused(client, webhook(server)))
        assert tracemalloc.get_traced_memory()[1] < 16 * LARGEST_ANSWER
    finally:
        tracemalloc.stop()


async def test_a_compressed_answer_is_refused_before_it_is_unpacked(server, client):
    bomb = gzip.compress(b"0" * 2**24)
    server.handle = lambda exchange, _: exchange.send(200, bomb, Content_Encoding="gzip")
    assert "an encoding that was not asked for" in str(await refused(client, webhook(server)))
    assert server.headers[0]["Accept-Encoding"] == "identity"


async def test_a_connection_that_breaks_off_is_said(server, client):
    def half(exchange, _):
        exchange.send_response(200)
        exchange.send_header("Content-Length", "100")
        exchange.end_headers()
        exchange.wfile.write(b"{")
        exchange.close_connection = True

    server.handle = half
    assert "the connection failed" in str(await refused(client, webhook(server)))


async def test_what_speaks_no_tls_is_said(client, server):
    def answer(_reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with plain:
        port = plain.sockets[0].getsockname()[1]
        found = await refused(client, webhook(server, url=f"https://127.0.0.1:{port}/x"))
    assert found.is_away
    assert "TLS" in str(found) or "connection" in str(found)


async def test_connections_of_what_is_gone_are_closed(server, client):
    server.handle = lambda exchange, _: exchange.send(200, b"{}")
    old, new = webhook(server), webhook(server, seconds=1.0)
    await client.post(old, DATA)
    await client.post(new, DATA)
    session = client._sessions[old]
    await client.keep_to((new,))
    assert session.closed
    assert not client._sessions[new].closed


def test_a_context_trusts_the_bundle_alone(server):
    context = ssl.create_default_context(cadata=server.authority)
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
