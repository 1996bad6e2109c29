"""The five processes of a cluster: the files they read first, and their flags.

Promises: every flag of every binary is here, with the reason where it is not obvious. Starts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import yaml

from tests.controlplane import keys
from tests.controlplane.nodes import HEARTBEAT_LABEL
from tests.ports import free_ports

STAGES: Final = Path(__file__).parent / "stages.yaml"
# The order in which they can be stopped without one of them complaining.
STOP_ORDER: Final = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One port of 127.0.0.1 each."""

    etcd: int
    etcd_peer: int
    apiserver: int
    controller_manager: int
    scheduler: int
    kwok: int

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody has, nor gets by accident."""
        names = cls.__dataclass_fields__
        return cls(**dict(zip(names, free_ports(len(names)), strict=True)))

    def of_servers(self) -> dict[str, int]:
        """Where each of those listens that nobody asks while a cluster starts."""
        return {
            "kube-controller-manager": self.controller_manager,
            "kube-scheduler": self.scheduler,
            "kwok": self.kwok,
        }


def ca_file(directory: Path) -> Path:
    """The certificate that the API server makes for itself."""
    return directory / "apiserver" / "apiserver.crt"


def server_key(directory: Path) -> Path:
    """Its key, which the API server writes after the certificate: where this is, that is whole."""
    return directory / "apiserver" / "apiserver.key"


def audit_log(directory: Path) -> Path:
    """One JSON line a write."""
    return directory / "audit.log"


def kubeconfig(directory: Path, user: str) -> Path:
    """The kubeconfig of one of the API server's users."""
    return directory / f"{user}.kubeconfig"


def write_files(directory: Path, *, tokens: Mapping[str, str], masters: frozenset[str]) -> None:
    """Write the keys, the users and the audit policy; whoever is not a master is in a group without any right."""
    directory.mkdir(parents=True, exist_ok=True)
    keys.write_service_account_key(_key(directory))
    rows = [
        f'{token},{user},{user},"{"system:masters" if user in masters else "powerless"}"'
        for user, token in tokens.items()
    ]
    users = _users(directory)
    users.touch(mode=0o600)
    users.write_text("\n".join(rows) + "\n")
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
            {"level": "None"},
        ],
    }
    _audit_policy(directory).write_text(yaml.safe_dump(policy))
    audit_log(directory).touch()


def commands(ports: Ports, directory: Path, *, audit: bool) -> dict[str, tuple[str, ...]]:
    """The arguments of each binary, in the order in which they start."""
    etcd, peer = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd_peer}"
    client = f"--kubeconfig={kubeconfig(directory, 'components')}"
    # The defaults ration a controller to 20 requests a second: minutes for a few hundred Deployments.
    rates = ("--kube-api-qps=1000", "--kube-api-burst=2000")
    auditing = (
        f"--audit-policy-file={_audit_policy(directory)}",
        f"--audit-log-path={audit_log(directory)}",
        # Megabytes until it is rotated: marks are places in one file.
        "--audit-log-maxsize=100000",
    )
    return {
        "etcd": (
            f"--data-dir={directory / 'etcd'}",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            # A machine that loses power loses the test with it.
            "--unsafe-no-fsync",
            "--log-level=error",
        ),
        "kube-apiserver": (
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports.apiserver}",
            f"--cert-dir={ca_file(directory).parent}",
            f"--service-account-key-file={_key(directory)}",
            f"--service-account-signing-key-file={_key(directory)}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--token-auth-file={_users(directory)}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            *(auditing if audit else ()),
        ),
        "kube-controller-manager": (
            client,
            f"--service-account-private-key-file={_key(directory)}",
            f"--root-ca-file={ca_file(directory)}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports.controller_manager}",
            f"--cert-dir={directory / 'controller-manager'}",
            "--node-monitor-period=2s",
            "--node-monitor-grace-period=10s",
            *rates,
        ),
        "kube-scheduler": (
            client,
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports.scheduler}",
            f"--cert-dir={directory / 'scheduler'}",
            *rates,
        ),
        "kwok": (
            client,
            f"--manage-nodes-with-label-selector={HEARTBEAT_LABEL}!=stopped",
            # kwok renews a lease four times in its life: every two seconds, well within the grace period above.
            "--node-lease-duration-seconds=8",
            f"--server-address=127.0.0.1:{ports.kwok}",
            f"--config={STAGES}",
            "--v=WARN",
        ),
    }


def _key(directory: Path) -> Path:
    return directory / "service-account.key"


def _users(directory: Path) -> Path:
    return directory / "tokens.csv"


def _audit_policy(directory: Path) -> Path:
    return directory / "audit-policy.yaml"
