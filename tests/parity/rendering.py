"""Answers to the rendering kinds, from the functions that a render calls."""

from __future__ import annotations

from tests.parity.cases import Kind

KINDS: dict[str, Kind] = {}
