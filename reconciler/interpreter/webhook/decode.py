"""ResourceInterpreterWebhookConfiguration documents to webhooks, in the order in which they are looked at (spec §3.6).

Pure. Expects what the schema and its rules accept.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from typing import Any, Final

from reconciler.manifests.locate import locate
from reconciler.model.manifest import Body, Manifest
from reconciler.model.webhook import Webhook, WebhookRule

SECONDS: Final = 10.0
"""How long an answer may take where the configuration does not say. Karmada documents this, and waits for ever."""
_PORT: Final = 443
_FIELDS: Final = {
    "operations": "operations",
    "groups": "apiGroups",
    "versions": "apiVersions",
    "kinds": "kinds",
}


def webhooks_of(configurations: Iterable[Manifest]) -> tuple[Webhook, ...]:
    """Every webhook, by `<configuration>/<webhook>`: the first that a rule matches is the one that is asked."""
    found = [
        _webhook(manifest, index, entry)
        for manifest in configurations
        for index, entry in enumerate(manifest.body.get("webhooks") or ())
    ]
    return tuple(sorted(found, key=lambda each: each.uid))


def _webhook(manifest: Manifest, index: int, entry: Body) -> Webhook:
    client = entry["clientConfig"]
    return Webhook(
        configuration=manifest.id.name,
        name=entry["name"],
        url=client.get("url") or _service_url(client["service"]),
        authority=b64decode(client.get("caBundle") or "").decode(),
        seconds=float(entry.get("timeoutSeconds") or SECONDS),
        rules=tuple(map(_rule, entry.get("rules") or ())),
        location=locate(manifest.origin, ("webhooks", index)),
    )


def _service_url(service: Body) -> str:
    # Karmada's rule for a Service that its control plane does not hold; there is no control plane here.
    path = (service.get("path") or "").lstrip("/")
    return f"https://{service['name']}.{service['namespace']}.svc:{service.get('port') or _PORT}/{path}"


def _rule(rule: Body) -> WebhookRule:
    fields: dict[str, Any] = {name: frozenset(rule[field]) for name, field in _FIELDS.items()}
    return WebhookRule(**fields)
