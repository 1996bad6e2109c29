"""Kinds of Flink's operator."""
