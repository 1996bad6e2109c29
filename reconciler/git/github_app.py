"""GitHub App credentials: a signed assertion (JWT, RS256) is exchanged for an installation's token of one hour.

The keys are Flux's: `githubAppID`, `githubAppInstallationID`, `githubAppPrivateKey` and, for GitHub Enterprise,
`githubAppBaseURL`. Needs the package `cryptography`; without it such a credential is refused. Follows no redirect.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.errors import FetchFailed, SettingsError

_PUBLIC: Final = "https://api.github.com"
_TIMEOUT: Final = 20.0
_RENEW_BEFORE: Final = 600.0  # tokens live an hour; a push may take minutes
_ANSWER: Final = 1 << 20

_lock = Lock()
_tokens: dict[str, tuple[str, float]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppKey:
    """One App's installation. `private_key` is PEM and never shown."""

    app: str
    installation: str
    private_key: bytes = field(repr=False)
    api: str = _PUBLIC

    @classmethod
    def read(cls, directory: Path) -> AppKey | None:
        """The App's keys in a mounted directory; None if there are none. Raises SettingsError for half of them."""
        values = {}
        for name in ("githubAppID", "githubAppInstallationID", "githubAppPrivateKey", "githubAppBaseURL"):
            path = directory / name
            values[name] = path.read_bytes() if path.is_file() else b""
        if not any(values.values()):
            return None
        texts = {name: value.decode("utf-8", "replace").strip() for name, value in values.items()}
        missing = [name for name in list(texts)[:3] if not texts[name]]
        if missing:
            raise SettingsError(f"{directory} holds a GitHub App without {', '.join(missing)}")
        if not texts["githubAppID"].isalnum() or not texts["githubAppInstallationID"].isdigit():
            raise SettingsError(f"{directory} holds a GitHub App whose ids are not ids")
        api = texts["githubAppBaseURL"].rstrip("/") or _PUBLIC
        parts = urlsplit(api)
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
            raise SettingsError(f"githubAppBaseURL in {directory} is not an https address")
        return cls(
            app=texts["githubAppID"],
            installation=texts["githubAppInstallationID"],
            private_key=values["githubAppPrivateKey"],
            api=api,
        )

    def token(self, authority: Path | None) -> str:
        """A token that is good for at least ten more minutes; asked for anew when the last one is not.

        `authority` is a CA file for the API's host (None: the machine's). Raises FetchFailed when GitHub refuses.
        """
        digest = hashlib.sha256(self.private_key).hexdigest()
        key = f"{self.api} {self.app} {self.installation} {digest}"
        with _lock:
            token, good_until = _tokens.get(key, ("", 0.0))
            if not token or time.time() > good_until - _RENEW_BEFORE:
                token, good_until = self._ask(authority)
                _tokens[key] = (token, good_until)
        return token

    def _ask(self, authority: Path | None) -> tuple[str, float]:
        parts = urlsplit(self.api)
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT, context=context
        )
        where = f"{self.api}/app/installations/{self.installation}/access_tokens"
        try:
            connection.request(
                "POST",
                f"{parts.path}/app/installations/{self.installation}/access_tokens",
                headers={
                    "Authorization": f"Bearer {self._assertion(int(time.time()))}",
                    "Accept": "application/vnd.github+json",
                    "User-Agent": "fleet-reconciler",
                    "Content-Length": "0",
                },
            )
            response = connection.getresponse()
            body = response.read(_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise FetchFailed(f"no installation token from {where}: {error}") from error
        finally:
            connection.close()
        answer = _json(body)
        if response.status != 201 or not isinstance(answer.get("token"), str):
            words = str(answer.get("message", ""))[:200]
            raise FetchFailed(f"no installation token from {where}: HTTP {response.status} {words}".rstrip())
        return answer["token"], _expiry(answer.get("expires_at"))

    def _assertion(self, now: int) -> str:
        try:
            from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - optional package
            from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415
        except ImportError as error:
            raise SettingsError("a GitHub App credential needs the Python package cryptography") from error
        try:
            key = serialization.load_pem_private_key(self.private_key, password=None)
        except (ValueError, TypeError) as error:
            raise SettingsError(
                "githubAppPrivateKey is not an unencrypted private key in PEM form"
            ) from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise SettingsError("githubAppPrivateKey is not an RSA key")
        # A minute back, as GitHub advises for clocks that differ; ten minutes is its longest life.
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.app}
        signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _expiry(value: Any) -> float:
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return time.time() + _RENEW_BEFORE  # unknown: ask again next time
