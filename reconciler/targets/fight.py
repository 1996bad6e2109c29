"""Tells drift from a fight: an object that is put back again and again has another writer.

Pure arithmetic on times that are given. Every putting back adds one to an object's heat, which fades by the minute; above the
threshold we wait before the next one, twice as long each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

from reconciler.kube.retry import doubled
from reconciler.model.identity import ObjectId


@dataclass(slots=True)
class _Heat:
    heat: float = 0.0
    at: float = 0.0
    rounds: int = 0
    until: float = 0.0


@dataclass(slots=True, kw_only=True)
class FightDetector:
    """Heat by object. `threshold` is about that many corrections a minute; waits are in seconds."""

    threshold: float = 5.0
    first_wait: float = 30.0
    longest_wait: float = 1800.0
    _heats: dict[ObjectId, _Heat] = field(init=False, default_factory=dict)

    def wait(self, id_: ObjectId, now: float) -> float:
        """How long not to put the object back, from `now`; 0: at once."""
        row = self._heats.get(id_)
        return 0.0 if row is None else max(0.0, row.until - now)

    def corrected(self, id_: ObjectId, now: float) -> bool:
        """The object was put back at `now`; true where that is a fight."""
        row = self._heats.setdefault(id_, _Heat(at=now))
        row.heat = row.heat * exp(-(now - row.at) / 60) + 1
        row.at = now
        # Waiting cools the heat, so a fight that goes on right after a wait is known by its rounds.
        if now > row.until + 60:
            row.rounds = 0
        if row.heat < self.threshold and not row.rounds:
            return False
        row.until = now + doubled(self.first_wait, row.rounds, self.longest_wait)
        row.rounds += 1
        return True
