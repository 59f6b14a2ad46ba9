"""A small LGSP gateway on loopback: WSO2-like tokens that expire early, JSON and XML,
errors inside an HTTP 200.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

Row = Mapping[str, Any]
EXPIRES_IN = 3600


@dataclass
class Service:
    """One service: its rows, how it answers, and which of its calls (counted from 1)
    answer an error inside a 200.
    """

    rows: Sequence[Row]
    kind: str = "json"
    failing_calls: frozenset[int] = frozenset()
    calls: int = field(default=0)


class Gateway:
    """The gateway as a context manager; `url` is its address. A token opens
    `calls_per_token` calls, then answers 401, although it says that it lasts an hour.
    Without a listening socket it opens one on a free port.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        *,
        client_id: str,
        client_secret: str,
        calls_per_token: int = 2,
        listening: socket.socket | None = None,
    ) -> None:
        self.services = dict(services)
        self.tokens_given = 0
        self._identity = f"{client_id}:{client_secret}"
        self._calls_per_token = calls_per_token
        self._left: dict[str, int] = {}
        self._lock = threading.Lock()
        # Its own on a free port where none is given; never a fixed one, which another
        # run may have.
        listening = listening or socket.create_server(("127.0.0.1", 0))
        self._server = ThreadingHTTPServer(
            listening.getsockname(), _handler(self), bind_and_activate=False
        )
        # TCPServer has made a socket in its constructor already, though it was told not
        # to bind it.
        self._server.socket.close()
        self._server.socket = listening
        # A client that keeps its connection open must not hold up the end.
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The address of the gateway."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Gateway:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # In this order: shutdown waits until the loop has ended, which reads the socket
        # that is closed next.
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def token(
        self, authorization: str, form: Mapping[str, Sequence[str]]
    ) -> tuple[int, dict[str, Any]]:
        """The answer of /token."""
        given = authorization.removeprefix("Basic ").encode()
        identity = (
            base64.b64decode(given).decode("utf-8", "replace")
            if authorization.startswith("Basic ")
            else ""
        )
        # WSO2 takes the client's id and secret in the header or in the form, and both
        # kinds of clients should meet their gateway here.
        identity = identity or ":".join(
            form.get(key, [""])[0] for key in ("client_id", "client_secret")
        )
        if form.get("grant_type") != [
            "client_credentials"
        ] or not secrets.compare_digest(identity, self._identity):
            return 401, {
                "error": "invalid_client",
                "error_description": "Client Authentication failed.",
            }
        token = secrets.token_urlsafe(24)
        with self._lock:
            self.tokens_given += 1
            self._left[token] = self._calls_per_token
        scope = "am_application_scope default"
        return 200, {
            "access_token": token,
            "scope": scope,
            "token_type": "Bearer",
            "expires_in": EXPIRES_IN,
        }

    def admit(self, authorization: str) -> bool:
        """Whether a Bearer token still opens a call; it opens one less afterwards."""
        token = authorization.removeprefix("Bearer ")
        with self._lock:
            left = self._left.get(token, 0)
            # Also for a token that nobody gave: below 0 it opens nothing either.
            self._left[token] = left - 1
        return left > 0

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, media type and body of a service's call."""
        service = self.services.get(path)
        if service is None:
            return (
                404,
                "application/json",
                b'{"fault": {"code": 404, "message": "No matching resource found"}}',
            )
        with self._lock:
            service.calls += 1
            # Counted under the lock, as several connections may ask at once, and just
            # one of them is to fail.
            failing = service.calls in service.failing_calls
        # As gateways of this kind do: the error stands in a body of JSON with status
        # 200, whatever the service's own format is.
        if failing:
            return (
                200,
                "application/json",
                json.dumps(
                    {"MSG": "He thong dang ban, thu lai sau", "Count": 0}
                ).encode(),
            )
        if service.kind == "xml":
            return 200, "application/xml", data_service_xml(path, service.rows)
        return (
            200,
            "application/json",
            json.dumps(list(service.rows), ensure_ascii=False).encode(),
        )


def data_service_xml(path: str, rows: Sequence[Row]) -> bytes:
    """Rows as a WSO2 Data Service writes them: a namespace for each service, xsi:nil
    for nothing.
    """
    name = path.strip("/").split("/")[0]
    head = f'<Entries xmlns="http://ws.wso2.org/dataservice/{name}">'
    return f"{head}{''.join(map(_entry, rows))}</Entries>".encode()


def _entry(row: Row) -> str:
    return f"<Entry>{''.join(_cell(key, value) for key, value in row.items())}</Entry>"


def _cell(key: str, value: Any) -> str:
    """One value as an element; xsi:nil says that there is none, as at WSO2."""
    if value in (None, ""):
        return (
            f'<{key} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xsi:nil="true"/>'
        )
    return f"<{key}>{escape(str(value))}</{key}>"


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests for a gateway; `http.server` makes an object of
    it for each connection.
    """

    class Handler(BaseHTTPRequestHandler):
        """The protocol of one connection."""

        # Connections stay open between calls, as at a real gateway; that takes a
        # Content-Length in every answer.
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Tokens."""
            body = self.rfile.read(
                int(self.headers.get("Content-Length") or 0)
            ).decode()
            if urlsplit(self.path).path != "/token":
                return self._send(405, "application/json", b"{}")
            status, answer = gateway.token(
                self.headers.get("Authorization", ""), parse_qs(body)
            )
            return self._send(status, "application/json", json.dumps(answer).encode())

        def do_GET(self) -> None:
            """Services."""
            if not gateway.admit(self.headers.get("Authorization", "")):
                fault = {"fault": {"code": 900901, "message": "Invalid Credentials"}}
                return self._send(401, "application/json", json.dumps(fault).encode())
            return self._send(*gateway.answer(urlsplit(self.path).path))

        def _send(self, status: int, media_type: str, body: bytes) -> None:
            """Send a whole answer."""
            self.send_response(status)
            self.send_header("Content-Type", f"{media_type};charset=UTF-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler
