"""A steward's days, through HTTP: a wrong table is seen, explained, decided about; bad
rows are put aside; nobody's personal data gets out, on no way.
"""

import io
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.domain.base import now
from portal.domain.events import VALIDATE, AuditEntry, OutboxRow
from portal.errors import Invalid
from portal.pipeline import load, score, validation_runs
from portal.runtime import Portal

GUARDS = (
    "portal.web.pages",
    "portal.web.reports",
)
Json = dict[str, Any]
SCHEMA = {
    "fields": [
        {
            "name": "ma",
            "type": "string",
            "constraints": {"required": True, "pattern": "^[0-9]{5}$"},
        },
        {"name": "gia", "type": "integer", "title": "Giá"},
    ],
    "primaryKey": "ma",
}
GOOD = "ma,gia\n00001,10\n"
ROWS = "".join(f"{number:05},{number}\n" for number in range(2, 22))
BAD = f"ma,gia\n00001,mười\n{ROWS}"


class Office:
    """An editor and an admin of one organization, and a stranger, at their browsers."""

    def __init__(self, client: FlaskClient, portal: Portal) -> None:
        self.client, self.portal = client, portal
        self.tokens = {"": ""}
        for name, role in (("editor", "editor"), ("steward", "admin")):
            user = {
                "name": name,
                "email": f"{name}@example.vn",
                "password": "long enough",
            }
            registry.call(portal, SYSTEM, "user_create", user)
            member = {"id": "org", "username": name, "role": role}
            registry.call(portal, SYSTEM, "organization_member_create", member)
            made = registry.call(
                portal, SYSTEM, "api_token_create", {"user": name, "name": "t"}
            )
            self.tokens[name] = str(made["token"])

    def __call__(self, who: str, action: str, status: int = 200, **data: Any) -> Any:
        answer = self.client.post(
            f"/api/3/action/{action}",
            json=data,
            headers={"Authorization": self.tokens[who]} if who else {},
        )
        body = orjson.loads(answer.get_data())
        assert answer.status_code == status, body
        return body["result"] if status == 200 else body["error"]

    def upload(self, text: str, *, wait: bool = False, **data: Any) -> Json:
        action = "resource_patch" if "id" in data else "resource_create"
        form = {**data, "upload": (io.BytesIO(text.encode()), "bang.csv")}
        form = {
            key: orjson.dumps(value).decode() if isinstance(value, dict) else value
            for key, value in form.items()
        }
        answer = self.client.post(
            f"/api/3/action/{action}",
            data=form,
            headers={"Authorization": self.tokens["editor"]},
        )
        assert answer.status_code == 200, answer.get_data()
        if not wait:
            load.drain(self.portal)
        return dict(orjson.loads(answer.get_data())["result"])

    def get(self, path: str, who: str = "") -> Any:
        return self.client.get(
            path, headers={"Authorization": self.tokens[who]} if who else {}
        )

    def rows(self, resource: Json) -> list[Json]:
        return list(self("", "datastore_search", resource_id=resource["id"])["records"])


@pytest.fixture
def office(client: FlaskClient, portal: Portal, token: str) -> Office:
    made = Office(client, portal)
    made("editor", "package_create", name="gia", title="Giá", owner_org="org")
    return made


