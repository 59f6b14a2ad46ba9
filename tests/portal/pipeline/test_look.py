"""Small uploads are loaded within their request; what that cannot end is left to the
worker, and never lost.
"""

import io
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.actions import registry
from portal.domain.base import now
from portal.domain.events import LOAD, OutboxRow
from portal.errors import Unavailable
from portal.pipeline import load, look
from portal.runtime import Portal
from schemas.record import Upload
from tests.portal.actions.people import call, make_org
from tests.portal.pipeline.conftest import leaving_loads

GUARDS = ("portal.db.looks",)
GOOD = "ma;ten\n00001;An\n00002;Bình\n"


def upload(portal: Portal, body: str = GOOD, **more: Any) -> dict[str, Any]:
    """A dataset of its own, with one uploaded table."""
    number = len(call(portal, SYSTEM, "package_list"))
    if not number:
        make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name=f"bang-{number}", owner_org="so-y-te")
    return send(
        portal,
        "resource_create",
        package_id=f"bang-{number}",
        upload=file(body),
        format="CSV",
        **more,
    )


def file(body: str = GOOD) -> Upload:
    return Upload("a.csv", io.BytesIO(body.encode()), "text/csv")


def send(portal: Portal, action: str, **params: Any) -> dict[str, Any]:
    """What an action answers that takes a file."""
    return dict(
        orjson.loads(orjson.dumps(registry.call(portal, SYSTEM, action, params)))
    )


def waiting(portal: Portal) -> list[OutboxRow]:
    with portal.read() as uow:
        return list(
            uow.session.scalars(select(OutboxRow).where(OutboxRow.topic == LOAD))
        )


def rows(portal: Portal, key: str) -> list[str]:
    found = call(portal, ANONYMOUS, "datastore_search", resource_id=key)["records"]
    return [row["ten"] for row in found]


def test_the_rows_of_a_small_upload_answer_as_soon_as_the_upload_does(
    portal: Portal,
) -> None:
    made = upload(portal)
    assert (
        made["check_state"],
        made["datastore_active"],
        made["validation_status"],
    ) == ("open", True, "success")
    assert rows(portal, made["id"]) == ["An", "Bình"]
    assert (
        call(portal, SYSTEM, "datapusher_status", resource_id=made["id"])["status"]
        == "complete"
    )
    assert waiting(portal) == []
    assert load.drain(portal) == 0
    shown = call(portal, ANONYMOUS, "resource_show", id=made["id"])
    assert {key: made[key] for key in shown} == shown


def test_the_files_of_a_new_package_are_loaded_alike(portal: Portal) -> None:
    make_org(portal, "so-y-te")
    files = [{"upload": file(), "format": "CSV", "name": str(n)} for n in range(3)]
    send(portal, "package_create", name="nhieu", owner_org="so-y-te", resources=files)
    shown = call(portal, ANONYMOUS, "package_show", id="nhieu")
    assert [
        (each["name"], each["position"], each["datastore_active"])
        for each in shown["resources"]
    ] == [
        ("0", 0, True),
        ("1", 1, True),
        ("2", 2, True),
    ]


def unavailable(*_: object, **__: object) -> None:
    raise Unavailable("the store is away")


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def slow(
    portal: Portal, *_: object, progress: Callable[[int], object], **__: object
) -> None:
    progress(1)


@pytest.mark.parametrize("problem", [unavailable, broken, slow])
def test_what_a_request_cannot_load_is_the_workers_at_once_and_was_not_tried(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, problem: Callable[..., None]
) -> None:
    with monkeypatch.context() as damaged:
        damaged.setattr(load, "load_file", problem)
        damaged.setattr(look, "SECONDS", -1)
        made = upload(portal)
    assert (made["check_state"], made["datastore_active"]) == ("waiting", False)
    (row,) = waiting(portal)
    assert (row.attempts, row.error, row.due <= now()) == (0, None, True)
    assert load.drain(portal) == 1
    assert rows(portal, made["id"]) == ["An", "Bình"]


def test_a_server_that_ends_amid_its_request_leaves_the_file_to_the_worker(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        # Nothing is handed back: so does kill -9 look to the database.
        raise KeyboardInterrupt

    with monkeypatch.context() as damaged:
        damaged.setattr(look, "_one", killed)
        damaged.setattr(look, "_settle", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            upload(portal)
    (row,) = waiting(portal)
    assert now() < row.due < now() + timedelta(seconds=61)
    assert load.drain(portal) == 0  # the request may still be at it
    with portal.work() as uow:
        uow.session.execute(update(OutboxRow).values(due=now()))
        uow.commit()
    assert load.drain(portal) == 1
    assert rows(portal, row.entity_id) == ["An", "Bình"]


def test_a_large_file_is_left_to_the_worker(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = upload(leaving_loads(portal))
    assert (made["check_state"], made["datastore_active"], len(waiting(portal))) == (
        "waiting",
        False,
        1,
    )
    assert load.drain(portal) == 1


def test_a_change_while_a_file_is_loaded_is_not_left_unseen(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changes a resource relies on a loading that waits; one that had begun has
    read too early.
    """
    made = upload(leaving_loads(portal))
    prepared = load.gate.decide
    wanted = {"fields": [{"name": "ma", "type": "string"}]}

    def changed_meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        call(
            leaving_loads(portal),
            SYSTEM,
            "resource_patch",
            id=made["id"],
            schema=wanted,
        )
        return prepared(*arguments)

    monkeypatch.setattr(load.gate, "decide", changed_meanwhile)
    assert load.drain(portal) == 2
    assert waiting(portal) == []
    shown = call(portal, SYSTEM, "resource_show", id=made["id"])
    assert shown["check_state"] != "waiting"
    # Held to the schema that came meanwhile.
    assert shown["validation_status"] == "failure"


def test_a_database_that_goes_away_after_the_commit_does_not_make_the_upload_fail(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("UPDATE outbox", {}, Exception("gone"))

    with monkeypatch.context() as damaged:
        damaged.setattr(look, "outbox", SimpleNamespace(settle=away, release=away))
        damaged.setattr(look, "resource_dict", away)
        made = upload(portal)
    assert rows(portal, made["id"]) == ["An", "Bình"]
    assert len(waiting(portal)) == 1  # the claim runs out by itself
