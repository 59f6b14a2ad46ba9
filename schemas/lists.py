"""Fields of parameters that are lists or objects, and their JSON text as well: forms
and addresses can send nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from schemas import bounds
from schemas.values import Text

NOT_A_LIST = ["Could not parse as valid JSON", "Not a list"]
MOST_OBJECTS = 1000


def words(value: Any) -> list[str] | None:
    """A list of texts: a list, or a JSON list in a text; None when it is neither."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        try:
            value = bounds.parse(value)
        except ValueError:
            return None
    if not isinstance(value, list) or not set(map(type, value)) <= {str}:
        return None
    return list(value)


def one_word(value: Any) -> list[str]:
    """What is no list is a list of one."""
    return [str(value)]


def no_words(value: Any) -> list[str]:
    """What is no list counts as nothing."""
    return []


class WordsOrNull(fields.List[Any]):
    """A list of texts, or its JSON text, or null.

    `otherwise` reads what is none of these; without it that is refused.
    """

    def __init__(
        self, *, otherwise: Callable[[Any], list[str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(Text(), allow_none=True, **kwargs)
        self._otherwise = otherwise

    def _deserialize(  # type: ignore[override]
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> list[str]:
        texts = words(value)
        if texts is not None:
            return texts
        if self._otherwise is None:
            raise ValidationError(NOT_A_LIST)
        return self._otherwise(value)


class Words(WordsOrNull):
    """A list of texts, or its JSON text; null is the empty list."""

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """The texts."""
        return [] if value is None else super().deserialize(value, attr, data, **kwargs)


class Globs(fields.List[Any]):
    """Globs: a list, its JSON text, or a text of globs between commas."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Text(), allow_none=True, **kwargs)

    def _deserialize(  # type: ignore[override]
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> list[str]:
        globs = _globs(value)
        if not isinstance(globs, list) or not all(
            isinstance(glob, str) for glob in globs
        ):
            raise ValidationError("Must be a list of globs")
        return [glob.strip() for glob in globs]


def _globs(value: Any) -> Any:
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return value.split(",")
    return _parsed(value)


class JsonObject(fields.Dict):
    """An object, or its JSON text; null is the empty object."""

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """The object."""
        return {} if value is None else super().deserialize(value, attr, data, **kwargs)

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        parsed = _parsed(value)
        if not isinstance(parsed, dict):
            raise ValidationError("Must be an object")
        return parsed


class Objects(fields.List[Any]):
    """A list of objects, not too long; what stands in them is checked one by one."""

    def __init__(self, **kwargs: Any) -> None:
        wrong = "Must be a list of objects"
        super().__init__(
            fields.Dict(),
            error_messages={"required": wrong, "null": wrong, "invalid": wrong},
            **kwargs,
        )

    def _deserialize(  # type: ignore[override]
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(
            isinstance(item, dict) for item in value
        ):
            raise self.make_error("invalid")
        if len(value) > MOST_OBJECTS:
            raise ValidationError(f"Must hold at most {MOST_OBJECTS} objects")
        return value


def _parsed(value: Any) -> Any:
    """A value, or what its JSON text says. Raises ValidationError for a text that is no
    JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return bounds.parse(value)
    except ValueError:
        raise ValidationError("Could not parse as valid JSON") from None
