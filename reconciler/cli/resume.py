"""`reconciler resume`: the other side of `suspend`."""

from reconciler.cli.suspend import resume as command

__all__ = ["command"]
