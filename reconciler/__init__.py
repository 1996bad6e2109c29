"""A GitOps reconciler for fleets of Kubernetes clusters: the pure decision, and the shell that carries it out.

`render` and everything it imports is pure; `kube`, `git` and everything that imports them is the shell.
`docs/architecture.md` walks the same line.
"""

__version__ = "0.1.0"
