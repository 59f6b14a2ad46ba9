"""Everything that changes datasets, each as one deed on a small world: what must lose
nothing of another's change.
"""

import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from portal.access.identity import SYSTEM, Actor
from portal.db import harvest as harvests
from portal.db import holding
from portal.domain.base import new_id, now
from portal.domain.datasets import FAILURE, Dataset, ValidationReport
from portal.domain.events import LOAD, RENDER
from portal.domain.harvest import HarvestIdentity, HarvestSource
from portal.domain.people import Group
from portal.pipeline import load, rendering, store, validate, validation_runs
from portal.pipeline.references import references
from portal.pipeline.store import Item
from portal.reading import ReadOptions
from portal.runtime import Portal
from schemas.record import DatasetRecord, Upload
from tests.portal.actions.people import Json, call

Deed = Callable[[], object]


@dataclass
class World:
    """An organization with a dataset of two links and a table, and another dataset
    beside it.
    """

    portal: Portal
    actor: Actor = SYSTEM
    tag: str = field(default_factory=lambda: f"n{secrets.token_hex(4)}")
    id: str = ""
    other: str = ""
    one: str = ""
    two: str = ""
    table: str = ""

    def __post_init__(self) -> None:
        self.make("organization_create", name=self.tag, title="Trước")
        self.make("organization_create", name=f"{self.tag}-b", title="Khác")
        self.make("group_create", name=f"{self.tag}-g", title="Nhóm")
        links = [
            {"name": "one", "url": "http://a.vn/1.pdf"},
            {"name": "two", "url": "http://a.vn/2.csv"},
        ]
        made = self.make(
            "package_create",
            name=f"{self.tag}-d",
            owner_org=self.tag,
            resources=links,
            title="Trước",
            tags=[{"name": self.tag}],
            groups=[{"name": f"{self.tag}-g"}],
        )
        self.id, self.one, self.two = (
            made["id"],
            *(each["id"] for each in made["resources"]),
        )
        self.other = self.make(
            "package_create", name=f"{self.tag}-o", owner_org=self.tag
        )["id"]
        described = {"package_id": self.id, "name": "table"}
        fields = [{"id": "ma", "type": "text"}]
        made = self.make(
            "datastore_create", resource=described, fields=fields, records=[{"ma": "a"}]
        )
        self.table = made["resource_id"]

    def make(self, name: str, /, **params: Any) -> Any:
        """Do something beforehand."""
        return call(self.portal, SYSTEM, name, **params)

    def deed(self, name: str, /, **params: Any) -> Deed:
        """Something to be done at the right moment, by whoever acts in this world."""
        return lambda: call(self.portal, self.actor, name, **params)

    def upload(self) -> str:
        """An uploaded table, made beforehand."""
        file = Upload("a.csv", io.BytesIO(b"ma,so\na,1\n"), "text/csv")
        return str(
            self.make("resource_create", package_id=self.id, name="file", upload=file)[
                "id"
            ]
        )

    def add(self, *rows: Any) -> None:
        """Store rows beforehand."""
        with self.portal.work() as uow:
            for row in rows:
                uow.session.add(row)
                uow.session.flush()
            uow.commit()

    def source(self) -> HarvestSource:
        """A harvest source whose only item became the dataset, and was refused when it
        came again.
        """
        with self.portal.read() as uow:
            owner = uow.session.get_one(Dataset, self.id).owner_org
        made = HarvestSource(
            id=new_id(),
            name=self.tag,
            title="Nguồn",
            url=f"/nowhere/{self.tag}",
            source_type="files",
            owner_org=owner,
        )
        identity = HarvestIdentity(
            source_id=made.id, guid="a", package_id=self.id, refused_hash="0" * 64
        )
        self.add(made, identity)
        return made

    def report(self, resource_id: str) -> None:
        """A validation of a resource that failed."""
        body = {"valid": False, "report": {"valid": False, "findings": []}}
        self.add(
            ValidationReport(
                id=new_id(),
                package_id=self.id,
                resource_id=resource_id,
                status=FAILURE,
                body=body,
                finished=now(),
            )
        )


def relate(world: World) -> Json:
    """A relationship of the two datasets, made beforehand."""
    named = {"subject": world.id, "object": world.other, "type": "depends_on"}
    world.make("package_relationship_create", **named, comment="x")
    return named


def relationship_update(world: World) -> Deed:
    return world.deed("package_relationship_update", **relate(world), comment="mới")


def relationship_delete(world: World) -> Deed:
    return world.deed("package_relationship_delete", **relate(world))


