"""Runs Lua: the engine behind declared interpreter rules, in a process of its own that can be killed.

Shell. Knows the interpreter's contract (`interpreter.custom.engine`) and the functions that scripts may call; nothing of fleets,
Git or clusters.
"""
