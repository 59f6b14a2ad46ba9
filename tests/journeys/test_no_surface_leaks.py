"""A private, a draft and a deleted dataset: nobody outside meets a word of them on any
surface.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from portal.actions.registry import ACTIONS
from tests.journeys.world import ACTION, World

WORD = "quyrmat"
"""Stands in every text of the hidden datasets, and nowhere else."""
START = WORD[:4]
STRANGERS = (None, "otto", "fora")
"""Nobody, a user without a role, an editor of another organization."""


@dataclass
class Hidden:
    """One dataset that strangers must not meet: its dict and its file's id."""

    package: dict[str, Any]
    resource: str

    @property
    def marks(self) -> tuple[str, ...]:
        """What gives it away."""
        return (WORD, self.package["id"], self.resource)


@pytest.fixture(scope="module")
def hidden(world: World) -> Iterator[dict[str, Hidden]]:
    """One of each kind, with everything on it that could show: tags, a group, extras, a
    file, activity, followers.
    """
    made = {}
    for kind in ("private", "draft", "deleted"):
        name = f"{WORD}-{kind}"
        package = world.dataset(
            "root", name=name, title=f"{WORD} title", notes=f"{WORD} notes", author=f"{WORD} author",
            tags=[{"name": f"{WORD} {kind}"}], groups=[{"name": "theme"}], private=kind == "private",
            extras=[{"key": f"{WORD}_key", "value": WORD}], source_database=WORD, contact_name=WORD,
        )  # fmt: skip
        file = (f"{WORD}.csv", f"ma,ten\n1,{WORD}\n".encode())
        resource = world.send(
            "resource_create",
            "root",
            file,
            package_id=package["id"],
            format=f"{WORD}fmt",
        ).result
        world.ask("follow_dataset", "root", id=package["id"])
        if kind == "draft":
            world.ask("package_patch", "root", id=package["id"], state="draft")
        elif kind == "deleted":
            world.ask("package_delete", "root", id=package["id"])
        made[kind] = Hidden(package, resource["id"])
    yield made


READS = sorted(name for name, declared in ACTIONS.items() if declared.safe)


def _questions(name: str, each: Hidden) -> list[dict[str, Any]]:
    """Parameters that would bring the dataset to light where an action leaks."""
    whole = {
        "limit": 1000,
        "all_fields": True,
        "include_datasets": True,
        "include_data": True,
    }
    asked = [
        {"id": key}
        for key in (
            each.package["id"],
            each.package["name"],
            each.resource,
            "alpha",
            "theme",
            "root",
        )
    ]
    asked += [
        {"q": WORD},
        {"query": WORD},
        {"query": f"name:{WORD}"},
        {"resource_id": each.resource},
        {},
    ]
    if name == "package_search":
        words = [
            {"q": WORD},
            {"fq": f"tags:{WORD}*"},
            {"q": "*:*"},
            {"q": f'id:"{each.package["id"]}"'},
        ]
        flags = {
            "include_private": True,
            "include_drafts": True,
            "include_deleted": True,
        }
        facets = {
            "rows": 1000,
            "facet.field": ["tags", "res_format", "organization", "groups", "author"],
        }
        return [{**word, **facets, **extra} for word in words for extra in ({}, flags)]
    return [{**whole, **params} for params in asked]


@pytest.mark.parametrize("name", READS)
def test_no_read_tells(world: World, hidden: dict[str, Hidden], name: str) -> None:
    for each in hidden.values():
        for params in _questions(name, each):
            said = {text for text in params.values() if isinstance(text, str)}
            for who in STRANGERS:
                answer = world.client.post(
                    ACTION + name, json=params, headers=world.headers(who)
                )
                text = answer.get_data(as_text=True)
                found = [
                    mark for mark in each.marks if mark in _without_echo(text, said)
                ]
                assert not found, (who, params, text[:500])


def _without_echo(text: str, said: set[str]) -> str:
    """The answer without what the asker himself had written; nothing but that may be
    left out.
    """
    for each in sorted(said - {WORD}, key=len, reverse=True):
        text = text.replace(each, "") if len(each) > 5 else text
    for quote in ('"', "'", '\\"'):
        text = text.replace(f"{quote}{WORD}{quote}", "")
    return text


def test_counts_do_not_tell(world: World, hidden: dict[str, Hidden]) -> None:
    for who in STRANGERS:
        found = world.ask(
            "package_search", who, fq="organization:alpha", rows=0, include_private=True
        )
        assert found.result["count"] == 0
        assert (
            world.ask("organization_show", who, id="alpha").result["package_count"] == 0
        )
        assert world.ask("group_show", who, id="theme").result["package_count"] == 0
        assert (
            world.ask("user_show", who, id="root").result["number_created_packages"]
            == 0
        )
        assert (
            world.ask("package_search", "mem", q=WORD, include_private=True).result[
                "count"
            ]
            == 1
        )


@pytest.mark.parametrize("who", STRANGERS)
def test_no_page_no_feed_and_no_file(
    world: World, hidden: dict[str, Hidden], who: str | None
) -> None:
    lists = ("/", f"/?q={WORD}", "/feeds/dataset.atom", "/feeds/organization/alpha.atom", "/feeds/group/theme.atom",
             f"/feeds/tag/{WORD} private.atom", f"/feeds/custom.atom?q={WORD}", "/organization/alpha",
             f"/api/2/util/dataset/autocomplete?incomplete={START}", f"/api/util/tag/autocomplete?incomplete={START}",
             f"/api/2/util/resource/format_autocomplete?incomplete={START}")  # fmt: skip
    for path in lists:
        text = world.get(path, who).get_data(as_text=True)
        for each in hidden.values():
            assert each.package["id"] not in text, path
            assert each.resource not in text, path
            assert f"{WORD} notes" not in text, path
    for each in hidden.values():
        for path in (f"/dataset/{each.package['name']}", f"/dataset/{each.package['id']}",
                     f"/dataset/{each.package['id']}/resource/{each.resource}/download/{WORD}.csv",
                     f"/datastore/dump/{each.resource}"):  # fmt: skip
            answer = world.get(path, who)
            assert answer.status_code in (403, 404), path
            text = answer.get_data(as_text=True)
            assert f"{WORD} title" not in text, path
            assert f"1,{WORD}" not in text, path


def test_writes_by_strangers_change_nothing_and_tell_nothing(
    world: World, hidden: dict[str, Hidden]
) -> None:
    for each in hidden.values():
        for name, params in (
            ("package_patch", {"id": each.package["id"], "notes": "mine"}),
            (
                "package_revise",
                {"match__id": each.package["id"], "update": {"notes": "mine"}},
            ),
            ("package_delete", {"id": each.package["id"]}),
            ("resource_patch", {"id": each.resource, "description": "mine"}),
            ("resource_delete", {"id": each.resource}),
            ("follow_dataset", {"id": each.package["id"]}),
            (
                "member_create",
                {"id": "theme", "object": each.package["id"], "object_type": "package"},
            ),
        ):
            answer = world.ask(name, "fora", **params)
            assert answer.status in (403, 404), (name, answer.body)
            assert WORD not in str(answer.body), name
        assert (
            world.ask("package_show", "root", id=each.package["id"]).result["notes"]
            == f"{WORD} notes"
        )
