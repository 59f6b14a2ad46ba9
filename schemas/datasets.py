"""Parameters of the dataset and resource actions, and the way from them to records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import (
    EXCLUDE,
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    validates,
    validates_schema,
)

from schemas import bounds
from schemas.lists import Globs, JsonObject
from schemas.record import DatasetRecord, ResourceRecord
from schemas.values import (
    EMAIL,
    MISSING,
    Email,
    Flag,
    Integer,
    MediaType,
    TableSchemaField,
    Text,
    Whole,
)
from schemas.vocabularies import PROFILE_FIELDS, PROFILE_NAMES, ProfileField

Json = dict[str, Any]
NAME_SHORTEST, NAME_LONGEST = 2, 100
TAG_LONGEST = 100
RESERVED_NAMES = ("new", "edit", "search")
_NAME = re.compile(r"^[a-z0-9_-]*$")
_TAG = re.compile(r"^[\w .-]*$")
_LANGUAGE = re.compile(r"^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

RESOURCE_GIVEN = frozenset(
    {"id", "name", "url", "description", "format", "mimetype", "size", "hash", "schema"}
)
RESOURCE_OURS = frozenset(
    {
        "package_id",
        "position",
        "created",
        "last_modified",
        "metadata_modified",
        "state",
        "datastore_active",
        "url_type",
        "cache_last_updated",
        "cache_url",
        "mimetype_inner",
        "validation_status",
        "upload",
        "clear_upload",
        "validation_timestamp",
        "revision_id",
        "datastore_contains_all_records_of_source_file",
    }
)
"""Keys of a resource that the portal itself writes: what a client sends for them is not
kept.
"""


def name_errors(name: str) -> list[str]:
    """CKAN's rules for the name of a dataset (its URL), in CKAN's words."""
    if name in RESERVED_NAMES:
        return ["That name cannot be used"]
    errors = []
    if len(name) < NAME_SHORTEST:
        errors += [
            f"Must be at least {NAME_SHORTEST} characters long",
            f'Name "{name}" length is less than minimum {NAME_SHORTEST}',
        ]
    elif len(name) > NAME_LONGEST:
        errors += [
            f"Name must be a maximum of {NAME_LONGEST} characters long",
            f'Name "{name}" length is more than maximum {NAME_LONGEST}',
        ]
    elif not _NAME.match(name):
        errors.append(
            "Must be purely lowercase alphanumeric (ascii) characters and these "
            "symbols: -_"
        )
    return errors


class ResourceParams(Schema):
    """A resource as clients send it; keys that CKAN does not know are kept as they
    are.
    """

    class Meta:
        unknown = INCLUDE

    id = Text(allow_none=True)
    name = Text(allow_none=True)
    url = Text(allow_none=True)
    description = Text(allow_none=True)
    format = Text(allow_none=True)
    mimetype = MediaType(allow_none=True)
    hash = Text(allow_none=True)
    size = Whole(allow_none=True)
    schema = TableSchemaField(allow_none=True)

    @validates("id")
    def check_id(self, value: str | None, data_key: str) -> None:
        """Identifiers name files and rows: only UUIDs may pass."""
        if value and not _UUID.match(value):
            raise ValidationError("Invalid id provided")


def _told(field: ProfileField) -> Json:
    """What the API's description says of a field of the province."""
    choices = f": {', '.join(field.choices)}" if field.choices else ""
    return {"help": f"{field.title_en} ({field.title_vi}){choices}"}


class PackageParams(Schema):
    """A dataset as clients send it to package_create and package_update."""

    class Meta:
        unknown = EXCLUDE

    id = Text(allow_none=True)
    name = Text(required=True, allow_none=True, error_messages={"required": MISSING})
    title = Text(allow_none=True)
    notes = Text(allow_none=True)
    url = Text(allow_none=True)
    version = Text(allow_none=True)
    author = Text(allow_none=True)
    author_email = Email(allow_none=True)
    maintainer = Text(allow_none=True)
    maintainer_email = Email(allow_none=True)
    license_id = Text(allow_none=True)
    owner_org = Text(allow_none=True)
    private = Flag(allow_none=True)
    state = Text(allow_none=True)
    type = Text(allow_none=True)
    tag_string = Text(allow_none=True)
    tags = fields.Raw(allow_none=True)
    extras = fields.Raw(allow_none=True)
    groups = fields.Raw(allow_none=True)
    resources = fields.List(fields.Nested(ResourceParams), allow_none=True)
    locals().update(
        {
            field.name: fields.Raw(allow_none=True, metadata=_told(field))
            for field in PROFILE_FIELDS
        }
    )

    @validates("name")
    def check_name(self, value: str | None, data_key: str) -> None:
        """CKAN's rules of names."""
        if not value:
            raise ValidationError(MISSING)
        if errors := name_errors(value):
            raise ValidationError(errors)

    @validates_schema(skip_on_field_errors=False)
    def check_rest(self, data: Json, **kwargs: Any) -> None:
        """Tags, extras and the province's fields, whose messages have shapes of their
        own.
        """
        errors: Json = {}
        if messages := tag_errors(tag_names(data)):
            errors["tags"] = messages
        errors.update(_extras_errors(data.get("extras") or ()))
        errors.update(_profile_errors(data))
        if errors:
            raise ValidationError(errors)


