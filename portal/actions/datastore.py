"""Rows of tables: datastore_search and datastore_info."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.db import datastore as names
from portal.domain.base import stamp
from portal.domain.datasets import Dataset, Resource, TableVersion
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from portal.tabular.manifest import Column, Manifest
from portal.tabular.store import RowPage, RowQuery, RowQueryError
from schemas.datasets import MISSING
from schemas.datastore import DatastoreSearch, ResourceOnly

ECHOED = ("fields_", "sort", "filters", "q", "distinct", "language", "offset")
"""Parameters that an answer repeats when they were given."""


def dataset_of_rows(ctx: Context, params: Params) -> Dataset:
    """The dataset of the resource whose rows are asked for."""
    key = params.get("resource_id") or params.get("id")
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    found = db.find_resource(ctx.uow.session, names.resolve(ctx.uow.session, key))
    if found is None:
        raise NotFound(f'Not found: Resource "{key}" was not found.')
    params["resource_id"] = found[0].id
    return found[1]


@action(DatastoreSearch, allow=Permission.DATASET_READ, on=dataset_of_rows, safe=True, unknown="raise")
def datastore_search(ctx: Context, dataset: Dataset, params: Params) -> dict[str, Any]:
    """Return rows of the table `resource_id`: `filters`, `q`, `sort`, `limit`, `offset`, `fields`, `distinct`.

    `filters` takes values, lists, and comparisons such as {"gia": {"gte": 1000}}. The answer names
    the fields with their types and, unless `include_total` is false, how many rows match.
    """
    resource, version = _rows(ctx, dataset, params)
    manifest = Manifest.from_dict(version.manifest)
    most = ctx.portal.settings.datastore_rows_max
    limit = min(params["limit"] if params["limit"] is not None else 100, most)
    query = RowQuery(
        limit=limit,
        offset=params["offset"] or 0,
        filters=params["filters"],
        q=params["q"] or params["full_text"],
        sort=params["sort"],
        fields=tuple(params["fields_"]) if params["fields_"] else None,
        distinct=params["distinct"],
        include_total=params["include_total"],
    )
    try:
        page = ctx.portal.tables.search(manifest, query)
    except RowQueryError as error:
        raise Invalid(dict(error.errors)) from None
    return _answer(ctx, resource, params, limit, page)


@action(ResourceOnly, allow=Permission.DATASET_READ, on=dataset_of_rows, safe=True)
def datastore_info(ctx: Context, dataset: Dataset, params: Params) -> dict[str, Any]:
    """Return the columns of the table `resource_id` with their types and titles, and how many rows it has."""
    resource, version = _rows(ctx, dataset, params)
    manifest = Manifest.from_dict(version.manifest)
    size = sum(part.bytes for part in manifest.parts)
    return {
        "fields": [{"id": "_id", "type": "int"}, *(_field(manifest, column) for column in manifest.fields)],
        "meta": {
            "id": resource.id,
            "count": manifest.rows,
            "size": size,
            "idx_size": 0,
            "db_size": size,
            "table_type": "BASE TABLE",
            "aliases": list(names.aliases(ctx.uow.session, resource.id)),
            "version": version.number,
            "created": stamp(version.created),
        },
    }


def _rows(ctx: Context, dataset: Dataset, params: Params) -> tuple[Resource, TableVersion]:
    key = params.get("resource_id") or params.get("id")
    resource = dataset.find_resource(str(key))
    version = db.current_version(ctx.uow.session, resource) if resource else None
    if resource is None or version is None:
        raise NotFound(f'Not found: Resource "{key}" was not found.')
    return resource, version


def _field(manifest: Manifest, column: Column) -> dict[str, Any]:
    """A column with what CKAN 2.12 says of its place in the table."""
    is_key = column.name in manifest.primary_key
    own = {"native_type": column.ckan_type, "notnull": False, "index_name": None, "is_index": is_key,
           "uniquekey": is_key and len(manifest.primary_key) == 1, "table_schema_type": column.type}  # fmt: skip
    return {**column.described, "schema": own}


def _answer(ctx: Context, resource: Resource, params: Params, limit: int, page: RowPage) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "resource_id": resource.id,
        "include_total": params["include_total"],
        "include_next_page": params["include_next_page"],
        "records_format": params["records_format"],
        "limit": limit,
        **{name.rstrip("_"): params[name] for name in ECHOED if params.get(name) not in (None, False)},
        "fields": page.fields,
        "records": page.records(params["records_format"]),
        "_links": _links(params, limit),
        "total_was_estimated": False,
    }
    if page.total is not None:
        answer["total"] = page.total
    return answer


def _links(params: Params, limit: int) -> dict[str, str]:
    """Addresses of the first, this and the next page, as CKAN before 2.12 gave them."""
    offset = params["offset"] or 0
    base = {name: params[name] for name in ("resource_id", "sort", "q") if params.get(name)}
    texts = {name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in base.items()}
    start = "/api/3/action/datastore_search?"
    links = {"start": start + urlencode({**texts, "limit": limit})}
    if offset:
        links["prev"] = start + urlencode({**texts, "limit": limit, "offset": max(0, offset - limit)})
    return {**links, "next": start + urlencode({**texts, "limit": limit, "offset": offset + limit})}
