"""A GitHub App's credential: the assertion is checked as GitHub checks it, and the token opens a real repository."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from reconciler.errors import FetchFailed, SettingsError
from reconciler.git import github_app
from reconciler.git.mirror import open_mirror
from reconciler.git.remote import Remote, fetch
from reconciler.git.urls import Role
from tests.gitservers import HttpGitServer
from tests.gitservers.certificates import write_certificates


class Api:
    """`POST /api/app/installations/ID/access_tokens`: verifies the signature and the claims, then gives a token."""

    def __init__(self, directory: Path, key: rsa.RSAPublicKey) -> None:
        self.key = key
        self.asked = 0
        self.life = timedelta(hours=1)
        self.token = "installation-token"
        self.certificates = write_certificates(directory)
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, answer = api.answer(self.path, self.headers.get("Authorization", ""))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.certificate, self.certificates.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/api"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked += 1
        scheme, _, assertion = authorization.partition(" ")
        signed, _, signature = assertion.rpartition(".")
        try:
            self.key.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return 401, {"message": "A JSON web token could not be decoded"}
        header, claims = (json.loads(_decode(part)) for part in signed.split("."))
        now = time.time()
        good = scheme == "Bearer" and header == {"alg": "RS256", "typ": "JWT"} and claims["iss"] == "4711"
        good = good and claims["iat"] <= now and now < claims["exp"] <= now + 600
        if not good or path != "/api/app/installations/42/access_tokens":
            return 404, {"message": "Not Found"}
        expires = (datetime.now(UTC) + self.life).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 201, {"token": self.token, "expires_at": expires}


@pytest.fixture
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def api(tmp_path: Path, key: rsa.RSAPrivateKey) -> Iterator[Api]:
    server = Api(tmp_path / "api", key.public_key())
    yield server
    server.close()


def secret(directory: Path, api: Api, git: HttpGitServer, key: Any, **changes: str) -> Path:
    directory.mkdir()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
    values = {
        "githubAppID": "4711\n",
        "githubAppInstallationID": "42",
        "githubAppPrivateKey": pem,
        "githubAppBaseURL": api.url,
        "ca.crt": api.certificates.ca.read_text() + git.ca_file.read_text(),
        **changes,
    }
    for name, value in values.items():
        (directory / name).write_text(value)
    return directory


def test_a_github_app_opens_a_repository_and_its_token_is_asked_for_once(
    https_git_server: HttpGitServer, api: Api, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    https_git_server.repository("fleet")
    https_git_server.allow("installation", api.token, "read")
    directory = secret(tmp_path / "secret", api, https_git_server, key)
    remote = Remote(role=Role.SOURCE, url=https_git_server.url("fleet"), credentials=directory)
    with open_mirror(tmp_path / "data") as mirror:
        for _ in range(2):
            assert fetch(mirror.repository, remote, ["main"]) == {}
    assert api.asked == 1
    assert {one.user for one in https_git_server.requests if one.status == 200} == {"installation"}


def test_a_token_near_its_end_is_replaced(
    https_git_server: HttpGitServer, api: Api, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    api.life = timedelta(minutes=9)
    found = github_app.AppKey.read(secret(tmp_path / "secret", api, https_git_server, key))
    assert found is not None
    assert found.token(api.certificates.ca) == "installation-token"
    api.token = "next-token"
    assert found.token(api.certificates.ca) == "next-token"


def test_a_key_that_github_does_not_know_is_refused_with_its_words(
    https_git_server: HttpGitServer, api: Api, tmp_path: Path
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    directory = secret(tmp_path / "secret", api, https_git_server, other)
    remote = Remote(role=Role.SOURCE, url=https_git_server.url("fleet"), credentials=directory)
    with (
        open_mirror(tmp_path / "data") as mirror,
        pytest.raises(FetchFailed, match="HTTP 401 A JSON web token") as caught,
    ):
        fetch(mirror.repository, remote, ["main"])
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_key_of_another_kind_or_an_open_address_is_refused(
    https_git_server: HttpGitServer, api: Api, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    found = github_app.AppKey.read(secret(tmp_path / "elliptic", api, https_git_server, elliptic))
    assert found is not None
    with pytest.raises(SettingsError, match="not an RSA key"):
        found.token(api.certificates.ca)
    plain = secret(tmp_path / "plain", api, https_git_server, key, githubAppBaseURL="http://api.example.com")
    with pytest.raises(SettingsError, match="not an https address"):
        github_app.AppKey.read(plain)
    odd = secret(tmp_path / "odd", api, https_git_server, key, githubAppInstallationID="../42")
    with pytest.raises(SettingsError, match="whose ids are not ids"):
        github_app.AppKey.read(odd)
    found = github_app.AppKey.read(secret(tmp_path / "unknown", api, https_git_server, key))
    assert found is not None
    with pytest.raises(FetchFailed, match="certificate verify failed"):
        found.token(None)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