def test_a_wrong_table_is_seen_explained_and_let_pass_with_a_reason(
    office: Office, portal: Portal
) -> None:
    resource = office.upload(GOOD, package_id="gia", name="bang", schema=SCHEMA)
    office.upload(BAD, id=resource["id"])
    shown = office("", "resource_show", id=resource["id"])
    assert shown["validation_status"] == "failure"
    assert shown["validation_timestamp"]
    assert office.rows(resource) == [{"_id": 1, "ma": "00001", "gia": 10}]

    path = _path(resource)
    assert office.get(path).get_data().decode().split() == GOOD.split()
    assert office.get(path, "editor").get_data().decode() == BAD

    page = office(
        "editor",
        "resource_validation_show",
        resource_id=resource["id"],
        format="page",
        lang="vi",
    )["report"]
    assert (page["errors"], page["counts"][0]["count"], page["counts"][0]["field"]) == (
        1,
        1,
        "gia",
    )
    assert "dòng 2" in page["findings"][0]["message"].lower()
    assert page["findings"][0]["hint"]
    assert page["samples"]["rows"][0]["cells"] == ["00001", "mười"]
    assert "bản tốt gần nhất" in page["decision"]["text"]
    lines = (
        office.get(
            f"/dataset/gia/resource/{resource['id']}/validation.csv?lang=vi", "editor"
        )
        .get_data()
        .decode()
    )
    assert "type-error" in lines and "mười" in lines
    plain = office(
        "editor",
        "resource_validation_show",
        resource_id=resource["id"],
        format="frictionless",
    )["report"]
    assert [
        (e["type"], e["rowNumber"], e["fieldName"]) for e in plain["tasks"][0]["errors"]
    ] == [("type-error", 2, "gia")]
    seen = orjson.dumps(
        office("", "resource_validation_show", resource_id=resource["id"])
    ).decode()
    assert (
        "mười"
        not in seen
        + office.get(f"/dataset/gia/resource/{resource['id']}/validation.csv")
        .get_data()
        .decode()
    )

    asked = {
        "resource_id": resource["id"],
        "reason": "Nguồn không còn số gốc; sẽ bổ sung trong quý.",
    }
    office("editor", "resource_validation_override", 403, **asked)
    assert "reason" in office(
        "steward",
        "resource_validation_override",
        409,
        resource_id=resource["id"],
        reason="vì",
    )
    decided = office("steward", "resource_validation_override", **asked)
    assert (
        office("", "resource_show", id=resource["id"])["validation_status"] == "created"
    )
    assert validation_runs.drain(portal) == 1
    assert [row["gia"] for row in office.rows(resource)][:2] == [None, 2]
    report = office("editor", "resource_validation_show", resource_id=resource["id"])
    assert report["report"]["decision"]["override_id"] == decided["id"]
    assert report["version_id"]
    assert [
        each["reason"]
        for each in office("editor", "package_validation_override_list", id="gia")
    ] == [asked["reason"]]
    with portal.read() as uow:
        entry = uow.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "validation_override")
        ).one()
        assert (entry.object_id, entry.detail["reason"]) == (
            resource["id"],
            asked["reason"],
        )
    listed = office("editor", "resource_validation_list", resource_id=resource["id"])
    assert [each["status"] for each in listed] == ["failure", "failure", "success"]
    assert office(
        "steward",
        "resource_validation_override",
        409,
        **{**asked, "resource_id": office.upload(GOOD, package_id="gia")["id"]},
    )


