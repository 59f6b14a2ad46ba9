"""Kept answers of package_search: never of others, never old, never of another
question.
"""

from typing import Any

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.actions import registry
from portal.actions._shared.search_answers import depends_on_time
from portal.runtime import Portal
from search.backend import SearchRequest
from tests.portal.actions.people import Json, call, make_actor, make_org

FACETS = '["organization"]'
GUARDS = ("portal.actions._shared.search_answers",)


@pytest.fixture
def member(portal: Portal) -> Actor:
    org = make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name="mo", owner_org="so-y-te")
    call(
        portal, SYSTEM, "package_create", name="kin", owner_org="so-y-te", private=True
    )
    return make_actor(portal, "member", "member", org)


def search(portal: Portal, actor: Actor, **params: Any) -> Json:
    return dict(call(portal, actor, "package_search", **params))


def names(answer: Json) -> list[str]:
    return sorted(dataset["name"] for dataset in answer["results"])


def hits(portal: Portal) -> float:
    return portal.cache.figures()["search_answers"].hits


def test_the_same_question_is_answered_from_memory(
    portal: Portal, member: Actor
) -> None:
    first = search(portal, ANONYMOUS, q="mo", rows="5")
    before = hits(portal)
    assert search(portal, ANONYMOUS, q="mo", rows="5") == first
    assert hits(portal) == before + 1


def test_a_private_dataset_is_shown_to_its_own_people_alone(
    portal: Portal, member: Actor
) -> None:
    for _ in range(2):
        for actor, expected in ((member, ["kin", "mo"]), (ANONYMOUS, ["mo"])):
            assert names(search(portal, actor, include_private="true")) == expected


def test_what_was_written_is_in_the_next_answer(portal: Portal, member: Actor) -> None:
    for private, expected in ((True, []), (False, ["mo"]), (True, [])):
        call(portal, SYSTEM, "package_patch", id="mo", private=private)
        for _ in range(2):
            assert names(search(portal, ANONYMOUS)) == expected


def test_a_new_title_of_an_organization_stands_in_the_next_answer(
    portal: Portal, member: Actor
) -> None:
    for title in ("Sở Y tế", "Sở Y tế tỉnh"):
        call(portal, SYSTEM, "organization_patch", id="so-y-te", title=title)
        for _ in range(2):
            answer = search(portal, ANONYMOUS, **{"facet.field": FACETS})
            items = answer["search_facets"]["organization"]["items"]
            assert [item["display_name"] for item in items] == [title]


def test_every_parameter_tells_questions_apart(portal: Portal, member: Actor) -> None:
    whole = search(portal, ANONYMOUS)["results"][0]
    assert search(portal, ANONYMOUS, fl='["name"]') != search(portal, ANONYMOUS)
    assert search(portal, ANONYMOUS, rows="0")["results"] == []
    assert search(portal, ANONYMOUS)["results"] == [whole]
    assert "highlighting" in search(portal, ANONYMOUS, q="mo", hl="true")
    assert "highlighting" not in search(portal, ANONYMOUS, q="mo")


def test_whoever_changes_an_answer_changes_their_own(
    portal: Portal, member: Actor
) -> None:
    first = registry.call(portal, ANONYMOUS, "package_search", {})
    first["results"].clear()
    first["count"] = 0
    again = registry.call(portal, ANONYMOUS, "package_search", {})
    assert (again["count"], len(again["results"])) == (1, 1)


def test_each_search_is_counted_kept_or_not(portal: Portal, member: Actor) -> None:
    for _ in range(3):
        search(portal, ANONYMOUS, q="truong hoc")
    portal.searches.flush()
    listed = call(portal, SYSTEM, "search_log_list")
    assert [each["searches"] for each in listed] == [3]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (SearchRequest(q="*:*"), False),
        (SearchRequest(q="benh vien", fq=("tags:y-te",)), False),
        (SearchRequest(fq=("metadata_modified:[NOW-1DAY TO *]",)), True),
        (SearchRequest(q=r"metadata_modified:[N\OW-1DAY TO *]"), True),
        (SearchRequest(q='metadata_modified:"NOW/DAY"'), True),
    ],
)
def test_what_is_counted_from_now_is_not_kept(
    request_: SearchRequest, expected: bool
) -> None:
    assert depends_on_time(request_) is expected


def test_a_date_counted_from_now_is_worked_out_each_time(
    portal: Portal, member: Actor
) -> None:
    before = portal.cache.figures()["search_answers"].size
    search(portal, ANONYMOUS, fq="metadata_modified:[NOW-1DAY TO *]")
    assert portal.cache.figures()["search_answers"].size == before
