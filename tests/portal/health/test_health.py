"""What /health/ready says in each broken state; each state is really broken."""

import resource
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.db import workers
from portal.domain.base import now
from portal.domain.events import LOAD, PUBLISH, GivenUp, OutboxRow
from portal.health import disks
from portal.health.drift import Drift
from portal.health.report import Health
from portal.pipeline import index
from portal.pipeline.worker_sign import sign_of_life
from portal.runtime import Portal
from portal.settings import load
from portal.web.app import create_app
from tests.servers.postgresql import fresh_database
from tests.servers.relay import Relay

GUARDS = (
    "portal.db.figures",
    "portal.health.disks",
    "portal.health.drift",
    "portal.health.problems",
    "portal.health.report",
    "portal.web.health",
    "portal.web.metrics",
)
ENGLISH = {"Accept-Language": "en"}


def client_of(portal: Portal) -> FlaskClient:
    """A client of an application that looks anew at each question."""
    app = create_app(portal)
    app.extensions["health"] = Health(portal, seconds=0, drift=Drift(seconds=0))
    return app.test_client()


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    return client_of(portal)


@pytest.fixture
def alive(portal: Portal) -> Iterator[None]:
    """A worker gives its signs of life."""
    with sign_of_life(portal, "host:1:a"):
        yield


def ready(client: FlaskClient, status: int, **headers: str) -> dict[str, Any]:
    answer = client.get("/health/ready", headers={**ENGLISH, **headers})
    body: dict[str, Any] = answer.get_json()
    assert answer.status_code == status, body
    assert body["status"] == ("ready" if status == 200 else "not ready")
    return body


def test_a_whole_portal_is_ready_and_says_its_figures(
    client: FlaskClient, portal: Portal, alive: None
) -> None:
    registry.call(portal, SYSTEM, "organization_create", {"name": "org"})
    registry.call(portal, SYSTEM, "package_create", {"name": "xx", "owner_org": "org"})
    index.drain(portal)
    body = ready(client, 200)
    assert (body["problems"], body["reasons"]) == ([], [])
    assert (body["workers"]["alive"], body["workers"]["list"][0]["name"]) == (
        1,
        "host:1:a",
    )
    assert (body["index"]["database"], body["index"]["index"]) == (1, 1)
    assert body["database"]["revision"] == body["database"]["needed"]
    assert body["disk"]["data"]["free_mb"] > 0
    assert body["files"] == {"status": "ok"}
    assert body["queues"]["quality"]["oldest_seconds"] >= 0
    assert client.get("/health").get_json()["status"] == "ok"
    assert client.get("/health/live").get_json() == {
        "status": "alive",
        "version": body["version"],
    }


def test_without_a_worker(client: FlaskClient, portal: Portal) -> None:
    (reason,) = ready(client, 503)["reasons"]
    assert "0 of 1 workers" in reason
    assert "portal worker" in reason
    with portal.work() as uow:
        workers.beat(uow.session, "host:1:gone", "host", 1, "0")
        uow.session.flush()
        uow.session.execute(
            text("UPDATE worker SET seen = :then"),
            {"then": now() - timedelta(minutes=5)},
        )
        uow.commit()
    body = ready(client, 503)
    assert body["workers"]["list"][0]["last_seen_seconds"] > 200
    told = client.get("/health")
    assert (
        told.status_code,
        told.get_json()["status"],
        told.get_json()["workers_alive"],
    ) == (200, "degraded", 0)


def test_a_stuck_queue_and_what_was_given_up(
    client: FlaskClient, portal: Portal, alive: None
) -> None:
    with portal.work() as uow:
        uow.session.add(
            OutboxRow(topic=PUBLISH, entity_id="x", created=now() - timedelta(hours=2))
        )
        uow.commit()
    body = ready(client, 503)
    assert "queue publish is stuck" in body["reasons"][0]
    assert body["queues"]["publish"]["oldest_seconds"] > 7000
    assert client.get("/health").get_json()["oldest_seconds"]["publish"] > 7000
    with portal.work() as uow:
        uow.session.execute(text("DELETE FROM outbox"))
        uow.session.add(
            GivenUp(topic=LOAD, entity_id="x", at=now(), attempts=5, error="e")
        )
        uow.commit()
    body = ready(client, 200)
    assert "1 items of the queue load were given up" in body["warnings"][0]
    assert client.get("/health").get_json()["status"] == "degraded"


