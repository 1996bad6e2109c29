"""`git http-backend` behind HTTP or HTTPS, with the credentials and the failures that real hosts have.

Promises: everything git is answered by git's own CGI program; only who may do what, and how the server fails, is ours.
A request body may be compressed or chunked; a response is streamed.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import http.client
import http.server
import io
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Final, Literal, Self, cast
from urllib.parse import parse_qs, urlsplit

from tests.gitservers.certificates import Certificates, write_certificates
from tests.gitservers.repository import BareRepository, bare_repository, isolated_environment, run_git
from tests.ports import free_port

Access = Literal["read", "write"]
_BLOCK: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRequest:
    """One request as it came and how it was answered. `user` is empty when nobody was recognised."""

    method: str
    path: str
    service: str
    user: str
    scheme: str
    protocol: str
    compressed: bool
    chunked: bool
    status: int


class HttpGitServer:
    """Repositories under one folder at `http://127.0.0.1:PORT/NAME.git`. Stop it and start it again: the same port.

    Nobody may do anything at first but `writer`, whose token is `token`: as a password to any user name, or as a
    bearer token. `allow` adds more; `anonymous` opens it to all.
    """

    def __init__(self, root: Path, *, tls: bool = False, anonymous: Access | None = None) -> None:
        self.root = root.absolute()
        self.anonymous = anonymous
        self.token = "token-of-writer"
        self._users: dict[str, tuple[str, Access]] = {self.token: ("writer", "write")}
        self._certificates: Certificates | None = write_certificates(root / ".certificates") if tls else None
        self._requests: list[GitRequest] = []
        self._lock = threading.Lock()
        self._answers = threading.Event()
        self._answers.set()
        self._status: int | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        # Nobody else gets it while the server is stopped, and a client of a stopped server does not meet itself there.
        self._port = free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what clients need ---

    @property
    def base_url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._certificates else 'http'}://127.0.0.1:{self._port}"

    def url(self, name: str, *, password: str | None = None, user: str = "git") -> str:
        """The URL of a repository; with a password inside, when given."""
        credentials = "" if password is None else f"{user}:{password}@"
        return self.base_url.replace("://", f"://{credentials}", 1) + f"/{name}.git"

    @property
    def ca_file(self) -> Path:
        """The certificate authority to trust (`tls=True` alone)."""
        if self._certificates is None:
            raise ValueError("this server speaks plain HTTP")
        return self._certificates.ca

    def bearer_environment(self, token: str | None = None) -> dict[str, str]:
        """Environment in which the `git` command sends a bearer token (and trusts our authority)."""
        settings = {"http.extraHeader": f"Authorization: Bearer {token or self.token}"}
        if self._certificates is not None:
            settings["http.sslCAInfo"] = str(self.ca_file)
        numbered = enumerate(settings.items())
        pairs = {
            f"GIT_CONFIG_{part}_{n}": text
            for n, pair in numbered
            for part, text in zip(("KEY", "VALUE"), pair, strict=True)
        }
        return {"GIT_CONFIG_COUNT": str(len(settings)), **pairs}

    # --- what it serves, to whom ---

    def repository(self, name: str) -> BareRepository:
        """A new bare repository, served at `url(name)`."""
        return bare_repository(self.root / f"{name}.git")

    def allow(self, user: str, token: str, access: Access) -> None:
        """Let one more user in; an earlier token of theirs goes on working until `forbid`."""
        self._users[token] = (user, access)

    def forbid(self, token: str) -> None:
        """From now on that token is nobody's."""
        del self._users[token]

    # --- how it fails ---

    def answer_with(self, status: int | None) -> None:
        """Answer everything with this status (503: down for maintenance) until called with None."""
        self._status = status

    def pause(self) -> None:
        """Take connections and requests, and answer none until `resume`."""
        self._answers.clear()

    def resume(self) -> None:
        """Answer again, what has waited included."""
        self._answers.set()

    # --- what was asked ---

    @property
    def requests(self) -> list[GitRequest]:
        """Every request since the start, in the order in which they were answered."""
        with self._lock:
            return list(self._requests)

    def count(self, service: str | None = None, *, method: str | None = None) -> int:
        """How many requests were for `git-upload-pack` (fetch) or `git-receive-pack` (push); None: all."""
        return sum(
            (service is None or each.service == service) and (method is None or each.method == method)
            for each in self.requests
        )

    # --- life ---

    def start(self) -> None:
        """Listen on 127.0.0.1, each time on the same port."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.git = self
        if self._certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificates.certificate, self._certificates.key)
            # The handshake is made by the thread of its connection: one slow client must not hold up the others.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="http-git", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close everything: from now on connections are refused. Raises what went wrong within the server itself."""
        self._answers.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.close_connections()
            self._server.server_close()
            self._thread.join()
            faults = self._server.faults
            self._server = self._thread = None
            if faults:
                raise ExceptionGroup("the test's own Git server failed", faults)

    # --- for the handler ---

    @cached_property
    def backend(self) -> str:
        """Git's own CGI program."""
        program = Path(run_git("--exec-path").strip()) / "git-http-backend"
        if not program.exists():
            raise FileNotFoundError(f"{program} is missing: install all of git (some distributions split it)")
        return str(program)

    def identify(self, header: str | None) -> tuple[str, Access] | None:
        """Whose Authorization header this is, and what they may do."""
        scheme, _, credentials = (header or "").partition(" ")
        match scheme.lower():
            case "bearer":
                return self._users.get(credentials.strip())
            case "basic":
                with contextlib.suppress(binascii.Error, UnicodeDecodeError):
                    _, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
                    return self._users.get(password)
        return None

    def wait_for_permission_to_answer(self) -> int | None:
        """Wait while paused; the status to answer with, when there is one."""
        self._answers.wait()
        return self._status

    def record(self, request: GitRequest) -> None:
        """Remember a request that has been answered."""
        with self._lock:
            self._requests.append(request)


