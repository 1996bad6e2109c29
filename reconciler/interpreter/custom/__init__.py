"""Rules that the fleet itself declares, in Lua (`ResourceInterpreterCustomization`, spec rendering-and-status §3).

Pure: reads scripts, converts arguments and results, remembers answers. What runs a script is passed down as a value
(`engine.Engine`); this package starts no process and knows no Lua implementation.
"""
