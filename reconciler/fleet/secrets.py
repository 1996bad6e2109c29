"""Plaintext Secrets: found, and refused unless the settings allow them by path or by name (DESIGN section 5, promise 7).

Never quotes a value or a key of a Secret's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import Severity
from reconciler.fleet.finding import Finding
from reconciler.fleet.patterns import is_glob_match, is_matched, parse_lines
from reconciler.model.config import FleetConfig, SecretsMode
from reconciler.model.manifest import Manifest


def check_secret(manifest: Manifest, config: FleetConfig) -> tuple[Finding, ...]:
    """What the settings say of this object, if it is a Secret with data."""
    if (manifest.id.group, manifest.id.kind) != ("", "Secret") or not _has_data(manifest.body):
        return ()
    mode = secrets_mode(manifest, config)
    if mode is SecretsMode.ALLOW:
        return ()
    field = "data" if manifest.body.get("data") else "stringData"
    if "sops" in manifest.body:
        words = "this Secret is encrypted with SOPS, and nothing decrypts it on its way to the clusters"
    else:
        words = "this Secret stands in the repository in plain text"
    return (
        Finding(
            code="R144",
            path=(field,),
            message=words,
            severity=Severity.WARNING if mode is SecretsMode.WARN else None,
        ),
    )


def secrets_mode(manifest: Manifest, config: FleetConfig) -> SecretsMode:
    """The mode for one Secret: the last rule that fits, else the general one."""
    mode = config.secrets
    for rule in config.secret_rules:
        if rule.path:
            fits = is_matched(manifest.origin.path, parse_lines((rule.path,)))
        else:
            namespace, _, name = rule.name.partition("/")
            fits = is_glob_match(manifest.id.namespace, namespace) and is_glob_match(manifest.id.name, name)
        if fits:
            mode = rule.mode
    return mode


def _has_data(body: Mapping[str, Any]) -> bool:
    return bool(body.get("data")) or bool(body.get("stringData"))
