"""Rows of tables: datastore_search, datastore_search_sql and datastore_info."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import and_

from portal.access import disclosure, old_versions, policy
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets, datastore
from portal.domain.base import stamp
from portal.domain.datasets import OPEN, ShownTable, TableVersion
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Context
from portal.settings import Settings
from portal.tabular.manifest import Column
from portal.tabular.public_sql.sandbox import RefusedSql
from portal.tabular.store import Answer, Manifest, RowQuery, RowQueryError
from schemas.datastore import DatastoreSearch, DatastoreSql, ResourceOnly
from schemas.values import MISSING

ECHOED = (
    "fields_",
    "sort",
    "filters",
    "q",
    "full_text",
    "distinct",
    "language",
    "offset",
    "version",
)
"""Parameters that an answer repeats when they were given."""
TABLES = "_table_metadata"
"""The table of all tables, as CKAN calls it."""
_ALL_TABLES = ShownTable(
    TABLES, "active", False, None, None, TABLES, None, OPEN, "open"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A version as queries need it: what it consists of, and which it is. Versions
    never change.
    """

    manifest: Manifest
    number: int
    created: datetime


def shown_table(ctx: Context, params: Params) -> ShownTable:
    """The table that is asked for; everybody may ask for the list of those that they
    may read.
    """
    key = params.get("resource_id") or params.get("id")
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    if key == TABLES:
        return _ALL_TABLES
    found = datastore.find_shown(ctx.uow, str(key))
    if found is None:
        raise NotFound(f'Not found: Resource "{key}" was not found.')
    return found


@action(
    DatastoreSearch,
    allow=Permission.DATASET_READ,
    on=shown_table,
    safe=True,
    unknown="raise",
)
def datastore_search(ctx: Context, table: ShownTable, params: Params) -> dict[str, Any]:
    """Return rows of the table `resource_id`: `filters`, `q`, `sort`, `limit`,
    `offset`, `fields`, `distinct`.

    `filters` takes values, lists, and comparisons such as {"gia": {"gte": 1000}}. The
    answer names the fields with their types and, unless `include_total` is false, how
    many rows match. `version` (a number or a date) asks an older version;
    `include_next_page` tells the filter of the next page.
    """
    limit = min(
        100 if params["limit"] is None else params["limit"],
        ctx.portal.settings.datastore_rows_max,
    )
    query = RowQuery(
        limit=limit,
        offset=params["offset"] or 0,
        filters=params["filters"],
        q=params["q"],
        full_text=params["full_text"],
        plain=params["plain"],
        sort=params["sort"],
        fields=tuple(params["fields_"]) if params["fields_"] else None,
        distinct=params["distinct"],
        include_total=params["include_total"],
    )
    form = params["records_format"] or "objects"
    try:
        if table is _ALL_TABLES:
            rights = and_(
                policy.readable(ctx.actor), disclosure.with_open_rows(ctx.actor)
            )
            listed = datastore.list_readable(ctx.uow.session, rights)
            found = ctx.portal.tables.answer_names(listed, query, form)
        else:
            found = ctx.portal.tables.answer(
                _version(ctx, table, params).manifest, query, form
            )
    except RowQueryError as error:
        raise Invalid(dict(error.errors)) from None
    return _answer(table, params, query, found)


@action(ResourceOnly, allow=Permission.DATASET_READ, on=shown_table, safe=True)
def datastore_info(ctx: Context, table: ShownTable, params: Params) -> dict[str, Any]:
    """Return the columns of the table `resource_id` with their types and titles, and
    how many rows it has.
    """
    version = _version(ctx, table, params)
    manifest = version.manifest
    size = sum(part.bytes for part in manifest.parts)
    return {
        "fields": [
            {"id": "_id", "type": "int"},
            *(_field(manifest, column) for column in manifest.fields),
        ],
        "meta": {
            "id": table.resource_id,
            "count": manifest.rows,
            "size": size,
            "idx_size": 0,
            "db_size": size,
            "table_type": "BASE TABLE",
            "aliases": list(datastore.aliases(ctx.uow.session, table.resource_id)),
            "version": version.number,
            "created": stamp(version.created),
        },
    }


@action(DatastoreSql, allow=Permission.ANYONE, safe=True)
def datastore_search_sql(
    ctx: Context, settings: Settings, params: Params
) -> dict[str, Any]:
    """Return what one SELECT finds in tables that the caller may read: `sql`, tables
    named by their ids in quotes.

    Runs in a process of its own with limits on time, memory and rows. Off unless the
    portal's administrators switched it on; `records_truncated` tells that there were
    more rows than allowed.
    """
    if not settings.sql_search:
        raise NotAuthorized("Access denied: SQL search is not enabled on this portal")
    if not params["sql"]:
        raise Invalid({"sql": [MISSING]})

    def manifest_of(name: str) -> Manifest:
        table = datastore.find_shown(ctx.uow, name)
        version = _kept(ctx, table) if table else None
        if table is None or version is None:
            raise NotFound(f'Not found: Resource "{name}" was not found.')
        # Any number of tables may stand in one query: each is judged here, not by the
        # action's permission.
        if not policy.may_read(ctx.actor, table):
            raise NotAuthorized("Access denied: Not authorized to read resource.")
        disclosure.demand_rows(ctx.actor, table)
        return version.manifest

    try:
        return ctx.portal.tables.sql(
            params["sql"], manifest_of, settings.datastore_rows_max
        )
    except RefusedSql as error:
        if error.forbidden:
            raise NotAuthorized(f"Access denied: {error}") from None
        raise Invalid(dict(error.errors)) from None


