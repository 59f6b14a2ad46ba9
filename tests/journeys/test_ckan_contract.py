"""CKAN's telling behaviours, one by one, as an unmodified client meets them over HTTP
(docs/ckan.md: where we differ).

Each test is called after one behaviour: the number is that of the list which the portal
was built after.
"""

import json
import uuid
from typing import Any

import pytest

from tests.journeys.world import ACTION, World

MISSING = "Missing value"
MIB = 1024 * 1024


def test_001_an_unknown_action_is_a_bare_string(world: World) -> None:
    answer = world.get(ACTION + "nope")
    assert (answer.status_code, answer.get_json()) == (
        400,
        "Bad request: Action name not known: nope",
    )


def test_002_get_on_a_write_asks_for_post(world: World) -> None:
    answer = world.get(ACTION + "package_create")
    assert answer.status_code == 400
    assert "Please use POST method" in answer.get_json()


def test_003_malformed_json_is_a_bare_string(world: World) -> None:
    answer = world.client.post(
        ACTION + "package_show", data="{nope", content_type="application/json"
    )
    assert (answer.status_code, type(answer.get_json())) == (400, str)
    listed = world.client.post(ACTION + "package_show", json=["a"])
    assert (listed.status_code, type(listed.get_json())) == (400, str)


def test_013_put_patch_and_delete_are_not_known(world: World) -> None:
    for method in (world.client.put, world.client.patch, world.client.delete):
        answer = method(ACTION + "package_show")
        assert (answer.status_code, answer.mimetype) == (405, "text/html")


def test_014_help_is_the_address_of_help_show(world: World) -> None:
    body = world.ask("package_list").body
    assert (
        body["help"]
        == f"{world.portal.settings.site_url}/api/3/action/help_show?name=package_list"
    )
    path = body["help"].removeprefix(world.portal.settings.site_url)
    assert len(world.get(path).get_json()["result"]) > 20
    assert world.ask("help_show", name="nope").status == 404


def test_015_a_locale_prefix_changes_nothing(world: World) -> None:
    name = world.dataset()["name"]
    plain = world.get(ACTION + "package_show", id=name).get_json()
    prefixed = world.get("/es" + ACTION + "package_show", id=name).get_json()
    assert prefixed["result"] == plain["result"]
    assert "/es/api/3/action/help_show" in prefixed["help"]


def test_016_reads_ignore_what_they_do_not_know(world: World) -> None:
    name = world.dataset()["name"]
    extra = {
        "include_datasets": False,
        "include_password_hash": True,
        "include_users": False,
        "zz": 1,
    }
    assert world.ask("package_list", **extra).status == 200
    assert world.ask("package_show", id=name, **extra).status == 200


def test_017_a_repeated_key_is_a_list(world: World) -> None:
    answer = world.get(
        ACTION + "package_search?facet.field=tags&facet.field=groups&rows=0"
    ).get_json()
    assert set(answer["result"]["search_facets"]) == {"tags", "groups"}


def test_018_util_autocompletes(world: World) -> None:
    tag = world.name("zeta")
    world.dataset(
        tags=[{"name": tag}],
        title="Tra cứu",
        resources=[{"url": "http://x.vn/a.csv", "format": "CSV"}],
    )
    for prefix in ("/api/util", "/api/2/util", "/api/1/util"):
        body = world.get(f"{prefix}/tag/autocomplete", incomplete=tag[:6]).get_json()
        assert {"Name": tag} in body["ResultSet"]["Result"]
    found = world.get("/api/2/util/dataset/autocomplete", incomplete="tra").get_json()[
        "ResultSet"
    ]["Result"]
    assert {"name", "title", "match_field", "match_displayed"} <= set(found[0])
    formats = world.get(
        "/api/2/util/resource/format_autocomplete", incomplete="cs"
    ).get_json()
    assert {"Format": "csv"} in formats["ResultSet"]["Result"]
    assert (
        world.get("/api/2/util/organization/autocomplete", q="alp").get_json()[0][
            "name"
        ]
        == "alpha"
    )
    assert (
        world.get("/api/2/util/group/autocomplete", q="the").get_json()[0]["name"]
        == "theme"
    )
    assert (
        world.get("/api/2/util/user/autocomplete", "ada", q="edn").get_json()[0]["name"]
        == "edna"
    )


def test_019_status_for_anybody(world: World) -> None:
    status = world.ask("status_show").result
    assert status["ckan_version"].startswith("2.")
    assert isinstance(status["extensions"], list)
    keys = {
        "site_url",
        "site_title",
        "site_description",
        "locale_default",
        "error_emails_to",
    }
    assert keys <= set(status)


def test_020_head_has_no_body(world: World) -> None:
    answer = world.client.head(ACTION + "status_show")
    assert (answer.status_code, answer.get_data()) == (200, b"")


