"""The search log: what is counted, what never is, who may read it, and how it is
forgotten.
"""

from datetime import timedelta

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.db import searches
from portal.domain.base import now
from portal.errors import NotAuthorized
from portal.pipeline import sweep
from portal.runtime import Portal
from tests.portal.actions.people import call, make_org

GUARDS = (
    "portal.db.searches",
    "portal.domain.searches",
)


@pytest.mark.parametrize(
    "typed",
    [
        "038095001234", "0912 345 678", "+84 912.345.678", "an.nguyen@example.vn", "2801234567", "MST 2801234567-001",
        "cccd 038 095 001 234", "０９１２３４５６７８", "biển số 36A-123.45", "title:an", "*:*", "", "a" * 101,
    ],
)  # fmt: skip
def test_what_looks_personal_or_is_no_question_is_not_kept(typed: str) -> None:
    assert searches.kept(typed) is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("  Bệnh   VIỆN? ", "bệnh viện"),
        ("ngân sách 2020-2025", "ngân sách 2020 2025"),
        ("QĐ 2053", "qđ 2053"),
    ],
)
def test_a_question_is_kept_as_words(typed: str, said: str) -> None:
    assert searches.kept(typed) == said


def test_questions_are_counted_by_day_listed_and_forgotten(portal: Portal) -> None:
    make_org(portal, "so-y-te")
    call(
        portal,
        SYSTEM,
        "package_create",
        name="bv",
        title="Bệnh viện",
        owner_org="so-y-te",
    )
    for q in ("bệnh viện", "Bệnh viện", "benh vein", "sân bay", "0912345678"):
        call(portal, ANONYMOUS, "package_search", q=q)
    call(portal, ANONYMOUS, "package_search", q="bệnh viện", start=10)
    call(portal, ANONYMOUS, "package_search", q="bệnh viện", fq="organization:khac")
    portal.searches.flush()
    call(portal, ANONYMOUS, "package_search", q="bệnh viện")
    portal.searches.flush()
    assert call(portal, SYSTEM, "search_log_list") == [
        {"query": "bệnh viện", "searches": 3, "empty": 0, "relaxed": 0},
        {"query": "benh vein", "searches": 1, "empty": 0, "relaxed": 1},
        {"query": "sân bay", "searches": 1, "empty": 1, "relaxed": 0},
    ]
    assert [
        each["query"]
        for each in call(portal, SYSTEM, "search_log_list", only_empty=True)
    ] == ["sân bay"]
    assert len(call(portal, SYSTEM, "search_log_list", limit=1)) == 1
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "search_log_list")
    old = now().date() - timedelta(days=portal.settings.search_log_days + 1)
    with portal.work() as uow:
        searches.add(uow.session, {(old, "cũ"): (1, 1, 0)})
        uow.commit()
    assert len(call(portal, SYSTEM, "search_log_list", days=3660)) == 4
    sweep.sweep(portal)
    assert len(call(portal, SYSTEM, "search_log_list", days=3660)) == 3


def test_a_day_keeps_so_many_questions_and_still_counts_known_ones(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST_A_DAY", 2)
    today = now().date()
    with portal.work() as uow:
        searches.add(
            uow.session, {(today, word): (1, 0, 0) for word in ("a", "b", "c")}
        )
        searches.add(uow.session, {(today, word): (1, 0, 0) for word in ("b", "d")})
        uow.commit()
    listed = call(portal, SYSTEM, "search_log_list")
    assert [(each["query"], each["searches"]) for each in listed] == [
        ("b", 2),
        ("a", 1),
    ]


def test_what_waits_is_written_when_the_portal_closes(portal: Portal) -> None:
    portal.searches.note("giá lúa", 0, relaxed=False)
    portal.searches.close()
    assert call(portal, SYSTEM, "search_log_list")[0]["query"] == "giá lúa"