def _version(ctx: Context, table: ShownTable, params: Params) -> Kept:
    """The version that is asked for, of which the caller may have the rows."""
    asked = str(params.get("version") or "").strip()
    if not asked:
        kept = _kept(ctx, table)
        if kept is None:
            raise NotFound(
                "Not found: Resource "
                f'"{params.get("resource_id") or params.get("id")}" was not found.'
            )
        disclosure.demand_rows(ctx.actor, table)
        return kept
    try:
        version = datastore.find_version(ctx.uow.session, table.resource_id, asked)
    except ValueError:
        raise Invalid({"version": ["A number or a date is expected"]}) from None
    found = datasets.find_resource(ctx.uow.session, table.resource_id)
    if (
        version is None
        or found is None
        or not old_versions.may_see(ctx.uow, ctx.actor, *found, version)
    ):
        raise NotFound("Not found: there is no such version.")
    return _of(version)


def _field(manifest: Manifest, column: Column) -> dict[str, Any]:
    """A column with what CKAN 2.12 says of its place in the table."""
    is_key = column.name in manifest.primary_key
    own = {
        "native_type": column.ckan_type,
        "notnull": False,
        "index_name": None,
        "is_index": is_key,
        "uniquekey": is_key and len(manifest.primary_key) == 1,
        "table_schema_type": column.type,
    }
    return {**column.described, "schema": own}


def _kept(ctx: Context, table: ShownTable) -> Kept | None:
    """The current version; what a version consists of is read from the database
    once.
    """
    if table.version_id is None:
        return None
    memory = ctx.portal.tables.versions
    key = table.version_id.encode()
    kept: Kept | None = memory.find(key)
    if kept is None:
        version = ctx.uow.session.get(TableVersion, table.version_id)
        if version is None:
            return None
        kept = _of(version)
        memory.put(key, kept)
    return kept


def _of(version: TableVersion) -> Kept:
    return Kept(Manifest.from_dict(version.manifest), version.number, version.created)


def _answer(
    table: ShownTable, params: Params, query: RowQuery, found: Answer
) -> dict[str, Any]:
    """The answer in CKAN's shape, with what was asked for repeated in it."""
    # A page of CSV or TSV is one text in the answer; records are JSON already.
    is_text = params["records_format"] in ("csv", "tsv")
    answer: dict[str, Any] = {
        "resource_id": table.resource_id,
        "include_total": params["include_total"],
        "include_next_page": params["include_next_page"],
        "records_format": params["records_format"] or "objects",
        "limit": query.limit,
        **{
            name.rstrip("_"): params[name]
            for name in ECHOED
            if params.get(name) not in (None, False)
        },
        "fields": found.fields,
        "records": orjson.loads(found.records)
        if is_text
        else orjson.Fragment(found.records),
        # Gone from CKAN 2.12; clients of 2.9 to 2.11 read them still.
        "_links": _links(params, query.limit),
        "total_was_estimated": False,
    }
    if found.total is not None:
        answer["total"] = found.total
    full = found.count == query.limit and found.last is not None
    # The filter of the next page goes by `_id`: only rows in its order can go on so.
    if params["include_next_page"] and full and query.by_number:
        answer["next_page"] = {"_id": {"gt": found.last}}
    return answer


LINKED = (
    "resource_id",
    "id",
    "sort",
    "q",
    "full_text",
    "filters",
    "records_format",
    "language",
    "version",
)


def _links(params: Params, limit: int) -> dict[str, str]:
    """Addresses of the first, this and the next page, as CKAN before 2.12 gave them."""
    offset = params["offset"] or 0
    base = {name: params[name] for name in LINKED if params.get(name)}
    base |= {"fields": ",".join(params["fields_"])} if params["fields_"] else {}
    base |= {name: "true" for name in ("distinct",) if params[name]}
    base |= {name: "false" for name in ("plain", "include_total") if not params[name]}
    if base.get("records_format") == "objects":
        del base["records_format"]
    texts = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in base.items()
    }
    start = "/api/3/action/datastore_search?"
    links = {"start": start + urlencode({**texts, "limit": limit})}
    if offset:
        links["prev"] = start + urlencode(
            {**texts, "limit": limit, "offset": max(0, offset - limit)}
        )
    return {
        **links,
        "next": start + urlencode({**texts, "limit": limit, "offset": offset + limit}),
    }
