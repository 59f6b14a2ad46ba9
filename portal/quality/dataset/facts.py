"""What is known of a dataset when its quality is judged: its package dict, and what
only the stores can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.package_dict import PackageDict, ResourceDict

MACHINE_READABLE = frozenset(
    {
        "CSV",
        "TSV",
        "JSON",
        "NDJSON",
        "GeoJSON",
        "XML",
        "XLSX",
        "XLS",
        "ODS",
        "Parquet",
        "RDF",
        "TTL",
        "KML",
        "GTFS",
        "WMS",
        "WFS",
        "API",
        "KMZ",
        "SHP",
    }
)
NON_PROPRIETARY = frozenset(
    {
        "CSV",
        "TSV",
        "JSON",
        "NDJSON",
        "GeoJSON",
        "XML",
        "ODS",
        "Parquet",
        "RDF",
        "TTL",
        "KML",
        "GTFS",
        "WMS",
        "WFS",
        "API",
        "XLSX",
        "HTML",
        "TXT",
        "ZIP",
        "GZ",
    }
)
"""Open formats; XLSX is an ISO standard (29500), XLS, DOC and SHP are not."""


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """One resource: its dict, and its bytes, rows and report as the stores have them.

    `stored` is None for a link, whose bytes are not ours to see; `whole` is None where
    there is no table.
    """

    shown: ResourceDict
    stored: bool | None
    whole: bool | None
    personal: bool

    @property
    def format(self) -> str:
        """The name of its format."""
        return str(self.shown.get("format") or "")


@dataclass(frozen=True, slots=True)
class Facts:
    """One dataset."""

    package: PackageDict
    resources: tuple[ResourceFacts, ...]
    fresh: bool | None

    def text(self, *names: str) -> str:
        """The first of these fields that is filled in."""
        fields: Mapping[str, Any] = self.package
        found = (str(fields.get(name) or "").strip() for name in names)
        return next((value for value in found if value), "")
