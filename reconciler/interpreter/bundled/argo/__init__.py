"""Kinds of Argo."""