def organization_delete(world: World) -> Deed:
    for key in (world.id, world.other):
        world.make("package_delete", id=key)
    return world.deed("organization_delete", id=world.tag)


def organization_purge(world: World) -> Deed:
    for key in (world.id, world.other):
        world.make("package_delete", id=key)
    return world.deed("organization_purge", id=world.tag)


def vocabulary(world: World) -> str:
    """A vocabulary of which the dataset carries a tag, made beforehand."""
    made = world.make(
        "vocabulary_create", name=f"{world.tag}-v", tags=[{"name": "mot"}]
    )
    tags = [{"name": world.tag}, {"name": "mot", "vocabulary_id": made["id"]}]
    world.make("package_patch", id=world.id, tags=tags)
    return str(made["id"])


def vocabulary_update(world: World) -> Deed:
    return world.deed(
        "vocabulary_update",
        id=vocabulary(world),
        name=f"{world.tag}-w",
        tags=[{"name": "mot"}],
    )


def member_delete(world: World) -> Deed:
    return world.deed(
        "member_delete", id=f"{world.tag}-g", object=world.id, object_type="package"
    )


def validation_delete(world: World) -> Deed:
    world.report(world.two)
    return world.deed("resource_validation_delete", resource_id=world.two)


def resource_override(world: World) -> Deed:
    key = world.upload()
    load.drain(world.portal, LOAD)
    world.report(key)
    return world.deed(
        "resource_validation_override", resource_id=key, reason="Đã hỏi nguồn."
    )


def package_override(world: World) -> Deed:
    world.source()
    return world.deed(
        "package_validation_override", id=world.id, reason="Đã hỏi nguồn."
    )


def source_clear(world: World) -> Deed:
    return world.deed("harvest_source_clear", id=world.source().id)


def schema_adopt(world: World) -> Deed:
    schema = {"fields": [{"name": "ma", "type": "string"}]}
    return world.deed("schema_adopt", resource_id=world.two, schema=schema)


def own_name_is_wanted(world: World) -> Deed:
    """A new dataset takes the name of the deleted one, which is called by its id from
    then on.
    """
    world.make("package_delete", id=world.id)
    return world.deed("package_create", name=f"{world.tag}-d", owner_org=world.tag)


def loaded(world: World) -> Deed:
    key = world.upload()
    return lambda: load.load_resource(world.portal, key)


def validated(world: World) -> Deed:
    world.make("resource_validation_run", resource_id=world.table)
    return lambda: validation_runs.drain(world.portal)


def harvested(world: World) -> Deed:
    """An item of a source that says something new."""
    source = world.source()
    record = DatasetRecord(name=f"{world.tag}-d", title="Mới", notes="x")
    verdict = validate.validate(
        record,
        references(world.portal),
        limit=10,
        options=ReadOptions.within(world.portal.settings),
    )

    def deed() -> None:
        with world.portal.work() as uow:
            identity = harvests.find_identity(uow.session, source.id, "a")
            store.store(
                world.portal,
                uow,
                Item(source, "a", record, "1" * 64, None, identity),
                verdict,
                [],
            )
            uow.commit()

    return deed


def vanished(world: World) -> Deed:
    """An item that its source no longer lists."""
    source = world.source()

    def deed() -> None:
        with world.portal.work() as uow:
            identity = harvests.find_identity(uow.session, source.id, "a")
            assert identity is not None
            store.remove(world.portal, uow, identity)
            uow.commit()

    return deed


def rendered(world: World) -> Deed:
    """What something else made out of date, and is rendered later."""
    with world.portal.work() as uow:
        dataset = holding.held_dataset(uow, world.id)
        owner = uow.session.get_one(Group, dataset.owner_org)
        owner.title = "Mới"
        uow.later_for_each(RENDER, [world.id])
        uow.commit()
    return lambda: rendering.drain(world.portal)


