"""The Kubernetes API as we use it: client, discovery, server-side apply, watch, errors.

Knows `model` and `errors` alone. Translates every foreign exception. Must not know what a policy, a plan or a guard is.
"""
