"""Real Kubernetes control planes on this machine: etcd, apiserver, controller manager, scheduler and kwok's nodes.

Promises: what answers is the real binary, TLS verification stays on, and nothing outlives the process that started
it (unless asked to). Must not import `reconciler`: these are the witnesses. See README.md beside this file.
"""

from tests.controlplane.binaries import Binaries, BinariesError, binaries
from tests.controlplane.nodes import THREE_NODES, Node
from tests.controlplane.plane import ControlPlane, ControlPlaneError, KubectlError, start_all, stop_all
from tests.controlplane.polling import eventually
from tests.controlplane.requests import Request, RequestCounts, Write

__all__ = [
    "THREE_NODES",
    "Binaries",
    "BinariesError",
    "ControlPlane",
    "ControlPlaneError",
    "KubectlError",
    "Node",
    "Request",
    "RequestCounts",
    "Write",
    "binaries",
    "eventually",
    "start_all",
    "stop_all",
]
