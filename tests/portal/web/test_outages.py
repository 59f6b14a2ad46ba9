"""While the database or a disk is away: envelopes for programs, pages for people, and
one line in the log.
"""

import io
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.runtime import Portal
from portal.settings import load
from portal.web.app import create_app
from tests.servers.postgresql import fresh_database
from tests.servers.relay import Relay

ACTION = "/api/3/action/"
READS = (
    "package_search",
    "package_list",
    "package_show?id=xx",
    "status_show",
    "user_list",
    "organization_list",
)


class Gone:
    """A portal on a real PostgreSQL behind a relay, with a client and a sysadmin's
    token.
    """

    def __init__(self, portal: Portal, relay: Relay) -> None:
        self.portal, self.relay = portal, relay
        self.client = create_app(portal).test_client()
        registry.call(
            portal,
            SYSTEM,
            "user_create",
            {"name": "root", "email": "root@example.vn", "sysadmin": True},
        )
        registry.call(portal, SYSTEM, "organization_create", {"name": "org"})
        made = registry.call(
            portal, SYSTEM, "api_token_create", {"user": "root", "name": "t"}
        )
        self.headers = {"Authorization": str(made["token"])}


@pytest.fixture
def gone(tmp_path: Path) -> Iterator[Gone]:
    with fresh_database() as url:
        parts = urlsplit(url)
        with Relay((str(parts.hostname), int(parts.port or 0))) as relay:
            address = url.replace(f":{parts.port}/", f":{relay.port}/")
            environment = {
                "PORTAL_DATA_DIR": str(tmp_path / "var"),
                "PORTAL_DATABASE_URL": address,
            }
            portal = build_portal(load(environment), upgrade=True)
            yield Gone(portal, relay)
            portal.close()


def told(answer: Any, status: int = 503) -> dict[str, Any]:
    """The error of an answer that must be an envelope with a time to come again."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/json;charset=utf-8"
    assert int(answer.headers["Retry-After"]) > 0
    body = answer.get_json()
    assert body["success"] is False
    assert body["help"].startswith("http://127.0.0.1:5000/api/3/action/help_show?name=")
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.postgresql
def test_without_its_database_the_api_answers_envelopes_and_pages_stay_pages(
    gone: Gone, caplog: pytest.LogCaptureFixture
) -> None:
    client, headers = gone.client, gone.headers
    assert client.get(ACTION + "package_list", headers=headers).status_code == 200
    gone.relay.close()
    caplog.clear()
    for read in READS:
        # The last one goes past the fast lane.
        for named in ({}, headers, {**headers, "If-Modified-Since": "x"}):
            error = told(client.get(ACTION + read, headers=named))
            assert error["__type"] == "Service Unavailable"
            assert "database" in error["message"]
    name = {"name": "fresh", "owner_org": "org"}
    told(client.post(ACTION + "package_create", json=name, headers=headers))
    told(client.post(ACTION + "package_create", json=name))
    file = {"upload": (io.BytesIO(b"a,b\n1,2\n"), "a.csv"), "package_id": "xx"}
    told(client.post(ACTION + "resource_create", data=file, headers=headers))
    told(client.get("/api/util/organization/autocomplete?q=x"))
    lines = [record for record in caplog.records if record.name == "portal.web.errors"]
    assert len(lines) == len(READS) * 3 + 4
    assert all(
        record.exc_info is None and "\n" not in record.getMessage() for record in lines
    )
    key = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    for path in (
        "/",
        "/dataset/xx",
        f"/datastore/dump/{key}",
        f"/dataset/xx/resource/{key}/download",
        "/feeds/dataset.atom",
    ):
        answer = client.get(path, headers={"Accept-Language": "vi"})
        assert (answer.status_code, answer.mimetype) == (503, "text/html")
        assert "tạm thời" in answer.get_data(as_text=True)
        assert answer.headers["Retry-After"]
    gone.relay.open()
    assert (
        client.post(ACTION + "package_create", json=name, headers=headers).status_code
        == 200
    )
    assert client.get(ACTION + "package_show?id=fresh").status_code == 200


@pytest.mark.postgresql
def test_a_command_without_its_database_says_one_sentence(gone: Gone) -> None:
    gone.relay.close()
    url = gone.portal.settings.database_url
    for command in (
        ["worker"],
        ["serve", "--port", str(free_port())],
        ["db", "upgrade"],
        ["user", "create", "an"],
    ):
        ended = cli(
            *command,
            PORTAL_DATABASE_URL=url,
            PORTAL_DATA_DIR=str(gone.portal.settings.data_dir),
        )
        assert ended.returncode == 1, ended.stderr
        (line,) = ended.stderr.strip().splitlines()
        assert line.startswith("portal: The database cannot be reached now")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the portal, in a process of its own."""
    command = [sys.executable, "-m", "portal.cli", *arguments]
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_data_folder_that_cannot_be_used_is_said_in_one_sentence(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="ascii")
    for folder in ("/proc/nothing", str(tmp_path / "file" / "var")):
        for command in (["worker"], ["db", "upgrade"]):
            ended = cli(*command, PORTAL_DATA_DIR=folder)
            assert ended.returncode == 1
            (line,) = ended.stderr.strip().splitlines()
            assert line.startswith("portal: ")
            assert folder in line


