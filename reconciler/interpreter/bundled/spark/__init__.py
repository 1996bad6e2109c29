"""Kinds of Spark's operator."""
