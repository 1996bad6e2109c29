"""Kinds of Kyverno."""
