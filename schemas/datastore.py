"""Parameters of the row queries, with CKAN's names, limits and messages."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from schemas import bounds
from schemas.values import LARGEST_COUNT, MISSING, Flag, Text, refuse_beyond, whole

RECORDS_FORMATS = ("objects", "lists", "csv", "tsv")
DEFAULT_LIMIT = 100


class Natural(fields.Field[Any]):
    """A natural number; an empty text is the default."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> Any:
        if value in ("", None):
            return None
        number = whole(value)
        if number is None:
            raise ValidationError("Invalid integer")
        if number < 0:
            raise ValidationError("Must be a natural number")
        refuse_beyond(number, 0, LARGEST_COUNT)
        return number


class Structure(fields.Field[Any]):
    """A JSON value, given as itself or as its text."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> Any:
        if isinstance(value, str) and value.strip()[:1] in ("{", "["):
            try:
                return bounds.parse(value)
            except ValueError:
                raise ValidationError("Cannot parse JSON") from None
        return value


class Names(fields.Field[Any]):
    """Column names: a list, or one text with commas."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> Any:
        if isinstance(value, str):
            return [name.strip() for name in value.split(",") if name.strip()]
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return value
        raise ValidationError("Not a list of strings")


class DatastoreSearch(Schema):
    """Parameters of datastore_search."""

    class Meta:
        unknown = RAISE

    resource_id = Text(load_default=None, allow_none=True)
    id = Text(load_default=None, allow_none=True)
    limit = Natural(load_default=DEFAULT_LIMIT, allow_none=True)
    offset = Natural(load_default=None, allow_none=True)
    fields_ = Names(data_key="fields", load_default=None, allow_none=True)
    sort = Text(load_default=None, allow_none=True)
    filters = Structure(load_default=None, allow_none=True)
    q = Structure(load_default=None, allow_none=True)
    full_text = Text(load_default=None, allow_none=True)
    plain = Flag(load_default=True)
    language = Text(load_default=None, allow_none=True)
    distinct = Flag(load_default=False)
    include_total = Flag(load_default=True)
    include_next_page = Flag(load_default=False)
    total_estimation_threshold = fields.Raw(load_default=None, allow_none=True)
    records_format = Text(load_default="objects", allow_none=True)
    version = Text(load_default=None, allow_none=True)
    force = Flag(load_default=False)

    @validates_schema(skip_on_field_errors=False)
    def check_together(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A resource must be named, and the format known."""
        errors: dict[str, Any] = {}
        if not (data.get("resource_id") or data.get("id")):
            errors["resource_id"] = [MISSING]
        if not isinstance(data.get("q") or "", (str, int, float, dict)):
            errors["q"] = ["Expected a text, or a text for each column"]
        if (data.get("records_format") or "objects") not in RECORDS_FORMATS:
            errors["records_format"] = [
                f"Value must be one of {', '.join(RECORDS_FORMATS)}"
            ]
        if errors:
            raise ValidationError(errors)


class ResourceOnly(Schema):
    """Parameters of an action about one resource's rows."""

    resource_id = Text(load_default=None, allow_none=True)
    id = Text(load_default=None, allow_none=True)
    version = Text(load_default=None, allow_none=True)


class DatastoreSql(Schema):
    """Parameters of datastore_search_sql."""

    sql = Text(load_default=None, allow_none=True)


class Records(fields.Field[Any]):
    """A list of objects, given as itself or as its JSON text."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> Any:
        value = _parsed(value)
        if not isinstance(value, list) or not all(
            isinstance(each, dict) for each in value
        ):
            raise ValidationError(
                "The json data is not a list of dicts?"
                if attr == "records"
                else "Not a list of dicts"
            )
        return value


class NameList(Names):
    """Names: a list, its JSON text, or one text with commas."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> Any:
        return super()._deserialize(_parsed(value), attr, data, **kwargs)


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value.strip()[:1] == "[":
        try:
            return bounds.parse(value)
        except ValueError:
            raise ValidationError("Cannot parse JSON") from None
    return value


class DatastoreCreate(Schema):
    """Parameters of datastore_create; `triggers` are refused, for rows run no code."""

    class Meta:
        unknown = RAISE

    resource_id = Text(load_default=None, allow_none=True)
    id = Text(load_default=None, allow_none=True)
    resource = Structure(load_default=None, allow_none=True)
    fields_ = Records(data_key="fields", load_default=None, allow_none=True)
    records = Records(load_default=None, allow_none=True)
    primary_key = NameList(load_default=None, allow_none=True)
    indexes = fields.Raw(load_default=None, allow_none=True)
    aliases = NameList(load_default=None, allow_none=True)
    delete_fields = Flag(load_default=False)
    triggers = Structure(load_default=None, allow_none=True)
    force = Flag(load_default=False)
    calculate_record_count = Flag(load_default=False)
    include_records = Flag(load_default=False)

    @validates_schema(skip_on_field_errors=False)
    def check_together(self, data: dict[str, Any], **kwargs: Any) -> None:
        """One resource must be meant, and nothing that runs code."""
        named, made = (
            bool(data.get("resource_id") or data.get("id")),
            data.get("resource") is not None,
        )
        errors: dict[str, Any] = {}
        if named and made:
            errors["resource"] = ["resource cannot be given together with resource_id"]
        if not named and not made:
            errors["resource_id"] = [MISSING]
        if made and not (
            isinstance(data["resource"], dict) and data["resource"].get("package_id")
        ):
            errors["resource"] = ["package_id is required to create a resource"]
        if data.get("triggers"):
            errors["triggers"] = ["Triggers are not supported"]
        if errors:
            raise ValidationError(errors)


class DatastoreUpsert(Schema):
    """Parameters of datastore_upsert."""

    class Meta:
        unknown = RAISE

    resource_id = Text(load_default=None, allow_none=True)
    id = Text(load_default=None, allow_none=True)
    records = Records(load_default=None, allow_none=True)
    method = Text(load_default="upsert", allow_none=True)
    force = Flag(load_default=False)
    dry_run = Flag(load_default=False)
    calculate_record_count = Flag(load_default=False)
    include_records = Flag(load_default=False)

    @validates_schema
    def check_method(self, data: dict[str, Any], **kwargs: Any) -> None:
        """The method is one of three."""
        if (data.get("method") or "upsert") not in METHODS:
            raise ValidationError(
                {"method": [f"Value must be one of {', '.join(METHODS)}"]}
            )


METHODS = ("upsert", "insert", "update")


class DatastoreDelete(Schema):
    """Parameters of datastore_delete and datastore_records_delete."""

    class Meta:
        unknown = RAISE

    resource_id = Text(load_default=None, allow_none=True)
    id = Text(load_default=None, allow_none=True)
    filters = Structure(load_default=None, allow_none=True)
    force = Flag(load_default=False)
    calculate_record_count = Flag(load_default=False)
    include_deleted_records = Flag(load_default=False)


class DatastoreVersions(ResourceOnly):
    """Parameters of datastore_versions."""

    limit = Natural(load_default=100, allow_none=True)
    offset = Natural(load_default=0, allow_none=True)


class DatastoreDiff(DatastoreVersions):
    """Parameters of datastore_diff: two versions, by number or ISO date."""

    from_ = Text(data_key="from", load_default=None, allow_none=True)
    to = Text(load_default=None, allow_none=True)
    key = NameList(load_default=None, allow_none=True)
