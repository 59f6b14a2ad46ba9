"""What every index promises, asked of each of them."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

import pytest

from search.backend import QueryError, SearchBackend, SearchRequest, SearchUnavailable
from tests.search.datasets import PUBLIC, ask, entry, found, listed

GUARDS = (
    "search",
    "search.backend",
    "search.language.tree",
    "search.planning.clauses",
    "search.planning.freetext",
    "search.planning.plan",
    "search.planning.table_columns",
    "search.tantivy_index.compiler",
    "search.tantivy_index.facets",
    "search.tantivy_index.index",
    "search.text.folding",
)
ORDERED = "id asc"


@pytest.fixture
def hospitals(index: SearchBackend) -> SearchBackend:
    index.apply(
        [
            entry("dau", "Bệnh viện nhi Thanh Hóa", notes="Danh sách"),
            entry("khac-dau", "Bênh viên nhi", notes="Danh sách"),
            entry("khong-dau", "Benh vien nhi benh vien benh vien", notes="benh vien"),
            entry("trong-mo-ta", "Danh mục cơ sở", notes="Các bệnh viện tuyến tỉnh"),
            entry("duong", "Mạng lưới đường bộ"),
            entry(
                "duong-lich", "Dương lịch và dương vật lý dương", notes="dương dương"
            ),
            entry("may", "Máy nông nghiệp", notes="ngày"),
            entry("thuy-san", "Sản lượng thuỷ sản"),
            entry("xay-dung", "Giấy phép xây dựng", tags=("xây dựng", "quy hoạch")),
        ]
    )
    return index


@pytest.mark.parametrize(
    "typed",
    [
        "benh vien",
        "bệnh viện",
        "BỆNH VIỆN",
        "Bệnh Viện",
        unicodedata.normalize("NFD", "bệnh viện"),
    ],
)
def test_typed_with_or_without_marks_the_same_is_found(
    hospitals: SearchBackend, typed: str
) -> None:
    assert set(found(hospitals, typed)) == {
        "dau",
        "khac-dau",
        "khong-dau",
        "trong-mo-ta",
    }


@pytest.mark.parametrize(
    "typed", ["bệnh viện", "BỆNH VIỆN", unicodedata.normalize("NFD", "bệnh viện")]
)
def test_exact_marks_come_first_wherever_they_stand(
    hospitals: SearchBackend, typed: str
) -> None:
    assert found(hospitals, typed)[:2] == ["dau", "trong-mo-ta"]


def test_exact_marks_beat_any_number_of_others(hospitals: SearchBackend) -> None:
    assert found(hospitals, "đường") == ["duong", "duong-lich"]
    assert found(hospitals, "dương") == ["duong-lich", "duong"]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("may", "may"),
        ("ngay", "may"),
        ("thuy san", "thuy-san"),
        ("thủy sản", "thuy-san"),
        ("thuỷ sản", "thuy-san"),
        ("xay dung", "xay-dung"),
        ("thanh hoá", "dau"),
        ("xây*", "xay-dung"),
    ],
)
def test_vietnamese_is_found_as_people_type(
    hospitals: SearchBackend, typed: str, wanted: str
) -> None:
    assert wanted in found(hospitals, typed)


def test_tone_placement_counts_as_exact(index: SearchBackend) -> None:
    index.apply(
        [
            entry("a", "Thuy loi thuy loi"),
            entry("b", "Thuỷ lợi"),
            entry("c", "Thúy lợi thúy lợi"),
        ]
    )
    assert found(index, "thủy lợi")[0] == "b"


def test_all_words_are_required(hospitals: SearchBackend) -> None:
    assert found(hospitals, "bệnh viện xây dựng") == []
    assert found(hospitals, "nhi -thanh -bênh") == []
    assert set(found(hospitals, "benh -hoa")) == {
        "khac-dau",
        "khong-dau",
        "trong-mo-ta",
    }
    assert found(hospitals, '"viện bệnh"') == ["khong-dau"]  # "benh VIEN BENH vien"
    assert set(found(hospitals, '"bệnh viện nhi"')) == {"dau", "khac-dau", "khong-dau"}


def test_hits_carry_the_payload_and_a_score(hospitals: SearchBackend) -> None:
    result = ask(hospitals, "xây dựng")
    assert [hit.payload for hit in result.hits] == [
        entry("xay-dung", "Giấy phép xây dựng", tags=("xây dựng", "quy hoạch")).payload
    ]
    assert result.hits[0].score > 0
    assert result.sort == "score desc, metadata_modified desc"


@pytest.mark.parametrize("typed", ["???", "-", "...", "( )"])
def test_punctuation_alone_finds_nothing_and_breaks_nothing(
    hospitals: SearchBackend, typed: str
) -> None:
    assert ask(hospitals, typed).count == 0


@pytest.fixture
def shelf(index: SearchBackend) -> SearchBackend:
    index.apply(
        [
            entry("a1", "Một", org="a", tags=("giá", "chợ"), formats=("CSV",), license_id="cc-by",
                  metadata_modified="2026-01-01T00:00:00.000001", sector="y-te",
                  extras=[{"key": "guid", "value": "http://x.vn/a1"}]),
            entry("a2", "Hai ba", org="a", tags=("giá",), formats=("CSV", "JSON"), sector="y-te", version="2",
                  metadata_modified="2026-02-01T00:00:00", extras=[{"key": "nguồn tin", "value": "Sở Y tế tỉnh"}]),
            entry("b1", "Ba hai", org="b", tags=("two words",), formats=("csv",), sector="giao-duc",
                  metadata_modified="2026-03-01T10:00:00", groups=[{"name": "dan-so", "title": "Dân số"}]),
            entry("c1", "Ăn uống", org="c", metadata_modified="2026-04-01T00:00:00", author="Nguyễn Văn Á"),
            entry("c2", "Âu tàu", org="c", metadata_modified="2026-04-01T00:00:00"),
        ]
    )  # fmt: skip
    return index


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("*:*", "a1 a2 b1 c1 c2"),
        ("organization:a", "a1 a2"),
        ("organization:a OR organization:b", "a1 a2 b1"),
        ("(organization:a OR organization:b)", "a1 a2 b1"),
        (
            "organization:a OR organization:b metadata_modified:[2026-02-01T00:00:00Z "
            "TO *]",
            "a2 b1",
        ),
        ("-organization:a -organization:b", "c1 c2"),
        ("NOT organization:a AND NOT organization:b", "c1 c2"),
        ("-(organization:a OR organization:b)", "c1 c2"),
        ("organization:b OR -organization:a", "b1 c1 c2"),
        ("organization:a AND tags:chợ OR organization:b", "a1 b1"),
        ("organization:a && !tags:chợ", "a2"),
        ('owner_org: "a-id"', "a1 a2"),
        ('tags:"two words"', "b1"),
        ("tags:two", ""),
        ('tags:(chợ OR "two words")', "a1 b1"),
        ("tags:GIÁ", ""),
        ("res_format:CSV", "a1 a2"),
        ("res_format:(CSV OR csv)", "a1 a2 b1"),
        ("license_id:cc-by", "a1"),
        ("groups:dan-so", "b1"),
        ("dan so", "b1"),
        ("text:so", "a2 b1"),
        ("title:hai", "a2 b1"),
        ("title:HAI", "a2 b1"),
        ('title:"hai ba"', "a2"),
        ('title:"hai ba"~2', "a2 b1"),
        ("title:an", "c1"),
        ("title:u*", "c1"),
        ("title:t?u", "c2"),
        ("title:hay~1", "a2 b1"),
        ('title_string:"Hai ba"', "a2"),
        ("name:a*", "a1 a2"),
        ("name:a\\*", ""),
        ("name:?1", "a1 b1 c1"),
        ("name:[a2 TO c1]", "a2 b1 c1"),
        ("name:{a2 TO c1}", "b1"),
        ("name:[b TO *]", "b1 c1 c2"),
        ("name:[* TO b}", "a1 a2"),
        ("tags:[h TO z]", "b1"),
        ("num_tags:[1 TO *]", "a1 a2 b1"),
        ("num_tags:2", "a1"),
        ("num_tags:{1 TO 2]", "a1"),
        ("num_resources:0", "c1 c2"),
        (
            "metadata_modified:[2026-01-01T00:00:00.000001Z TO 2026-02-01T00:00:00Z]",
            "a1 a2",
        ),
        ("metadata_modified:{2026-01-01T00:00:00.000001Z TO 2026-02-01T00:00:00Z}", ""),
        ("metadata_modified:[* TO 2026-03-01]", "a1 a2 b1"),
        ("metadata_modified:[* TO 2026-03-01}", "a1 a2"),
        ("metadata_modified:2026-03", "b1"),
        ("metadata_created:[NOW-100YEARS/DAY TO NOW]", "a1 a2 b1 c1 c2"),
        ("metadata_created:[NOW TO *]", ""),
        ("sector:y-te", "a1 a2"),
        ("sector:*", "a1 a2 b1"),
        ("-sector:*", "c1 c2"),
        ("sector:y*", "a1 a2"),
        ("sector:[h TO z]", "a1 a2"),
        ("sector:[* TO h]", "b1"),
        ("sector:[* TO *]", "a1 a2 b1"),
        ('guid:"http://x.vn/a1"', "a1"),
        ("guid:http\\://x.vn/*", "a1"),
        ("guid:https*", ""),
        ('extras_guid:"x.vn/a1"', "a1"),
        ("extras_guid:vn", "a1"),
        ("nguồn\\ tin:*", "a2"),
        ('extras_nguồn\\ tin:"y te"', "a2"),
        ("guid:sở", ""),
        ("unheard_of:x", ""),
        ("labels:public", ""),
        ("(unheard_of:* OR *:*)", "a1 a2 b1 c1 c2"),
        ("author:nguyen", "c1"),
        ("tags:*", "a1 a2 b1"),
        ("-tags:*", "c1 c2"),
        ("state:active", "a1 a2 b1 c1 c2"),
        (
            "private:false type:dataset dataset_type:dataset capacity:public",
            "a1 a2 b1 c1 c2",
        ),
        ("version:2", "a2"),
        ("title:hai^3 organization:a", "a2"),
    ],
)
def test_lucene_means_the_same_in_q_and_fq(
    shelf: SearchBackend, query: str, wanted: str
) -> None:
    assert sorted(found(shelf, query, dismax=False)) == wanted.split()
    assert sorted(found(shelf, fq=(query,))) == wanted.split()


def test_filters_are_joined(shelf: SearchBackend) -> None:
    assert found(shelf, "hai", fq=("organization:a", "res_format:JSON")) == ["a2"]
    assert found(shelf, fq=("organization:a", "organization:b")) == []


def test_a_boost_moves_a_hit(shelf: SearchBackend) -> None:
    assert found(
        shelf, "organization:a^5 OR organization:b", sort="score desc, id asc"
    ) == ["a1", "a2", "b1"]
    assert found(
        shelf, "organization:a OR organization:b^5", sort="score desc, id asc"
    ) == ["b1", "a1", "a2"]
    assert found(
        shelf, "organization:a OR organization:b^5", sort="score asc, id desc"
    ) == ["a2", "a1", "b1"]


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        (None, "c1 c2 b1 a2 a1"),
        ("score desc, metadata_modified desc", "c1 c2 b1 a2 a1"),
        ("id asc", "a1 a2 b1 c1 c2"),
        ("id desc", "c2 c1 b1 a2 a1"),
        ("name", "a1 a2 b1 c1 c2"),
        ("metadata_modified asc", "a1 a2 b1 c1 c2"),
        ("metadata_modified desc, id desc", "c2 c1 b1 a2 a1"),
        ("title_string asc", "c1 c2 b1 a2 a1"),
        ("title desc", "a1 a2 b1 c2 c1"),
        ("organization desc, metadata_modified desc, name desc", "c2 c1 b1 a2 a1"),
        ("num_resources desc, num_tags desc", "a2 a1 b1 c1 c2"),
        ("license_id asc, id desc", "a1 c2 c1 b1 a2"),
        ("license_id desc, id desc", "a1 c2 c1 b1 a2"),
    ],
)
def test_sorting_is_total(shelf: SearchBackend, sort: str | None, wanted: str) -> None:
    assert found(shelf, sort=sort) == wanted.split()
    one_by_one = [
        hit
        for start in range(6)
        for hit in found(shelf, sort=sort, start=start, rows=1)
    ]
    assert one_by_one == wanted.split()


def test_the_sort_used_is_told(shelf: SearchBackend) -> None:
    assert ask(shelf, sort="id asc").sort == "id asc"
    assert ask(shelf, sort="rank").sort == "score desc, metadata_modified desc"


@pytest.mark.parametrize(
    "sort",
    ["nonsense desc", "id sideways", "notes asc", "id asc,", "score; drop", "tags asc"],
)
def test_bad_sorts_are_query_errors(shelf: SearchBackend, sort: str) -> None:
    with pytest.raises(QueryError) as caught:
        ask(shelf, sort=sort)
    assert caught.value.kind == "query"


@pytest.mark.parametrize(
    "request_",
    [
        SearchRequest(q="{!lucene}x"),
        SearchRequest(q="title:(a"),
        SearchRequest(fq=("_query_:x",)),
        SearchRequest(fq=("metadata_modified:[yesterday TO NOW]",)),
        SearchRequest(q="num_tags:many"),
        SearchRequest(q="[a TO b] x:y"),
        SearchRequest(q="num_tags:1*"),
    ],
)
def test_bad_queries_are_search_errors(
    shelf: SearchBackend, request_: SearchRequest
) -> None:
    with pytest.raises(QueryError) as caught:
        shelf.search(request_)
    assert caught.value.kind == "search"


def test_facets_count_what_is_found(shelf: SearchBackend) -> None:
    fields = (
        "organization",
        "tags",
        "res_format",
        "sector",
        "license_id",
        "unheard_of",
    )
    facets = ask(shelf, rows=0, facet_fields=fields).facets
    assert dict(facets) == {
        "organization": (("a", 2), ("c", 2), ("b", 1)),
        "tags": (("giá", 2), ("chợ", 1), ("two words", 1)),
        "res_format": (("CSV", 2), ("JSON", 1), ("csv", 1)),
        "sector": (("y-te", 2), ("giao-duc", 1)),
        "license_id": (("cc-by", 1),),
        "unheard_of": (),
    }
    assert dict(
        ask(shelf, "hai", fq=("organization:a",), facet_fields=("organization",)).facets
    ) == {"organization": (("a", 1),)}


def test_facets_have_limits(shelf: SearchBackend) -> None:
    assert ask(shelf, facet_fields=("tags",), facet_limit=2).facets["tags"] == (
        ("giá", 2),
        ("chợ", 1),
    )
    assert ask(shelf, facet_fields=("tags",), facet_mincount=2).facets["tags"] == (
        ("giá", 2),
    )
    assert ask(shelf, facet_fields=("tags",), facet_limit=0).facets["tags"] == ()
    assert (
        ask(shelf, facet_fields=("tags",), facet_mincount=0).facets["tags"][-1][1] == 1
    )
    assert (
        len(ask(shelf, facet_fields=("tags",), facet_limit=100_000).facets["tags"]) == 3
    )
    with pytest.raises(QueryError):
        ask(shelf, facet_fields=("notes",))


def test_facets_with_many_ties_are_cut_by_value(index: SearchBackend) -> None:
    index.apply(
        [entry(f"d{n:03}", tags=(f"t{(n * 37) % 200:03}",)) for n in range(200)]
    )
    assert ask(index, facet_fields=("tags",), facet_limit=3).facets["tags"] == (
        ("t000", 1),
        ("t001", 1),
        ("t002", 1),
    )
    assert ask(index, facet_fields=("name",), facet_limit=2).facets["name"] == (
        ("d000", 1),
        ("d001", 1),
    )


@pytest.fixture
def guarded(index: SearchBackend) -> SearchBackend:
    member, creator = frozenset({"member-o1"}), frozenset({"creator-u1"})
    index.apply(
        [
            entry("open", tags=("t",)),
            entry("private", tags=("t",), labels=member, private=True),
            entry(
                "other-private",
                tags=("t",),
                labels=frozenset({"member-o2"}),
                private=True,
            ),
            entry("draft", tags=("t",), labels=member, state="draft"),
            entry("own-draft", tags=("t",), labels=creator, state="draft"),
            entry("deleted", tags=("t",), labels=member, state="deleted"),
        ]
    )
    return index


EVERYTHING = {"include_private": True, "include_drafts": True, "include_deleted": True}
MEMBER = PUBLIC | {"member-o1"}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, "open"),
        (EVERYTHING, "open"),
        (
            {"fq": ("+state:(draft OR deleted OR active)",), "include_private": True},
            "open",
        ),
        ({"labels": MEMBER}, "open"),
        ({"labels": MEMBER, "include_private": True}, "open private"),
        ({"labels": MEMBER, "include_drafts": True}, "draft open"),
        ({"labels": MEMBER, "include_deleted": True}, "deleted open"),
        ({"labels": MEMBER, **EVERYTHING}, "deleted draft open private"),
        (
            {"labels": frozenset({"creator-u1", "public"}), **EVERYTHING},
            "open own-draft",
        ),
        ({"labels": MEMBER, "fq": ("+state:draft",)}, "draft"),
        ({"labels": None, "fq": ("state:draft",)}, ""),
        ({"labels": None, "fq": ("capacity:private",)}, ""),
        (
            {"labels": None, "fq": ("+capacity:private",), "include_private": True},
            "other-private private",
        ),
        ({"labels": None}, "open"),
        (
            {"labels": None, **EVERYTHING},
            "deleted draft open other-private own-draft private",
        ),
        ({"labels": frozenset(), **EVERYTHING}, ""),
    ],
)
def test_labels_hide_hits_counts_and_facets(
    guarded: SearchBackend, asked: dict[str, object], wanted: str
) -> None:
    for q in ("*:*", "t", "tags:t OR private:true OR state:draft"):
        result = ask(
            guarded, q, facet_fields=("tags", "name"), facet_mincount=0, **asked
        )
        assert sorted(hit.id for hit in result.hits) == wanted.split()
        assert result.count == len(wanted.split())
        assert dict(result.facets["tags"]) == (
            {"t": len(wanted.split())} if wanted else {}
        )
        assert sorted(dict(result.facets["name"])) == wanted.split()


@pytest.mark.parametrize(
    "sort",
    ["id asc", "metadata_modified desc", "organization asc, num_tags desc", None],
)
@pytest.mark.parametrize("q", ["*:*", "dữ liệu", "tags:a OR tags:b"])
def test_paging_meets_every_dataset_once(
    index: SearchBackend, q: str, sort: str | None
) -> None:
    made = [
        entry(f"d{n:03}", "Dữ liệu", org=f"o{n % 3}", tags=("a", "b")[: 1 + n % 2],
              metadata_modified=f"2026-01-0{1 + n % 2}T00:00:00")
        for n in range(87)
    ]  # fmt: skip
    # Several commits, so that tantivy has several segments.
    for part in range(0, 87, 20):
        index.apply(made[part : part + 20])
    pages = [
        found(index, q, sort=sort, start=start, rows=10) for start in range(0, 100, 10)
    ]
    whole = found(index, q, sort=sort, rows=1000)
    assert [hit for page in pages for hit in page] == whole
    assert sorted(whole) == [one.id for one in made]
    assert ask(index, q, start=10**12).count == 87
    assert ask(index, q, rows=0).hits == ()


def test_a_write_is_found_at_once_by_everyone(
    opened: Callable[[], SearchBackend],
) -> None:
    writer, reader = opened(), opened()
    assert ask(reader).count == 0
    for number in range(5):
        writer.apply([entry(f"d{number}", "Mới")])
        assert ask(reader, "moi").count == number + 1


def test_replacing_and_removing(index: SearchBackend) -> None:
    index.apply([entry("a", "Cũ"), entry("b", "Cũ")])
    index.apply([entry("a", "Khác", revision=2)], deleted=["b", "never-there"])
    assert found(index, "cu") == []
    assert found(index) == ["a"]
    index.apply([], deleted=["a"])
    assert found(index) == []
    assert list(index.stamps()) == []
    # What comes back is newer than its deletion.
    index.apply([entry("a", "Lại", revision=9)])
    assert found(index, "lai") == ["a"]


def test_an_older_version_never_replaces_a_newer(index: SearchBackend) -> None:
    index.apply([entry("a", "Năm", revision=5)])
    index.apply([entry("a", "Bốn", revision=4), entry("b", "Khác", revision=1)])
    assert found(index, "bon") == []
    assert dict(index.stamps()) == {"a": 5, "b": 1}
    index.apply([entry("a", "Lại", revision=5)])
    assert found(index, "lai") == ["a"]
    index.apply([entry("a", "Bảy", revision=7), entry("a", "Sáu", revision=6)])
    assert dict(index.stamps()) == {"a": 7, "b": 1}
    assert found(index, "bay") == ["a"]


def test_rebuild_replaces_everything(opened: Callable[[], SearchBackend]) -> None:
    index, reader = opened(), opened()
    index.apply([entry("old", "Cũ"), entry("kept", "Cũ", revision=9)])
    assert ask(reader).count == 2
    assert (
        index.rebuild(
            listed(
                entry("kept", "Mới", revision=3),
                entry("new", "Mới"),
                entry("new", "Mới nhất", revision=2),
            )
        )
        == 2
    )
    assert sorted(found(reader)) == ["kept", "new"]
    assert dict(reader.stamps()) == {"kept": 3, "new": 2}
    assert index.rebuild(listed()) == 0
    assert found(reader) == []


def test_nothing_written_during_a_rebuild_is_lost(
    opened: Callable[[], SearchBackend],
) -> None:
    index, other = opened(), opened()
    index.apply([entry("deleted"), entry("changed"), entry("same")])

    def rows() -> object:
        yield entry("deleted")
        yield entry("changed")
        assert sorted(found(other)) == ["changed", "deleted", "same"], (
            "the old index answers meanwhile"
        )
        other.apply(
            [entry("changed", "Sau", revision=2), entry("added", "Sau")],
            deleted=["deleted", "late"],
        )
        assert sorted(found(other)) == ["added", "changed", "same"], "and takes writes"
        yield entry("same")
        yield entry("late")

    assert index.rebuild(lambda after: rows()) == 3  # type: ignore[arg-type]  # a generator with an assertion inside
    assert sorted(found(other)) == ["added", "changed", "same"]
    assert dict(other.stamps()) == {"added": 1, "changed": 2, "same": 1}
    # Elasticsearch forgets a deletion within a second or so, not at once.
    for _ in range(50):
        other.apply([entry("deleted", "Lại", revision=9)])
        if found(index, "lai") == ["deleted"]:
            return
        time.sleep(0.1)
    pytest.fail("what came back after a rebuild is not found")


def test_a_failed_rebuild_leaves_the_old_index(
    opened: Callable[[], SearchBackend],
) -> None:
    index = opened()
    index.apply([entry("a")])

    def rows() -> object:
        yield entry("b")
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        index.rebuild(lambda after: rows())  # type: ignore[arg-type]  # a generator that fails
    assert found(opened()) == ["a"]
    index.apply([entry("c")])
    assert index.rebuild(listed(entry("d"))) == 1
    assert found(opened()) == ["d"]


def test_strange_values_are_kept_or_cut_but_never_refused(index: SearchBackend) -> None:
    long = "dài " * 20_000
    index.apply(
        [
            entry("x" * 100, long, notes=long, tags=("t" * 5000, "\x00\n\t"), version=None, author=7,
                  extras=[{"key": "k" * 4000, "value": long}, {"key": "a=b %", "value": ["x"]}, {"key": ""}],
                  metadata_modified="hôm qua", organization=None, groups=None, resources="x", owner_org=None),
        ]
    )  # fmt: skip
    assert found(index, "dai") == ["x" * 100]
    assert found(index, f"tags:{'t' * 5000}") == ["x" * 100]
    assert found(index, "a=b\\ %:x") == ["x" * 100]
    with pytest.raises(QueryError):
        found(index, f"{'k' * 4000}:*", dismax=False)


def test_long_queries_are_answered_or_refused(index: SearchBackend) -> None:
    index.apply([entry("a", "một hai")])
    assert ask(index, "một " * 1_500).count == 1
    assert ask(index, fq=(" OR ".join(f"id:x{n}" for n in range(1_000)),)).count == 0
    assert (
        ask(
            index, "id:(" + " OR ".join(f'"{n}"' for n in range(1_000)) + " OR a)"
        ).count
        == 1
    )
    assert ask(index, "w" * 5_000).count == 0


def test_refusals_are_clear(tmp_path: object) -> None:
    from search import open_backend

    with pytest.raises(ValueError, match="search URL"):
        open_backend("ftp://x", None)
    unreachable = open_backend("http://127.0.0.1:9", None, retries=0, timeout=1)
    with pytest.raises(SearchUnavailable, match="cannot be reached") as caught:
        ask(unreachable)
    assert "127.0.0.1" not in str(caught.value)
    unreachable.close()