def test_021_what_is_not_set_is_null_or_empty(world: World) -> None:
    made = world.dataset()
    unset = (
        "author",
        "author_email",
        "maintainer",
        "maintainer_email",
        "license_id",
        "notes",
        "url",
        "version",
    )
    assert {name: made[name] for name in unset} == dict.fromkeys(unset)
    lists = (
        "resources",
        "tags",
        "groups",
        "extras",
        "relationships_as_subject",
        "relationships_as_object",
    )
    assert {name: made[name] for name in lists} == {name: [] for name in lists}
    assert (made["state"], made["type"], made["private"], made["num_tags"]) == (
        "active",
        "dataset",
        False,
        0,
    )
    assert made["title"] == made["name"]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        (
            "Bad Name!",
            [
                "Must be purely lowercase alphanumeric (ascii) characters and these "
                "symbols: -_"
            ],
        ),
        (
            "a",
            [
                "Must be at least 2 characters long",
                'Name "a" length is less than minimum 2',
            ],
        ),
        ("a" * 101, None),
        ("new", ["That name cannot be used"]),
    ],
)
def test_023_names_and_their_messages(
    world: World, name: str, messages: list[str] | None
) -> None:
    error = world.ask("package_create", "edna", name=name, owner_org="alpha").error
    assert set(error) == {"name"}
    assert messages is None or error["name"] == messages
    assert world.dataset(name="b" * 90 + world.name("n" * 5)[:10].ljust(10, "x"))


def test_026_missing_fields_are_told_together(world: World) -> None:
    answer = world.ask("package_create", "edna")
    assert (answer.status, answer.kind) == (409, "Validation Error")
    assert set(answer.error) >= {"name", "owner_org"}


def test_027_an_owner_by_name_comes_back_as_its_id(world: World) -> None:
    made = world.dataset()
    assert uuid.UUID(made["owner_org"])
    assert made["organization"]["name"] == "alpha"
    assert made["organization"]["id"] == made["owner_org"]


def test_028_an_owner_that_does_not_exist(world: World) -> None:
    error = world.ask(
        "package_create", "root", name=world.name(), owner_org="nobody"
    ).error
    assert error == {"owner_org": ["Organization does not exist"]}


def test_029_private_needs_an_owner(world: World) -> None:
    error = world.ask("package_create", "root", name=world.name(), private=True).error
    assert {"private", "owner_org"} <= set(error)


def test_031_extras_become_texts(world: World) -> None:
    given = [
        {"key": "a", "value": 5},
        {"key": "b", "value": [1, 2]},
        {"key": "c", "value": None},
    ]
    assert {e["key"]: e["value"] for e in world.dataset(extras=given)["extras"]} == {
        "a": "5",
        "b": "[1, 2]",
        "c": "",
    }
    twice = world.ask(
        "package_create",
        "edna",
        name=world.name(),
        owner_org="alpha",
        extras=[given[0], given[0]],
    )
    assert twice.error == {"extras_validation": ['Duplicate key "a"']}
    core = world.ask(
        "package_create",
        "edna",
        name=world.name(),
        owner_org="alpha",
        extras=[{"key": "title", "value": "x"}],
    )
    assert core.status == 409


def test_033_tags_as_texts_are_an_integrity_error(world: World) -> None:
    answer = world.ask(
        "package_create", "edna", name="tagged", owner_org="alpha", tags=["a"]
    )
    assert (answer.status, answer.kind) == (400, "Integrity Error")
    assert answer.error["data"]["tags"] == ["a"]
    bad = world.ask(
        "package_create",
        "edna",
        name="tagged",
        owner_org="alpha",
        tags=[{"name": "a"}, {"name": "b*c"}],
    )
    assert bad.status == 409
    assert all(isinstance(message, str) for message in bad.error["tags"])


def test_034_tag_string(world: World) -> None:
    made = world.dataset(tag_string="zeta, alfa, zeta")
    assert [tag["name"] for tag in made["tags"]] == ["alfa", "zeta"]
    assert set(made["tags"][0]) >= {
        "id",
        "name",
        "display_name",
        "state",
        "vocabulary_id",
    }


def test_036_unknown_keys_are_dropped(world: World) -> None:
    made = world.dataset(nonsense="x")
    assert "nonsense" not in made


def test_037_a_wrong_address(world: World) -> None:
    error = world.ask(
        "package_create",
        "edna",
        name=world.name(),
        owner_org="alpha",
        author_email="nope",
    ).error
    assert error == {"author_email": ["Email nope is not a valid format"]}


def test_038_who_may_choose_an_id(world: World) -> None:
    wanted = str(uuid.uuid4())
    given = {"name": world.name(), "owner_org": "alpha"}
    assert world.ask("package_create", "root", **given, id="x").error == {
        "id": ["Invalid id provided"]
    }
    refused = world.ask("package_create", "edna", **given, id=wanted)
    assert refused.error == {"id": ["The input field id was not expected."]}
    assert (
        world.ask("package_create", "root", **given, id=wanted).result["id"] == wanted
    )


def test_039_a_licence_says_its_title_and_address(world: World) -> None:
    made = world.dataset(license_id="cc-by")
    assert (made["isopen"], made["license_title"]) == (
        True,
        "Creative Commons Attribution",
    )
    assert made["license_url"].startswith("http")


def test_041_an_update_without_resources_removes_them(world: World) -> None:
    made = world.dataset(resources=[{"url": "http://x.vn/a"}])
    key = made["resources"][0]["id"]
    kept = world.ask("package_update", "edna", id=made["id"], notes="n").result
    assert [r["id"] for r in kept["resources"]] == [key]
    assert (
        world.ask("package_update", "edna", id=made["id"], resources=[]).result[
            "resources"
        ]
        == []
    )
    gone = world.ask("resource_show", "edna", id=key)
    assert gone.status == 404
    assert "Resource was not found." in gone.error["message"]


