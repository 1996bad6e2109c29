"""v1 ServiceAccount."""

from __future__ import annotations

from typing import Final

from reconciler.interpreter.reading import objects_at, text_at
from reconciler.interpreter.rules import InterpretationError, KindRules
from reconciler.model.manifest import Body


def prune(body: Body) -> Body:
    """Without the token Secrets that a member's controller made for the account."""
    secrets = objects_at(body, "secrets")
    prefix = f"{text_at(body, 'metadata', 'name')}-token-"
    kept = [secret for secret in secrets if not _name(secret).startswith(prefix)]
    return body if len(kept) == len(secrets) else {**body, "secrets": kept}


def retain(desired: Body, live: Body) -> Body:
    """The Secrets that the member added, after those of the template."""
    for field in ("secrets", "imagePullSecrets"):
        own = objects_at(desired, field)
        names = {_name(one) for one in own}
        added: dict[str, Body] = {}
        for one in objects_at(live, field):
            added.setdefault(_name(one), one)
        kept = [one for name, one in added.items() if name not in names]
        if kept:
            desired = {**desired, field: [*own, *kept]}
    return desired


def _name(reference: Body) -> str:
    if not isinstance(reference.get("name"), str):
        raise InterpretationError("a reference to a Secret has no name")
    return text_at(reference, "name")


RULES: Final = KindRules(retain=retain, prune=prune)
