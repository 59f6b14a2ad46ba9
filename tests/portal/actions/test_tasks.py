"""States of tasks, options and translated terms."""

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Portal
from tests.portal.actions.people import call, make_actor


def test_the_state_of_a_task(portal: Portal) -> None:
    said = {
        "entity_id": "r1",
        "entity_type": "resource",
        "task_type": "xloader",
        "key": "xloader",
    }
    made = call(
        portal, SYSTEM, "task_status_update", **said, state="pending", value="{}"
    )
    assert call(portal, ANONYMOUS, "task_status_show", id=made["id"]) == made
    again = call(portal, SYSTEM, "task_status_update", **said, state="complete")
    assert (again["id"], again["state"]) == (made["id"], "complete")
    by_names = {name: said[name] for name in ("entity_id", "task_type", "key")}
    assert (
        call(portal, ANONYMOUS, "task_status_show", **by_names)["state"] == "complete"
    )
    many = call(
        portal,
        SYSTEM,
        "task_status_update_many",
        data=[{**said, "key": "a"}, {**said, "key": "b"}],
    )
    assert [row["key"] for row in many["results"]] == ["a", "b"]
    with pytest.raises(Invalid):
        call(
            portal,
            SYSTEM,
            "task_status_update_many",
            data=[{**said, "key": "c"}, {"key": "d"}],
        )
    with pytest.raises(NotFound):
        call(portal, ANONYMOUS, "task_status_show", **{**by_names, "key": "c"})
    call(portal, SYSTEM, "task_status_delete", id=made["id"])
    with pytest.raises(NotFound):
        call(portal, SYSTEM, "task_status_delete", id=made["id"])
    with pytest.raises(NotAuthorized):
        call(portal, make_actor(portal, "somebody"), "task_status_update", **said)
    with pytest.raises(Invalid):
        call(portal, ANONYMOUS, "task_status_show")


def test_options_that_sysadmins_change(portal: Portal) -> None:
    assert "ckan.site_title" in call(portal, SYSTEM, "config_option_list")
    before = call(portal, ANONYMOUS, "status_show")["site_title"]
    assert call(portal, SYSTEM, "config_option_show", key="ckan.site_title") == before
    assert call(
        portal, SYSTEM, "config_option_update", **{"ckan.site_title": "Cổng mới"}
    ) == {"ckan.site_title": "Cổng mới"}
    assert call(portal, ANONYMOUS, "status_show")["site_title"] == "Cổng mới"
    assert (
        call(portal, SYSTEM, "config_option_show", key="ckan.site_title") == "Cổng mới"
    )
    for name, params in {
        "config_option_update": {"sqlalchemy.url": "x"}, "config_option_show": {"key": "database_url"},
    }.items():  # fmt: skip
        with pytest.raises(Invalid):
            call(portal, SYSTEM, name, **params)
        with pytest.raises(NotAuthorized):
            call(portal, ANONYMOUS, name, **params)
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "config_option_list")


def test_translated_terms(portal: Portal) -> None:
    row = {"term": "health", "term_translation": "y tế", "lang_code": "vi"}
    assert call(portal, SYSTEM, "term_translation_update", **row) == row
    many = [row, {"term": "health", "term_translation": "santé", "lang_code": "fr"}]
    assert call(portal, SYSTEM, "term_translation_update_many", data=many) == {
        "success": "2 rows updated"
    }
    assert call(
        portal, ANONYMOUS, "term_translation_show", terms=["health"], lang_codes="vi"
    ) == [row]
    assert len(call(portal, ANONYMOUS, "term_translation_show", terms="health")) == 2
    with pytest.raises(Invalid):
        call(portal, SYSTEM, "term_translation_update", **{**row, "term": "x" * 501})