def test_041b_what_an_update_resets_and_keeps(world: World) -> None:
    full = {
        "notes": "n",
        "author": "a",
        "license_id": "cc-by",
        "version": "1",
        "url": "http://x.vn",
        "title": "T",
    }
    made = world.dataset(
        **full, tag_string="aa", extras=[{"key": "k", "value": "v"}], private=True
    )
    updated = world.ask("package_update", "edna", id=made["id"]).result
    assert [
        updated[k] for k in ("notes", "author", "license_id", "version", "url")
    ] == [None] * 5
    assert (updated["tags"], updated["extras"]) == ([], [])
    assert (updated["title"], updated["private"], updated["name"]) == (
        "T",
        True,
        made["name"],
    )


def test_042_a_patch_replaces_lists_and_keeps_the_rest(world: World) -> None:
    made = world.dataset(
        notes="n", tag_string="aa,bb", extras=[{"key": "k", "value": "v"}]
    )
    patched = world.ask(
        "package_patch", "edna", id=made["id"], tags=[{"name": "cc"}]
    ).result
    assert [tag["name"] for tag in patched["tags"]] == ["cc"]
    assert (patched["notes"], patched["extras"]) == ("n", [{"key": "k", "value": "v"}])


def test_043_a_write_that_changes_nothing(world: World) -> None:
    made = world.dataset(notes="n")
    patched = world.ask("package_patch", "edna", id=made["id"], notes="n").result
    assert patched["metadata_modified"] == made["metadata_modified"]
    activities = world.ask("package_activity_list", "edna", id=made["id"]).result
    assert [each["activity_type"] for each in activities] == ["new package"]


def test_044_only_sysadmins_say_when_something_changed(world: World) -> None:
    made, then = world.dataset(), "2020-01-01T00:00:00.000000"
    by_editor = world.ask(
        "package_patch", "edna", id=made["id"], metadata_modified=then, notes="n"
    ).result
    assert by_editor["metadata_modified"] > made["metadata_modified"]
    by_root = world.ask(
        "package_patch", "root", id=made["id"], metadata_modified=then
    ).result
    assert by_root["metadata_modified"] == then


def test_045_the_type_stays(world: World) -> None:
    made = world.dataset()
    assert (
        world.ask("package_update", "edna", id=made["id"], type="other").result["type"]
        == "dataset"
    )


@pytest.mark.parametrize(
    ("given", "private"),
    [("True", True), ("yes", True), ("1", True), ("no", False), ("x", False)],
)
def test_046_booleans(world: World, given: str, private: bool) -> None:
    assert world.dataset(private=given)["private"] is private


def test_047_names_are_case_sensitive(world: World) -> None:
    name = world.dataset()["name"]
    assert world.ask("package_show", id=name.upper()).status == 404


def test_048_a_new_name_for_the_same_id(world: World) -> None:
    made, name = world.dataset(), world.name("renamed")
    assert (
        world.ask("package_patch", "edna", id=made["id"], name=name).result["id"]
        == made["id"]
    )
    assert world.ask("package_show", id=made["name"]).status == 404
    assert world.ask("package_show", id=name).result["id"] == made["id"]


def test_049_a_deleted_name_can_be_taken(world: World) -> None:
    made = world.dataset()
    assert world.ask("package_delete", "edna", id=made["id"]).result is None
    assert world.ask("package_delete", "edna", id=made["id"]).status == 200
    assert world.ask("package_show", id=made["id"]).status == 403
    assert world.ask("package_show", "mem", id=made["id"]).result["state"] == "deleted"
    again = world.dataset(name=made["name"])
    assert again["id"] != made["id"]
    assert world.ask("package_show", "edna", id=made["id"]).result["name"] == made["id"]


def test_050_a_deleted_dataset_comes_back(world: World) -> None:
    made = world.dataset()
    world.ask("package_delete", "edna", id=made["id"])
    assert (
        world.ask("package_patch", "edna", id=made["id"], state="active").result[
            "state"
        ]
        == "active"
    )
    assert world.ask("package_show", id=made["name"]).status == 200


def test_051_purging_is_for_sysadmins(world: World) -> None:
    key = world.dataset()["id"]
    assert world.ask("dataset_purge", "edna", id=key).status == 403
    assert world.ask("dataset_purge", "root", id=key).result is None
    assert world.ask("package_show", "root", id=key).status == 404


def test_052_drafts(world: World) -> None:
    at_once = world.dataset(state="draft")
    assert at_once["state"] == "active"
    draft = world.ask("package_patch", "edna", id=at_once["id"], state="draft").result
    assert draft["state"] == "draft"
    by_root = world.ask(
        "package_create", "root", name=world.name(), owner_org="alpha", state="draft"
    ).result
    for made in (draft, by_root):
        assert made["state"] == "draft"
        assert made["name"] not in world.ask("package_list", "root").result
        assert (
            world.ask("package_search", fq=f"name:{made['name']}").result["count"] == 0
        )
        assert world.ask("package_show", id=made["id"]).status == 403
        assert world.ask("package_show", "mem", id=made["id"]).status == 200


