"""The sample gateway as a process of its own, on a socket that the demo has opened and
tells its sources of.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from demo import sources
from demo.gateway import Gateway
from portal import processes
from portal.supervisor import Child, module

DATA = Path(__file__).with_name("data")
CLIENT_ID, SECRET_NAME, SECRET = "demo", "LGSP_DEMO", "demo-secret"


def gateway(listening: socket.socket) -> Gateway:
    """The gateway on an open socket, which it closes in the end."""
    services = sources.gateway_services(DATA)
    return Gateway(
        services, client_id=CLIENT_ID, client_secret=SECRET, listening=listening
    )


def child(fd: int) -> Child:
    """The gateway's process, to be kept alive by a supervisor."""
    return module("the sample gateway", ("demo.gateway_process", str(fd)), (fd,))


def main() -> None:
    """The program: `python -m demo.gateway_process FD`."""
    with (
        processes.stop_event() as stop,
        gateway(socket.socket(fileno=int(sys.argv[1]))),
    ):
        stop.wait()


if __name__ == "__main__":
    main()