class _Server(http.server.ThreadingHTTPServer):
    # Whoever closes it waits for them: nothing is pushed by a server that is down.
    daemon_threads = False
    # As many clients may knock at once; the sixth would try again a second later.
    request_queue_size = 128
    git: HttpGitServer

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[Any] = set()
        self.faults: list[Exception] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or does not trust us, is no news; anything else is a fault of this server."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.faults.append(error)

    def close_connections(self) -> None:
        """End kept connections too: a server that is down does not answer on them."""
        for request in list(self._open):
            with contextlib.suppress(OSError):
                # Beneath TLS, whose state is for the thread that serves the connection alone.
                socket.socket.shutdown(request, socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """The list of requests is the log."""

    def _serve(self) -> None:
        server = self.server.git
        with tempfile.TemporaryFile() as body:
            self._read_body(body)
            refused_with = server.wait_for_permission_to_answer()
            who = server.identify(self.headers.get("Authorization"))
            user = who[0] if who else ""
            access = who[1] if who else server.anonymous
            writes = self._service == "git-receive-pack"
            if refused_with is not None:
                self._answer(user, refused_with, "the server is not available\n")
            elif access is None or (writes and who is None and access == "read"):
                # To a stranger who wants to write, too: git sends credentials only after it was asked for them.
                self._answer(user, 401, "who are you?\n", ("WWW-Authenticate", 'Basic realm="git"'))
            elif writes and access == "read":
                self._answer(user, 403, "this token may read only\n")
            else:
                self._run_backend(body, user, writes=writes)

    def _record(self, user: str, status: int) -> None:
        """Before the client can know that it has the whole answer: a test looks as soon as its git has ended."""
        self.server.git.record(
            GitRequest(
                method=self.command,
                path=urlsplit(self.path).path,
                service=self._service,
                user=user,
                scheme=(self.headers.get("Authorization") or "").partition(" ")[0].lower(),
                protocol=self.headers.get("Git-Protocol", ""),
                compressed=self.headers.get("Content-Encoding") == "gzip",
                chunked=self._chunked,
                status=status,
            )
        )

    @property
    def _service(self) -> str:
        """`git-upload-pack` or `git-receive-pack`, from the query or the path; empty for a plain file."""
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query).get("service")
        if asked:
            return asked[0]
        last = parts.path.rpartition("/")[2]
        return last if last in {"git-upload-pack", "git-receive-pack"} else ""

    @property
    def _chunked(self) -> bool:
        return "chunked" in self.headers.get("Transfer-Encoding", "")

    def _read_body(self, body: IO[bytes]) -> None:
        if self._chunked:
            while size := int(self._line().split(b";")[0], 16):
                self._copy(body, size)
                self._line()
            while self._line().strip():
                pass
        else:
            self._copy(body, int(self.headers.get("Content-Length") or 0))
        body.seek(0)

    def _line(self) -> bytes:
        line = self.rfile.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the client went away")
        return line

    def _copy(self, body: IO[bytes], left: int) -> None:
        while left:
            block = self.rfile.read(min(left, _BLOCK))
            if not block:
                raise ConnectionError("the client went away")
            body.write(block)
            left -= len(block)

    def _answer(self, user: str, status: int, text: str, *headers: tuple[str, str]) -> None:
        content = text.encode()
        self._record(user, status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _run_backend(self, body: IO[bytes], user: str, *, writes: bool) -> None:
        server, parts = self.server.git, urlsplit(self.path)
        variables = {
            "GIT_PROJECT_ROOT": str(server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": self.request_version,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REMOTE_ADDR": self.client_address[0],
            # Its presence is what lets http-backend take a push.
            **({"REMOTE_USER": user or "anonymous"} if writes or user else {}),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(body.seek(0, 2)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body.seek(0)
        process = subprocess.Popen(
            [server.backend],
            stdin=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=isolated_environment({name: value for name, value in variables.items() if value}),
        )
        with process:
            output = cast("io.BufferedReader", process.stdout)
            headers = http.client.parse_headers(output)
            status = int(headers.get("Status", "200").split()[0])
            del headers["Status"]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while block := output.read1(_BLOCK):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        self._record(user, status)
        self.wfile.write(b"0\r\n\r\n")
