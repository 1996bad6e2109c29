"""Leader election by a Lease, as Kubernetes' own components do it (coordination.k8s.io/v1).

Two processes never both write: a holder that could not renew stops itself before anybody else may take over
(`renew_deadline` < `duration`), and `holds()` is asked before every write. Times are read from a monotonic clock; another
holder's lease counts as expired only when *we* have seen it unchanged for its duration, so clocks need not agree.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.errors import ClusterError, FieldConflict, Outdated, Rejected
from reconciler.kube.client import Client
from reconciler.kube.resources import Resource
from reconciler.model.manifest import Body

_ATTEMPTS: Final = 5

LEASES = Resource(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    namespaced=True,
    verbs=frozenset(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """Seconds, as in Kubernetes' components: how long a lease lasts, when the holder gives up, how often it renews."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0


ASKED: Final = "fleet-reconciler/asked"
"""An annotation of the Lease: what a replica that waits was asked for (a webhook reaches any of them) and passes on."""


@dataclass(slots=True)
class Leader:
    """One candidate for one Lease. `asked` is called while it is ours, with what another replica passed on."""

    client: Client
    namespace: str
    name: str
    identity: str
    settings: LeaseSettings = field(default_factory=LeaseSettings)
    clock: Callable[[], float] = time.monotonic
    asked: Callable[[str], None] = lambda _reason: None
    _renewed: float = field(default=float("-inf"))
    _seen: tuple[str, float] = field(default=("", float("-inf")))
    _asked: str | None = None

    def holds(self) -> bool:
        """Whether this process may write now."""
        return self.clock() - self._renewed < self.settings.renew_deadline

    async def acquire(self, stopping: asyncio.Event) -> bool:
        """Wait until the lease is ours; False when `stopping` came first."""
        while not stopping.is_set():
            if await self._try():
                return True
            await _sleep(self.settings.retry_period, stopping)
        return False

    async def keep(self, stopping: asyncio.Event) -> None:
        """Renew until `stopping`, then give the lease back; returns early when it is lost."""
        while not stopping.is_set():
            await _sleep(self.settings.retry_period, stopping)
            if stopping.is_set():
                break
            await self._try()
            if not self.holds():
                return
        await self._release()

    async def pass_on(self, reason: str) -> bool:
        """Have the holder do what we were asked for; whether it will hear of it, at its next renewal."""
        for _ in range(_ATTEMPTS):
            try:
                lease = await self.client.get(LEASES, self.namespace, self.name)
                if lease is None:
                    return False
                metadata = lease["metadata"]
                said = f"{reason} {_now()} {self.identity}"
                annotations = {**(metadata.get("annotations") or {}), ASKED: said}
                body = {**lease, "metadata": {**metadata, "annotations": annotations}}
                await self.client.put(LEASES, self.namespace, self.name, body)
            except FieldConflict:
                continue  # it was renewed in between
            except ClusterError:
                return False
            return True
        return False

    async def _try(self) -> bool:
        started = self.clock()
        try:
            lease = await self.client.get(LEASES, self.namespace, self.name)
            if lease is None:
                self._hear(await self.client.create(LEASES, self.namespace, self._body(None)))
            elif self._is_ours(lease) or self._has_expired(lease):
                # The resourceVersion in it makes this a compare-and-swap.
                await self.client.put(LEASES, self.namespace, self.name, self._body(lease))
                self._hear(lease)
            else:
                return False
        except (FieldConflict, Outdated, Rejected):
            return False
        except ClusterError:
            return self.holds()
        self._renewed = started
        return True

    def _hear(self, lease: Body) -> None:
        said = str((lease["metadata"].get("annotations") or {}).get(ASKED) or "")
        # Whatever was asked for before the lease was ours is done anyway: the first pass looks at everything.
        if self._asked is not None and said and said != self._asked:
            self.asked(said.partition(" ")[0])
        self._asked = said

    async def _release(self) -> None:
        if not self.holds():
            return
        # First we stop, then others may begin.
        self._renewed = float("-inf")
        try:
            lease = await self.client.get(LEASES, self.namespace, self.name)
            if lease is not None and self._is_ours(lease):
                body = self._body(lease)
                body["spec"] = {**body["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self.client.put(LEASES, self.namespace, self.name, body)
        except ClusterError:
            return  # it expires by itself

    def _is_ours(self, lease: Body) -> bool:
        return (lease.get("spec") or {}).get("holderIdentity") == self.identity

    def _has_expired(self, lease: Body) -> bool:
        spec: dict[str, Any] = lease.get("spec") or {}
        if not spec.get("holderIdentity"):
            return True
        record = f"{spec.get('holderIdentity')} {spec.get('renewTime')} {spec.get('leaseTransitions')}"
        if self._seen[0] != record:
            self._seen = (record, self.clock())
        return self.clock() - self._seen[1] > float(
            spec.get("leaseDurationSeconds") or self.settings.duration
        )

    def _body(self, lease: Body | None) -> Body:
        now = _now()
        old: dict[str, Any] = (lease or {}).get("spec") or {}
        same = old.get("holderIdentity") == self.identity
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": (lease or {}).get("metadata") or {"name": self.name, "namespace": self.namespace},
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": int(self.settings.duration),
                "acquireTime": old.get("acquireTime") if same else now,
                "renewTime": now,
                "leaseTransitions": int(old.get("leaseTransitions") or 0) + (0 if same or not lease else 1),
            },
        }


async def lease_holder(client: Client, namespace: str, name: str) -> str:
    """Who holds the lease now, or an empty text. By the lease's own times, so clocks must roughly agree. Raises ClusterError."""
    lease = await client.get(LEASES, namespace, name)
    spec: dict[str, Any] = (lease or {}).get("spec") or {}
    holder = str(spec.get("holderIdentity") or "")
    if not holder or not spec.get("renewTime"):
        return ""
    renewed = datetime.fromisoformat(str(spec["renewTime"]))
    age = (datetime.now(UTC) - renewed).total_seconds()
    return holder if age < float(spec.get("leaseDurationSeconds") or 15) else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def _sleep(seconds: float, stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