def test_bad_rows_wait_in_quarantine_while_good_ones_are_published(
    office: Office, portal: Portal
) -> None:
    assert (
        office("editor", "package_validation_policy_show", id="gia")["source"]
        == "portal"
    )
    set_ = office(
        "steward",
        "organization_validation_policy_update",
        id="org",
        policy="quarantine",
        max_bad_percent=10,
    )
    assert set_ == {
        "policy": "quarantine",
        "max_bad_percent": 10,
        "source": "organization",
    }
    assert office("", "organization_validation_policy_show", id="org") == set_
    office("editor", "package_validation_policy_update", 403, id="gia", policy="warn")
    resource = office.upload(BAD, package_id="gia", name="bang", schema=SCHEMA)
    assert [row["ma"] for row in office.rows(resource)] == [
        f"{number:05}" for number in range(2, 22)
    ]
    kept = office("editor", "resource_quarantine_show", resource_id=resource["id"])
    assert kept["rows"] == 1
    path = kept["url"].split("//")[1].partition("/")[2]
    assert office.get(f"/{path}").status_code == 403
    lines = office.get(f"/{path}", "editor").get_data().decode().splitlines()
    assert lines[0] == "_row,_part,_checks,_vi,_en,ma,gia"
    assert lines[1].startswith("2,,type-error,") and lines[1].endswith(",00001,mười")
    score.drain(portal)
    checks = {
        each["id"]: each["outcome"]
        for each in office("", "quality_show", id="gia")["openness"]["checks"]
    }
    assert checks["OC1"] == "fail"

    office.upload("ma,gia\n00001,một\n00002,hai\n00003,3\n", id=resource["id"])
    page = office(
        "editor",
        "resource_validation_show",
        resource_id=resource["id"],
        format="page",
        lang="en",
    )["report"]
    assert page["decision"]["reason"] == "too-many-bad-rows"
    assert len(office.rows(resource)) == 20
    office.upload(GOOD, id=resource["id"])
    office("editor", "resource_quarantine_show", 404, resource_id=resource["id"])
    assert (
        office("steward", "package_validation_policy_update", id="gia", policy="warn")[
            "source"
        ]
        == "package"
    )
    office.upload("ma,gia\n00001,một\n00001,2\n", id=resource["id"])
    assert [row["gia"] for row in office.rows(resource)] == [None, 2]
    assert (
        office("steward", "package_validation_policy_update", id="gia", policy=None)[
            "policy"
        ]
        == "quarantine"
    )


def test_personal_data_gets_out_on_no_way(office: Office, portal: Portal) -> None:
    office("steward", "package_validation_policy_update", id="gia", policy="warn")
    table = "ma,ho_ten\n00001,Nguyễn Văn An\n"
    tagged = {
        "fields": [
            {"name": "ma", "type": "string"},
            {"name": "ho_ten", "type": "string", "pd": "basic", "treatment": "drop"},
        ]
    }
    resource = office.upload(table, package_id="gia", name="bang", schema=tagged)
    page = office(
        "editor", "resource_validation_show", resource_id=resource["id"], format="page"
    )["report"]
    assert page["decision"]["reason"] == "personal-data"
    assert "Nguyễn" not in orjson.dumps(page).decode()
    assert office.get(_path(resource)).status_code == 403
    fresh = office.upload(
        table, wait=True, package_id="gia", name="chua-kiem-tra", schema=tagged
    )
    assert office.get(_path(fresh)).status_code == 403
    load.drain(portal)
    assert office.get(_path(fresh)).status_code == 403
    why = {
        "resource_id": resource["id"],
        "reason": "Chúng tôi cần công bố bảng này ngay.",
    }
    assert "personal data" in str(
        office("steward", "resource_validation_override", 409, **why)
    )
    assert "personal data" in str(
        office("steward", "resource_validation_delete", 409, resource_id=resource["id"])
    )

    office(
        "editor",
        "package_create",
        name="kin",
        owner_org="org",
        private=True,
        access_kind="restricted",
    )
    held = office.upload(table, package_id="kin", name="bang", schema=tagged)
    assert office("editor", "resource_show", id=held["id"])["datastore_active"]
    for change in ({"private": False}, {"access_kind": "open"}):
        assert "personal data" in str(
            office("editor", "package_patch", 409, id="kin", **change)
        )
    assert "personal data" in str(
        office(
            "steward", "bulk_update_public", 409, org_id="org", datasets=[_id(office)]
        )
    )

    plain = office.upload(table, package_id="gia", name="thuong")
    assert "personal data" in str(
        office("editor", "resource_patch", 409, id=plain["id"], schema=tagged)
    )
    named = office.upload(
        "ma_dn,nguoi_dai_dien\n2800123456,Nguyễn Văn An\n",
        package_id="gia",
        name="d02",
        schema="D02",
    )
    found = office("", "resource_validation_show", resource_id=named["id"])["report"][
        "report"
    ]["findings"]
    assert "nguoi_dai_dien" in {
        each["field"] for each in found if each["check"] == "personal-column"
    }
    assert office.get(_path(named)).status_code == 403


