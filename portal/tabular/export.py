"""Whole versions as files: csv, tsv, json, ndjson, parquet; the columns of the publisher and nothing of ours."""

from __future__ import annotations

from pathlib import Path

import duckdb

from portal.tabular.manifest import Column, Manifest

FORMS = {
    "csv": "FORMAT csv, HEADER, DELIMITER ','",
    "tsv": "FORMAT csv, HEADER, DELIMITER '\t'",
    "json": "FORMAT json, ARRAY true",
    "ndjson": "FORMAT json, ARRAY false",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
MEDIA_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


def write_download(cursor: duckdb.DuckDBPyConnection, source: str, manifest: Manifest, form: str, target: Path) -> None:
    """Write a whole version into `target`. Raises KeyError for a form that there is none of."""
    columns = ", ".join(_selected(column, form) for column in manifest.fields)
    where = str(target).replace("'", "''")
    cursor.execute(f"COPY (SELECT {columns} FROM {source} ORDER BY _id) TO '{where}' ({FORMS[form]})")  # noqa: S608 - names quoted, path ours


def _selected(column: Column, form: str) -> str:
    name = '"' + column.name.replace('"', '""') + '"'
    if column.ckan_type == "timestamp" and form != "parquet":
        zone = column.zone.replace("'", "''")
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S') || '{zone}' AS {name}"
    if column.ckan_type == "json" and form in ("json", "ndjson"):
        return f"CASE WHEN json_valid({name}) THEN {name}::JSON ELSE to_json({name}) END AS {name}"
    return name
