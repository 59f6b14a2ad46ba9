"""One resource at a time: what is spliced into a package dict is what rendering
everything would give.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from portal.access.identity import SYSTEM
from portal.db import datasets
from portal.runtime import Portal
from tests.portal.actions.people import Json, call, make_org

NUMBERS = count()
TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)
EDITS = st.one_of(
    st.fixed_dictionaries(
        {"deed": st.just("create")},
        optional={"name": TEXT, "url": TEXT, "size": st.integers(0, 9), "free": TEXT},
    ),
    st.fixed_dictionaries(
        {"deed": st.just("patch"), "place": st.integers(0, 9)},
        optional={"name": TEXT, "free": TEXT},
    ),
    st.fixed_dictionaries(
        {"deed": st.just("update"), "place": st.integers(0, 9)}, optional={"url": TEXT}
    ),
    st.fixed_dictionaries({"deed": st.just("delete"), "place": st.integers(0, 9)}),
    st.fixed_dictionaries({"deed": st.just("reorder"), "place": st.integers(0, 9)}),
    st.fixed_dictionaries({"deed": st.just("package"), "title": TEXT}),
)


def act(portal: Portal, dataset: Json, edit: dict[str, Any]) -> None:
    """Do one edit to the dataset as it is now; those of a resource take the one at a
    place, if there is any.
    """
    given_ = {key: value for key, value in edit.items() if key not in ("deed", "place")}
    listed = call(portal, SYSTEM, "package_show", id=dataset["id"])["resources"]
    if edit["deed"] == "create":
        call(portal, SYSTEM, "resource_create", package_id=dataset["id"], **given_)
    elif edit["deed"] == "package":
        call(portal, SYSTEM, "package_patch", id=dataset["id"], **given_)
    elif listed:
        key = listed[edit["place"] % len(listed)]["id"]
        if edit["deed"] == "reorder":
            call(
                portal,
                SYSTEM,
                "package_resource_reorder",
                id=dataset["id"],
                order=[key],
            )
        else:
            call(portal, SYSTEM, f"resource_{edit['deed']}", id=key, **given_)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EDITS, max_size=8))
def test_spliced_is_rendered(portal: Portal, edits: list[dict[str, Any]]) -> None:
    number = next(NUMBERS)
    make_org(portal, f"org-{number}")
    links = [
        {"name": "a", "url": "http://a.vn/a.csv", "mine": {"b": [1, None]}},
        {"url": "http://a.vn/b"},
    ]
    dataset = call(
        portal,
        SYSTEM,
        "package_create",
        name=f"set-{number}",
        owner_org=f"org-{number}",
        resources=links,
    )
    for edit in edits:
        act(portal, dataset, edit)
        with portal.read() as uow:
            kept = datasets.get_dataset(uow.session, dataset["id"])
            whole = orjson.dumps(
                datasets.anew(uow.session, kept, portal.settings.site_url)
            )
        assert orjson.loads(kept.rendered) == orjson.loads(whole)


def test_neighbours_are_not_read(portal: Portal) -> None:
    """An edit of one resource asks the database the same few questions however many
    there are.
    """
    make_org(portal, "org")
    asked: list[str] = []
    counts = []
    for many in (1, 60):
        links = [{"name": f"r{n}", "url": f"http://a.vn/{n}.pdf"} for n in range(many)]
        made = call(
            portal,
            SYSTEM,
            "package_create",
            name=f"set-{many}",
            owner_org="org",
            resources=links,
        )
        listener = lambda *given_: asked.append(given_[2])  # noqa: E731 - it must be taken away again
        event.listen(portal.engine, "before_cursor_execute", listener)
        call(
            portal,
            SYSTEM,
            "resource_patch",
            id=made["resources"][0]["id"],
            description="new",
        )
        event.remove(portal.engine, "before_cursor_execute", listener)
        counts.append(len(asked))
        assert not any(
            "WHERE ? = resource.package_id" in each
            or "= resource.package_id ORDER" in each
            for each in asked
        )
        asked.clear()
    assert counts[0] == counts[1]


def test_writers_of_one_dataset_lose_nothing(portal: Portal) -> None:
    """Edits of two resources, rows of a third and the dataset's own title at once: the
    kept dict says all of them.
    """
    make_org(portal, "org")
    links = [
        {"name": "a", "url": "http://a.vn/a.pdf"},
        {"name": "b", "url": "http://a.vn/b.pdf"},
    ]
    made = call(
        portal, SYSTEM, "package_create", name="set", owner_org="org", resources=links
    )
    one, two = (each["id"] for each in made["resources"])
    fields = [{"id": "ma", "type": "text"}]
    table = call(
        portal,
        SYSTEM,
        "datastore_create",
        resource={"package_id": "set"},
        fields=fields,
    )["resource_id"]
    turns = range(6)
    deeds: list[Callable[[int], Json]] = [
        lambda turn: call(
            portal, SYSTEM, "resource_patch", id=one, description=f"{turn}"
        ),
        lambda turn: call(
            portal, SYSTEM, "resource_patch", id=two, description=f"{turn}"
        ),
        lambda turn: call(
            portal,
            SYSTEM,
            "datastore_upsert",
            resource_id=table,
            method="insert",
            records=[{"ma": f"{turn}"}],
        ),
        lambda turn: call(portal, SYSTEM, "resource_validation_run", resource_id=table),
        lambda turn: call(portal, SYSTEM, "package_patch", id="set", title=f"{turn}"),
    ]
    with ThreadPoolExecutor(len(deeds)) as pool:
        list(pool.map(lambda deed: [deed(turn) for turn in turns], deeds))
    shown = call(portal, SYSTEM, "package_show", id="set")
    last = str(turns[-1])
    assert (
        shown["title"],
        [each["description"] for each in shown["resources"]][:2],
    ) == (last, [last, last])
    assert call(portal, SYSTEM, "datastore_search", resource_id=table, limit=0)[
        "total"
    ] == len(turns)
    with portal.read() as uow:
        kept = datasets.get_dataset(uow.session, "set")
        whole = orjson.dumps(datasets.anew(uow.session, kept, portal.settings.site_url))
    assert orjson.loads(kept.rendered) == orjson.loads(whole)
