"""Where a rendered tree goes: to an API server (`push`), or to a branch that an agent or another tool pulls (`branch`).

One Protocol (`target.Target`): inspect, then apply a plan. May do I/O through `kube` and `git`; must not compute a plan.
"""
