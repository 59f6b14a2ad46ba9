"""As much PostgreSQL as it takes to be told a user and a password: what a client says
is kept, then it is refused.
"""

import socketserver
import struct
import threading
from types import TracebackType

SSL, GSS = 80877103, 80877104
CLEARTEXT = struct.pack("!cII", b"R", 8, 3)


class ToldServer:
    """The server as a context manager; `told` lists what every connection said,
    password included.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.told: list[bytes] = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.told.append(b"connected")
                said = self._message()
                while said[:4] in (struct.pack("!I", SSL), struct.pack("!I", GSS)):
                    self.request.sendall(b"N")
                    said = self._message()
                outer.told.append(said)
                self.request.sendall(CLEARTEXT)
                if self.request.recv(1) == b"p":
                    outer.told.append(self._message())

            def _message(self) -> bytes:
                (length,) = struct.unpack("!I", self.request.recv(4) or b"\0\0\0\4")
                return bytes(self.request.recv(length - 4)) if length > 4 else b""

        self._server = socketserver.ThreadingTCPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> "ToldServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
