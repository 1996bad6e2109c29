"""TLS contexts from PEM texts.

Promises: verification is on unless the credential itself says otherwise, and key material is on disk no longer than the
library needs to read it (it reads files only).
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path


def tls_context(
    *, authority: str = "", certificate: str = "", key: str = "", insecure: bool = False
) -> ssl.SSLContext:
    """A client's context: trusts `authority` alone (empty: the system's), shows `certificate` with its `key`.

    Raises ssl.SSLError or ValueError where a text is not what it should be.
    """
    context = ssl.create_default_context(cadata=authority or None)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        # A directory that only we may enter; gone before this function returns.
        with tempfile.TemporaryDirectory(prefix="fleet-reconciler-") as directory:
            path = Path(directory) / "client.pem"
            path.touch(mode=0o600)
            path.write_text(f"{certificate.strip()}\n{key.strip()}\n")
            context.load_cert_chain(path)
    return context