def test_054_resources_in_a_new_order(world: World) -> None:
    made = world.dataset(
        resources=[{"url": f"http://x.vn/{n}", "name": n} for n in "abc"]
    )
    keys = [resource["id"] for resource in made["resources"]]
    answer = world.ask(
        "package_resource_reorder", "edna", id=made["id"], order=[keys[2]]
    ).result
    assert answer == {"id": made["id"], "order": [keys[2], keys[0], keys[1]]}
    shown = world.ask("package_show", id=made["id"]).result["resources"]
    assert [(r["id"], r["position"]) for r in shown] == [
        (keys[2], 0),
        (keys[0], 1),
        (keys[1], 2),
    ]


def test_055_a_group_by_its_name(world: World) -> None:
    made = world.dataset("root", groups=[{"name": "theme"}])
    assert set(made["groups"][0]) == {
        "id",
        "name",
        "title",
        "display_name",
        "description",
        "image_display_url",
    }
    assert made["groups"][0]["title"] == "Theme"
    listed = world.ask("group_package_show", id="theme", limit=5).result
    assert made["id"] in [each["id"] for each in listed]


def test_056_bulk_updates_are_for_admins(world: World) -> None:
    keys = [world.dataset()["id"], world.dataset()["id"]]
    for name in ("bulk_update_private", "bulk_update_public", "bulk_update_delete"):
        assert world.ask(name, "edna", datasets=keys, org_id="alpha").status == 403
    world.ask("bulk_update_private", "ada", datasets=keys, org_id="alpha")
    assert world.ask("package_show", "ada", id=keys[1]).result["private"] is True
    world.ask("bulk_update_public", "ada", datasets=keys, org_id="alpha")
    assert world.ask("package_show", id=keys[1]).result["private"] is False
    world.ask("bulk_update_delete", "ada", datasets=keys, org_id="alpha")
    assert world.ask("package_show", "ada", id=keys[0]).result["state"] == "deleted"


def test_057_members_and_editors(world: World) -> None:
    made = world.dataset(private=True)
    assert world.ask("package_show", "mem", id=made["id"]).status == 200
    assert (
        world.ask("package_create", "mem", name=world.name(), owner_org="alpha").status
        == 403
    )
    assert world.ask("package_patch", "mem", id=made["id"], notes="x").status == 403
    assert (
        world.ask("package_create", "fora", name=world.name(), owner_org="alpha").status
        == 403
    )
    assert world.ask("package_patch", "fora", id=made["id"], notes="x").status == 403
    assert world.ask("package_delete", "edna", id=made["id"]).status == 200
    moved = world.ask(
        "package_patch", "edna", id=world.dataset()["id"], owner_org="beta"
    )
    assert (moved.status, set(moved.error)) == (409, {"owner_org"})


def test_060_groups_are_joined_by_their_members(world: World) -> None:
    group = world.name("circle")
    world.ask("group_create", "root", name=group)
    made = world.dataset()
    refused = world.ask(
        "package_patch", "edna", id=made["id"], groups=[{"name": group}]
    )
    assert refused.status == 403
    assert "not authorized to edit these groups" in refused.error["message"]
    world.ask("group_member_create", "root", id=group, username="edna", role="member")
    patched = world.ask(
        "package_patch", "edna", id=made["id"], groups=[{"name": group}]
    ).result
    assert [each["name"] for each in patched["groups"]] == [group]


def test_061_organizations_of_a_user(world: World) -> None:
    assert world.ask("organization_list_for_user").result == []
    mine = world.ask(
        "organization_list_for_user", "edna", permission="create_dataset"
    ).result
    assert [(each["name"], each["capacity"]) for each in mine] == [("alpha", "editor")]
    assert world.ask("organization_list_for_user", "edna").result == []
    assert [
        each["name"] for each in world.ask("organization_list_for_user", "ada").result
    ] == ["alpha"]
    others = world.ask(
        "organization_list_for_user", "root", id="edna", permission="read"
    ).result
    assert [each["name"] for each in others] == ["alpha"]


def test_063_the_token_of_a_deleted_user_opens_nothing(world: World) -> None:
    name = world.name("gone")
    world.ask(
        "user_create", "root", name=name, email=f"{name}@x.vn", password="long enough"
    )
    world.tokens[name] = world.ask(
        "api_token_create", "root", user=name, name="t"
    ).result["token"]
    world.ask(
        "organization_member_create", "root", id="alpha", username=name, role="editor"
    )
    private = world.dataset(private=True)["id"]
    assert world.ask("package_show", name, id=private).status == 200
    world.ask("user_delete", "root", id=name)
    assert world.ask("package_show", name, id=private).status == 403
    assert world.ask("status_show", name).status == 200


def test_064_nobody_makes_himself_a_sysadmin(world: World) -> None:
    assert world.ask("user_patch", "otto", id="otto", sysadmin=True).status == 200
    assert world.ask("user_show", "otto").result["sysadmin"] is False


