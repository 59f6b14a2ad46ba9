"""A client of the web application over the test's portal, and a server on a real
socket.
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.runtime import Portal
from portal.web.app import create_app


class Client(FlaskClient):
    """Reads every answer to its end, as a client over a socket does, so that its file
    is closed.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["buffered"] = True
        return super().open(*args, **kwargs)


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    app = create_app(portal)
    app.test_client_class = Client
    return app.test_client()


@pytest.fixture
def token(portal: Portal) -> str:
    """The token of a sysadmin; an organization called org exists."""
    described: dict[str, Any] = {
        "name": "root",
        "email": "root@example.vn",
        "password": "long enough",
    }
    registry.call(portal, SYSTEM, "user_create", {**described, "sysadmin": True})
    registry.call(
        portal, SYSTEM, "organization_create", {"name": "org", "title": "Cơ quan"}
    )
    return str(
        registry.call(
            portal, SYSTEM, "api_token_create", {"user": "root", "name": "t"}
        )["token"]
    )


@pytest.fixture
def address(portal: Portal) -> Iterator[str]:
    """The address of a server on loopback."""
    server = make_server("127.0.0.1", 0, create_app(portal), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
