"""Credential plugins (`exec` in a kubeconfig): runs a command that prints a token or a client certificate.

Promises: only a command that the caller allows, without a shell, without a terminal, and not for ever. What it prints is
never repeated in a message.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from reconciler.errors import CredentialRefused

_SECONDS: Final = 60.0
_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """An `exec` section: the command with its arguments and environment. `directory` is where a relative one starts."""

    command: str
    arguments: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_version: str = _VERSIONS[0]
    cluster_info: Mapping[str, Any] | None = field(default=None, repr=False)
    directory: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginAnswer:
    """What a plugin printed. `expires` is in seconds since the epoch."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    expires: float | None = None


def decode_plugin(section: Mapping[str, Any], *, server: str, directory: str = "") -> Plugin:
    """The plugin of an `exec` section. Raises CredentialRefused where it is not one that we can run."""
    command = section.get("command")
    version = section.get("apiVersion")
    if not isinstance(command, str) or not command:
        raise CredentialRefused("the kubeconfig's exec section has no command", code="R537")
    if version not in _VERSIONS:
        raise CredentialRefused(
            f"exec plugin {command}: apiVersion must be one of {', '.join(_VERSIONS)}", code="R537"
        )
    if section.get("interactiveMode") == "Always":
        raise CredentialRefused(f"exec plugin {command} needs a terminal", code="R536")
    return Plugin(
        command=command,
        arguments=tuple(str(argument) for argument in section.get("args") or ()),
        environment={str(row["name"]): str(row["value"]) for row in section.get("env") or ()},
        api_version=version,
        cluster_info={"server": server} if section.get("provideClusterInfo") else None,
        directory=directory,
        hint=str(section.get("installHint") or ""),
    )


async def run_plugin(plugin: Plugin, *, within: float = _SECONDS) -> PluginAnswer:
    """Run it and read its answer. Raises CredentialRefused where it fails, takes too long or prints something else."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.cluster_info is not None:
        spec["cluster"] = dict(plugin.cluster_info)
    info = orjson.dumps({"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}).decode()
    command = plugin.command
    if "/" in command and plugin.directory and not os.path.isabs(command):  # noqa: PTH117 - a command, not a path of ours
        command = f"{plugin.directory}/{command}"
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *plugin.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": info},
        )
    except OSError as error:
        hint = f": {plugin.hint}" if plugin.hint else ""
        raise CredentialRefused(
            f"exec plugin {plugin.command} cannot be started{hint}", code="R537"
        ) from error
    try:
        output, _ = await asyncio.wait_for(process.communicate(), within)
    except TimeoutError as error:
        raise CredentialRefused(
            f"exec plugin {plugin.command} took longer than {within:g} s", code="R537"
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise CredentialRefused(f"exec plugin {plugin.command} ended with {process.returncode}", code="R537")
    return _answer(plugin, output)


def _answer(plugin: Plugin, output: bytes) -> PluginAnswer:
    try:
        document = orjson.loads(output)
        status = document["status"]
        expires = status.get("expirationTimestamp")
        answer = PluginAnswer(
            token=str(status.get("token") or ""),
            certificate=str(status.get("clientCertificateData") or ""),
            key=str(status.get("clientKeyData") or ""),
            expires=datetime.fromisoformat(expires).timestamp() if expires else None,
        )
        right = document.get("apiVersion") == plugin.api_version and document.get("kind") == "ExecCredential"
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        # Without `from`: the foreign message may quote what was printed.
        raise CredentialRefused(
            f"exec plugin {plugin.command} printed no ExecCredential", code="R537"
        ) from None
    if not right or not (answer.token or (answer.certificate and answer.key)):
        raise CredentialRefused(f"exec plugin {plugin.command} printed no ExecCredential", code="R537")
    return answer
