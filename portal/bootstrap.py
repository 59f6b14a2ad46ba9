"""The composition root: the only place that opens engines and wires them together."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from flask import Flask

from portal.actions import (  # noqa: F401 - importing an action module declares its actions
    activities,
    bulk,
    collaborators,
    datasets,
    datastore,
    datastore_write,
    finding,
    followers,
    gate,
    groups,
    harvest,
    jobs,
    joining,
    licenses,
    loading,
    members,
    organizations,
    quality,
    relationships,
    resources,
    revise,
    schemas,
    search,
    searches,
    site,
    tags,
    tasks,
    tokens,
    users,
    validation,
    versions,
    views,
    vocabularies,
)
from portal.db import migrate
from portal.db.engine import open_engine
from portal.db.searches import SearchLog
from portal.errors import SettingsError
from portal.files import open_files
from portal.pipeline import index, look, names, reach, rendering
from portal.pipeline.background import Background
from portal.runtime import Portal
from portal.settings import Settings, load
from portal.tabular.store import TabularStore
from portal.web.app import create_app as create_web
from schemas.cache import MemoryCache
from schemas.units import BYTES_PER_MB
from search import open_backend
from search.backend import SearchBackend
from search.text.lexicon import SHIPPED

CHATTY = ("alembic", "apscheduler", "elastic_transport", "httpcore", "httpx")
"""Libraries whose every step is of no interest in a portal's log."""


def build_portal(settings: Settings, *, upgrade: bool = False) -> Portal:
    """Open every engine. With `upgrade` the database is brought to the newest revision
    first.

    Raises SettingsError when a setting is wrong or the database is older than the code.
    """
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for library in CHATTY:
        logging.getLogger(library).setLevel(
            max(logging.WARNING, logging.getLogger().level)
        )
    # A binding that cannot be read is told now, not at the first harvest.
    reach.secrets_of(settings)
    # The database first: whoever runs the wrong revision must not touch an index or
    # files of another one.
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database_url, settings.sqlite_synchronous)
    if upgrade:
        migrate.upgrade(engine)
    elif migrate.current(engine) != migrate.newest():
        raise SettingsError(
            "The database is not at the newest revision: run `portal db upgrade` first."
        )
    files = open_files(
        settings.files_url, settings.data_dir / "cache", settings.files_cache_mb
    )
    # All that this process keeps in memory to answer faster, within one setting.
    cache = MemoryCache(settings.cache_mb * BYTES_PER_MB)
    return Portal(
        settings=settings,
        engine=engine,
        search=_open_search(settings, cache),
        files=files,
        tables=TabularStore(
            files,
            settings.data_dir / "tables",
            hot_mb=settings.hot_tables_mb,
            seconds=settings.datastore_seconds,
            cache=cache,
        ),
        searches=SearchLog(engine, on=settings.search_log_days > 0),
        cache=cache,
        render_some=rendering.render_some,
        after_write=index.drain,
        before_search=Background().catch_up,
        look=look.look,
    )


def _open_search(settings: Settings, cache: MemoryCache) -> SearchBackend:
    """The search backend of the settings. Raises SettingsError."""
    try:
        return open_backend(
            settings.search_url,
            settings.data_dir / "index",
            alias=settings.search_index,
            user=settings.search_user,
            password=settings.search_password,
            api_key=settings.search_api_key or None,
            ca_certs=settings.search_ca_file or None,
            timeout=settings.search_timeout,
            retries=settings.search_retries,
            pause=settings.search_pause,
            sniff=settings.search_sniff,
            shards=settings.search_shards,
            replicas=settings.search_replicas,
            fallback=settings.search_fallback,
            lexicon=_lexicon(settings),
            cache=cache,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _lexicon(settings: Settings) -> tuple[Path, ...]:
    """The files of words that mean the same: ours, the names that the worker gathers,
    the stewards' own.
    """
    own = (Path(settings.search_words),) if settings.search_words else ()
    return (SHIPPED, settings.data_dir / names.FILE, *own)


def create_app() -> Flask:
    """The WSGI application, from the environment: what a web server is pointed at
    (`portal.bootstrap:create_app()`).
    """
    portal = build_portal(load())
    background = Background(rendering.render_more)
    return create_web(
        replace(portal, after_write=background.wake, before_search=background.catch_up)
    )
