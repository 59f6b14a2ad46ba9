"""Parameters of package_search: exactly those of CKAN, everything else is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

ACCEPTED = frozenset(
    {
        "q", "fl", "fq", "fq_list", "rows", "sort", "start", "wt", "qf", "bf", "boost", "facet", "facet.mincount",
        "facet.limit", "facet.field", "extras", "tie", "defType", "mm", "df", "include_drafts", "include_deleted",
        "include_private", "use_default_schema",
    }
)  # fmt: skip
TRUE = ("true", "yes", "t", "y", "1")


def unknown_parameters(data: Mapping[str, Any]) -> list[str]:
    """The parameters that no package_search takes; `ext_…` are for extensions and pass."""
    return sorted(key for key in data if key not in ACCEPTED and not key.startswith("ext_"))


def natural(value: Any) -> int | None:
    """A natural number, None when it is none."""
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if number >= 0 else None


def flag(value: Any) -> bool:
    """CKAN's boolean."""
    return value is True or str(value).strip().lower() in TRUE


def words(value: Any) -> list[str] | None:
    """A list of texts: a list, or a JSON list in a text; None when it is neither."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return list(value) if good else None
