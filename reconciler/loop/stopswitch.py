"""The stop switch beside the program: suspension without Git (DESIGN §4), for the fleet or for single clusters.

Read from a ConfigMap in the own namespace and from a file in the data directory; either is enough. What cannot be read keeps
its last known answer: losing sight of the switch does not flip it, and before it was seen at all nothing is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.errors import ClusterError, Forbidden
from reconciler.kube.client import Client
from reconciler.kube.resources import Resource

CONFIG_MAPS: Final = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
NAME: Final = "fleet-reconciler-suspend"
ANNOTATION: Final = "fleet-reconciler/suspend"
FILE: Final = "suspend"
EVERYTHING: Final = "*"


@dataclass(slots=True, kw_only=True)
class StopSwitch:
    """What is suspended: `*`, or names of clusters."""

    client: Client | None = None
    namespace: str = ""
    directory: Path | None = None
    seconds: float = 2.0
    turned: Callable[[frozenset[str]], None] = lambda _names: None
    """Called with what is suspended now when `watch` sees that something else is suspended than before."""
    _by_annotation: frozenset[str] = frozenset()
    _was_seen: bool = False

    def stopped(self, cluster: str = "") -> str:
        """Why nothing may be written to `cluster` (empty: anywhere), or an empty text."""
        names = self._names()
        if EVERYTHING in names:
            return "the fleet is suspended"
        if not self._is_known:
            return "the stop switch in the own cluster was not seen yet"
        return f"cluster {cluster} is suspended" if cluster and cluster in names else ""

    async def look(self) -> None:
        """Read the ConfigMap once."""
        if self.client is None:
            return
        try:
            found = await self.client.get(CONFIG_MAPS, self.namespace, NAME, metadata_only=True)
        except ClusterError as error:
            # Whoever may not look will never know: then the file is all there is.
            self._was_seen |= isinstance(error, Forbidden)
            return
        self._was_seen = True
        annotations = ((found or {}).get("metadata") or {}).get("annotations") or {}
        self._by_annotation = parse(str(annotations.get(ANNOTATION) or ""))

    async def watch(self, stopping: asyncio.Event) -> None:
        """Look every few seconds until `stopping`."""
        before = (self._is_known, self._names())
        while not stopping.is_set():
            await self.look()
            now = (self._is_known, self._names())
            if now != before:
                before = now
                self.turned(now[1])
            try:
                await asyncio.wait_for(stopping.wait(), self.seconds)
            except TimeoutError:
                continue

    @property
    def _is_known(self) -> bool:
        return self.client is None or self._was_seen

    def _names(self) -> frozenset[str]:
        return self._by_annotation | self._by_file()

    def _by_file(self) -> frozenset[str]:
        if self.directory is None:
            return frozenset()
        try:
            return parse((self.directory / FILE).read_text())
        except FileNotFoundError:
            return frozenset()
        except OSError:
            return frozenset({EVERYTHING})  # it is there and cannot be read: stop rather than go on


def parse(text: str) -> frozenset[str]:
    """The names in a comma-separated list; `true` means everything."""
    names = {name.strip() for name in text.replace("\n", ",").split(",")} - {"", "false"}
    return frozenset(EVERYTHING if name == "true" else name for name in names)
