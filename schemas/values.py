"""Fields of parameters: texts, flags, whole numbers and media types, each within bounds
that a caller is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from i18n import Message
from schemas import bounds, catalog, mediatypes

MISSING = "Missing value"
LARGEST_NUMBER = 2**63 - 1
"""What a column of whole numbers holds."""
LARGEST_COUNT = 10**12
"""More of anything there is not; and times a page of any size it is still a number of
63 bits.
"""
MOST_DIGITS = 30
"""Beyond these a number is out of every range, whatever it is."""
LAST_SECOND = 253_370_764_800
"""The first second of the year 9999."""
LONGEST_EMAIL = 254
EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\".]+")
_WHOLE = re.compile(r"[+-]?[0-9]+(?:\.0+)?", re.ASCII)


class Text(fields.Field[Any]):
    """A text; numbers become texts, as CKAN takes them."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        if value is None:
            return None
        if isinstance(value, (dict, list)):
            raise ValidationError(
                f"Must be a Unicode string value, not {type(value).__name__}"
            )
        return str(value)


class Email(Text):
    """An e-mail address, or nothing."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and len(text) > LONGEST_EMAIL:
            too_long = Message("An e-mail address has at most {limit} characters")
            raise ValidationError(bounds.told(too_long.filled(limit=LONGEST_EMAIL)))
        if text and not EMAIL.fullmatch(text):
            raise ValidationError(f"Email {text} is not a valid format")
        return text


class MediaType(Text):
    """A media type such as text/csv, with or without parameters, or nothing."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and not mediatypes.valid(text):
            raise ValidationError(
                bounds.told(Message("Must be a media type such as text/csv"))
            )
        return text


class Flag(fields.Field[Any]):
    """CKAN's boolean: true, yes, t, y and 1 are true, anything else is false."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        return value is True or str(value).strip().lower() in (
            "true",
            "yes",
            "t",
            "y",
            "1",
        )


class Integer(fields.Integer):
    """A whole number from `low` to `high`; every number of an action is one of
    these.
    """

    default_error_messages: Mapping[str, str] = {"invalid": "Invalid integer"}  # type: ignore[assignment]

    def __init__(
        self, *, low: int = -LARGEST_COUNT, high: int = LARGEST_COUNT, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        number = super()._deserialize(value, attr, data, **kwargs)
        if number is not None:
            refuse_beyond(number, self.low, self.high)
        return number


class Whole(fields.Field[Any]):
    """A whole number of a column, or nothing."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        if value in (None, ""):
            return None
        number = whole(value)
        if number is None:
            raise ValidationError("Invalid integer")
        refuse_beyond(number, -LARGEST_NUMBER, LARGEST_NUMBER)
        return number


def whole(value: Any) -> int | None:
    """The whole number that a value is or writes; None for what is none."""
    text = str(value).strip()
    if not _WHOLE.fullmatch(text):
        return None
    return int(text.partition(".")[0][:MOST_DIGITS])


def refuse_beyond(number: int, low: int, high: int) -> None:
    """Raise ValidationError for a number out of its range, naming the range in both
    languages.
    """
    if not low <= number <= high:
        out_of_bounds = Message("Must be a whole number from {low} to {high}")
        raise ValidationError(bounds.told(out_of_bounds.filled(low=low, high=high)))


class Seconds(fields.Float):
    """A moment as seconds since 1970, within the years that a calendar has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            allow_nan=False,
            error_messages={"invalid": "Must be a number of seconds"},
            **kwargs,
        )

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        moment = super()._deserialize(value, attr, data, **kwargs)
        if moment is not None and not 0 <= moment <= LAST_SECOND:
            out_of_bounds = Message("Must be seconds since 1970, from 0 to {last}")
            raise ValidationError(bounds.told(out_of_bounds.filled(last=LAST_SECOND)))
        return moment


class TableSchemaField(fields.Field[Any]):
    """A Table Schema: the name of one of the portal's own, or a descriptor as an object
    or its JSON text.
    """

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> Any:
        if value in (None, "", {}):
            return None
        if isinstance(value, str) and not value.lstrip().startswith("{"):
            return _known_schema(value)
        try:
            descriptor = bounds.parse(value) if isinstance(value, str) else value
        except ValueError:
            descriptor = None
        if not isinstance(descriptor, dict) or not isinstance(
            descriptor.get("fields"), list
        ):
            raise ValidationError(
                'Not a Table Schema: a JSON object with a list of "fields" is expected'
            )
        return descriptor


def _known_schema(name: str) -> str:
    try:
        return catalog.get(name).name
    except KeyError as error:
        raise ValidationError(str(error)) from None
