"""The way to a guarded Elasticsearch: certificate, password, API key; and what is said
where one is wrong.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.errors import SettingsError
from portal.settings import load
from portal.web.app import create_app
from search import open_backend
from search.backend import SearchUnavailable
from tests.portal.test_cli import portal as typed
from tests.search.datasets import ask, entry, found
from tests.servers.elastic_nodes import Nodes, make_certificate
from tests.servers.elasticsearch import own_nodes

GUARDS = (
    "search.elastic_index.bulk",
    "search.fallback",
)
# One server for all of them, whichever worker runs them.
pytestmark = pytest.mark.xdist_group("guarded")

PASSWORD = "mat khau: @/#,?%"
ACCENTED = "mật khẩu: @/#,?%"
"""Elasticsearch's own tool takes a first password in ASCII alone; later ones may be
any.
"""


@pytest.fixture(scope="module")
def guarded() -> Iterator[Nodes]:
    with own_nodes(tls=True, password=PASSWORD) as nodes:
        yield nodes


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """An authority that has not signed anything of ours."""
    make_certificate(tmp_path / "foreign.crt", tmp_path / "foreign.key")
    return tmp_path / "foreign.crt"


def plain(nodes: Nodes) -> str:
    """Its address without a login."""
    return f"https://{nodes.url.rpartition('@')[2]}"


@pytest.mark.elasticsearch
@pytest.mark.timeout(400)
def test_the_right_authority_and_password_work(guarded: Nodes) -> None:
    with closing(
        open_backend(
            plain(guarded),
            None,
            alias="own",
            password=PASSWORD,
            ca_certs=str(guarded.ca),
        )
    ) as index:
        index.apply([entry("a", "Bệnh viện")])
        assert found(index, "benh vien") == ["a"]
        assert index.health().status == "ok"


@pytest.mark.elasticsearch
@pytest.mark.timeout(400)
def test_what_is_wrong_is_told_everywhere_and_no_secret(
    guarded: Nodes, foreign: Path, tmp_path: Path
) -> None:
    for number, (given, told) in enumerate(
        [
            ({"CA_FILE": str(foreign), "PASSWORD": PASSWORD}, "PORTAL_SEARCH_CA_FILE"),
            ({"PASSWORD": PASSWORD}, "PORTAL_SEARCH_CA_FILE"),
            (
                {"CA_FILE": str(guarded.ca), "PASSWORD": "sai mật khẩu"},
                "PORTAL_SEARCH_PASSWORD",
            ),
            (
                {"CA_FILE": str(guarded.ca), "API_KEY": "c2FpOnNhaQ=="},
                "PORTAL_SEARCH_API_KEY",
            ),
        ]
    ):
        settings = {f"PORTAL_SEARCH_{name}": value for name, value in given.items()}
        environment = {
            **settings,
            "PORTAL_DATA_DIR": str(tmp_path / str(number)),
            "PORTAL_LOG_LEVEL": "ERROR",
        }
        environment |= {
            "PORTAL_SEARCH_URL": plain(guarded),
            "PORTAL_SEARCH_RETRIES": "0",
        }
        secrets = [value for name, value in given.items() if name != "CA_FILE"] + [
            plain(guarded),
            str(tmp_path),
        ]
        _told_by_the_portal(environment, told, secrets)
        said = typed(environment, "index", "rebuild", code=1)
        assert said.startswith("portal: ") and told in said, said
        assert not any(secret in said for secret in secrets)


def _told_by_the_portal(
    environment: dict[str, str], told: str, secrets: list[str]
) -> None:
    portal = build_portal(load(environment), upgrade=True)
    try:
        status: dict[str, Any] = registry.call(portal, SYSTEM, "status_show", {})[
            "search"
        ]
        client = create_app(portal).test_client()
        for path, code in (("/health", 503), ("/api/action/status_show", 200)):
            answer = client.get(path)
            assert answer.status_code == code
            assert told in answer.text and not any(
                secret in answer.text for secret in secrets
            )
        assert status["status"] == "down" and told in status["detail"]
        assert client.get("/api/action/package_search").status_code == 503
    finally:
        portal.close()


@pytest.mark.elasticsearch
@pytest.mark.timeout(400)
def test_plain_speech_with_a_server_that_speaks_tls_is_told(guarded: Nodes) -> None:
    address = plain(guarded).replace("https", "http")
    with (
        closing(open_backend(address, None, retries=0)) as index,
        pytest.raises(SearchUnavailable, match="SEARCH_URL"),
    ):
        ask(index)


class Recorder(BaseHTTPRequestHandler):
    """Notes who asks, and answers as Elasticsearch does to searches that find nothing;
    `busy` times it has no shard.
    """

    heard: list[str] = []  # noqa: RUF012 - one for all requests, as there is one handler for each
    busy = 0

    def do_POST(self) -> None:
        self.heard.append(str(self.headers["Authorization"]))
        asked = self.rfile.read(int(self.headers["Content-Length"])).count(b"\n") // 2
        answers: list[dict[str, object]] = [
            {"status": 200, "hits": {"total": {"value": 0}, "hits": []}}
        ] * asked
        if Recorder.busy:
            Recorder.busy -= 1
            answers[-1] = {
                "status": 503,
                "error": {"type": "search_phase_execution_exception"},
            }
        body = orjson.dumps({"responses": answers})
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def recording(busy: int = 0) -> Iterator[int]:
    """A server on a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Recorder.heard.clear()
    Recorder.busy = busy
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ({"api_key": "aWQ6a2V5"}, "ApiKey aWQ6a2V5"),
        ({"api_key": "aWQ6a2V5", "user": "an", "password": "x"}, "ApiKey aWQ6a2V5"),
        ({"user": "an", "password": ACCENTED}, "an:" + ACCENTED),
        ({"password": ACCENTED}, "elastic:" + ACCENTED),
        ({}, "chủ:m@t"),
        ({"url_login": "ch%E1%BB%A7@", "password": "m@t"}, "chủ:m@t"),
    ],
)
def test_the_login_is_sent_as_it_is_set(given: dict[str, str], header: str) -> None:
    given = dict(given)
    login = given.pop("url_login", "") if given else "ch%E1%BB%A7:m%40t@"
    with (
        recording() as port,
        closing(
            open_backend(f"http://{login}127.0.0.1:{port}", None, **given)
        ) as index,
    ):  # type: ignore[arg-type]  # all of them are texts
        assert ask(index).count == 0
    basic = "Basic " + base64.b64encode(header.encode()).decode()
    assert Recorder.heard == [header if header.startswith("ApiKey") else basic]


