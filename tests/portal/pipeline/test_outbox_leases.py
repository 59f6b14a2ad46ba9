"""One bad row never stops the others, in any drain; what never succeeds is given up,
and an outage blames nobody.
"""

import errno
import io
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import orjson
import pytest
from sqlalchemy import update

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import outbox
from portal.domain.base import now
from portal.domain.events import LOAD, PUBLISH, QUALITY, VALIDATE, OutboxRow
from portal.errors import Unavailable
from portal.pipeline import load, outbox_leases, publish, score, validation_runs
from portal.runtime import Portal
from schemas.record import Upload
from tests.portal.pipeline.conftest import leaving_loads

GUARDS = ("portal.pipeline.publish",)


@pytest.fixture
def portal(portal: Portal) -> Portal:
    """A portal whose uploads wait for the worker."""
    return leaving_loads(portal)


class Panic(BaseException):
    """What a panic in native code looks like from Python: no Exception."""


TROUBLES = {
    LOAD: Panic("unwrap"),
    PUBLISH: duckdb.Error("no magic bytes"),
    QUALITY: KeyError("x"),
    VALIDATE: OSError("damaged"),
}


def call(portal: Portal, action: str, /, **data: Any) -> Any:
    return orjson.loads(orjson.dumps(registry.call(portal, SYSTEM, action, data)))


@pytest.fixture(autouse=True)
def owner(portal: Portal) -> None:
    call(portal, "organization_create", name="so-y-te", title="Sở Y tế")


def uploads(portal: Portal, *names: str) -> dict[str, str]:
    """Datasets with an upload each: the resource's id by name."""
    made = {}
    for name in names:
        call(portal, "package_create", name=name, title=name, owner_org="so-y-te")
        body = io.BytesIO(f"ma,ten\n1,{name}\n".encode())
        upload = Upload(stream=body, name="t.csv", media_type="text/csv")
        made[name] = call(portal, "resource_create", package_id=name, upload=upload)[
            "id"
        ]
    return made


def due_again(portal: Portal, topic: str) -> None:
    with portal.work() as uow:
        uow.session.execute(
            update(OutboxRow).where(OutboxRow.topic == topic).values(due=now())
        )
        uow.commit()


def given_up(portal: Portal) -> list[tuple[str, str]]:
    with portal.read() as uow:
        return [
            (each.topic, each.entity_id) for each in outbox.list_given_up(uow.session)
        ]


def failing(
    work: Callable[..., Any], bad: str, error: BaseException, place: int
) -> Callable[..., Any]:
    """The same work, but for the thing that is bad."""

    def tried(*args: Any, **more: Any) -> Any:
        if args[place] == bad or getattr(args[place], "id", None) == bad:
            raise error
        return work(*args, **more)

    return tried


def drained(portal: Portal, topic: str) -> int:
    drains = {
        LOAD: load.drain,
        PUBLISH: publish.drain,
        QUALITY: score.drain,
        VALIDATE: validation_runs.drain,
    }
    return drains[topic](portal)


@pytest.mark.parametrize("topic", sorted(TROUBLES))
def test_one_bad_row_is_given_up_and_the_others_go_on(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    error = TROUBLES[topic]
    made = uploads(portal, "xau", "tot", "hay")
    bad = made["xau"]
    if topic != LOAD:
        assert load.drain(portal) == 3
    if topic == VALIDATE:
        asked = [
            call(portal, "resource_validation_run", resource_id=key)["id"]
            for key in made.values()
        ]
        bad = asked[0]
    if topic == QUALITY:
        bad = call(portal, "package_show", id="xau")["id"]
    target, place = {
        LOAD: ("portal.pipeline.load.load_resource", 1),
        PUBLISH: ("portal.pipeline.publish.render", 1),
        QUALITY: ("portal.pipeline.score.describe", 2),
        VALIDATE: ("portal.pipeline.validation_runs._run", 1),
    }[topic]
    module, name = target.rsplit(".", 1)
    with monkeypatch.context() as broken:
        broken.setattr(
            target, failing(getattr(sys.modules[module], name), bad, error, place)
        )
        assert drained(portal, topic) >= 2
        for _ in range(portal.settings.outbox_tries):
            due_again(portal, topic)
            drained(portal, topic)
    with portal.read() as uow:
        assert outbox.count(uow.session, topic) == 0
        found = [
            (each.topic, each.entity_id, each.attempts)
            for each in outbox.list_given_up(uow.session)
        ]
    assert found == [(topic, bad, portal.settings.outbox_tries)]
    if topic == LOAD:
        assert call(portal, "datapusher_status", resource_id=bad)["status"] == "error"
    if topic == VALIDATE:
        assert (
            call(portal, "resource_validation_show", resource_id=made["xau"])["status"]
            == "error"
        )


@pytest.mark.parametrize(
    "outage", [Unavailable("away"), OSError(errno.ENOSPC, "full")], ids=["away", "full"]
)
def test_an_outage_gives_nothing_up(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, outage: Exception
) -> None:
    made = uploads(portal, "cho")["cho"]
    with monkeypatch.context() as broken:
        broken.setattr(
            load, "load_resource", failing(load.load_resource, made, outage, 1)
        )
        for _ in range(portal.settings.outbox_tries + 2):
            assert load.drain(portal) == 0
            due_again(portal, LOAD)
    assert given_up(portal) == []
    assert load.drain(portal) == 1
    assert call(portal, "datapusher_status", resource_id=made)["status"] == "complete"


class Killed(SystemExit):
    """What ends a process; nothing of ours catches it, as nothing catches kill -9."""


def test_a_row_that_ends_its_worker_each_time_is_given_up(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in native code tells nobody; its tries count all the same."""
    made = uploads(portal, "chet", "song")
    assert load.drain(portal) == 2
    with monkeypatch.context() as deadly:
        deadly.setattr(
            publish, "render", failing(publish.render, made["chet"], Killed(), 1)
        )
        for _ in range(portal.settings.outbox_tries):
            with pytest.raises(Killed):
                publish.drain(portal)
            due_again(portal, PUBLISH)
        assert given_up(portal) == []
        assert publish.drain(portal) >= 1
    assert given_up(portal) == [(PUBLISH, made["chet"])]
    with portal.read() as uow:
        assert outbox.list_given_up(uow.session)[0].error == outbox_leases.DIED


def test_what_a_worker_cannot_end_in_time_is_handed_back_as_if_it_was_not_begun(
    portal: Portal,
) -> None:
    uploads(portal, "aa", "bb")
    (first,) = outbox_leases.claim(portal, LOAD)
    assert outbox_leases.hand_back(portal) == 0, "nobody works on it"
    with outbox_leases.renewal(portal, [first]):
        assert outbox_leases.hand_back(portal) == 1
        assert outbox_leases.hand_back(portal) == 1, (
            "it is under way until its thread ends"
        )
    assert outbox_leases.hand_back(portal) == 0
    entities = {
        claim.entity_id: claim.attempts
        for claim in (
            *outbox_leases.claim(portal, LOAD),
            *outbox_leases.claim(portal, LOAD),
        )
    }
    assert entities[first.entity_id] == 1 and len(entities) == 2
