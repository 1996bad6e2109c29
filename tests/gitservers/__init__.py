"""Real Git remotes for tests: bare repositories as files, behind HTTP (`git http-backend`) and behind SSH.

Promises: the server side is git itself; who may read or write is decided where real servers decide it. Must not
import `reconciler`: these are the witnesses. See tests/controlplane/README.md.
"""

from tests.gitservers.http_server import GitRequest, HttpGitServer
from tests.gitservers.repository import BareRepository, Clone, GitCommandError, bare_repository
from tests.gitservers.ssh_server import SshGitServer, SshSession

__all__ = [
    "BareRepository",
    "Clone",
    "GitCommandError",
    "GitRequest",
    "HttpGitServer",
    "SshGitServer",
    "SshSession",
    "bare_repository",
]
