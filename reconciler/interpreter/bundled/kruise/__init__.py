"""Kinds of OpenKruise."""