@pytest.mark.postgresql
def test_without_its_database(tmp_path: Path) -> None:
    with fresh_database() as url:
        parts = urlsplit(url)
        with Relay((str(parts.hostname), int(parts.port or 0))) as relay:
            address = url.replace(f":{parts.port}/", f":{relay.port}/")
            environment = {
                "PORTAL_DATA_DIR": str(tmp_path / "var"),
                "PORTAL_DATABASE_URL": address,
            }
            portal = build_portal(load(environment), upgrade=True)
            client = client_of(portal)
            relay.close()
            body = ready(client, 503)
            assert "database cannot be reached" in body["reasons"][0]
            assert ready(
                client, 503, Authorization="a-token", **{"X-Forwarded-For": "1.2.3.4"}
            )["problems"] == ["database"]
            assert client.get("/health/live").status_code == 200
            told = client.get("/health")
            assert (told.status_code, told.get_json()["database"]) == (
                503,
                "unreachable",
            )
            relay.open()
            assert ready(client, 503)["problems"] == ["workers"]
            portal.close()


def test_a_disk_on_which_nothing_can_be_written(
    client: FlaskClient, portal: Portal, alive: None
) -> None:
    held = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, held[1]))
    try:
        section = disks.look(portal)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
    assert [problem.check for problem in section.problems] == ["disk"] * 3
    assert "cannot be written: File too large" in section.problems[0].message.en
    assert disks.look(portal).problems == ()


def test_a_disk_with_too_little_room(portal: Portal, alive: None) -> None:
    object.__setattr__(portal.settings, "health_disk_mb", 10_000_000)
    body = ready(client_of(portal), 503)
    assert "less than PORTAL_HEALTH_DISK_MB" in body["reasons"][0]
    assert tempfile.gettempdir() in str(body["reasons"])


def test_without_the_file_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ):
        monkeypatch.setenv(name, value)
    environment = {
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_FILES_URL": "s3://bucket?endpoint=http://127.0.0.1:1",
        "PORTAL_HEALTH_WORKERS": "0",
    }
    portal = build_portal(load(environment), upgrade=True)
    body = ready(client_of(portal), 503)
    assert body["problems"] == ["files"]
    assert "The file store (PORTAL_FILES_URL) cannot be used" in body["reasons"][0]
    portal.close()


def test_an_index_that_is_empty_after_a_restore(tmp_path: Path) -> None:
    settings = load(
        {"PORTAL_DATA_DIR": str(tmp_path / "var"), "PORTAL_HEALTH_WORKERS": "0"}
    )
    portal = build_portal(settings, upgrade=True)
    registry.call(portal, SYSTEM, "organization_create", {"name": "org"})
    for name in ("xx", "yy"):
        registry.call(
            portal, SYSTEM, "package_create", {"name": name, "owner_org": "org"}
        )
    index.drain(portal)
    ready(client_of(portal), 200)
    portal.close()
    shutil.rmtree(settings.data_dir / "index")
    restored = build_portal(settings)
    client = client_of(restored)
    body = ready(client, 503)
    assert body["problems"] == ["index"]
    assert "The index holds 0 datasets, the database 2" in body["reasons"][0]
    index.rebuild(restored)
    ready(client, 200)
    with restored.work() as uow:  # as many as there should be, but not the same
        uow.session.execute(
            text("UPDATE package SET rendered = :body WHERE name = 'xx'"),
            {"body": b"{}"},
        )
        uow.commit()
    assert ready(client, 503)["index"]["sample_differs"] == 1
    restored.close()


def test_a_database_of_another_revision(
    client: FlaskClient, portal: Portal, alive: None
) -> None:
    with portal.work() as uow:
        uow.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        uow.commit()
    body = ready(client, 503)
    assert "at revision 0001" in body["reasons"][0]
    assert "portal db upgrade" in body["reasons"][0]


