"""Parameters of the row queries, with CKAN's names, limits and messages."""

from __future__ import annotations

from typing import Any

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from schemas.datasets import MISSING, Flag, Text

RECORDS_FORMATS = ("objects", "lists", "csv", "tsv")
DEFAULT_LIMIT = 100


class Natural(fields.Field[Any]):
    """A natural number; an empty text is the default."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value in ("", None):
            return None
        try:
            number = int(str(value))
        except ValueError:
            raise ValidationError("Invalid integer") from None
        if number < 0:
            raise ValidationError("Must be a natural number")
        return number


class Structure(fields.Field[Any]):
    """A JSON value, given as itself or as its text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and value.strip()[:1] in ("{", "["):
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                raise ValidationError("Cannot parse JSON") from None
        return value


class Names(fields.Field[Any]):
    """Column names: a list, or one text with commas."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
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
            errors["records_format"] = [f"Value must be one of {', '.join(RECORDS_FORMATS)}"]
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
