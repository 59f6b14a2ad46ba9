"""What is said about open data: a citizen number in any text that everybody reads is
refused, by every action.
"""

from typing import Any

import pytest

from tests.journeys.world import Answer, World

GUARDS = ("portal.quality.personal.public_texts",)
NUMBERS = (
    "038095012345",
    "038 095 012 345",
    "CCCD: 038.095.012.345",
    "của ông 038\u00a0095\u00a0012345",
)
PACKAGE_FIELDS: tuple[dict[str, Any], ...] = (
    {"title": "Hồ sơ {}"}, {"notes": "Liên hệ {}"}, {"author": "{}"}, {"maintainer": "{}"}, {"version": "{}"},
    {"tags": [{"name": "cccd {}"}]}, {"extras": [{"key": "ghi chu", "value": "{}"}]},
    {"resources": [{"url": "http://example.vn/a", "name": "x {}"}]},
    {"resources": [{"url": "http://example.vn/a", "description": "{}"}]},
    {"resources": [{"url": "http://example.vn/a", "mine": "{}"}]},
)  # fmt: skip


def filled(value: Any, number: str) -> Any:
    if isinstance(value, str):
        return value.replace("{}", number)
    if isinstance(value, list):
        return [filled(each, number) for each in value]
    return {key: filled(inner, number) for key, inner in value.items()}


def refused(answer: Answer) -> None:
    assert answer.status == 409, answer.body
    assert "91/2025/QH15" in str(answer.body)
    assert "095" not in str(answer.body["error"])


@pytest.mark.parametrize("field", PACKAGE_FIELDS, ids=lambda field: next(iter(field)))
def test_no_dataset_says_it(world: World, field: dict[str, Any]) -> None:
    said = filled(field, NUMBERS[0])
    refused(
        world.ask(
            "package_create", "edna", name=world.name(), owner_org="alpha", **said
        )
    )
    package = world.dataset()
    refused(world.ask("package_patch", "edna", id=package["id"], **said))
    refused(world.ask("package_update", "edna", **{**package, **said}))
    refused(
        world.ask("package_revise", "edna", match={"id": package["id"]}, update=said)
    )
    hidden = world.dataset(private=True, **said)
    refused(world.ask("package_patch", "edna", id=hidden["id"], private=False))
    refused(
        world.ask("bulk_update_public", "ada", org_id="alpha", datasets=[hidden["id"]])
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_no_resource_says_it(world: World, number: str) -> None:
    package = world.dataset()
    link = {"package_id": package["id"], "url": "http://example.vn/a"}
    refused(world.ask("resource_create", "edna", **link, description=f"của {number}"))
    made = world.ask("resource_create", "edna", **link).result
    refused(world.ask("resource_patch", "edna", id=made["id"], name=f"CCCD {number}"))
    refused(
        world.ask(
            "resource_update",
            "edna",
            id=made["id"],
            url=f"http://example.vn/CCCD/{NUMBERS[0]}",
        )
    )
    schema = {
        "fields": [
            {
                "name": "ma",
                "description": f"ví dụ {number}",
                "constraints": {"enum": [number]},
            }
        ]
    }
    refused(world.ask("resource_patch", "edna", id=made["id"], schema=schema))
    refused(
        world.send(
            "resource_create",
            "edna",
            (f"cccd-{NUMBERS[0]}.csv", b"a\n1\n"),
            package_id=package["id"],
        )
    )


def test_nobody_says_it_elsewhere(world: World) -> None:
    text = f"CCCD {NUMBERS[0]}"
    refused(world.ask("organization_patch", "ada", id="alpha", description=text))
    refused(world.ask("group_patch", "root", id="theme", description=text))
    refused(world.ask("vocabulary_create", "root", name="list", tags=[{"name": text}]))
    refused(world.ask("user_patch", "edna", id="edna", about=text))


def test_other_numbers_pass(world: World) -> None:
    said = {
        "notes": (
            "Hotline 02373 852 246, mã 000.00.00.H56, giá 171234567 đồng, mã số thuế "
            "2800123456"
        )
    }
    assert world.dataset(**said)["notes"] == said["notes"]
