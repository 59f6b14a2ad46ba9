"""How to read each kind of source: the list of kinds, and the one function that opens
an adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harvesters import databases
from harvesters.base import SourceAdapter, SourceError
from harvesters.ckan import CkanAdapter, CkanConfig
from harvesters.config import Config, ConfigError, load_config
from harvesters.databases import DatabaseOptions
from harvesters.datapackage import DataPackageAdapter, DataPackageConfig
from harvesters.dcat import DcatAdapter, DcatConfig
from harvesters.files import FilesAdapter, FilesConfig
from harvesters.http import GuardedClient, HttpOptions
from harvesters.lgsp import LgspAdapter, LgspConfig
from harvesters.secrets import Secrets
from harvesters.sql import SqlAdapter, SqlConfig
from i18n import Message

__all__ = ["KINDS", "ConfigError", "SourceKind", "check_config", "open_source"]


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind of source: its name, what it is for, and the schema of its
    configuration.
    """

    name: str
    title: Message
    help: str
    config: type[Config]

    def describe(self) -> dict[str, Any]:
        """The keys of its configuration: {key: {required, help}}."""
        schema = self.config()
        return {
            field.data_key or key: {
                "required": field.required,
                "help": field.metadata.get("help", ""),
            }
            for key, field in schema.fields.items()
        }


KINDS: tuple[SourceKind, ...] = (
    SourceKind(
        "ckan",
        Message("Another CKAN"),
        "url: address of the portal",
        CkanConfig,
    ),
    SourceKind(
        "dcat",
        Message("A DCAT catalogue"),
        "url: address of an RDF/XML, Turtle, JSON-LD or data.json",
        DcatConfig,
    ),
    SourceKind(
        "lgsp",
        Message("LGSP services"),
        "url: address of the gateway",
        LgspConfig,
    ),
    SourceKind(
        "sql",
        Message("A sector database"),
        "url: SQLAlchemy address without a password",
        SqlConfig,
    ),
    SourceKind(
        "datapackage",
        Message("Data Package"),
        "url: folder or address of a datapackage.json",
        DataPackageConfig,
    ),
    SourceKind(
        "files",
        Message("Dropped files"),
        "url: folder below PORTAL_HARVEST_ROOTS",
        FilesConfig,
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def check_config(kind: str, url: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as its kind loads it. Raises ConfigError that names what is
    wrong.
    """
    if kind not in BY_NAME:
        reason = f"Unknown kind of source; there are {', '.join(BY_NAME)}."
        raise ConfigError({"source_type": [reason]})
    if not url.strip():
        raise ConfigError({"url": ["Missing value"]})
    loaded = load_config(BY_NAME[kind].config(), config)
    # Here, so that it is told to whoever saves the source and not by its first job.
    if kind == "sql":
        _check_database(url)
    one_dataset = kind == "files" and not loaded["each"]
    if one_dataset and not (loaded["dataset"] and loaded["resources"]):
        reason = "Give `dataset` and `resources`, or set `each`."
        raise ConfigError({"dataset": [reason]})
    return loaded


def _check_database(url: str) -> None:
    """Refuse an address that is none of a database, as a fault of the configuration."""
    try:
        databases.parse(url)
    except SourceError as error:
        raise ConfigError({"url": [error.message]}) from None


def open_source(
    kind: str,
    url: str,
    config: Mapping[str, Any],
    *,
    http: HttpOptions,
    secrets: Secrets,
    databases: DatabaseOptions,
    roots: tuple[Path, ...] = (),
) -> SourceAdapter:
    """Open the adapter of a source. `roots` are the folders that files may be in.

    Raises ConfigError or SourceError.
    """
    loaded = check_config(kind, url, config)
    if kind == "ckan":
        return CkanAdapter(url, loaded, GuardedClient(http))
    if kind == "dcat":
        # A graph needs some twenty times the size of its page in memory.
        most = min(http.max_bytes, loaded["max_page_mb"] * 1024 * 1024)
        return DcatAdapter(url, loaded, GuardedClient(replace(http, max_bytes=most)))
    if kind == "lgsp":
        return LgspAdapter(url, loaded, GuardedClient(http), secrets)
    if kind == "sql":
        return SqlAdapter(url, loaded, secrets, databases)
    if kind == "datapackage":
        return DataPackageAdapter(url, loaded, GuardedClient(http), roots)
    return FilesAdapter(url, loaded, roots)
