"""The two small HTTP servers: probes and metrics on one address, webhooks on another.

Probes answer from memory alone: `/healthz` says that the loop still turns, `/readyz` that this process could do the
work now (configuration read, Git reached once).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from reconciler.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question and its answer: empty means yes, else what is wrong."""

    healthy: Callable[[], str]
    ready: Callable[[], str]


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`. Raises SettingsError."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"not HOST:PORT: {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


async def serve_probes(address: str, probe: Probe, registry: CollectorRegistry) -> web.AppRunner:
    """Serve `/healthz`, `/readyz` and `/metrics`; returns the runner to clean up."""

    async def answer(check: Callable[[], str]) -> web.Response:
        trouble = check()
        return web.Response(text=trouble or "ok", status=503 if trouble else 200)

    async def healthz(_: web.Request) -> web.Response:
        return await answer(probe.healthy)

    async def readyz(_: web.Request) -> web.Response:
        return await answer(probe.ready)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        )

    return await serve(address, {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}, {})


async def serve(
    address: str,
    get: dict[str, Callable[[web.Request], Any]],
    post: dict[str, Callable[[web.Request], Any]],
) -> web.AppRunner:
    """Serve handlers by path on `address` (`HOST:PORT`). Raises SettingsError when the address is taken."""
    host, port = parse_address(address)
    app = web.Application(client_max_size=0)
    for path, handler in get.items():
        app.router.add_get(path, handler)
    for path, handler in post.items():
        app.router.add_post(path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(f"cannot listen on {address}: {error.strerror or error}") from error
    return runner