@pytest.mark.parametrize("portal", ["sqlite"], indirect=True)
def test_a_full_database_refuses_writes_with_507_and_goes_on_reading(
    portal: Portal, client: FlaskClient, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": token}
    kept = {"name": "kept", "owner_org": "org"}
    assert (
        client.post(ACTION + "package_create", json=kept, headers=headers).status_code
        == 200
    )
    portal.engine.dispose()

    @event.listens_for(portal.engine, "connect")
    def no_more_pages(connection: Any, _record: Any) -> None:
        # SQLite then takes what the file has: nothing more fits.
        connection.execute("PRAGMA max_page_count = 1")

    large = {"name": "large", "owner_org": "org", "notes": "n" * 500_000}
    error = told(
        client.post(ACTION + "package_create", json=large, headers=headers), 507
    )
    assert error["__type"] == "Insufficient Storage"
    assert "disk is full" in error["message"]
    assert "SQL" not in error["message"]
    assert client.get(ACTION + "package_show?id=kept").status_code == 200
    assert client.get("/").status_code == 200
    (line,) = [
        record for record in caplog.records if record.name == "portal.web.errors"
    ]
    assert line.levelno == logging.ERROR
    assert "database or disk is full" in line.getMessage()
    event.remove(portal.engine, "connect", no_more_pages)
    portal.engine.dispose()
    assert (
        client.post(ACTION + "package_create", json=large, headers=headers).status_code
        == 200
    )


FULL_TEMPORARY = """
import resource
from portal.bootstrap import build_portal
from portal.settings import load
from portal.web.app import create_app

portal = build_portal(load(), upgrade=True)
client = create_app(portal).test_client()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # no file grows beyond, in any folder
body = b'--b\\r\\nContent-Disposition: form-data; name="upload"; filename="a.csv"\\r\\n\\r\\n' + b"x" * 2_000_000
kind = "multipart/form-data; boundary=b"
answer = client.post("/api/3/action/resource_create", data=body + b"\\r\\n--b--\\r\\n", content_type=kind)
print(answer.status_code, answer.content_type, answer.headers["Retry-After"], answer.get_json()["error"]["__type"])
"""


def test_an_upload_that_the_temporary_folder_cannot_hold_is_an_envelope(
    tmp_path: Path,
) -> None:
    environment = {
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", FULL_TEMPORARY]
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert (
        ended.stdout.strip()
        == "507 application/json;charset=utf-8 60 Insufficient Storage"
    )
    assert "Traceback" not in ended.stderr


def test_a_multipart_part_without_a_name_is_an_envelope(client: FlaskClient) -> None:
    for disposition in ("form-data", 'form-data; filename="a.csv"'):
        body = (
            f"--b\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--b--\r\n".encode()
        )
        answer = client.post(
            ACTION + "resource_create",
            data=body,
            content_type="multipart/form-data; boundary=b",
        )
        assert answer.status_code == 400
        assert answer.get_json()["success"] is False
        assert "no name" in answer.get_json()["error"]["message"]


def test_what_fails_before_the_action_is_an_envelope_too(client: FlaskClient) -> None:
    too_large = client.post(
        ACTION + "package_create", data=b"x" * (10 * 1024 * 1024 + 1)
    )
    assert (too_large.status_code, too_large.get_json()["success"]) == (413, False)
