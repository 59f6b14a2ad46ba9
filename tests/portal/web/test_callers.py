"""Who asks is looked up in the database once for each request, whatever it touches."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.pipeline import load
from portal.runtime import Portal
from schemas.record import Upload


@contextmanager
def token_lookups(portal: Portal) -> Iterator[list[str]]:
    """The statements that read tokens, as they come."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT") and "token_hash =" in statement:
            seen.append(statement)

    event.listen(portal.engine, "before_cursor_execute", note)
    yield seen
    event.remove(portal.engine, "before_cursor_execute", note)


@pytest.fixture
def addresses(portal: Portal, token: str) -> list[str]:
    """Pages, graphs and files that ask several times who it is for."""
    registry.call(portal, SYSTEM, "package_create", {"name": "xx", "owner_org": "org"})
    made = registry.call(
        portal,
        SYSTEM,
        "resource_create",
        {"package_id": "xx", "upload": Upload("a.csv", io.BytesIO(b"a\n1\n"))},
    )
    load.drain(portal)
    return [
        f"/dataset/xx/resource/{made['id']}/download",
        f"/dataset/xx/resource/{made['id']}/download/a.json",
        f"/datastore/dump/{made['id']}",
        f"/datastore/dump/{made['id']}?version=1",
        "/dataset/xx.ttl",
        "/dataset/xx",
        "/api/3/action/package_show?id=xx",
    ]


def test_a_token_is_looked_up_once_a_request(
    client: FlaskClient, portal: Portal, token: str, addresses: list[str]
) -> None:
    headers = {"Authorization": token}
    # The first use of a minute is written down, which reads the token again.
    client.get("/dataset/xx", headers=headers)
    for address in addresses:
        with token_lookups(portal) as seen:
            answer = client.get(address, headers=headers)
        assert answer.status_code == 200, address
        assert len(seen) == 1, address


def test_each_request_is_looked_up_anew(
    client: FlaskClient, portal: Portal, token: str, addresses: list[str]
) -> None:
    registry.call(portal, SYSTEM, "package_patch", {"id": "xx", "private": True})
    headers = {"Authorization": token}
    assert client.get("/dataset/xx.ttl", headers=headers).status_code == 200
    registry.call(portal, SYSTEM, "api_token_revoke", {"token": token})
    assert client.get("/dataset/xx.ttl", headers=headers).status_code != 200