def test_an_old_version_with_personal_data_stays_with_its_editors(
    office: Office,
) -> None:
    office("editor", "package_create", name="kin", owner_org="org", private=True)
    rows = "".join(f"{number:05},038201{number:06}\n" for number in range(20))
    resource = office.upload(f"ma,cccd\n{rows}", package_id="kin", name="bang")
    assert "personal data" in str(
        office("editor", "package_patch", 409, id="kin", private=False)
    )
    office.upload("ma\n00001\n", id=resource["id"])
    office("editor", "package_patch", id="kin", private=False)
    dump = f"/datastore/dump/{resource['id']}?version="
    assert (office.get(f"{dump}2").status_code, office.get(f"{dump}1").status_code) == (
        200,
        404,
    )
    assert office.get(f"{dump}1", "editor").status_code == 200
    office("editor", "resource_validation_delete", resource_id=resource["id"])
    assert office.get(f"{dump}1").status_code == 404


def _path(resource: Json) -> str:
    return "/dataset/" + str(resource["url"]).split("/dataset/")[1]


def _id(office: Office) -> str:
    return str(office("editor", "package_show", id="kin")["id"])


def test_a_run_is_watched_and_outlives_its_worker(
    office: Office, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = office.upload(GOOD, package_id="gia", name="bang", schema=SCHEMA)
    office("", "resource_validation_run", 403, resource_id=resource["id"])
    run = office("editor", "resource_validation_run", resource_id=resource["id"])
    assert run["status"] == "created"
    assert (
        office("editor", "resource_validation_run", resource_id=resource["id"])["id"]
        == run["id"]
    )

    class Killed(SystemExit):
        """What ends a process; nothing of ours catches it, as nothing catches kill
        -9.
        """

    def dying(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(load, "load_resource", dying)
        with pytest.raises(Killed):
            validation_runs.drain(portal)
    assert (
        office("", "resource_show", id=resource["id"])["validation_status"] == "running"
    )
    assert validation_runs.drain(portal) == 0
    _due_now(portal)
    assert validation_runs.drain(portal) == 1
    assert (
        office("", "resource_validation_show", resource_id=resource["id"])["status"]
        == "success"
    )

    link = office(
        "editor", "resource_create", package_id="gia", url="https://example.vn/a.csv"
    )
    assert "links" in str(
        office("editor", "resource_validation_run", 409, resource_id=link["id"])
    )
    batch = registry.call(
        portal, SYSTEM, "resource_validation_run_batch", {"dataset_ids": ["gia"]}
    )
    assert (batch["count"], batch["more"]) == (1, False)
    assert (
        registry.call(portal, SYSTEM, "resource_validation_progress", {})["waiting"]
        == 1
    )
    for query, count in (
        ({"q": "gia"}, 1),
        ('{"fq": "name:gia"}', 1),
        ({"fq_list": ["name:khac"]}, 0),
    ):
        found = registry.call(
            portal, SYSTEM, "resource_validation_run_batch", {"query": query}
        )
        assert (found["count"], found["datasets"]) == (count, count), query
    for query in ("{", ["gia"], {"rows": 3}):
        with pytest.raises(Invalid, match="query"):
            registry.call(
                portal, SYSTEM, "resource_validation_run_batch", {"query": query}
            )
    office("editor", "resource_delete", id=resource["id"])
    assert validation_runs.drain(portal) == 1
    office("editor", "resource_validation_delete", 404, resource_id=link["id"])


def _due_now(portal: Portal) -> None:
    with portal.work() as uow:
        for row in uow.session.scalars(
            select(OutboxRow).where(OutboxRow.topic == VALIDATE)
        ):
            row.due = now()
        uow.commit()


def test_reports_are_forgotten_when_asked(office: Office) -> None:
    resource = office.upload(GOOD, package_id="gia", name="bang", schema=SCHEMA)
    office("editor", "resource_validation_delete", resource_id=resource["id"])
    office("", "resource_validation_show", 404, resource_id=resource["id"])
    assert "validation_status" not in office("", "resource_show", id=resource["id"])


PLANTED = {
    "ho_ten": "Nguyễn Thị Bích Ngọc",
    "so_cccd": "038190012345",
    "dien_thoai": "0912345678",
    "email": "bichngoc.nguyen@example.vn",
    "mst_ca_nhan": "8012345678",
    "so_tai_khoan": "19034567890123",
    "bien_so": "36A-123.45",
    "ngay_sinh": "1990-02-31",
    "vi_do": "19.80671",
    "kinh_do": "105.78523",
}
FOUND = {
    "so_cccd": "citizen-id", "dien_thoai": "phone", "email": "email", "mst_ca_nhan": "person-tax-code",
    "so_tai_khoan": "bank-account", "bien_so": "plate", "ngay_sinh": "birth-date-with-name",
    "vi_do": "home-coordinates", "kinh_do": "home-coordinates",
}  # fmt: skip


@pytest.mark.parametrize("case", ["every cell is wrong", "no schema", "no header"])
def test_no_report_holds_a_personal_value(office: Office, case: str) -> None:
    kinds = {"ngay_sinh": "date", "vi_do": "number", "kinh_do": "number"}
    wrong = {"enum": ["không có"]}
    fields = [
        {
            "name": name,
            "type": kinds.get(name, "string"),
            "constraints": {} if name in kinds else {"pattern": "[a-z]"},
        }
        for name in PLANTED
    ]
    fields[5]["constraints"] = {**wrong, "unique": True}
    extra: Json = (
        {}
        if case != "every cell is wrong"
        else {"schema": {"fields": fields, "primaryKey": ["so_cccd", "email"]}}
    )
    row = ",".join(PLANTED.values())
    head = [] if case == "no header" else [",".join(PLANTED)]
    table = "\n".join([*head, row, row, f"{row},{row}", "1", ""])
    resource = office.upload(table, package_id="gia", name="bang", **extra)
    key = {"resource_id": resource["id"]}

    def read(who: str) -> str:
        forms = (
            {"format": form, "lang": lang}
            for form in ("report", "page", "frictionless")
            for lang in ("vi", "en")
        )
        shown = [
            office(who, "resource_validation_show", **key, **form) for form in forms
        ]
        sheets = [
            office.get(
                f"/dataset/gia/resource/{resource['id']}/validation.csv?lang={lang}",
                who,
            )
            .get_data()
            .decode()
            for lang in ("vi", "en")
        ]
        return orjson.dumps(shown).decode() + "".join(sheets)

    assert (
        office.client.post(
            "/api/3/action/package_validation_list", json={"id": "gia"}
        ).status_code
        == 403
    )
    told = {"a stranger": read("")}
    # A closed list holds nobody's account.
    skipped = {"so_tai_khoan"} if extra else set()
    if case != "no header":
        body = office("editor", "resource_validation_show", **key)["report"]["report"]
        found = {
            each["field"]: each["note"]
            for each in body["findings"]
            if each["check"] == "personal-data"
        }
        assert (
            found.items()
            >= {
                name: kind for name, kind in FOUND.items() if name not in skipped
            }.items()
        )
        told["an editor"] = orjson.dumps(
            [each for each in body["findings"] if each["field"] in found]
        ).decode()
        told["lists"] = orjson.dumps(
            office("editor", "package_validation_list", id="gia")
        ).decode()
    planted = {
        name: value
        for name, value in PLANTED.items()
        if name in FOUND and name not in skipped
    }
    for whom, text in told.items():
        values = PLANTED if whom == "a stranger" else planted
        assert [name for name, value in values.items() if value in text] == [], whom
