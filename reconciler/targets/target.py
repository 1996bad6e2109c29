"""What every target can do: look, then carry out a plan. Between the two, `plan.changes` decides.

Implementations: `push` (an API server; in the member cluster the agent uses the same). A test suite in `tests/contract`
holds every implementation, and the one in memory that other tests use, to the same behaviour.
"""

from __future__ import annotations

from typing import Protocol

from reconciler.model.plan import Desired, Live, Outcome, Plan


class Target(Protocol):
    """One cluster that we write to."""

    @property
    def name(self) -> str:
        """The cluster's name."""

    async def inspect(self, desired: Desired, *, full: bool = True) -> Live:
        """What is there, and what the server would make of `desired`. Writes nothing.

        Not `full`: only what changed since the last pass of this process is looked at; drift is then the watches' work.
        Raises ClusterError.
        """

    async def apply(self, plan: Plan) -> Outcome:
        """Carry out a plan made from the last inspection. Raises ClusterError where the cluster fails as a whole."""

    async def close(self) -> None:
        """Let go of connections."""
