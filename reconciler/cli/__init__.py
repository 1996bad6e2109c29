"""The command line: one file per command; parse, call, print, exit code.

May read the environment and flags, and is the only place that does. Must not decide: what a command prints comes
from the same functions that the reconciler runs.
"""
