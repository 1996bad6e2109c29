"""Kinds of Kubeflow."""