def tag_names(data: Mapping[str, Any]) -> list[str]:
    """The tags that a dataset names, by `tags` and by `tag_string`, without doubles, in
    order of their names.
    """
    names = {
        str(tag.get("name", "")).strip()
        for tag in _tags(data)
        if not tag.get("vocabulary_id")
    }
    names |= {name.strip() for name in (data.get("tag_string") or "").split(",")}
    return sorted(name for name in names if name)


def vocabulary_tags(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The tags of vocabularies that a dataset names: (vocabulary id or name, tag
    name).
    """
    return sorted(
        {
            (str(t["vocabulary_id"]), str(t.get("name", "")))
            for t in _tags(data)
            if t.get("vocabulary_id")
        }
    )


def _tags(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [tag for tag in data.get("tags") or () if isinstance(tag, Mapping)]


def tag_errors(names: Sequence[str]) -> list[str]:
    """CKAN's rules for tags: a flat list of messages."""
    errors = []
    for name in names:
        if len(name) < NAME_SHORTEST:
            errors.append(f'Tag "{name}" length is less than minimum {NAME_SHORTEST}')
        elif len(name) > TAG_LONGEST:
            errors.append(f'Tag "{name}" length is more than maximum {TAG_LONGEST}')
        elif not _TAG.match(name):
            errors.append(
                f'Tag "{name}" can only contain alphanumeric characters, spaces (" '
                '"), hyphens ("-"), '
                'underscores ("_") or dots (".")'
            )
    return errors


def _extras_errors(extras: Sequence[Mapping[str, Any]]) -> Json:
    keys = [str(extra.get("key", "")) for extra in extras if not extra.get("deleted")]
    if any(not key for key in keys):
        return {"extras": [{} if key else {"key": [MISSING]} for key in keys]}
    doubled = sorted({key for key in keys if keys.count(key) > 1})
    if doubled:
        return {"extras_validation": [f'Duplicate key "{key}"' for key in doubled]}
    taken = set(PackageParams._declared_fields) - PROFILE_NAMES
    clash = [
        {"key": ["There is a schema field with the same name"]} if key in taken else {}
        for key in keys
    ]
    return {"extras": clash} if any(clash) else {}


def _profile_errors(data: Mapping[str, Any]) -> Json:
    errors: Json = {}
    for field in PROFILE_FIELDS:
        value = data.get(field.name)
        if value in (None, ""):
            continue
        if field.choices and value not in field.choices:
            errors[field.name] = [f"Value must be one of {', '.join(field.choices)}"]
        elif field.translated and not _translations(value):
            errors[field.name] = [
                'Must be an object of texts by language, such as {"vi": "…", "en": "…"}'
            ]
        elif field.translated and (
            strange := sorted(k for k in _translations(value) if not _LANGUAGE.match(k))
        ):
            errors[field.name] = [
                f'"{strange[0]}" is not a language code such as vi or en'
            ]
        elif not field.translated and isinstance(value, (dict, list)):
            errors[field.name] = ["Must be a text"]
        elif field.name == "contact_email" and not EMAIL.fullmatch(str(value)):
            errors[field.name] = [f"Email {value} is not a valid format"]
    return errors


def _translations(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        try:
            value = bounds.parse(value)
        except ValueError:
            return {}
    good = isinstance(value, Mapping) and all(
        isinstance(text, str) for text in value.values()
    )
    return {str(key): text for key, text in value.items()} if good else {}


def shape_problem(data: Mapping[str, Any]) -> str | None:
    """The name of a list that does not hold objects where it must (CKAN's Integrity
    Error), else None.
    """
    for key in ("tags", "extras", "groups", "resources"):
        value = data.get(key)
        if value is not None and not (
            isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
        ):
            return key
    return None


_PACKAGE = PackageParams()
"""Made once: making a schema costs more than loading with it."""


def load_package(data: Mapping[str, Any]) -> tuple[Json, Json]:
    """Check a dataset: (what could be read, errors by field). Errors are empty for a
    good one.
    """
    try:
        return dict(_PACKAGE.load(data)), {}
    except ValidationError as error:
        valid = error.valid_data if isinstance(error.valid_data, dict) else {}
        return dict(valid), dict(error.messages_dict)


def package_record(loaded: Mapping[str, Any]) -> DatasetRecord:
    """A checked dataset as the one inbound shape."""
    names = (
        "url",
        "version",
        "author",
        "author_email",
        "maintainer",
        "maintainer_email",
        "license_id",
    )
    texts: Json = {name: loaded.get(name) or None for name in names}
    profile = {
        field.name: _profile_value(field.translated, loaded.get(field.name))
        for field in PROFILE_FIELDS
    }
    extras = {
        str(e["key"]): as_text(e.get("value"))
        for e in loaded.get("extras") or ()
        if not e.get("deleted")
    }
    profile |= {
        key: value
        for key, value in extras.items()
        if key in PROFILE_NAMES and not profile.get(key)
    }
    return DatasetRecord(
        name=loaded["name"],
        id=loaded.get("id") or None,
        title=loaded.get("title") or "",
        owner_org=loaded.get("owner_org") or None,
        private=bool(loaded.get("private")),
        state=loaded.get("state") or "active",
        type=loaded.get("type") or "dataset",
        tags=tuple(tag_names(loaded)),
        vocabulary_tags=tuple(vocabulary_tags(loaded)),
        groups=tuple(
            str(g.get("id") or g.get("name") or "") for g in loaded.get("groups") or ()
        ),
        extras={
            key: value for key, value in extras.items() if key not in PROFILE_NAMES
        },
        profile={key: value for key, value in profile.items() if value},
        resources=tuple(
            resource_record(resource) for resource in loaded.get("resources") or ()
        ),
        notes=loaded.get("notes") or "",
        **texts,
    )


def _profile_value(translated: bool, value: Any) -> Any:
    if value in (None, ""):
        return None
    return _translations(value) if translated else as_text(value)


def resource_record(loaded: Mapping[str, Any]) -> ResourceRecord:
    """A checked resource as the one inbound shape."""
    kept = {
        key: value
        for key, value in loaded.items()
        if key not in RESOURCE_GIVEN | RESOURCE_OURS
    }
    schema = loaded.get("schema")
    return ResourceRecord(
        schema=schema if isinstance(schema, dict) else None,
        schema_name=schema if isinstance(schema, str) else None,
        id=loaded.get("id") or None,
        name=loaded.get("name") or "",
        url=loaded.get("url") or "",
        description=loaded.get("description") or "",
        format=loaded.get("format") or "",
        mimetype=loaded.get("mimetype") or None,
        size=loaded.get("size"),
        hash=loaded.get("hash") or "",
        extras=kept,
    )


def as_text(value: Any) -> str:
    """An extra's value as CKAN keeps it: null is empty, everything else its text."""
    return "" if value is None else str(value)


class ById(Schema):
    """Parameters of an action about one thing."""

    id = Text(required=True, error_messages={"required": MISSING, "null": MISSING})


class Order(Schema):
    """Parameters of package_resource_reorder."""

    id = Text(required=True, error_messages={"required": MISSING, "null": MISSING})
    order = fields.List(
        Text(),
        required=True,
        error_messages={
            "required": MISSING,
            "null": MISSING,
            "invalid": "Must be a list of resource ids",
        },
        metadata={"help": "ids, those that come first"},
    )


class Revision(Schema):
    """Parameters of package_revise; `match__…` and `update__…` are named by the places
    that they are about.
    """

    class Meta:
        unknown = INCLUDE

    match = JsonObject(
        load_default=dict, metadata={"help": "what must hold; id or name at least"}
    )
    filter = Globs(load_default=None, metadata={"help": "globs: +keep, -remove"})
    update = JsonObject(load_default=dict, metadata={"help": "what is merged in"})
    include = Globs(
        load_default=None, metadata={"help": "globs of what the answer shows"}
    )


class Paged(Schema):
    """Parameters of a list."""

    limit = Integer(load_default=None, allow_none=True)
    offset = Integer(load_default=0)
    page = Integer(load_default=None, allow_none=True)

    @validates_schema
    def check_natural(self, data: Json, **kwargs: Any) -> None:
        """Counts are natural numbers."""
        wrong = {
            key: ["Must be a natural number"]
            for key in ("limit", "offset")
            if (data.get(key) or 0) < 0
        }
        if data.get("page") is not None and data["page"] < 1:
            wrong["page"] = ["Must be a postive integer"]
        if wrong:
            raise ValidationError(dict(wrong))
