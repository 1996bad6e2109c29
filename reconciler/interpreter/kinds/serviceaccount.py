"""v1 ServiceAccount."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import list_at, text_at
from reconciler.interpreter.rules import KindRules
from reconciler.model.manifest import Body


def prune(body: Body) -> Body:
    """Without the token Secrets that a member's controller made for the account."""
    secrets = list_at(body, "secrets")
    prefix = f"{text_at(body, 'metadata', 'name')}-token-"
    kept = [secret for secret in secrets if not text_at(secret, "name").startswith(prefix)]
    return body if len(kept) == len(secrets) else {**body, "secrets": kept}


RULES: Final = KindRules(prune=prune)
