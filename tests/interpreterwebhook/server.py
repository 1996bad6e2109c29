"""The server: threads, TLS, and any answer that a test wants, polite or not."""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.gitservers.certificates import write_certificates
from tests.interpreterwebhook.workload import respond

Handler = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


class WebhookServer(AbstractContextManager["WebhookServer"]):
    """Answers at `url` until the end of the block. `answer` makes a response of a request; `handle` takes the whole exchange over."""

    def __init__(self, directory: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        files = write_certificates(directory / "webhook")
        self.authority = files.ca.read_text()
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = respond
        self.handle: Handler | None = None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        self._server = _Server((host, port), _handler_of(self))
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"https://{host}:{port}/interpret"

    @property
    def bundle(self) -> str:
        return b64encode(self.authority.encode()).decode()

    def operations(self) -> list[str]:
        """What was asked, in order."""
        return [request["operation"] for request in self.requests]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # As many questions may come at once; the sixth would be asked again a second later.
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """A client that hung up, as tests make it do."""


def configuration(
    url: str, bundle: str, *, operations: tuple[str, ...] = ("*",), name: str = "workloads", **more: Any
) -> dict[str, Any]:
    """A ResourceInterpreterWebhookConfiguration for Workloads."""
    return {
        "apiVersion": "config.karmada.io/v1alpha1",
        "kind": "ResourceInterpreterWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "workloads.example.com",
                "clientConfig": {"url": url, "caBundle": bundle},
                "rules": [
                    {
                        "operations": list(operations),
                        "apiGroups": ["workload.example.io"],
                        "apiVersions": ["v1alpha1"],
                        "kinds": ["Workload"],
                    }
                ],
                "interpreterContextVersions": ["v1alpha1"],
                **more,
            }
        ],
    }


def _handler_of(server: WebhookServer) -> type[BaseHTTPRequestHandler]:
    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            context = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(context["request"])
            server.headers.append(dict(self.headers))
            server.paths.append(self.path)
            if server.handle is not None:
                server.handle(self, context["request"])
                return
            context["response"] = server.answer(context.pop("request"))
            self.send(200, json.dumps(context).encode())

        def send(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Exchange
