"""The express lane says what the whole application says: status, headers and bytes."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.runtime import Portal
from portal.web import express
from portal.web.app import LocalePrefix, create_app
from portal.web.express import Express

GUARDS = (
    "portal.db.quick",
    "portal.web.callers",
)
ACTION = "/api/3/action/"


class Behind:
    """Counts what the express lane leaves to the application behind it."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.asked = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked += 1
        answer: Iterable[bytes] = self.application(environ, start_response)
        return answer


class Lanes:
    """One portal twice: with the express lane, and without it."""

    def __init__(self, portal: Portal) -> None:
        express, whole = create_app(portal), create_app(portal)
        self.behind = Behind(Flask.wsgi_app.__get__(express))
        express.wsgi_app = LocalePrefix(Express(portal, self.behind))  # type: ignore[method-assign]
        whole.wsgi_app = LocalePrefix(Flask.wsgi_app.__get__(whole))  # type: ignore[method-assign]
        self.clients: tuple[FlaskClient, FlaskClient] = (
            express.test_client(),
            whole.test_client(),
        )

    def ask(self, path: str, headers: dict[str, str], method: str = "GET") -> list[Any]:
        """What each says, but for the time, and for the id of the request where no
        plain id was given.
        """
        told = []
        for client in self.clients:
            answer = client.open(path, method=method, headers=headers)
            kept = {
                name.lower(): value for name, value in answer.headers if name != "Date"
            }
            if headers.get("X-Request-Id") != "abc-1":
                kept.pop("x-request-id")
            told.append((answer.status_code, kept, answer.data))
        return told


@pytest.fixture
def lanes(portal: Portal) -> Lanes:
    registry.call(
        portal, SYSTEM, "organization_create", {"name": "org", "title": "Cơ quan"}
    )
    described = {"name": "xx", "owner_org": "org", "notes": "ghi chú " * 400}
    registry.call(portal, SYSTEM, "package_create", described)
    registry.call(
        portal,
        SYSTEM,
        "package_create",
        {**described, "name": "hidden", "private": True},
    )
    return Lanes(portal)


TEXT = st.text(max_size=12)
QUERY = st.one_of(
    st.sampled_from(
        ["id=xx", "id=hidden", "id=nothing", "id=xx&id=yy", "", "id=", "name_or_id=xx", "id=x%ff", "id=a+b%20c&d",
         "callback=f&id=xx", "limit=-1", "limit=2&offset=x", "all_fields=true", "q=ghi&rows=1", "name=package_show",
         'facet.field=["tags"]', "sort=nope+up", "fq={!x}"]
    ),
    st.builds("{}={}".format, st.sampled_from(["id", "q", "limit"]), TEXT),
)  # fmt: skip
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept-Encoding": st.sampled_from(
            ["gzip", "zstd, gzip", "identity", "gzip;q=0", "*", "br"]
        ),
        "X-Request-Id": st.sampled_from(["abc-1", "not plain", ""]),
        "If-None-Match": st.sampled_from(['"x"', "*", 'W/"x", "y"']),
        "Authorization": st.sampled_from(["garbage", "Bearer x", " "]),
        "Range": st.just("bytes=0-1"),
    },
)
NAMES = ("package_show", "package_search", "package_list", "organization_list", "help_show", "resource_show", "nope",
         "current_package_list_with_resources", "organization_list_for_user", "package_create")  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(NAMES),
    QUERY,
    HEADERS,
    st.sampled_from(["", "/vi", "/es"]),
    st.sampled_from(["GET", "HEAD"]),
)
def test_both_lanes_say_the_same(
    lanes: Lanes,
    name: str,
    query: str,
    headers: dict[str, str],
    prefix: str,
    method: str,
) -> None:
    express, whole = lanes.ask(f"{prefix}{ACTION}{name}?{query}", headers, method)
    assert express == whole


def test_a_known_answer_is_not_sent_again(lanes: Lanes) -> None:
    first, _ = lanes.ask(ACTION + "package_show?id=xx", {})
    express, whole = lanes.ask(
        ACTION + "package_show?id=xx", {"If-None-Match": first[1]["etag"]}
    )
    assert express == whole
    assert (express[0], express[2]) == (304, b"")


def test_what_goes_which_way(lanes: Lanes) -> None:
    for path, behind in (
        ("package_show?id=xx", 0), ("package_show?id=nothing", 0), ("package_search?q=ghi", 0),
        ("package_show?id=xx&callback=f", 1), ("package_create", 1), ("nope", 1),
    ):  # fmt: skip
        before = lanes.behind.asked
        lanes.clients[0].get(ACTION + path)
        assert lanes.behind.asked - before == behind, path
    lanes.clients[0].post(ACTION + "package_show", json={"id": "xx"})
    assert lanes.behind.asked == 4


@given(
    st.lists(
        st.sampled_from(["a", "b", "q", "=", "&", "%41", "+", "", "d1", ";", "#", "1"])
    ).map("".join)
)
@settings(max_examples=300)
def test_a_query_that_is_only_cut_says_what_one_that_is_parsed_says(query: str) -> None:
    parsed = parse_qsl(query, keep_blank_values=True, errors="werkzeug.url_quote")
    assert express._fields(query) == parsed
