"""Git as we use it: read a commit, write trees and commits, fetch and push with compare-and-swap.

Knows `model` and `errors` alone. No work tree on the hot path and no `git` process per file. Must not know what a manifest means.
"""
