"""The part of a structured logger that the loop uses: an event's name and its facts."""

from __future__ import annotations

from typing import Any, Protocol


class Log(Protocol):
    """Events are a noun and what happened to it (`tree.rendered`)."""

    def info(self, event: str, **facts: Any) -> None:
        """Record a change worth keeping."""

    def warning(self, event: str, **facts: Any) -> None:
        """Record something degraded, which we retry."""

    def error(self, event: str, **facts: Any) -> None:
        """Record that a person is needed."""

    def exception(self, event: str, **facts: Any) -> None:
        """Record a fault of our own, with where it happened."""