ACTIONS: dict[str, Callable[[World], Deed]] = {
    "bulk_update_delete": lambda w: w.deed(
        "bulk_update_delete", org_id=w.tag, datasets=[w.other, w.id]
    ),
    "bulk_update_private": lambda w: w.deed(
        "bulk_update_private", org_id=w.tag, datasets=[w.other, w.id]
    ),
    "bulk_update_public": lambda w: w.deed(
        "bulk_update_public", org_id=w.tag, datasets=[w.other, w.id]
    ),
    "datapusher_hook": lambda w: w.deed(
        "datapusher_hook", metadata={"resource_id": w.two}, status="complete"
    ),
    "datapusher_submit": lambda w: w.deed("datapusher_submit", resource_id=w.two),
    "dataset_purge": lambda w: w.deed("dataset_purge", id=w.id),
    "datastore_create": lambda w: w.deed(
        "datastore_create", resource_id=w.two, force=True, fields=[{"id": "a"}]
    ),
    "datastore_delete": lambda w: w.deed("datastore_delete", resource_id=w.table),
    "datastore_records_delete": lambda w: w.deed(
        "datastore_records_delete", resource_id=w.table, filters={"ma": "a"}
    ),
    "datastore_upsert": lambda w: w.deed(
        "datastore_upsert", resource_id=w.table, method="insert", records=[{"ma": "b"}]
    ),
    "group_delete": lambda w: w.deed("group_delete", id=f"{w.tag}-g"),
    "group_patch": lambda w: w.deed("group_patch", id=f"{w.tag}-g", title="Mới"),
    "group_purge": lambda w: w.deed("group_purge", id=f"{w.tag}-g"),
    "group_update": lambda w: w.deed("group_update", id=f"{w.tag}-g", title="Mới"),
    "harvest_source_clear": source_clear,
    "member_create": lambda w: w.deed(
        "member_create", id=f"{w.tag}-g", object=w.id, object_type="package"
    ),
    "member_delete": member_delete,
    "organization_delete": organization_delete,
    "organization_patch": lambda w: w.deed("organization_patch", id=w.tag, title="Mới"),
    "organization_purge": organization_purge,
    "organization_update": lambda w: w.deed(
        "organization_update", id=w.tag, title="Mới"
    ),
    "package_collaborator_create": lambda w: w.deed(
        "package_collaborator_create", id=w.id, user_id="ban", capacity="editor"
    ),
    "package_collaborator_delete": lambda w: w.deed(
        "package_collaborator_delete", id=w.id, user_id="ban"
    ),
    "package_create": own_name_is_wanted,
    "package_delete": lambda w: w.deed("package_delete", id=w.id),
    "package_owner_org_update": lambda w: w.deed(
        "package_owner_org_update", id=w.id, organization_id=f"{w.tag}-b"
    ),
    "package_patch": lambda w: w.deed("package_patch", id=w.id, title="Mới"),
    "package_relationship_create": lambda w: w.deed(
        "package_relationship_create", subject=w.other, object=w.id, type="depends_on"
    ),
    "package_relationship_delete": relationship_delete,
    "package_relationship_update": relationship_update,
    "package_resource_reorder": lambda w: w.deed(
        "package_resource_reorder", id=w.id, order=[w.two]
    ),
    "package_revise": lambda w: w.deed(
        "package_revise", match={"id": w.id}, update={"title": "Mới"}
    ),
    "package_update": lambda w: w.deed("package_update", id=w.id, title="Mới"),
    "package_validation_override": package_override,
    "package_validation_policy_update": lambda w: w.deed(
        "package_validation_policy_update", id=w.id, policy="warn"
    ),
    "resource_create": lambda w: w.deed(
        "resource_create", package_id=w.id, url="http://a.vn/3.pdf"
    ),
    "resource_delete": lambda w: w.deed("resource_delete", id=w.two),
    "resource_patch": lambda w: w.deed("resource_patch", id=w.two, description="Mới"),
    "resource_update": lambda w: w.deed(
        "resource_update", id=w.two, url="http://a.vn/4.pdf"
    ),
    "resource_validation_delete": validation_delete,
    "resource_validation_override": resource_override,
    "resource_validation_run": lambda w: w.deed(
        "resource_validation_run", resource_id=w.table
    ),
    "resource_validation_run_batch": lambda w: w.deed(
        "resource_validation_run_batch", dataset_ids=[w.id]
    ),
    "schema_adopt": schema_adopt,
    "tag_delete": lambda w: w.deed("tag_delete", id=w.tag),
    "vocabulary_update": vocabulary_update,
    "xloader_hook": lambda w: w.deed(
        "xloader_hook", metadata={"resource_id": w.two}, status="complete"
    ),
    "xloader_submit": lambda w: w.deed("xloader_submit", resource_id=w.two),
}
"""Every action that changes datasets: a law of the house holds that none is missing."""

PIPELINE: dict[str, Callable[[World], Deed]] = {
    "load": loaded,
    "validation run": validated,
    "harvest: store": harvested,
    "harvest: remove": vanished,
    "render": rendered,
    "render all": lambda w: lambda: rendering.render_all(w.portal),
}
"""What a worker does to datasets."""