def test_065_addresses_are_for_oneself(world: World) -> None:
    assert "email" not in world.ask("user_show", id="edna").result
    assert "email" not in world.ask("user_show", "otto", id="edna").result
    assert (
        world.ask("user_show", "edna", id="edna").result["email"] == "edna@example.vn"
    )
    assert (
        world.ask("user_show", "root", id="edna").result["email"] == "edna@example.vn"
    )


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("config_option_list", {}),
        ("config_option_show", {"key": "ckan.site_title"}),
        ("config_option_update", {"ckan.site_title": "x"}),
        ("job_list", {}),
        ("job_show", {"id": "x"}),
        ("get_site_user", {}),
    ],
)
def test_066_options_and_jobs_are_for_sysadmins(
    world: World, name: str, params: dict[str, Any]
) -> None:
    assert world.ask(name, "edna", **params).status == 403
    assert world.ask(name, **params).status == 403


def test_067_invitations(world: World) -> None:
    name = world.name("new.body")
    given = {"email": f"{name}@example.vn", "group_id": "alpha", "role": "editor"}
    assert world.ask("user_invite", "edna", **given).status == 403
    assert world.ask("user_invite", "ada", **{**given, "role": "king"}).error == {
        "role": ["role does not exist."]
    }
    invited = world.ask("user_invite", "ada", **given).result
    world.tokens[invited["name"]] = invited["invitation"]
    opened = world.ask(
        "user_patch", invited["name"], id=invited["name"], password="a new password"
    ).result
    world.tokens[invited["name"]] = opened["token"]
    assert world.dataset(invited["name"])["creator_user_id"] == invited["id"]
    again = world.ask(
        "user_invite",
        "ada",
        **given,
    ).result
    assert (again["id"] == invited["id"], "invitation" in again) == (False, True)
    by_root = world.ask("user_invite", "root", **given).result
    assert (by_root["id"], "invitation" in by_root) == (invited["id"], False)


def test_067b_jobs_and_the_site_for_sysadmins(world: World) -> None:
    package = world.dataset()["id"]
    made = world.send(
        "resource_create", "edna", ("a.csv", b"a\n1\n"), package_id=package
    ).result
    # A small upload alone leaves nothing to a worker.
    world.ask("datapusher_submit", "edna", resource_id=made["id"])
    jobs = world.ask("job_list", "root", queues=["load"]).result
    assert jobs[0]["queue"] == "load"
    assert world.ask("job_show", "root", id=jobs[0]["id"]).result["id"] == jobs[0]["id"]
    assert world.ask("job_show", "root", id="nothing").status == 404
    assert world.ask("get_site_user", "root").result["name"]


def test_068_organizations_and_groups_share_names(world: World) -> None:
    error = world.ask("organization_create", "root", name="theme").error
    assert error == {"name": ["Group name already exists in database"]}


def test_069_an_organization_with_datasets_stays(world: World) -> None:
    world.dataset()
    for name in ("organization_delete", "organization_purge"):
        answer = world.ask(name, "root", id="alpha")
        assert answer.status == 409
        assert "still has datasets" in answer.error["message"]


def test_070_the_order_of_organizations(world: World) -> None:
    shown = world.ask("organization_list", all_fields=True).result
    titles = [each["title"] for each in shown]
    assert titles == sorted(titles, key=str.lower)
    assert world.ask("organization_list", sort="name asc, title asc").error == {
        "message": "Too many sort criteria"
    }
    assert world.ask("organization_list", sort="foo").error == {
        "message": "Cannot sort by field `foo`"
    }
    assert world.ask("organization_show", id="theme").status == 404
    assert world.ask("group_show", id="alpha").status == 404


def test_073_members_in_rows_of_three(world: World) -> None:
    rows = world.ask("member_list", id="alpha", object_type="user").result
    assert {row[2] for row in rows} >= {"Admin", "Editor", "Member"}
    assert all(len(row) == 3 and row[1] == "user" for row in rows)


def test_074_types_and_people_of_an_organization(world: World) -> None:
    name = world.name("office")
    world.ask(
        "organization_create",
        "root",
        name=name,
        users=[{"name": "otto", "capacity": "editor"}],
    )
    error = world.ask(
        "organization_update", "root", id=name, name=name, type="other"
    ).error
    assert error == {"type": ["Type cannot be updated"]}
    kept = world.ask(
        "organization_update", "root", id=name, name=name, title="T"
    ).result
    assert "otto" in [each["name"] for each in kept["users"]]
    assert (
        world.ask("organization_update", "root", id=name, name=name, users=[]).result[
            "users"
        ]
        == []
    )


def test_075_a_role_that_does_not_exist(world: World) -> None:
    error = world.ask(
        "organization_member_create", "root", id="alpha", username="otto", role="king"
    ).error
    assert error == {"role": ["role does not exist."]}


def test_076_tags_in_use(world: World) -> None:
    seen, hidden = world.name("seen"), world.name("hidden")
    made = world.dataset(tags=[{"name": seen}])
    world.dataset(tags=[{"name": hidden}], private=True)
    tags = world.ask("tag_list").result
    assert (seen in tags, hidden in tags) == (True, False)
    shown = world.ask("tag_show", id=seen, include_datasets=True).result
    assert shown["packages"][0]["id"] == made["id"]
    assert "resources" in shown["packages"][0]


