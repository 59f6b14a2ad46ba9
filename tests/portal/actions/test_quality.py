"""Quality scores: computed after a change, kept over time, told by dataset,
organization and sector.
"""

import io
from datetime import datetime, timedelta

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.errors import NotFound
from portal.pipeline import load, score
from portal.quality.dataset import freshness, mqa, openness
from portal.quality.dataset.facts import Facts, ResourceFacts
from portal.runtime import Portal
from portal.web.app import create_app
from schemas.record import Upload
from tests.portal.actions.people import call, make_org

GUARDS = (
    "portal.db.scores",
    "portal.domain.scores",
    "portal.pipeline.score",
    "portal.quality.dataset.facts",
    "portal.quality.dataset.freshness",
    "portal.quality.dataset.mqa",
    "portal.quality.dataset.openness",
)
FULL = {
    "name": "gia",
    "title": "Giá nông sản",
    "notes": "Giá hằng ngày",
    "owner_org": "so-nnmt",
    "license_id": "cc-by",
    "access_kind": "open",
    "frequency": "daily",
    "sector": "nnmt",
    "period": "ngày",
    "spatial_unit": "38",
    "annex": "PL3",
    "annex_number": "12",
    "contact_email": "vp@example.vn",
    "legal_basis": "QĐ",
    "tags": [{"name": "giá"}],
}


def test_a_dataset_is_scored_after_each_change_and_its_history_kept(
    portal: Portal,
) -> None:
    make_org(portal, "so-nnmt")
    call(
        portal, SYSTEM, "package_create", name="kin", owner_org="so-nnmt", private=True
    )
    call(portal, SYSTEM, "package_create", name="gia", owner_org="so-nnmt")
    with pytest.raises(NotFound):
        call(portal, ANONYMOUS, "quality_show", id="gia")
    assert score.drain(portal) == 2
    before = call(portal, ANONYMOUS, "quality_show", id="gia")
    call(portal, SYSTEM, "package_update", id="gia", **FULL)
    body = b"ma,gia\n00001,1\n"
    call(
        portal,
        SYSTEM,
        "resource_create",
        package_id="gia",
        name="x",
        upload=Upload("a.csv", io.BytesIO(body)),
    )
    load.drain(portal)
    score.drain(portal)
    shown = call(portal, ANONYMOUS, "quality_show", id="gia")
    assert [each["outcome"] for each in shown["openness"]["checks"]] == ["pass"] * 10
    assert (shown["mqa"]["points"], shown["mqa"]["of"], shown["mqa"]["rating"]) == (
        405,
        405,
        "excellent",
    )
    assert before["mqa"]["points"] < 100
    history = call(portal, ANONYMOUS, "quality_history", id="gia")
    assert [row["mqa_points"] for row in history] == [405, before["mqa"]["points"]]
    call(portal, SYSTEM, "package_patch", id="gia", version="2")
    score.drain(portal)
    assert len(call(portal, ANONYMOUS, "quality_history", id="gia")) == 2

    listed = call(
        portal, ANONYMOUS, "quality_list", organization="so-nnmt", sort="points desc"
    )
    assert [row["name"] for row in listed["results"]] == ["gia"]
    assert call(portal, SYSTEM, "quality_list", sector="nnmt")["count"] == 1
    assert call(portal, SYSTEM, "quality_list")["count"] == 2
    summed = call(portal, ANONYMOUS, "quality_summary", by="sector")
    assert summed == [
        {
            "sector": "nnmt", "title": "nnmt", "datasets": 1, "mqa_points": 405.0, "openness_passed": 10.0,
            "fresh": 1, "late": 0,
        }
    ]  # fmt: skip
    assert call(portal, SYSTEM, "quality_summary")[0]["organization"] == "so-nnmt"

    client = create_app(portal).test_client()
    lines = client.get("/quality.csv").get_data().decode("utf-8-sig").splitlines()
    assert (len(lines), lines[1].split(",")[:3]) == (
        2,
        ["gia", "Giá nông sản", "so-nnmt"],
    )
    assert "nnmt" in client.get("/quality/sector.csv").get_data().decode()
    assert client.get("/quality/x.csv").status_code == 404
    assert client.get("/dataset/gia/quality.csv").get_data().decode().count("\n") == 3
    assert client.get("/dataset/kin/quality.csv").status_code == 403
    page = (
        client.get("/dataset/gia", headers={"Accept-Language": "en"})
        .get_data()
        .decode()
    )
    assert "MQA 405/405" in page
    assert "MQA 405.0/405" in client.get("/organization/so-nnmt").get_data().decode()
    call(portal, SYSTEM, "package_delete", id="gia")
    score.drain(portal)
    with pytest.raises(NotFound):
        call(portal, SYSTEM, "quality_show", id="gia")


def test_scores_age(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    make_org(portal, "so-nnmt")
    call(portal, SYSTEM, "package_create", **FULL)
    assert score.renew(portal) == 0, "it waits to be scored already"
    assert score.drain(portal) == 0, "whoever renews scores what waits, too"
    assert score.renew(portal) == 0
    assert (
        call(portal, ANONYMOUS, "quality_show", id="gia")["freshness"]["fresh"] is True
    )
    later = score.now() + timedelta(days=3)
    monkeypatch.setattr(score, "now", lambda: later)
    assert score.renew(portal) == 1
    with portal.work() as uow:
        from portal.domain.datasets import Dataset

        dataset = uow.session.query(Dataset).one()
        assert score.describe(portal, uow, dataset, later)[2] is False


@pytest.mark.parametrize(
    ("frequency", "days", "fresh"),
    [
        (None, 0, None),
        ("irregular", 999, True),
        ("on-change", 999, True),
        ("daily", 2, True),
        ("daily", 2.1, False),
        ("monthly", 32, True),
        ("monthly", 33, False),
        ("yearly", 366, True),
    ],
)
def test_freshness_has_a_day_of_grace(
    frequency: str | None, days: float, fresh: bool | None
) -> None:
    start = datetime(2026, 1, 1)
    assert (
        freshness.judge(frequency, start, start + timedelta(days=days)).fresh is fresh
    )


def facts(**package: object) -> Facts:
    resource = ResourceFacts(
        {"url": "https://example.vn/a.pdf", "format": "PDF"}, None, None, False
    )
    return Facts({"private": False, **package}, (resource,), None)


def test_what_nothing_here_can_tell_is_unknown_and_a_pdf_alone_is_not_open() -> None:
    outcomes = {
        each.check.id: each.outcome
        for each in openness.judge(facts(license_id="dlm-vn"))
    }
    assert (outcomes["OC1"], outcomes["OC2"], outcomes["OC3"]) == (
        "unknown",
        "unknown",
        "unknown",
    )
    assert (outcomes["OC4"], outcomes["OC6"], outcomes["OC9"], outcomes["OC10"]) == (
        "fail",
    ) * 4
    assert {
        each.check.id: each.outcome for each in openness.judge(facts(private=True))
    }["OC5"] == "fail"


def test_mqa_adds_up_to_405_points() -> None:
    sums = {
        each.id: sum(metric.of for metric in each.metrics) for each in mqa.DIMENSIONS
    }
    assert list(sums.values()) == [100, 100, 110, 75, 20]
    assert mqa.MOST == 405
    assert [mqa.rating(points) for points in (0, 121, 221, 351)] == [
        "bad",
        "sufficient",
        "good",
        "excellent",
    ]