def test_who_hears_the_reasons(portal: Portal, client: FlaskClient) -> None:
    registry.call(
        portal,
        SYSTEM,
        "user_create",
        {"name": "root", "email": "root@example.vn", "sysadmin": True},
    )
    registry.call(
        portal, SYSTEM, "user_create", {"name": "an", "email": "an@example.vn"}
    )
    tokens = {
        name: registry.call(
            portal, SYSTEM, "api_token_create", {"user": name, "name": "t"}
        )["token"]
        for name in ("root", "an")
    }
    object.__setattr__(portal.settings, "metrics_token", "monitor-token")
    strange = {"X-Forwarded-For": "127.0.0.1"}
    for headers in (
        {},
        {"Authorization": tokens["an"]},
        {"Authorization": "Bearer wrong"},
    ):
        body = ready(client, 503, **strange, **headers)
        assert set(body) == {"status", "problems", "version"}
    for token in (tokens["root"], "Bearer monitor-token"):
        assert "reasons" in ready(client, 503, **strange, Authorization=token)
    assert "reasons" in ready(client, 503)
    vietnamese = client.get(
        "/health/ready", headers={"Accept-Language": "vi"}
    ).get_json()
    assert "hãy khởi động" in vietnamese["reasons"][0]
    object.__setattr__(portal.settings, "metrics_allow", ("10.0.0.0/8",))
    assert "reasons" not in ready(client, 503)


@pytest.mark.parametrize(
    ("trusted", "connected", "headers", "hears"),
    [
        ((), "127.0.0.1", {}, True),
        ((), "203.0.113.9", {}, False),
        ((), "127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, False),
        ((), "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
        ((), "127.0.0.1", {"X-Forwarded-Proto": "https"}, False),
        ((), "127.0.0.1", {"Via": "1.1 proxy"}, False),
        (("127.0.0.1",), "127.0.0.1", {}, True),
        (("127.0.0.1",), "127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}, True),
        (
            ("127.0.0.1",),
            "127.0.0.1",
            {"X-Forwarded-For": "10.0.0.7, 203.0.113.9"},
            False,
        ),
        (
            ("127.0.0.1",),
            "127.0.0.1",
            {"X-Forwarded-For": "203.0.113.9, 10.0.0.7"},
            True,
        ),
        (("127.0.0.1",), "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
        (
            ("127.0.0.1",),
            "127.0.0.1",
            {"X-Forwarded-For": "127.0.0.1, 127.0.0.1"},
            False,
        ),
        (("127.0.0.1",), "127.0.0.1", {"X-Forwarded-For": "nobody"}, False),
        (("127.0.0.1",), "127.0.0.1", {"X-Real-IP": "10.0.0.7"}, False),
        (("192.0.2.1",), "127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, False),
        (("192.0.2.1",), "203.0.113.9", {"X-Forwarded-For": "10.0.0.7"}, False),
        (("192.0.2.1",), "192.0.2.1", {"X-Forwarded-For": "10.0.0.7"}, True),
    ],
)
def test_who_counts_as_the_machine_or_its_network(
    portal: Portal,
    trusted: tuple[str, ...],
    connected: str,
    headers: dict[str, str],
    *,
    hears: bool,
) -> None:
    object.__setattr__(portal.settings, "trusted_proxies", trusted)
    object.__setattr__(portal.settings, "metrics_allow", ("127.0.0.0/8", "10.0.0.0/8"))
    client = create_app(portal).test_client()
    surroundings = {"REMOTE_ADDR": connected}
    health = client.get(
        "/health/ready", headers=headers, environ_base=surroundings
    ).get_json()
    assert ("reasons" in health) is hears
    assert (
        client.get("/metrics", headers=headers, environ_base=surroundings).status_code
        == 200
    ) is hears


def test_asking_often_looks_once(portal: Portal) -> None:
    app = create_app(portal)
    first = app.test_client().get("/health/ready").get_json()
    with sign_of_life(portal, "host:1:a"):
        assert app.test_client().get("/health/ready").get_json() == first