def test_077_licences(world: World) -> None:
    listed = world.ask("license_list").result
    ids = (
        "notspecified odc-pddl odc-odbl odc-by cc-zero cc-by cc-by-sa gfdl other-open "
        "other-pd other-at uk-ogl cc-nc "
        "other-nc other-closed"
    )
    assert [each["id"] for each in listed][:15] == ids.split()
    assert {each["is_okd_compliant"] for each in listed} == {"True", "False"}


def test_078_a_short_password_and_a_wrong_address(world: World) -> None:
    error = world.ask(
        "user_create", "root", name="short", email="nope", password="x"
    ).error
    assert set(error) == {"password", "email"}
    twice = world.ask(
        "user_create",
        "root",
        name="twice",
        email="EDNA@example.vn",
        password="long enough",
    )
    assert set(twice.error) == {"email"}


def test_030_nested_errors_keep_their_places(world: World) -> None:
    resources = [{"url": "http://x.vn"}, {"size": "x"}]
    answer = world.ask(
        "package_create",
        "edna",
        name=world.name(),
        owner_org="alpha",
        resources=resources,
    )
    assert answer.error == {"resources": [{}, {"size": ["Invalid integer"]}]}


def test_079_a_resource_without_an_address(world: World) -> None:
    made = world.ask("resource_create", "edna", package_id=world.dataset()["id"]).result
    assert made["url"] == ""


def test_080_a_resource_of_no_dataset(world: World) -> None:
    assert set(world.ask("resource_create", "edna", url="http://x.vn").error) == {
        "package_id"
    }
    assert (
        world.ask(
            "resource_create", "edna", package_id="nothing", url="http://x.vn"
        ).status
        == 404
    )


@pytest.mark.parametrize(
    ("format_", "url", "shown"),
    [
        ("text/csv", "", "CSV"),
        ("geojson", "", "GeoJSON"),
        ("xlsx", "", "XLSX"),
        ("Weird", "", "Weird"),
        ("", "http://x.vn/a.csv", "CSV"),
        ("", "http://x.vn/a.csv?b=1", ""),
    ],
)
def test_081_formats(world: World, format_: str, url: str, shown: str) -> None:
    made = world.dataset(resources=[{"url": url, "format": format_}])
    assert made["resources"][0]["format"] == shown


def test_082_links_and_extra_keys(world: World) -> None:
    made = world.dataset(resources=[{"url": "x.vn/a", "name": "n", "own_key": "kept"}])[
        "resources"
    ][0]
    assert (made["url"], made["own_key"]) == ("http://x.vn/a", "kept")
    updated = world.ask("resource_update", "edna", id=made["id"], format="CSV").result
    assert (updated["url"], updated["format"], "own_key" in updated) == (
        "",
        "CSV",
        False,
    )
    patched = world.ask(
        "resource_patch", "edna", id=made["id"], url="http://x.vn/b", other="o"
    ).result
    assert (patched["url"], patched["other"], patched["format"]) == (
        "http://x.vn/b",
        "o",
        "CSV",
    )


def test_083_deleting_a_resource_twice(world: World) -> None:
    key = world.dataset(resources=[{"url": "http://x.vn"}])["resources"][0]["id"]
    assert [world.ask("resource_delete", "edna", id=key).status for _ in range(2)] == [
        200,
        200,
    ]
    assert world.ask("resource_delete", "edna", id=str(uuid.uuid4())).status == 404


def test_084_an_id_that_another_resource_has(world: World) -> None:
    key = str(uuid.uuid4())
    assert (
        world.dataset(resources=[{"id": key, "url": "http://x.vn"}])["resources"][0][
            "id"
        ]
        == key
    )
    taken = world.ask(
        "resource_create", "edna", package_id=world.dataset()["id"], id=key
    )
    assert taken.error == {"id": ["Resource id already exists."]}
    not_an_id = world.ask(
        "resource_create", "edna", package_id=world.dataset()["id"], id="../etc"
    )
    assert not_an_id.status == 409


def test_085_an_upload(world: World) -> None:
    package = world.dataset()["id"]
    made = world.send(
        "resource_create",
        "edna",
        ("Mi Fichero ñ (1).csv", b"a,b\n1,2\n"),
        package_id=package,
    ).result
    assert (made["url_type"], made["size"], made["mimetype"]) == (
        "upload",
        8,
        "text/csv",
    )
    assert made["last_modified"]
    assert made["url"].endswith(
        f"/dataset/{package}/resource/{made['id']}/download/mi-fichero-n-1.csv"
    )
    path = made["url"].removeprefix(world.portal.settings.site_url)
    assert world.get(path, "edna").get_data() == b"a,b\n1,2\n"
    # For everybody: a small file is checked within the request.
    assert world.get(path).get_data() == b"a,b\n1,2\n"
    any_name = world.get(path.rsplit("/", 1)[0] + "/whatever.bin")
    assert any_name.status_code == 200


def test_087_another_upload_keeps_the_id(world: World) -> None:
    first = world.send(
        "resource_create",
        "edna",
        ("a.csv", b"a\n1\n"),
        package_id=world.dataset()["id"],
    ).result
    second = world.send(
        "resource_patch", "edna", ("b.csv", b"a\n1\n2\n"), id=first["id"]
    ).result
    assert second["id"] == first["id"]
    assert second["url"].endswith("/download/b.csv")
    assert (second["size"], second["last_modified"] > first["last_modified"]) == (
        6,
        True,
    )


