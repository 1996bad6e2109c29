"""Rules that a schema cannot say, one file a group of kinds (spec scheduling 1-3 and 6, rendering-and-status 1 and 3).

A rule takes a body that its schema accepted and yields findings. It never raises and never looks at another document;
rules over several documents are in `across`.
"""