def test_a_search_that_lost_its_shard_within_a_good_answer_is_tried_again() -> None:
    with (
        recording(busy=2) as port,
        closing(open_backend(f"http://127.0.0.1:{port}", None)) as index,
    ):
        assert ask(index).count == 0
        assert len(Recorder.heard) == 3


def test_a_search_that_never_gets_its_shard_is_an_error_and_no_half_answer() -> None:
    with (
        recording(busy=9) as port,
        closing(open_backend(f"http://127.0.0.1:{port}", None, retries=1)) as index,
    ):
        with pytest.raises(SearchUnavailable, match="503"):
            ask(index)
        assert len(Recorder.heard) == 2


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {
                "PORTAL_SEARCH_URL": "https://x",
                "PORTAL_SEARCH_CA_FILE": "/nowhere/ca.pem",
            },
            "PORTAL_SEARCH_CA_FILE",
        ),
        (
            {"PORTAL_SEARCH_URL": "https://x", "PORTAL_SEARCH_CA_FILE": __file__},
            "PORTAL_SEARCH_CA_FILE",
        ),
        ({"PORTAL_SEARCH_URL": "http://elastic:mat:khau/1@x"}, "search URL"),
        ({"PORTAL_SEARCH_REPLICAS": "viele"}, "PORTAL_SEARCH_REPLICAS takes auto"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(
    settings: dict[str, str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        build_portal(
            load({"PORTAL_DATA_DIR": str(tmp_path / "var"), **settings}), upgrade=True
        )
    assert "khau" not in str(caught.value)
