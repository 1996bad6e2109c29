"""Fixtures of this folder."""

from tests.unit.loop.fleets import scene  # noqa: F401 - a fixture
