"""Two at one dataset, in every pair that matters: row, package dict and index agree
afterwards, and nothing is lost.

PostgreSQL only: SQLite has one writer at a time.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import event, text

from portal.access.identity import SYSTEM, Actor
from portal.access.policy import Permission
from portal.actions.registry import ACTIONS as DECLARED
from portal.bootstrap import build_portal
from portal.db import datasets
from portal.domain.datasets import Dataset
from portal.errors import Invalid, NotAuthorized, NotFound, PortalError
from portal.pipeline import index, rendering
from portal.runtime import Portal
from portal.settings import load
from tests.portal.actions.people import call, make_actor
from tests.portal.db.writers import ACTIONS, PIPELINE, Deed, World
from tests.servers.postgresql import fresh_database
from tests.waiting import until

GUARDS = ("portal.db.unheld",)
pytestmark = pytest.mark.postgresql
WRITERS = {**ACTIONS, **PIPELINE}
GONE = {"dataset_purge", "harvest_source_clear"}
"""After these there is no dataset any more."""
OTHERWISE = {*GONE, "bulk_update_public", "harvest: store"}
"""These may have the last word on whether the dataset is private."""
TAKES = ("UPDATE package ", "DELETE FROM package ", "FOR UPDATE")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("races")
    environment = {
        "PORTAL_DATA_DIR": str(folder),
        "PORTAL_LOG_LEVEL": "ERROR",
        "PORTAL_DATASET_COLLABORATORS": "on",
    }
    with fresh_database() as url:
        running = build_portal(
            load({**environment, "PORTAL_DATABASE_URL": url}), upgrade=True
        )
        make_actor(running, "ban")
        # The index is looked at once, at the end of each test.
        yield replace(running, after_write=lambda _portal: None)
        running.close()


class Pause:
    """Stops one thread right before it commits what it has taken of a dataset."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._took = False

    def here(self) -> None:
        """The thread that calls is the one to be stopped."""
        self._thread = threading.current_thread()

    def saw(self, *given: Any) -> None:
        statement = given[2]
        if threading.current_thread() is self._thread and any(
            each in statement for each in TAKES
        ):
            self._took = self._took or "package" in statement

    def commits(self, _connection: Any) -> None:
        if (
            threading.current_thread() is self._thread
            and self._took
            and not self.reached.is_set()
        ):
            self.reached.set()
            self.go_on.wait(60)


@contextmanager
def stopping(portal: Portal) -> Iterator[Pause]:
    pause = Pause()
    event.listen(portal.engine, "before_cursor_execute", pause.saw)
    event.listen(portal.engine, "commit", pause.commits)
    try:
        yield pause
    finally:
        pause.go_on.set()
        event.remove(portal.engine, "before_cursor_execute", pause.saw)
        event.remove(portal.engine, "commit", pause.commits)


def tried(deed: Deed) -> PortalError | None:
    """What a deed is refused with."""
    try:
        deed()
    except PortalError as refusal:
        return refusal
    return None


def waits_for_a_lock(portal: Portal) -> bool:
    with portal.engine.connect() as connection:
        return bool(
            connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        )


def together(
    portal: Portal, first: Deed, second: Deed
) -> tuple[PortalError | None, PortalError | None]:
    """Do `second` while `first` has done all but commit; what each is refused with."""
    with stopping(portal) as pause, ThreadPoolExecutor(2) as pool:

        def one() -> PortalError | None:
            pause.here()
            return tried(first)

        began: Future[PortalError | None] = pool.submit(one)
        until(lambda: pause.reached.is_set() or began.done())
        follows = pool.submit(tried, second)
        until(lambda: follows.done() or waits_for_a_lock(portal), pause=0.01)
        pause.go_on.set()
        return began.result(60), follows.result(60)


def in_turn(
    portal: Portal, other: Deed, deed: Deed, begins: str
) -> tuple[PortalError | None, PortalError | None]:
    """As `together`, whichever begins; what the other deed and this one are refused
    with.
    """
    if begins == "the other":
        return together(portal, other, deed)
    refused = together(portal, deed, other)
    return refused[1], refused[0]


def settled(world: World) -> Dataset | None:
    """The dataset once all consequences are drawn; its row, its package dict and the
    index agree.
    """
    rendering.drain(world.portal)
    assert index.compare(world.portal).none
    with world.portal.work() as uow:
        dataset = uow.session.get(Dataset, world.id)
        if dataset is None:
            return None
        kept = orjson.loads(dataset.rendered)
        assert kept == orjson.loads(
            orjson.dumps(
                datasets.anew(uow.session, dataset, world.portal.settings.site_url)
            )
        )
        assert (kept["private"], kept["state"]) == (dataset.private, dataset.state)
        list(dataset.all_resources)
        return dataset


def prepared(portal: Portal, name: str) -> tuple[World, Deed]:
    world = World(portal)
    if name == "package_collaborator_delete":
        world.make(
            "package_collaborator_create", id=world.id, user_id="ban", capacity="member"
        )
    return world, WRITERS[name](world)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("begins", ["the other", "this one"])
def test_beside_making_it_private(portal: Portal, name: str, begins: str) -> None:
    world, deed = prepared(portal, name)
    private = lambda: call(portal, SYSTEM, "package_patch", id=world.id, private=True)  # noqa: E731 - a deed
    refused = in_turn(portal, private, deed, begins)
    assert not refused[1] or name in GONE
    assert not refused[0] or isinstance(refused[0], NotFound | Invalid)
    dataset = settled(world)
    assert (dataset is None) == (name in GONE)
    assert dataset is None or refused[0] or dataset.private or name in OTHERWISE


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("begins", ["the other", "this one"])
def test_beside_an_edit_of_one_resource(portal: Portal, name: str, begins: str) -> None:
    world, deed = prepared(portal, name)
    edit = lambda: call(  # noqa: E731 - a deed
        portal, SYSTEM, "resource_patch", id=world.one, description="Sửa"
    )
    refused = in_turn(portal, edit, deed, begins)
    assert not refused[1]
    assert not refused[0] or name in GONE or name == "harvest: store"
    dataset = settled(world)
    if dataset is not None and not refused[0]:
        edited = next(each for each in dataset.all_resources if each.id == world.one)
        assert edited.description == "Sửa" or edited.state == "deleted"


OF_ONE = {Permission.DATASET_UPDATE, Permission.DATASET_SHARE, Permission.DATASET_GATE}


@pytest.mark.parametrize(
    "name", [name for name in ACTIONS if DECLARED[name].allow in OF_ONE]
)
def test_whoever_lost_the_dataset_meanwhile_may_not_change_it(
    portal: Portal, name: str
) -> None:
    """Rights are judged on the dataset as it is once it is held: here it goes to
    another organization meanwhile.
    """
    world, deed = prepared(portal, name)
    with portal.read() as uow:
        owner = uow.session.get_one(Dataset, world.id).owner_org
    admin = make_actor(portal, f"{world.tag}-a")
    world.actor = Actor(admin.user_id, admin.name, organizations={owner or "": "admin"})
    away = lambda: call(  # noqa: E731
        portal,
        SYSTEM,
        "package_owner_org_update",
        id=world.id,
        organization_id=f"{world.tag}-b",
    )
    refused = together(portal, away, deed)
    assert refused[0] is None
    assert isinstance(refused[1], NotAuthorized)
    assert settled(world) is not None
