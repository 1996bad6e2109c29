"""A real interpreter webhook over HTTPS, with a certificate authority of its own."""

from tests.interpreterwebhook.server import WebhookServer, configuration
from tests.interpreterwebhook.workload import WORKLOAD, policy, respond, workload

__all__ = ["WORKLOAD", "WebhookServer", "configuration", "policy", "respond", "workload"]
