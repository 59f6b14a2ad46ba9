"""One web process: the application behind a listening socket that whoever started it
has opened.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from portal import processes
from portal.bootstrap import create_app
from portal.errors import PortalError
from portal.processes import BACKLOG

BLOCKING_THREADS = 8
"""Threads of each server process: a streaming download holds one."""


class Server(MPServer):
    """Granian's server without its parent process: it serves in this process, on a
    socket that is open already.

    Granian forks its workers and lets each open the port by itself; ours are started by
    exec, watched by our supervisor, and share one socket, so that a connection that
    waits is answered by any of them.
    """

    def __init__(self, fd: int) -> None:
        super().__init__(
            "portal.bootstrap:create_app",
            interface=Interfaces.WSGI,
            blocking_threads=BLOCKING_THREADS,
            log_access=False,
            log_level=LogLevels.error,
            websockets=False,
        )
        self._fd = fd

    def _serve(self, spawn_target: Any, target_loader: Any) -> None:
        """Run what Granian's workers run, here."""
        holder: Any = SocketHolder  # its declaration is behind its code
        socket = holder(self._fd, False, BACKLOG)
        parent: Any = self  # what Granian's parent process prepares is not declared
        parent._ssp, parent._shd, parent._sso = None, socket, None
        parent._ipc = {0: (None, None, None)}
        parent._spawn_worker(0, spawn_target, target_loader).inner.run()


def serve(fd: int, application: Callable[[], Any] = create_app) -> None:
    """Serve the application on an open socket until a signal ends it; requests under
    way are answered first.
    """
    Server(fd).serve(target_loader=application, wrap_loader=False)


def main() -> None:
    """The program: `python -m portal.webprocess FD`."""
    try:
        serve(int(sys.argv[1]))
    except PortalError as error:
        sys.exit(f"portal: {error}")
    # Everything is answered: tearing down an interpreter of this size only takes time.
    processes.end_now()


if __name__ == "__main__":
    main()
