"""What a list of indicators in the catalogue says of each of them."""

from __future__ import annotations

from portal.quality.checks.declared import NotLoaded
from portal.quality.frictionless.keys import References

CODE = "ma"
"""The column of the list that names the indicators."""


def indicator_column(
    references: References, list_name: str, column: str
) -> dict[str, str]:
    """One column of a list by the code of its indicator, where it is filled. Raises
    NotLoaded.
    """
    columns = references(list_name)
    if columns is None:
        raise NotLoaded(list_name)
    pairs = zip(columns.get(CODE, ()), columns.get(column, ()), strict=False)
    return {
        str(code): str(text).strip() for code, text in pairs if text not in (None, "")
    }
