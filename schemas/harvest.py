"""Parameters of the harvest actions, with ckanext-harvest's names."""

from __future__ import annotations

import re
from typing import Any

import orjson
from marshmallow import INCLUDE, Schema, ValidationError, fields, validates

from schemas import bounds
from schemas.datasets import name_errors
from schemas.values import MISSING, Flag, Integer, Text
from schemas.vocabularies import HARVEST_FREQUENCIES

_CRON = re.compile(r"^\S+ \S+ \S+ \S+ \S+$")
_REQUIRED: dict[str, Any] = {"required": MISSING, "null": MISSING}


class SourceParams(Schema):
    """A harvest source: `config` is the JSON text (or object) that its kind
    understands.
    """

    url = Text(required=True, error_messages=_REQUIRED)
    source_type = Text(required=True, error_messages=_REQUIRED)
    name = Text(load_default=None, allow_none=True)
    title = Text(load_default="", allow_none=True)
    notes = Text(load_default="", allow_none=True)
    frequency = Text(load_default="MANUAL", allow_none=True)
    owner_org = Text(load_default=None, allow_none=True)
    active = Flag(load_default=True)
    config = fields.Raw(load_default="", allow_none=True)

    class Meta:
        unknown = INCLUDE

    @validates("name")
    def check_name(self, value: str | None, data_key: str) -> None:
        """CKAN's rules of names."""
        if value and (errors := name_errors(value)):
            raise ValidationError(errors)

    @validates("frequency")
    def check_frequency(self, value: str | None, data_key: str) -> None:
        """A word of ckanext-harvest, or cron's five fields."""
        if value and value not in HARVEST_FREQUENCIES and not _CRON.match(value):
            words = ", ".join(HARVEST_FREQUENCIES)
            raise ValidationError(
                f'Frequency {value} not recognised: use {words}, or cron such as "0 2 '
                '* * *"'
            )

    @validates("config")
    def check_config(self, value: Any, data_key: str) -> None:
        """JSON, if anything."""
        if isinstance(value, str) and value.strip():
            try:
                value = bounds.parse(value)
            except ValueError as error:
                raise ValidationError(
                    f"Error parsing the configuration options: {error}"
                ) from None
        if value not in (None, "") and not isinstance(value, dict):
            raise ValidationError("The configuration must be a JSON object")


def config_text(value: Any) -> str:
    """A configuration as it is kept: JSON text, empty for none."""
    if value in (None, "", {}):
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class SourceList(Schema):
    """Parameters of harvest_source_list."""

    only_active = Flag(load_default=False)
    organization_id = Text(load_default=None, allow_none=True)


class JobCreate(Schema):
    """Parameters of harvest_job_create: `run` false leaves the job New until
    harvest_send_job_to_gather_queue.
    """

    source_id = Text(required=True, error_messages=_REQUIRED)
    run = Flag(load_default=True)


class JobList(Schema):
    """Parameters of harvest_job_list."""

    source_id = Text(load_default=None, allow_none=True)
    status = Text(load_default=None, allow_none=True)
    limit = Integer(load_default=100)
    offset = Integer(load_default=0)


class ObjectList(Schema):
    """Parameters of harvest_object_list."""

    only_current = Flag(load_default=True)
    source_id = Text(load_default=None, allow_none=True)
    job_id = Text(load_default=None, allow_none=True)
    limit = Integer(load_default=100)
    offset = Integer(load_default=0)


class LogList(Schema):
    """Parameters of harvest_log_list."""

    level = Text(load_default=None, allow_none=True)
    source_id = Text(load_default=None, allow_none=True)
    limit = Integer(load_default=100)
    offset = Integer(load_default=0)

    @validates("level")
    def check_level(self, value: str | None, data_key: str) -> None:
        """A level of ckanext-harvest's log."""
        if value and value not in LOG_LEVELS:
            raise ValidationError(f"Level must be one of {', '.join(LOG_LEVELS)}")


LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
