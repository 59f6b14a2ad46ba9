"""Parameters of the actions about organizations, groups, users, tokens and tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from marshmallow import (
    EXCLUDE,
    Schema,
    ValidationError,
    fields,
    validates,
    validates_schema,
)

from schemas import passwords
from schemas.datasets import name_errors
from schemas.lists import Words, one_word
from schemas.search import NaturalOrUsual
from schemas.values import MISSING, Email, Flag, Integer, Text

MOST_DAYS = 36_500
"""Days for which a token may be good: a century."""
REQUIRED: dict[str, Any] = {"required": MISSING, "null": MISSING}
MOST_PACKAGES = 1000
"""Datasets of one group in one answer."""
ORGANIZATION_KINDS = ("agency", "commune", "enterprise", "association", "institute")
_IDENTIFIER = re.compile(
    r"^(\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}|[A-Z]\d{2}(\.\d{1,3}){0,3})$"
)
"""Both forms of an agency's electronic identifier: QCVN 102:2016 and QĐ
20/2020/QĐ-TTg.
"""
_USER_NAME = re.compile(r"^[a-z0-9_.@-]*$")


class GroupParams(Schema):
    """An organization or group as clients send it."""

    class Meta:
        unknown = EXCLUDE

    id = Text(allow_none=True)
    name = Text(required=True, error_messages=REQUIRED)
    title = Text(load_default="", allow_none=True)
    description = Text(load_default="", allow_none=True)
    image_url = Text(load_default="", allow_none=True)
    state = Text(load_default="active", allow_none=True)
    type = Text(allow_none=True)
    extras = fields.List(fields.Dict(), load_default=list, allow_none=True)
    users = fields.List(fields.Dict(), allow_none=True)
    identifier = Text(
        allow_none=True,
        metadata={"help": "electronic identifier: 000.00.00.H56 or H56.12"},
    )
    identifiers = fields.List(
        Text(), allow_none=True, metadata={"help": "every identifier, in both forms"}
    )
    kind = Text(
        allow_none=True,
        metadata={"help": "agency, commune, enterprise, association or institute"},
    )
    succeeds = fields.List(
        fields.Dict(), allow_none=True, metadata={"help": "bodies that it succeeded"}
    )
    provider_agreement = fields.Dict(
        allow_none=True, metadata={"help": "number, signed, valid_until, url"}
    )

    @validates("name")
    def check_name(self, value: str, data_key: str) -> None:
        """CKAN's rules of names."""
        if errors := name_errors(value or ""):
            raise ValidationError(errors[:1])

    @validates_schema
    def check_profile(self, data: dict[str, Any], **kwargs: Any) -> None:
        """The identifier in one of its two forms, the kind from its list."""
        errors: dict[str, Any] = {}
        for name in ("identifier", "identifiers"):
            if any(
                not _IDENTIFIER.match(text)
                for text in identifiers_of({name: data.get(name)}, name)
            ):
                errors[name] = ["Must look like 000.00.00.H56 or H56.12"]
        if messages := _succeeds_errors(data.get("succeeds") or ()):
            errors["succeeds"] = messages
        if messages := _agreement_errors(data.get("provider_agreement") or {}):
            errors["provider_agreement"] = messages
        if data.get("kind") and data["kind"] not in ORGANIZATION_KINDS:
            errors["kind"] = [f"Value must be one of {', '.join(ORGANIZATION_KINDS)}"]
        if errors:
            raise ValidationError(errors)


def identifiers_of(data: Mapping[str, Any], *names: str) -> list[str]:
    """Every identifier of an organization, the chief one first, each once."""
    one = [data.get("identifier")] if "identifier" in (names or ("identifier",)) else []
    listed = [*one, *(data.get("identifiers") or ())]
    return list(dict.fromkeys(str(text).strip() for text in listed if text))


