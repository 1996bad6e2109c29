"""Differences between objects and between trees, masked and printed for people and machines.

Pure. Secrets are masked before anything can be printed.
"""