def test_088_a_patch_leaves_the_file_alone(world: World) -> None:
    made = world.send(
        "resource_create",
        "edna",
        ("a.csv", b"a\n1\n"),
        package_id=world.dataset()["id"],
    ).result
    patched = world.ask("resource_patch", "edna", id=made["id"], description="d").result
    assert (patched["url"], patched["size"]) == (made["url"], made["size"])
    assert patched["last_modified"] == made["last_modified"]


def test_089_an_upload_over_the_limit(world: World) -> None:
    answer = world.send(
        "resource_create",
        "edna",
        ("a.bin", b"x" * (MIB + 1)),
        package_id=world.dataset()["id"],
    )
    assert (answer.status, set(answer.error)) == (409, {"upload"})


def test_090_links_are_redirected(world: World) -> None:
    made = world.dataset(resources=[{"url": "https://example.vn/a.csv"}])
    path = f"/dataset/{made['id']}/resource/{made['resources'][0]['id']}/download"
    answer = world.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "https://example.vn/a.csv",
    )


def test_091_what_a_revision_must_match(world: World) -> None:
    made = world.dataset(notes="n", resources=[{"url": "http://x.vn", "name": "r"}])
    wrong = world.ask(
        "package_revise",
        "edna",
        match={"id": made["id"], "notes": "m", "resources": [{"name": "q"}]},
        update={},
    )
    assert wrong.error == {"match": ["notes", "resources__0__name"]}
    assert set(world.ask("package_revise", "edna", match={"notes": "n"}).error) == {
        "match__id"
    }
    unmatched = world.ask(
        "package_revise",
        "edna",
        match__id=made["id"],
        update__resources__7ac71234__description="x",
    )
    assert list(unmatched.error) == ["resources__7ac71234__description"]
    by_id = f"update__resources__{made['resources'][0]['id'][:6]}__description"
    revised = world.ask(
        "package_revise", "edna", match__id=made["id"], **{by_id: "told"}
    ).result["package"]
    assert revised["resources"][0]["description"] == "told"


def test_092_a_revision_brings_a_file(world: World) -> None:
    made = world.dataset()
    answer = world.send(
        "package_revise", "edna", ("a.csv", b"a\n1\n"), file_field="update__resources__-1__upload",
        match__id=made["id"], update__resources__extend=json.dumps([{"name": "with a file"}]),
    )  # fmt: skip
    added = answer.result["package"]["resources"][-1]
    assert (added["name"], added["url_type"], added["size"]) == (
        "with a file",
        "upload",
        4,
    )


def test_093_a_filter_keeps_resources_only(world: World) -> None:
    made = world.dataset(notes="n", tag_string="aa", resources=[{"url": "http://x.vn"}])
    revised = world.ask(
        "package_revise", "edna", match__id=made["id"], filter=["+resources", "-*"]
    ).result["package"]
    assert (revised["notes"], revised["tags"], len(revised["resources"])) == (
        None,
        [],
        1,
    )
    assert revised["id"] == made["id"]


def test_095_facets_are_a_json_list(world: World) -> None:
    bare = world.get(ACTION + "package_search?facet.field=organization")
    assert bare.status_code == 409
    assert len(bare.get_json()["error"]["facet.field"]) == 2
    world.dataset()
    asked = world.get(
        ACTION + 'package_search?facet.field=["organization"]&rows=0'
    ).get_json()["result"]
    facet = asked["search_facets"]["organization"]
    assert facet["title"] == "organization"
    assert set(facet["items"][0]) == {"name", "display_name", "count"}
    shown = [item["display_name"] for item in facet["items"]]
    assert shown == sorted(shown, reverse=True)


def test_096_no_facets_unless_asked(world: World) -> None:
    found = world.ask("package_search", rows=0).result
    assert (found["search_facets"], found["facets"], found["results"]) == ({}, {}, [])
    assert found["sort"] == "score desc, metadata_modified desc"


def test_097_search_parameters(world: World) -> None:
    for wrong in ({"limit": 5}, {"offset": 1}, {"zz": 1}):
        answer = world.ask("package_search", **wrong)
        assert (answer.status, answer.kind) == (400, "Search Query Error")
    assert world.ask("package_search", sort="zz desc").status == 400
    assert world.ask("package_search", rows=-1).status == 409
    assert world.ask("package_search", q="{!lucene}x").kind == "Search Error"
    assert (
        world.ask(
            "package_search", ext_anything=1, fl=["name"], use_default_schema=True
        ).status
        == 200
    )


def test_099_private_ones_of_the_own_organizations(world: World) -> None:
    name = world.dataset(private=True)["name"]
    counts = [
        world.ask(
            "package_search", who, fq=f"name:{name}", include_private=True
        ).result["count"]
        for who in (None, "fora", "mem", "root")
    ]
    assert counts == [0, 0, 1, 1]
    assert world.ask("package_search", "root", fq=f"name:{name}").result["count"] == 0


def test_100_drafts_of_the_own_organizations(world: World) -> None:
    made = world.dataset()
    world.ask("package_patch", "edna", id=made["id"], state="draft")
    found = [
        world.ask(
            "package_search", who, fq=f"name:{made['name']}", include_drafts=True
        ).result["count"]
        for who in (None, "fora", "mem")
    ]
    assert found == [0, 0, 1]
    assert world.ask("package_search", "root", fq="state:draft").result["count"] == 0


