"""Datasets are rendered anew where what they tell changed elsewhere: their address,
organization, groups, tags.
"""

from dataclasses import replace

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.db import datasets, outbox
from portal.domain.base import now
from portal.domain.datasets import Dataset
from portal.domain.events import RENDER
from portal.pipeline import index, rendering
from portal.runtime import Portal
from tests.portal.actions.people import call, make_org

GUARDS = ("portal.pipeline.references",)


def test_a_new_address_reaches_every_dataset(portal: Portal) -> None:
    make_org(portal, "org")
    for number in range(3):
        made = call(
            portal,
            SYSTEM,
            "package_create",
            name=f"set-{number}",
            owner_org="org",
            resources=[{"name": "a"}],
        )
    key = made["resources"][0]["id"]
    call(
        portal,
        SYSTEM,
        "datastore_create",
        resource_id=key,
        fields=[{"id": "ma"}],
        force=True,
    )
    before = call(portal, ANONYMOUS, "package_show", id="set-2")
    assert rendering.render_all(portal) == 0
    made = call(
        portal,
        SYSTEM,
        "datastore_create",
        resource={"package_id": "set-1"},
        fields=[{"id": "ma"}],
    )
    moved = replace(
        portal,
        settings=replace(portal.settings, site_url="https://dulieu.thanhhoa.gov.vn"),
    )
    told: list[tuple[int, int]] = []
    assert (
        rendering.render_all(moved, lambda done, changed: told.append((done, changed)))
        == 1
    )
    assert told == [(3, 1)]
    shown = call(portal, ANONYMOUS, "resource_show", id=made["resource_id"])
    assert shown["url"].startswith("https://dulieu.thanhhoa.gov.vn/datastore/dump/")
    assert call(portal, ANONYMOUS, "package_show", id="set-2") == before
    index.drain(portal)
    assert index.compare(portal).none
    assert rendering.render_all(moved) == 0


def many(portal: Portal, count: int) -> list[str]:
    """An organization with so many datasets."""
    make_org(portal, "org")
    made = [
        call(portal, SYSTEM, "package_create", name=f"set-{n}", owner_org="org")
        for n in range(count)
    ]
    return [each["id"] for each in made]


def titles(portal: Portal, ids: list[str]) -> list[str]:
    return [
        call(portal, ANONYMOUS, "package_show", id=key)["organization"]["title"]
        for key in ids
    ]


def test_a_new_title_is_told_at_once_by_few_and_soon_by_many(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit into the moment that the caller waits is left to the worker,
    and nothing of it is lost.
    """
    ids = many(portal, 4)
    call(portal, SYSTEM, "organization_patch", id="org", title="Mới")
    assert titles(portal, ids) == ["Mới"] * 4
    modified = [
        call(portal, ANONYMOUS, "package_show", id=key)["metadata_modified"]
        for key in ids
    ]
    monkeypatch.setattr(rendering, "SOME", 0)
    monkeypatch.setattr(rendering, "SOME_SECONDS", 0)
    call(portal, SYSTEM, "organization_patch", id="org", title="Mới nữa")
    assert titles(portal, ids) == ["Mới"] * 4
    assert rendering.drain(portal) == 4
    assert titles(portal, ids) == ["Mới nữa"] * 4
    assert [
        call(portal, ANONYMOUS, "package_show", id=key)["metadata_modified"]
        for key in ids
    ] == modified
    assert index.compare(portal).none
    assert call(portal, ANONYMOUS, "package_search", q="nữa")["count"] == 4


def test_what_datasets_do_not_tell_renders_none(portal: Portal) -> None:
    many(portal, 1)
    call(
        portal,
        SYSTEM,
        "organization_patch",
        id="org",
        extras=[{"key": "a", "value": "b"}],
    )
    with portal.read() as uow:
        assert outbox.count(uow.session, RENDER) == 0


def test_one_that_cannot_be_rendered_waits_alone(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = many(portal, 3)
    saved = datasets.save

    def save(uow: object, dataset: Dataset, *rest: object, **options: object) -> bool:
        if dataset.id == ids[0]:
            raise ValueError("damaged")
        return saved(uow, dataset, *rest, **options)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(datasets, "save", save)
    call(portal, SYSTEM, "organization_patch", id="org", title="Mới")
    monkeypatch.setattr(datasets, "save", saved)
    assert titles(portal, ids) == ["ORG", "Mới", "Mới"]
    with portal.work() as uow:
        (row,) = outbox.list_rows(uow.session, [RENDER], 10)
        assert (row.entity_id, row.attempts, row.due > now()) == (ids[0], 1, True)
        row.due = now()
        uow.commit()
    assert rendering.drain(portal) == 1
    assert titles(portal, ids) == ["Mới"] * 3


def test_related_datasets_tell_a_new_name(portal: Portal) -> None:
    one, two = many(portal, 2)
    call(
        portal,
        SYSTEM,
        "package_relationship_create",
        subject=one,
        object=two,
        type="depends_on",
    )
    call(portal, SYSTEM, "package_patch", id=two, name="another")
    told = call(portal, ANONYMOUS, "package_show", id=one)["relationships_as_subject"]
    assert [each["object"] for each in told] == ["another"]
    call(portal, SYSTEM, "dataset_purge", id=two)
    assert (
        call(portal, ANONYMOUS, "package_show", id=one)["relationships_as_subject"]
        == []
    )


def test_a_vocabulary_is_told_by_its_new_name(portal: Portal) -> None:
    (key,) = many(portal, 1)
    made = call(
        portal, SYSTEM, "vocabulary_create", name="mien", tags=[{"name": "bien"}]
    )
    call(
        portal,
        SYSTEM,
        "package_patch",
        id=key,
        tags=[{"name": "bien", "vocabulary_id": made["id"]}],
    )
    call(
        portal,
        SYSTEM,
        "vocabulary_update",
        id="mien",
        name="vung",
        tags=[{"name": "bien"}],
    )
    (tag,) = call(portal, ANONYMOUS, "package_show", id=key)["tags"]
    assert tag["vocabulary_name"] == "vung"
    call(portal, SYSTEM, "tag_delete", id="bien", vocabulary_id="vung")
    assert call(portal, ANONYMOUS, "package_show", id=key)["tags"] == []
