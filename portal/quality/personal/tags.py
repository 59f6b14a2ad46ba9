"""What a Table Schema's own tags ask for: columns that must not be in an open table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def fields_to_drop(labels: Sequence[str], schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields tagged as personal data to be dropped that a table still has: it must not
    become open with them.
    """
    present = {label.strip() for label in labels}
    return tuple(
        str(field["name"])
        for field in schema.get("fields", ())
        if str(field.get("pd") or "none") != "none"
        and field.get("treatment") == "drop"
        and field["name"] in present
    )
