"""Resources through their actions: links, uploads, order, and ids that stay."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.actions._shared.uploads import LONGEST_FILE_NAME, file_name
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.pipeline import load
from portal.runtime import Portal
from portal.web.app import create_app
from schemas.record import Upload
from tests.portal.actions.people import Json, call, make_actor, make_org

GUARDS = (
    "portal.actions._shared.targets",
    "portal.actions._shared.uploads",
)


@pytest.fixture
def editor(portal: Portal) -> Actor:
    return make_actor(portal, "editor", "editor", make_org(portal, "so-y-te"))


@pytest.fixture
def dataset(portal: Portal, editor: Actor) -> Json:
    return dict(call(portal, editor, "package_create", name="xx", owner_org="so-y-te"))


def upload(name: str, body: bytes) -> Upload:
    return Upload(name, io.BytesIO(body), "text/csv")


def test_a_link(portal: Portal, editor: Actor, dataset: Json) -> None:
    made = call(
        portal,
        editor,
        "resource_create",
        package_id="xx",
        url="example.vn/a.csv",
        other="kept",
        size="12",
    )
    assert made["url"] == "http://example.vn/a.csv"
    assert (made["format"], made["size"], made["other"], made["position"]) == (
        "CSV",
        12,
        "kept",
        0,
    )
    assert call(portal, ANONYMOUS, "resource_show", id=made["id"]) == made
    patched = call(portal, editor, "resource_patch", id=made["id"], name="A")
    assert (patched["name"], patched["other"], patched["url"]) == (
        "A",
        "kept",
        made["url"],
    )
    updated = call(portal, editor, "resource_update", id=made["id"], name="B")
    assert (updated["format"], updated["size"], updated["url"]) == ("CSV", 12, "")
    assert "other" not in updated


def test_url_is_optional_and_package_id_is_not(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    assert call(portal, editor, "resource_create", package_id="xx")["url"] == ""
    with pytest.raises(Invalid) as problem:
        call(portal, editor, "resource_create", url="http://example.vn")
    assert problem.value.errors == {"package_id": ["Missing value"]}
    with pytest.raises(NotFound):
        call(portal, editor, "resource_create", package_id="nothing")
    with pytest.raises(Invalid) as problem:
        call(
            portal,
            editor,
            "resource_create",
            package_id="xx",
            size="many",
            id="../../etc/passwd",
        )
    assert problem.value.errors == {
        "size": ["Invalid integer"],
        "id": ["Invalid id provided"],
    }


def test_ids_are_taken_once(portal: Portal, editor: Actor, dataset: Json) -> None:
    key = "2f6e1c36-9a0e-4b43-8f2f-9d8a34a8f7c1"
    call(portal, editor, "resource_create", package_id="xx", id=key)
    call(portal, editor, "package_create", name="yy", owner_org="so-y-te")
    with pytest.raises(Invalid) as problem:
        call(portal, editor, "resource_create", package_id="yy", id=key)
    assert problem.value.errors == {"id": ["Resource id already exists."]}


def test_an_upload_and_its_replacement(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    made = call_upload(
        portal,
        editor,
        "resource_create",
        upload("Mi Fichero ñ (1).csv", b"a\n1\n"),
        package_id="xx",
    )
    site = portal.settings.site_url
    where = f"{site}/dataset/{dataset['id']}/resource/{made['id']}/download"
    assert made["url"] == f"{where}/mi-fichero-n-1.csv"
    assert (made["url_type"], made["size"], made["mimetype"], made["format"]) == (
        "upload",
        4,
        "text/csv",
        "CSV",
    )
    assert made["last_modified"]
    again = call_upload(
        portal, editor, "resource_patch", upload("b.csv", b"a\n1\n2\n"), id=made["id"]
    )
    assert (again["id"], again["size"], again["url"]) == (
        made["id"],
        6,
        f"{where}/b.csv",
    )
    named = call(portal, editor, "resource_patch", id=made["id"], name="N")
    assert (named["url"], named["size"]) == (again["url"], 6)


def call_upload(
    portal: Portal, actor: Actor, action: str, file: Upload, **params: Any
) -> Json:
    return dict(call(portal, actor, action, upload=file, **params))


def test_an_upload_over_the_limit_is_refused_and_leaves_nothing(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"x" * max(size, 65536)

    with pytest.raises(Invalid) as problem:
        call(
            portal,
            editor,
            "resource_create",
            package_id="xx",
            upload=Upload("a.csv", Endless()),
        )
    assert problem.value.errors == {"upload": ["File upload too large"]}
    assert call(portal, ANONYMOUS, "package_show", id="xx")["resources"] == []


def test_deleting_twice_is_no_error(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    made = call(portal, editor, "resource_create", package_id="xx")
    assert call(portal, editor, "resource_delete", id=made["id"]) is None
    assert call(portal, editor, "resource_delete", id=made["id"]) is None
    with pytest.raises(NotFound):
        call(portal, editor, "resource_show", id=made["id"])
    with pytest.raises(NotFound):
        call(
            portal, editor, "resource_delete", id="2f6e1c36-9a0e-4b43-8f2f-9d8a34a8f7c1"
        )


def test_reordering(portal: Portal, editor: Actor, dataset: Json) -> None:
    ids = [
        call(portal, editor, "resource_create", package_id="xx", name=name)["id"]
        for name in "abc"
    ]
    answer = call(portal, editor, "package_resource_reorder", id="xx", order=[ids[2]])
    assert answer["order"] == [ids[2], ids[0], ids[1]]
    shown = call(portal, ANONYMOUS, "package_show", id="xx")["resources"]
    assert [(r["id"], r["position"]) for r in shown] == [
        (ids[2], 0),
        (ids[0], 1),
        (ids[1], 2),
    ]


def test_only_editors_write(portal: Portal, editor: Actor, dataset: Json) -> None:
    made = call(portal, editor, "resource_create", package_id="xx")
    outsider = make_actor(portal, "outsider")
    for action, params in (
        ("resource_create", {"package_id": "xx"}),
        ("resource_patch", {"id": made["id"]}),
        ("resource_update", {"id": made["id"]}),
        ("resource_delete", {"id": made["id"]}),
    ):
        with pytest.raises(NotAuthorized):
            call(portal, outsider, action, **params)
    call(portal, SYSTEM, "package_patch", id="xx", private=True)
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "resource_show", id=made["id"])


@given(st.text(max_size=300))
def test_file_names_are_always_safe(name: str) -> None:
    munged = file_name(name)
    assert 0 < len(munged) <= LONGEST_FILE_NAME
    assert set(munged) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert munged not in (".", "..")
    assert ".." not in munged or "/" not in munged


@pytest.mark.parametrize(
    ("name", "munged"),
    [("Bệnh viện Đa khoa.XLSX", "benh-vien-da-khoa.xlsx"), ("a", "a"), ("", "file")],
)
def test_file_names(name: str, munged: str) -> None:
    assert file_name(name) == munged


def test_an_uploaded_table_is_validated_and_answers_rows(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    file = upload("a.csv", "ma,ten\n00001,Trạm y tế\n".encode())
    made = call(portal, editor, "resource_create", package_id="xx", upload=file)
    # It is small: it was loaded within the request.
    assert made["datastore_active"] is True
    shown = call(portal, ANONYMOUS, "resource_show", id=made["id"])
    assert (shown["datastore_active"], shown["validation_status"]) == (True, "success")
    assert (shown["url"], shown["url_type"]) == (made["url"], "upload")
    rows = call(portal, ANONYMOUS, "datastore_search", resource_id=made["id"])
    assert rows["records"] == [{"_id": 1, "ma": "00001", "ten": "Trạm y tế"}]


def test_a_bad_upload_keeps_the_last_good_rows(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    schema = {
        "fields": [{"name": "ma", "type": "string"}, {"name": "so", "type": "integer"}]
    }
    good = upload("a.csv", b"ma,so\n00001,1\n")
    made = call(
        portal, editor, "resource_create", package_id="xx", upload=good, schema=schema
    )
    load.drain(portal)
    bad = upload("a.csv", "ma,so\n00001,một\n".encode())
    call(portal, editor, "resource_patch", id=made["id"], upload=bad)
    load.drain(portal)
    shown = call(portal, ANONYMOUS, "resource_show", id=made["id"])
    assert (shown["datastore_active"], shown["validation_status"]) == (True, "failure")
    assert (
        call(portal, ANONYMOUS, "datastore_search", resource_id=made["id"])["records"][
            0
        ]["so"]
        == 1
    )
    report = call(portal, ANONYMOUS, "resource_validation_show", resource_id=made["id"])
    assert (report["status"], report["report"]["report"]["findings"][0]["row"]) == (
        "failure",
        2,
    )


def test_an_unknown_schema_is_refused_by_name(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    with pytest.raises(Invalid, match="no-such-schema"):
        call(
            portal, editor, "resource_create", package_id="xx", schema="no-such-schema"
        )


@pytest.mark.parametrize(("private", "status"), [(False, "failure"), (True, "success")])
def test_citizen_numbers_are_never_published(
    portal: Portal, editor: Actor, dataset: Json, private: bool, status: str
) -> None:
    call(portal, editor, "package_patch", id="xx", private=private)
    body = "ma,cccd\n" + "".join(f"{n:05},038201{n:06}\n" for n in range(20))
    made = call(
        portal,
        editor,
        "resource_create",
        package_id="xx",
        upload=upload("a.csv", body.encode()),
    )
    load.drain(portal)
    shown = call(portal, editor, "resource_show", id=made["id"])
    assert (shown["validation_status"], shown["datastore_active"]) == (status, private)
    report = call(portal, editor, "resource_validation_show", resource_id=made["id"])
    assert "038201" not in str(report)
    if private:
        with pytest.raises(Invalid, match="personal data"):
            call(portal, editor, "package_patch", id="xx", private=False)
    client = create_app(portal).test_client()
    assert (
        client.get("/dataset/" + made["url"].split("/dataset/")[1]).status_code == 403
    )


def test_columns_that_a_schema_tags_as_personal_are_never_published(
    portal: Portal, editor: Actor, dataset: Json
) -> None:
    tagged = {"name": "ten", "type": "string", "pd": "basic", "treatment": "drop"}
    schema = {"fields": [{"name": "ma", "type": "string"}, tagged]}
    file = upload("a.csv", "ma,ten\n00001,Nguyễn Văn An\n".encode())
    made = call(
        portal, editor, "resource_create", package_id="xx", upload=file, schema=schema
    )
    load.drain(portal)
    assert (
        call(portal, ANONYMOUS, "resource_show", id=made["id"])["datastore_active"]
        is False
    )


@pytest.mark.parametrize("count", [3, 40])
def test_an_edit_asks_as_little_of_a_long_dataset_as_of_a_short_one(
    portal: Portal, editor: Actor, count: int
) -> None:
    links = [
        {"name": f"r{n}", "url": f"https://example.vn/{n}.csv", "format": "CSV"}
        for n in range(count)
    ]
    call(
        portal,
        editor,
        "package_create",
        name="dai",
        owner_org="so-y-te",
        resources=links,
    )
    before = call(portal, editor, "package_show", id="dai")["resources"]
    asked: list[str] = []

    def note(
        _connection: object, _cursor: object, statement: str, *_rest: object
    ) -> None:
        asked.append(statement)

    event.listen(portal.engine, "before_cursor_execute", note)
    answer = call(
        portal, editor, "resource_patch", id=before[1]["id"], description="mới"
    )
    event.remove(portal.engine, "before_cursor_execute", note)
    assert len(asked) < 40, "there is a question for each resource"
    after = call(portal, editor, "package_show", id="dai")["resources"]
    assert after == [before[0], answer, *before[2:]]
    assert answer["metadata_modified"] > before[1]["metadata_modified"]
