"""A sector database: declared SELECT statements become tables, read in one read-only transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate, validates
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from harvesters.base import ItemError, RemoteItem, SourceError
from harvesters.config import Config, DatasetConfig, dataset_record
from harvesters.rows import plain, write_rows
from harvesters.secrets import Secrets, reveal
from schemas.record import DatasetRecord, ResourceRecord

_SELECT = re.compile(r"^\s*(select|with)\b", re.IGNORECASE)
FETCH = 2000


class QueryConfig(Config):
    """One resource: a SELECT, whose columns are those of the table."""

    name = fields.String(required=True)
    query = fields.String(required=True)
    schema_name = fields.String(load_default=None, allow_none=True)
    description = fields.String(load_default="")

    @validates("query")
    def check_query(self, value: str, data_key: str) -> None:
        """One statement that reads."""
        if not _SELECT.match(value) or ";" in value.rstrip().rstrip(";"):
            raise ValidationError("One SELECT statement is expected.")


class SqlConfig(Config):
    """One database gives one dataset."""

    dataset = fields.Nested(DatasetConfig, required=True)
    resources = fields.List(fields.Nested(QueryConfig), required=True, validate=validate.Length(min=1))
    password = fields.String(load_default="", metadata={"help": "name of the secret that is the password"})
    max_rows = fields.Integer(load_default=5_000_000, validate=validate.Range(min=1))
    timeout = fields.Integer(load_default=300, metadata={"help": "seconds for one statement, where the database can"})


class SqlAdapter:
    """SourceAdapter over a database that SQLAlchemy can reach."""

    def __init__(self, url: str, config: Mapping[str, Any], secrets: Secrets, roots: tuple[Path, ...]) -> None:
        self._config = config
        self._url = _checked_url(url, config, secrets, roots)

    def items(self) -> Iterator[RemoteItem | ItemError]:
        """The one dataset."""
        dataset = self._config["dataset"]
        yield RemoteItem(dataset["name"], dataset["title"] or dataset["name"])

    def load(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """Run every statement in one transaction, so that all tables are of one moment."""
        engine = create_engine(self._url)
        try:
            with engine.connect() as connection:
                _only_read(connection, self._config["timeout"])
                resources = tuple(self._table(connection, each, folder) for each in self._config["resources"])
        except SQLAlchemyError as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            raise SourceError(
                "database", f"The database could not be read ({kind}); check address and queries."
            ) from None
        finally:
            engine.dispose()
        return dataset_record(self._config["dataset"], resources)

    def _table(self, connection: Connection, described: Mapping[str, Any], folder: Path) -> ResourceRecord:
        streamed = connection.execution_options(stream_results=True, yield_per=FETCH)
        result = streamed.execute(text(described["query"]))
        header = list(result.keys())
        rows = ([plain(value) for value in row] for row in result)
        content = write_rows(header, rows, folder / f"{described['name']}.csv", most=self._config["max_rows"])
        return ResourceRecord(
            name=described["name"],
            format="CSV",
            description=described["description"],
            schema_name=described["schema_name"],
            content=content,
        )

    def close(self) -> None:
        """Nothing stays open between calls."""


def _only_read(connection: Connection, seconds: int) -> None:
    """Let the database itself refuse writes, and end what takes too long, where it can."""
    statements = {
        "sqlite": ("PRAGMA query_only = ON",),
        "postgresql": ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {int(seconds) * 1000}"),
        "mysql": ("SET TRANSACTION READ ONLY", f"SET SESSION max_execution_time = {int(seconds) * 1000}"),
    }
    for statement in statements.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)


def _checked_url(url: str, config: Mapping[str, Any], secrets: Secrets, roots: tuple[Path, ...]) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SourceError("bad-address", "A SQLAlchemy address is expected, e.g. postgresql://host/name.") from None
    if parsed.password:
        raise SourceError("secret-in-address", "The address must not hold a password; name a secret in `password`.")
    if parsed.get_backend_name() == "sqlite":
        _checked_file(parsed.database or "", roots)
        return parsed.set(database=f"file:{Path(parsed.database or '').resolve()}", query={"mode": "ro", "uri": "true"})
    return parsed.set(password=reveal(secrets, config["password"])) if config["password"] else parsed


def _checked_file(name: str, roots: tuple[Path, ...]) -> None:
    path = Path(name).resolve()
    if not any(path.is_relative_to(root.resolve()) for root in roots):
        raise SourceError("outside-roots", f"The file {path.name} lies outside the folders of PORTAL_HARVEST_ROOTS.")
    if not path.is_file():
        raise SourceError("not-found", f"There is no database file {path.name}.")
