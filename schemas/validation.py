"""Parameters of the actions about validation, its gate, quality and table schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields, validate

from schemas.people import REQUIRED
from schemas.values import Integer, Text

LANGUAGES = ("vi", "en")
FORMS = ("report", "page", "frictionless")
POLICIES = ("block", "warn", "quarantine")
MOST_ROWS = 1000
MOST_BATCH = 10_000
MOST_SAMPLE = 2_000_000
"""Characters of a file whose schema is to be proposed."""


def _one_of(*words: str) -> validate.OneOf:
    return validate.OneOf(words, error=f"Must be one of {', '.join(words)}")


class Labels(fields.Field[Any]):
    """Labels of columns: a list of texts, also as a JSON text; a plain text is one
    label.
    """

    def __init__(self) -> None:
        super().__init__(
            load_default=list,
            allow_none=True,
            metadata={"help": "labels of columns, a list of texts"},
        )

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> list[str]:
        listed = _parsed(value) if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(
            isinstance(each, str) for each in listed
        ):
            raise ValidationError("Must be a list of labels")
        if len(listed) > MOST_ROWS:
            raise ValidationError(f"At most {MOST_ROWS} labels")
        return [each.strip() for each in listed if each.strip()]


def _parsed(text: str) -> Any:
    """The JSON list that a text is, else the text as the only label."""
    try:
        return orjson.loads(text) if text.lstrip().startswith("[") else [text]
    except orjson.JSONDecodeError:
        return [text]


class Page(Schema):
    """How much of a list, and from where."""

    limit = Integer(load_default=20, low=1, high=MOST_ROWS)
    offset = Integer(load_default=0, low=0)


class ReportParams(Schema):
    """Parameters of resource_validation_show."""

    resource_id = Text(load_default=None, allow_none=True)
    id = Text(load_default=None, allow_none=True)
    report_id = Text(
        load_default=None,
        allow_none=True,
        metadata={"help": "an older report of the resource"},
    )
    format = Text(load_default="report", validate=_one_of(*FORMS))
    lang = Text(load_default="vi", validate=_one_of(*LANGUAGES))


class ReportList(Page):
    """Parameters of resource_validation_list."""

    resource_id = Text(required=True, error_messages=REQUIRED)


class RunParams(Schema):
    """Parameters of resource_validation_run and resource_validation_delete."""

    resource_id = Text(required=True, error_messages=REQUIRED)


class RunBatch(Schema):
    """Parameters of resource_validation_run_batch."""

    dataset_ids = fields.Raw(
        load_default=None,
        allow_none=True,
        metadata={"help": "a list of ids or names, or one"},
    )
    query = fields.Raw(
        load_default=None,
        allow_none=True,
        metadata={"help": "what package_search is asked: an object of q, fq, fq_list"},
    )
    limit = Integer(
        load_default=MOST_ROWS,
        low=1,
        high=MOST_BATCH,
        metadata={
            "help": "datasets of one call; the answer says whether there are more"
        },
    )


class ResourceReason(Schema):
    """Parameters of resource_validation_override."""

    resource_id = Text(required=True, error_messages=REQUIRED)
    reason = Text(
        required=True, error_messages=REQUIRED, validate=validate.Length(10, 2000)
    )
    columns = Labels()


class DatasetReason(Schema):
    """Parameters of package_validation_override."""

    id = Text(required=True, error_messages=REQUIRED)
    reason = Text(
        required=True, error_messages=REQUIRED, validate=validate.Length(10, 2000)
    )
    columns = Labels()


class PolicyParams(Schema):
    """Parameters of the updates of a policy; `policy` null or empty takes the policy
    away.
    """

    id = Text(required=True, error_messages=REQUIRED)
    policy = Text(load_default=None, allow_none=True, validate=_one_of("", *POLICIES))
    max_bad_percent = Integer(load_default=20, low=0, high=100)


class QualityList(Page):
    """Parameters of quality_list."""

    organization = Text(load_default=None, allow_none=True)
    sector = Text(load_default=None, allow_none=True)
    sort = Text(
        load_default="points desc",
        validate=_one_of(
            *(
                f"{key}{way}"
                for key in ("points", "openness", "computed", "name")
                for way in ("", " desc")
            )
        ),
    )


class QualityHistoryParams(Page):
    """Parameters of quality_history."""

    id = Text(required=True, error_messages=REQUIRED)


class QualitySummary(Schema):
    """Parameters of quality_summary."""

    by = Text(load_default="organization", validate=_one_of("organization", "sector"))


class SchemaCompare(Schema):
    """Parameters of schema_compare: two descriptors, or names of table schemas."""

    old = fields.Raw(required=True, error_messages=REQUIRED)
    new = fields.Raw(required=True, error_messages=REQUIRED)


class SchemaCheck(Schema):
    """Parameters of schema_check."""

    schema = fields.Raw(required=True, error_messages=REQUIRED)


class SchemaPropose(Schema):
    """Parameters of schema_propose: a stored resource, or the text of a table."""

    resource_id = Text(load_default=None, allow_none=True)
    text = Text(
        load_default=None, allow_none=True, validate=validate.Length(max=MOST_SAMPLE)
    )
    name = Text(load_default="table.csv")


class SchemaAdopt(Schema):
    """Parameters of schema_adopt: a resource, and the schema where it is not to be the
    proposed one.
    """

    resource_id = Text(required=True)
    schema = fields.Raw(load_default=None, allow_none=True)
