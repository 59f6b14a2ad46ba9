"""A sector database: declared SELECT statements become tables, read in one read-only
transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate, validates

from harvesters import databases
from harvesters.base import ItemError, RemoteItem
from harvesters.config import Config, DatasetConfig, dataset_record
from harvesters.databases import DatabaseOptions
from harvesters.reader_process import read_database
from harvesters.secrets import Secrets
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord

_SELECT = re.compile(r"^\s*(select|with)\b", re.IGNORECASE)


class QueryConfig(Config):
    """One resource: a SELECT, whose columns are those of the table."""

    name = fields.String(required=True)
    query = fields.String(required=True)
    schema_name = fields.String(load_default=None, allow_none=True)
    description = fields.String(load_default="")

    @validates("query")
    def check_query(self, value: str, data_key: str) -> None:
        """One statement that reads."""
        # For the author of the query only: the process that reads forbids writing by
        # itself, whatever a statement says.
        if not _SELECT.match(value) or ";" in value.rstrip().rstrip(";"):
            raise ValidationError("One SELECT statement is expected.")


class SqlConfig(Config):
    """One database gives one dataset."""

    dataset = fields.Nested(DatasetConfig, required=True)
    resources = fields.List(
        fields.Nested(QueryConfig), required=True, validate=validate.Length(min=1)
    )
    password = fields.String(
        load_default="", metadata={"help": "name of the secret that is the password"}
    )
    max_rows = fields.Integer(load_default=5_000_000, validate=validate.Range(min=1))
    timeout = fields.Integer(
        load_default=300,
        validate=validate.Range(min=1, max=86_400),
        metadata={
            "help": "seconds for one statement; the reading process is ended soon after"
        },
    )


class SqlAdapter:
    """SourceAdapter over a database; it is read by a process of its own that knows
    nothing else.
    """

    def __init__(
        self,
        url: str,
        config: Mapping[str, Any],
        secrets: Secrets,
        options: DatabaseOptions,
    ) -> None:
        self._config, self._options = config, options
        self._url = databases.parse(url)
        self._password = self._reveal_password(secrets)
        # An address that may not be asked is refused before a job begins; it is checked
        # again when it is used.
        databases.connection(self._url, "", options)

    def _reveal_password(self, secrets: Secrets) -> str:
        name = self._config["password"]
        return secrets.reveal(name, *databases.places(self._url)) if name else ""

    def items(self) -> Iterator[RemoteItem | ItemError]:
        """The one dataset."""
        dataset = self._config["dataset"]
        yield RemoteItem(dataset["name"], dataset["title"] or dataset["name"])

    def fetch(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """Run every statement in one transaction, so that all tables are of one
        moment.
        """
        resources = self._config["resources"]
        files = [folder / f"{number}.csv" for number, _ in enumerate(resources)]
        queries = [
            {"query": each["query"], "file": str(file)}
            for each, file in zip(resources, files, strict=True)
        ]
        connection = databases.connection(self._url, self._password, self._options)
        request = {
            "connection": connection,
            "timeout": self._config["timeout"],
            "max_rows": self._config["max_rows"],
            "max_bytes": self._options.max_bytes,
            "memory_bytes": self._options.memory_bytes,
            "queries": queries,
        }
        read_database(request, folder)
        tables = map(_resource, resources, files)
        return dataset_record(self._config["dataset"], tuple(tables))

    def close(self) -> None:
        """Nothing stays open between calls."""


def _resource(described: Mapping[str, Any], file: Path) -> ResourceRecord:
    """A described query's file of rows as a resource."""
    part = ContentPart.of(file, f"{described['name']}.csv")
    return ResourceRecord(
        name=described["name"],
        format="CSV",
        description=described["description"],
        schema_name=described["schema_name"],
        content=Content((part,), encoding="utf-8"),
    )
