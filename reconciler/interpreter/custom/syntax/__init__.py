"""Lua 5.1 with `goto`, as text: tokens, grammar, and the translation that makes a stock Lua answer as GopherLua does.

Pure, and bounded for any text. Knows nothing of Kubernetes.
"""
