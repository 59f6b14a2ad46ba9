"""Hits tier by tier: the same order on one page and on many, and nothing that the
question as a whole refuses.
"""

from __future__ import annotations

import pytest

from search.backend import IndexEntry, SearchBackend
from tests.search.datasets import entry, found

GUARDS = ("search.tantivy_index.tiers",)
TIERS = {
    "exact-in-a-row": {"title": "Bệnh viện"},
    "exact-in-the-title": {"title": "Viện chữa bệnh"},
    "exact-in-the-text": {"title": "Cơ sở một", "notes": "bệnh viện"},
    "bare-in-a-row": {"title": "Benh vien"},
    "bare-in-the-title": {"title": "Vien chua benh"},
    "bare-in-the-text": {"title": "Co so hai", "notes": "benh vien"},
    "in-a-column": {
        "title": "Ba",
        "resources": [{"schema": {"fields": [{"name": "so", "title": "Benh vien"}]}}],
    },
}
"""Datasets by the tier that "bệnh viện" finds them in, best first; the older the
better, so dates do not decide.
"""
BARE = ["exact-in-a-row", "bare-in-a-row", "bare-in-the-title", "exact-in-the-title", "bare-in-the-text",
        "exact-in-the-text", "in-a-column"]  # fmt: skip


def shelf() -> list[IndexEntry]:
    return [
        entry(name, metadata_modified=f"2026-01-0{place}T00:00:00.000000", **fields)  # type: ignore[arg-type]
        for place, (name, fields) in enumerate(TIERS.items(), 1)
    ]


def test_every_tier_comes_before_the_next(index: SearchBackend) -> None:
    index.apply(shelf())
    assert found(index, "bệnh viện") == list(TIERS)
    bare = found(index, "benh vien")
    assert [set(bare[:2]), set(bare[2:4]), set(bare[4:6]), set(bare[6:])] == [
        set(BARE[:2]), set(BARE[2:4]), set(BARE[4:6]), set(BARE[6:]),
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 20])
def test_pages_follow_each_other_across_tiers(index: SearchBackend, rows: int) -> None:
    index.apply(shelf())
    pages = [
        found(index, "bệnh viện", start=start, rows=rows)
        for start in range(0, 21, rows)
    ]
    assert [name for page in pages for name in page] == list(TIERS)


def test_a_tie_is_ordered_by_date_on_whichever_page_it_is(index: SearchBackend) -> None:
    days = {f"d{day:02}": f"2026-03-{day:02}T00:00:00.000000" for day in range(1, 29)}
    index.apply(
        [entry(name, "Giá đất", metadata_modified=when) for name, when in days.items()]
    )
    newest_first = sorted(days, reverse=True)
    assert found(index, "giá đất", rows=30) == newest_first
    assert [
        found(index, "gia dat", start=at, rows=1)[0] for at in range(28)
    ] == newest_first


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        (
            "bệnh viện -co",
            {
                "exact-in-a-row",
                "exact-in-the-title",
                "bare-in-a-row",
                "bare-in-the-title",
                "in-a-column",
            },
        ),
        (
            "bệnh viện +name:bare*",
            {"bare-in-a-row", "bare-in-the-title", "bare-in-the-text"},
        ),
        (
            '"bệnh viện"',
            {
                "exact-in-a-row",
                "exact-in-the-text",
                "bare-in-a-row",
                "bare-in-the-text",
                "in-a-column",
            },
        ),
        ("text:benh OR chua", set(TIERS) - {"in-a-column"}),
        ("chua-benh", {"exact-in-the-title", "bare-in-the-title"}),
        ("benh-chua", set()),
        (
            "bệnh AND viện AND NOT title:chua",
            set(TIERS) - {"exact-in-the-title", "bare-in-the-title"},
        ),
    ],
)
def test_no_tier_finds_what_the_question_refuses(
    index: SearchBackend, q: str, wanted: set[str]
) -> None:
    index.apply(shelf())
    assert set(found(index, q, rows=20)) == wanted


def test_weights_that_were_asked_for_outweigh_where_the_words_stand(
    index: SearchBackend,
) -> None:
    index.apply(
        [
            entry("both-in-the-title", "Cho va ca"),
            entry("one-in-the-tags", "Khac", tags=("ca",)),
        ]
    )
    assert found(index, "title:cho OR tags:ca^0.01") == [
        "both-in-the-title",
        "one-in-the-tags",
    ]
    assert found(index, "text:cho^0.01 OR tags:ca^5000") == [
        "one-in-the-tags",
        "both-in-the-title",
    ]