def test_101_what_changed_since(world: World) -> None:
    old = world.dataset()
    new = [world.dataset(tag_string="since") for _ in range(3)]
    fq = f"metadata_modified:[{new[0]['metadata_modified']}Z TO *]"
    found, start = [], 0
    while page := world.ask(
        "package_search", fq=fq, sort="id asc", rows=2, start=start
    ).result["results"]:
        found += [each["id"] for each in page]
        start += 2
    assert found == sorted(each["id"] for each in new)
    assert old["id"] not in found


def test_103_words_phrases_and_tags(world: World) -> None:
    word = world.name("Khohang").replace("-", "")
    made = world.dataset(
        title=f"{word} nông sản", tags=[{"name": f"{word.lower()} tag"}]
    )
    count = lambda **asked: world.ask("package_search", **asked).result["count"]  # noqa: E731 - said five times
    assert count(q=f'"{word} nông"') == 1
    assert count(q=f'"nông {word}"') == 0
    assert count(q=word.upper()) == 1
    assert count(q=f'tags:"{word.lower()} tag"') == 1
    assert count(fq=f'tags:"{word.lower()}"') == 0
    assert (
        world.ask("package_search", q=f"title:{word}").result["results"][0]["id"]
        == made["id"]
    )


def test_106_what_was_written_is_found(world: World) -> None:
    made = world.dataset()
    assert world.ask("package_search", q=f"name:{made['name']}").result["count"] == 1
    world.ask("package_delete", "edna", id=made["id"])
    assert world.ask("package_search", q=f"name:{made['name']}").result["count"] == 0


PROVINCE = {
    "access_kind": "open", "frequency": "quarterly", "period": "2026Q3", "annex": "PL3", "annex_number": "17",
    "source_database": "CSDL y tế", "sharing_channel": "portal", "language": "vi", "contact_name": "Văn phòng Sở",
    "contact_email": "vp@example.vn", "spatial_unit": "38", "legal_basis": "QĐ 2053/QĐ-UBND",
    "title_translated": {"vi": "Cơ sở y tế", "en": "Health facilities"},
}  # fmt: skip


def test_200_the_fields_of_the_province_stand_in_both_places(world: World) -> None:
    made = world.dataset(**PROVINCE)
    assert {name: made[name] for name in PROVINCE} == PROVINCE
    extras = {each["key"]: each["value"] for each in made["extras"]}
    assert set(extras) == set(PROVINCE)
    assert json.loads(extras["title_translated"]) == PROVINCE["title_translated"]
    changed = [
        {**each, "value": "shared"} if each["key"] == "access_kind" else each
        for each in made["extras"]
    ]
    patched = world.ask("package_patch", "edna", id=made["id"], extras=changed).result
    assert patched["access_kind"] == "shared"
    found = world.ask("package_search", fq=f"access_kind:shared id:{made['id']}", rows=0,
                      **{"facet.field": ["access_kind", "frequency"]}).result  # fmt: skip
    assert found["facets"] == {
        "access_kind": {"shared": 1},
        "frequency": {"quarterly": 1},
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("access_kind", "secret"),
        ("annex", "PL9"),
        ("sharing_channel", "mail"),
        ("frequency", "sometimes"),
        ("contact_email", "nope"),
        ("title_translated", "nope"),
        ("notes_translated", {"Tiếng Việt": "x"}),
        ("legal_basis", ["a"]),
    ],
)
def test_201_wrong_values_of_the_province_are_told(
    world: World, name: str, value: Any
) -> None:
    answer = world.ask(
        "package_create", "edna", name=world.name(), owner_org="alpha", **{name: value}
    )
    assert (answer.status, set(answer.error)) == (409, {name})


def test_202_an_old_name_and_either_identifier_find_the_new_body(world: World) -> None:
    name = world.name("so-nnmt")
    world.ask(
        "organization_create", "root", name=name, title="Sở Nông nghiệp và Môi trường", kind="agency",
        identifiers=["000.12.00.H56", "H56.12"], provider_agreement={"number": "01/TT", "signed": "2026-01-05"},
        succeeds=[{"title": "Sở Tài nguyên và Môi trường", "name": "so-tnmt", "date": "2025-03-01"}],
    )  # fmt: skip
    for key in (
        "000.12.00.H56",
        "H56.12",
        "h56.12",
        "so-tnmt",
        "Sở Tài nguyên và Môi trường",
    ):
        assert world.ask("organization_show", id=key).result["name"] == name, key
    for text in ("Tài nguyên", "H56.12"):
        assert name in [
            each["name"]
            for each in world.ask("organization_autocomplete", q=text).result
        ], text
    assert world.dataset("root", owner_org="so-tnmt")["organization"]["name"] == name
    taken = world.ask(
        "organization_create", "root", name=world.name(), identifier="H56.12"
    )
    assert set(taken.error) == {"identifier"}
    wrong = world.ask(
        "organization_create",
        "root",
        name=world.name(),
        identifier="12.H56",
        kind="ministry",
    )
    assert set(wrong.error) == {"identifier", "kind"}
