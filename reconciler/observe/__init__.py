"""Collects facts: cluster health, APIs, capacity and object status, from API servers or from agents reports.

Returns model values for the status branch. Must not decide anything, and must not feed a render directly: facts are committed first.
"""
