"""package_revise: match, filter, update, files; and the places in nested data that it
names.
"""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.access.identity import SYSTEM, Actor
from portal.domain import nested
from portal.errors import Invalid, NotAuthorized
from portal.runtime import Portal
from schemas.record import Upload
from tests.portal.actions.people import call, make_actor, make_org

GUARDS = ("portal.domain.nested",)
Json = dict[str, Any]


@pytest.fixture
def made(portal: Portal) -> Json:
    make_org(portal, "org")
    return dict(
        call(
            portal, SYSTEM, "package_create", name="xx", owner_org="org", title="T", notes="N",
            tags=[{"name": "aa"}, {"name": "bb"}], extras=[{"key": "k", "value": "v"}],
            resources=[{"name": "one", "url": "http://example.vn/1"}, {"name": "two", "url": "http://example.vn/2"}],
        )
    )  # fmt: skip


def revise(portal: Portal, **params: Any) -> Json:
    return dict(call(portal, SYSTEM, "package_revise", **params)["package"])


def errors(portal: Portal, **params: Any) -> Json:
    with pytest.raises(Invalid) as problem:
        call(portal, SYSTEM, "package_revise", **params)
    return problem.value.errors


def test_a_match_that_does_not_hold_changes_nothing(portal: Portal, made: Json) -> None:
    wrong = {"name": "xx", "notes": "other", "resources": [{"name": "no"}]}
    assert errors(portal, match=wrong, update={"title": "new"}) == {
        "match": ["notes", "resources__0__name"]
    }
    assert errors(portal, match={"name": "xx"}, match__resources__5__name="x") == {
        "match": ["resources__5__name"]
    }
    assert call(portal, SYSTEM, "package_show", id="xx")["title"] == "T"
    assert errors(portal, match={"title": "T"}) == {
        "match__id": ["At least one of id or name is required"]
    }


def test_an_update_is_merged_deeply(portal: Portal, made: Json) -> None:
    package = revise(
        portal,
        match={"name": "xx"},
        update={"notes": "new", "resources": [{}, {"description": "d"}]},
    )
    assert (package["title"], package["notes"]) == ("T", "new")
    assert [(r["name"], r["description"]) for r in package["resources"]] == [
        ("one", None),
        ("two", "d"),
    ]
    assert [r["id"] for r in package["resources"]] == [
        r["id"] for r in made["resources"]
    ]


def test_flattened_updates_name_places_by_position_end_and_id(
    portal: Portal, made: Json
) -> None:
    first, second = (r["id"] for r in made["resources"])
    package = revise(
        portal,
        **{
            "match__name": "xx",
            "update__resources__0__description": "by position",
            f"update__resources__{second[:5]}__description": "by id",
            "update__notes": "flat",
        },
    )
    assert [r["description"] for r in package["resources"]] == ["by position", "by id"]
    package = revise(
        portal, match__id=made["id"], **{"update__resources__-1__name": "last"}
    )
    assert [r["name"] for r in package["resources"]] == ["one", "last"]
    key = f"resources__{first[:4]}__description"
    assert errors(portal, match__name="xx", **{f"update__{key}": "x"}) == {
        key: [f"Unmatched key resources__{first[:4]}"]
    }


def test_extend_appends_and_brings_files_along(portal: Portal, made: Json) -> None:
    package = revise(
        portal,
        match='{"name": "xx"}',
        update__resources__extend='[{"name": "three"}]',
        **{
            "update__resources__-1__upload": Upload(
                "Tệp số 3.csv", io.BytesIO(b"a,b\n1,2\n"), "text/csv"
            )
        },
    )
    assert [r["name"] for r in package["resources"]] == ["one", "two", "three"]
    added = package["resources"][2]
    assert (added["url_type"], added["size"], added["format"]) == ("upload", 8, "CSV")
    assert added["url"].endswith(
        f"/dataset/{made['id']}/resource/{added['id']}/download/tep-so-3.csv"
    )
    assert package["resources"][0]["url"] == "http://example.vn/1"


def test_a_filter_keeps_and_removes(portal: Portal, made: Json) -> None:
    package = revise(
        portal, match__name="xx", filter=["+resources", "+name", "+owner_org", "-*"]
    )
    assert package["id"] == made["id"]
    assert (package["notes"], package["tags"], package["extras"]) == (None, [], [])
    assert len(package["resources"]) == 2
    second = package["resources"][1]["id"]
    package = revise(
        portal, match__name="xx", filter=[f"+resources__{second[:8]}", "-resources__*"]
    )
    assert [r["id"] for r in package["resources"]] == [second]
    assert errors(portal, match__name="xx", filter="resources") == {
        "filter": ['"resources" must begin with + or -']
    }  # fmt: skip


def test_the_answer_shows_what_is_included(portal: Portal, made: Json) -> None:
    answer = call(
        portal, SYSTEM, "package_revise", match__name="xx", include=["+package__name"]
    )
    assert answer == {"package": {"name": "xx"}}
    assert call(portal, SYSTEM, "package_revise", match__name="xx", include=[]) == {}


def test_only_editors_revise(portal: Portal, made: Json) -> None:
    outsider = make_actor(portal, "outsider")
    with pytest.raises(NotAuthorized):
        call(
            portal,
            outsider,
            "package_revise",
            match={"name": "xx"},
            update={"notes": "mine"},
        )
    with pytest.raises(NotAuthorized):
        call(portal, Actor(), "package_revise", match={"name": "xx"})


NESTED = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), NESTED))
def test_everything_matches_itself_and_nothing_is_lost_without_patterns(
    data: Json,
) -> None:
    assert list(nested.mismatches(data, data)) == []
    assert nested.filtered(data, []) == data
    assert (
        nested.filtered(data, [nested.Pattern.of("+*"), nested.Pattern.of("-*")])
        == data
    )
    assert nested.filtered(data, [nested.Pattern.of("-*")]) == {}


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), NESTED), NESTED)
def test_what_is_assigned_is_found(data: Json, value: Any) -> None:
    nested.assign(data, "a", value)
    assert nested.find(data, "a") == value


@given(
    NESTED,
    st.lists(
        st.sampled_from(["a", "b", "0", "-1", "abcde", "extend"]),
        min_size=1,
        max_size=4,
    ),
)
def test_a_place_is_found_or_unmatched_and_never_an_accident(
    data: Any, parts: list[str]
) -> None:
    try:
        nested.find(data, "__".join(parts))
        nested.assign(data, "__".join(parts), 1)
    except nested.Unmatched:
        pass
