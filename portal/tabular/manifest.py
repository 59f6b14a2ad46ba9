"""Manifest: what one version of a table consists of; two manifests with one fingerprint hold the same rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Part:
    """One immutable Parquet file of the version."""

    key: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Table Schema type, the type that CKAN clients are told, and its title.

    `zone` is the UTC offset ("+07:00") that every time of a datetime column was written with.
    """

    name: str
    type: str
    ckan_type: str
    title: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a table: parts in order, columns in order, how many rows."""

    parts: tuple[Part, ...]
    fields: tuple[Column, ...]
    rows: int

    @property
    def fingerprint(self) -> str:
        """SHA-256 over parts and columns."""
        plain = [[part.key for part in self.parts], [asdict(column) for column in self.fields]]
        return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Manifest:
        """From what `to_dict` gave."""
        parts = tuple(Part(**part) for part in plain["parts"])
        return cls(parts, tuple(Column(**column) for column in plain["fields"]), plain["rows"])
