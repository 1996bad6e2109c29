"""Kubernetes objects as text: load (YAML as the API server reads it), emit (canonical bytes), edit.

Pure. The only reader and the only writer of manifests.
"""
