"""Manifest: what one version of a table consists of; two manifests with one fingerprint
hold the same rows.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

ID = "_id"
"""The column that numbers the rows of a table."""
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def alike(name: str) -> str:
    """What two column names have in common that the query engine cannot tell apart: it
    folds a-z, and only those.
    """
    return name.translate(_LOWER)


@dataclass(frozen=True, slots=True)
class Part:
    """One immutable Parquet file of the version."""

    key: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its Table Schema type, the type that CKAN clients are told, and its
    title.

    `zone` is the UTC offset ("+07:00") that every time of a datetime column was written
    with. `info` is what a publisher says of the column in CKAN's data dictionary.
    """

    name: str
    type: str
    ckan_type: str
    title: str = ""
    zone: str = ""
    info: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def described(self) -> dict[str, Any]:
        """The column as CKAN lists it: {id, type, info?}."""
        info = {**({"label": self.title} if self.title else {}), **self.info}
        return {
            "id": self.name,
            "type": self.ckan_type,
            **({"info": info} if info else {}),
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a table: parts in order, columns in order, how many rows.

    `dead` is the key of a Parquet file with the `_id`s of rows that are no more, of the
    first `settled` parts alone: a change of few rows leaves big parts as they lie and
    puts its rows into small ones behind them. `last_id` is the highest number that a
    row ever had; numbers are never given twice.
    """

    parts: tuple[Part, ...]
    fields: tuple[Column, ...]
    rows: int
    dead: str = ""
    settled: int = 0
    last_id: int = 0
    primary_key: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of every file that the version needs."""
        return (
            *(part.key for part in self.parts),
            *((self.dead,) if self.dead else ()),
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 over parts and columns."""
        columns = [asdict(column) for column in self.fields]
        # What came later is left out where it is empty: a version that was written
        # before keeps its fingerprint, and with it its downloads and hot copy.
        for column in columns:
            if not column["info"]:
                del column["info"]
        content: list[Any] = [[part.key for part in self.parts], columns]
        if self.dead:
            content.append([self.dead, self.settled])
        if self.primary_key:
            content.append(list(self.primary_key))
        body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(body).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Manifest:
        """From what `to_dict` gave, now or before a version could be changed in
        part.
        """
        parts = tuple(Part(**part) for part in stored["parts"])
        columns = tuple(Column(**column) for column in stored["fields"])
        rows = stored["rows"]
        return cls(
            parts,
            columns,
            rows,
            dead=stored.get("dead", ""),
            settled=stored.get("settled", len(parts)),
            last_id=stored.get("last_id", rows),
            primary_key=tuple(stored.get("primary_key", ())),
        )