def _succeeds_errors(listed: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each body that was succeeded has a title, and a day from which."""
    for each in listed:
        unknown = sorted(set(each) - {"title", "name", "identifier", "date"})
        if unknown:
            return [
                f"Unknown key {unknown[0]}: title, name, identifier and date are known"
            ]
        if not isinstance(each.get("title"), str) or not each["title"].strip():
            return ["Each needs a title: what the body was called"]
        if not _is_day(each.get("date")):
            return ["Each needs a date (YYYY-MM-DD): since when"]
        if each.get("identifier") and not _IDENTIFIER.match(str(each["identifier"])):
            return ["An identifier must look like 000.00.00.H56 or H56.12"]
    return []


def _agreement_errors(agreement: Mapping[str, Any]) -> list[str]:
    """A provider agreement has a number and the days on which it was signed and
    (perhaps) ends.
    """
    unknown = sorted(set(agreement) - {"number", "signed", "valid_until", "url"})
    if unknown:
        return [
            f"Unknown key {unknown[0]}: number, signed, valid_until and url are known"
        ]
    if agreement and not agreement.get("number"):
        return ["The number of the agreement is missing"]
    if agreement and not _is_day(agreement.get("signed")):
        return ["signed must be a date (YYYY-MM-DD)"]
    if agreement.get("valid_until") and not _is_day(agreement["valid_until"]):
        return ["valid_until must be a date (YYYY-MM-DD)"]
    return []


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


class GroupShow(Schema):
    """Parameters of organization_show and group_show."""

    id = Text(required=True, error_messages=REQUIRED)
    include_datasets = Flag(load_default=False)
    include_dataset_count = Flag(load_default=True)
    include_extras = Flag(load_default=True)
    include_users = Flag(load_default=True)
    include_followers = Flag(load_default=True)


class GroupList(Schema):
    """Parameters of organization_list and group_list."""

    sort = Text(load_default="title asc", allow_none=True)
    order_by = Text(load_default=None, allow_none=True)
    q = Text(load_default=None, allow_none=True)
    limit = Integer(load_default=None, allow_none=True)
    offset = Integer(load_default=0)
    all_fields = Flag(load_default=False)
    include_extras = Flag(load_default=False)
    include_users = Flag(load_default=False)
    organizations = Words(load_default=list, otherwise=one_word)
    groups = Words(load_default=list, otherwise=one_word)


class GroupPackages(Schema):
    """Parameters of group_package_show."""

    id = Text(required=True, error_messages=REQUIRED)
    limit = NaturalOrUsual(load_default=MOST_PACKAGES)


class OrganizationsOfUser(Schema):
    """Parameters of organization_list_for_user."""

    id = Text(
        load_default=None,
        allow_none=True,
        metadata={"help": "another user, for sysadmins"},
    )
    permission = Text(
        load_default="manage_group",
        allow_none=True,
        metadata={"help": "read, create_dataset, update_dataset, manage_group, …"},
    )


class GroupsOfUser(Schema):
    """Parameters of group_list_authz."""

    id = Text(
        load_default=None,
        allow_none=True,
        metadata={"help": "another user, for sysadmins"},
    )
    am_member = Flag(
        load_default=False,
        allow_none=True,
        metadata={"help": "also where the caller is a mere member"},
    )


class GroupType(Schema):
    """Parameters of member_roles_list."""

    group_type = Text(
        load_default="organization",
        allow_none=True,
        metadata={"help": "organization or group"},
    )


class MemberParams(Schema):
    """Parameters of organization_member_create and its like."""

    id = Text(required=True, error_messages=REQUIRED)
    username = Text(required=True, error_messages=REQUIRED)
    role = Text(load_default=None, allow_none=True)


class ObjectMember(Schema):
    """Parameters of member_create and member_delete."""

    id = Text(required=True, error_messages=REQUIRED)
    object = Text(required=True, error_messages=REQUIRED)
    object_type = Text(required=True, error_messages=REQUIRED)
    capacity = Text(load_default="public", allow_none=True)


class MemberList(Schema):
    """Parameters of member_list."""

    id = Text(required=True, error_messages=REQUIRED)
    object_type = Text(load_default=None, allow_none=True)
    capacity = Text(load_default=None, allow_none=True)


class UserParams(Schema):
    """A user as clients send it."""

    class Meta:
        unknown = EXCLUDE

    id = Text(allow_none=True)
    name = Text(required=True, error_messages=REQUIRED)
    email = Email(required=True, error_messages=REQUIRED)
    password = Text(allow_none=True, load_default=None)
    fullname = Text(allow_none=True, load_default=None)
    about = Text(allow_none=True, load_default=None)
    image_url = Text(allow_none=True, load_default=None)
    sysadmin = Flag(load_default=False)
    with_apitoken = Flag(load_default=False)
    state = Text(load_default="active", allow_none=True)

    @validates("name")
    def check_name(self, value: str, data_key: str) -> None:
        """As CKAN: lower-case letters, digits and -_.@"""
        if not 2 <= len(value or "") <= 100 or not _USER_NAME.match(value):
            message = (
                "Must be purely lowercase alphanumeric (ascii) characters and these "
                "symbols: -_"
            )
            raise ValidationError(
                message
                if len(value or "") >= 2
                else "Must be at least 2 characters long"
            )

    @validates("password")
    def check_password(self, value: str | None, data_key: str) -> None:
        """Long enough, if there is one."""
        if value is not None and (messages := passwords.problems(value)):
            raise ValidationError(messages)


class InviteParams(Schema):
    """Parameters of user_invite."""

    email = Email(required=True, error_messages=REQUIRED)
    group_id = Text(required=True, error_messages=REQUIRED)
    role = Text(required=True, error_messages=REQUIRED)

    @validates("email")
    def check_email(self, value: str, data_key: str) -> None:
        """An invitation needs an address."""
        if not value:
            raise ValidationError(MISSING)


class UserShow(Schema):
    """Parameters of user_show; without `id` it is the caller."""

    id = Text(load_default=None, allow_none=True)
    include_datasets = Flag(load_default=False)
    include_num_followers = Flag(load_default=False)


class UserList(Schema):
    """Parameters of user_list."""

    q = Text(load_default=None, allow_none=True)
    email = Text(load_default=None, allow_none=True)
    order_by = Text(load_default="display_name", allow_none=True)
    all_fields = Flag(load_default=True)


class TokenParams(Schema):
    """Parameters of api_token_create; `expires_in` counts days."""

    user = Text(required=True, error_messages=REQUIRED)
    name = Text(required=True, error_messages=REQUIRED)
    expires_in = Integer(load_default=None, allow_none=True, low=1, high=MOST_DAYS)


class TokenList(Schema):
    """Parameters of api_token_list."""

    user_id = Text(load_default=None, allow_none=True)
    user = Text(load_default=None, allow_none=True)


class TokenRevoke(Schema):
    """Parameters of api_token_revoke: the token itself, or its id."""

    token = Text(load_default=None, allow_none=True)
    jti = Text(load_default=None, allow_none=True)

    @validates_schema
    def check_one(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """One of both must be said."""
        if not data.get("token") and not data.get("jti"):
            raise ValidationError({"token": [MISSING]})


class Query(Schema):
    """Parameters of the short lists for typing."""

    q = Text(load_default=None, allow_none=True)
    query = Text(load_default=None, allow_none=True)
    limit = Integer(load_default=10)
    offset = Integer(load_default=0)
    vocabulary_id = Text(load_default=None, allow_none=True)
    all_fields = Flag(load_default=False)


class TagShow(Schema):
    """Parameters of tag_show."""

    id = Text(required=True, error_messages=REQUIRED)
    vocabulary_id = Text(load_default=None, allow_none=True)
    include_datasets = Flag(load_default=False)
