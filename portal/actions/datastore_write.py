"""Writing rows: datastore_create, datastore_upsert, datastore_delete,
datastore_records_delete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError

from portal.access.policy import Permission
from portal.actions._shared import row_writes
from portal.actions.registry import Params, action
from portal.db import datastore, resources
from portal.db.holding import HeldDataset, find_live_resource, held_dataset
from portal.domain.base import new_id
from portal.domain.datasets import Resource
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from portal.tabular.manifest import Column, Manifest, alike
from portal.tabular.store import RowQuery, RowQueryError
from portal.tabular.versions import upserting
from portal.tabular.versions.records import (
    RecordError,
    column_of,
    good_alias,
    good_name,
    guess,
)
from portal.tabular.versions.upserting import INSERT, UPSERT
from schemas.datasets import ResourceParams, resource_record
from schemas.datastore import DatastoreCreate, DatastoreDelete, DatastoreUpsert
from schemas.values import MISSING

OWN = "datastore"
READ_ONLY = (
    'Cannot edit read-only resource. Either pass "force": true or change url_type to '
    "datastore: its rows come from a file or a harvest source and would be replaced "
    "by the next one."
)
MOST_RECORDS = 250_000
MOST_COLUMNS = 1600
"""PostgreSQL's own limit of columns."""

Json = dict[str, Any]


def held_by_table(ctx: Context, params: Params) -> HeldDataset:
    """The dataset, held, of the resource (by id or alias) whose rows are to be
    written.
    """
    key = params.get("resource_id") or params.get("id")
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    found = find_live_resource(ctx.uow, datastore.resolve(ctx.uow.session, key))
    if found is None:
        raise NotFound(f'Not found: Resource "{key}" was not found.')
    # An alias may have been sent: from here on it is the id.
    params["resource_id"] = found.resource.id
    return found.dataset


def held_to_create_in(ctx: Context, params: Params) -> HeldDataset:
    """The dataset, held, of a known resource, or the one that gets a new resource."""
    if params.get("resource") is None:
        return held_by_table(ctx, params)
    return held_dataset(ctx.uow, str(params["resource"]["package_id"]))


@action(
    DatastoreCreate,
    allow=Permission.DATASET_UPDATE,
    on=held_to_create_in,
    unknown="raise",
)
def datastore_create(ctx: Context, dataset: HeldDataset, params: Params) -> Json:
    """Make or alter the table of `resource_id`, or of a new resource {package_id, …},
    and add `records`.

    `fields` are {id, type, info}; a field without a type gets one from the first
    record. New fields are added to a table that exists; `delete_fields` takes those
    away that are not named. `primary_key` must be unique, `aliases` replace the earlier
    ones. Indexes are accepted and not needed.
    """
    resource = (
        _new_resource(ctx, dataset, params)
        if params["resource"]
        else _locked(ctx, params)
    )
    fresh = resource.version_id is None
    before = datastore.manifest_of(ctx.uow.session, resource)
    records = params["records"] or []
    try:
        manifest = _shaped(ctx, before, params)
        manifest = _written(
            ctx, manifest, records, UPSERT if manifest.primary_key else INSERT
        )
        access = row_writes.judge(ctx, dataset, resource, before, manifest, records)
    except RecordError as error:
        raise Invalid(error.errors) from None
    _alias(ctx, resource, params["aliases"])
    _keep(ctx, dataset, resource, manifest, access, quiet=not fresh)
    answer = {
        "resource_id": resource.id,
        "method": INSERT,
        "fields": [column.described for column in manifest.fields],
        "primary_key": list(manifest.primary_key),
        **{
            name: params[name]
            for name in ("aliases", "indexes")
            if params[name] is not None
        },
    }
    return _answered(answer, manifest, params)


@action(
    DatastoreUpsert, allow=Permission.DATASET_UPDATE, on=held_by_table, unknown="raise"
)
def datastore_upsert(ctx: Context, dataset: HeldDataset, params: Params) -> Json:
    """Write `records` into the table `resource_id`: `method` upsert (default), insert
    or update; all, or none.

    upsert and update find rows by the primary key or by `_id` and change only the
    fields that are given. `dry_run` says whether it would work, and keeps nothing.
    """
    resource = _locked(ctx, params)
    before = _table(ctx, resource)
    method = params["method"] or UPSERT
    try:
        manifest = _written(ctx, before, params["records"] or [], method)
        access = row_writes.judge(
            ctx, dataset, resource, before, manifest, params["records"] or []
        )
    except RecordError as error:
        raise Invalid(error.errors) from None
    if params["dry_run"]:
        # The audit row and the commit of the action follow; what was written so far
        # goes.
        ctx.uow.session.rollback()
    else:
        _keep(ctx, dataset, resource, manifest, access, quiet=True)
    answer = {
        "resource_id": resource.id,
        "method": method,
        "force": params["force"],
        "dry_run": params["dry_run"],
    }
    return _answered(answer, manifest, params)


@action(
    DatastoreDelete, allow=Permission.DATASET_UPDATE, on=held_by_table, unknown="raise"
)
def datastore_delete(ctx: Context, dataset: HeldDataset, params: Params) -> Json:
    """Delete rows of `resource_id` that `filters` find ({}: all); without filters the
    table itself, with its aliases.

    Earlier versions stay until the retention lets them go.
    """
    resource = _locked(ctx, params)
    manifest = _table(ctx, resource)
    if params["filters"] is None:
        datastore.drop_table(ctx.uow.session, resource)
        resources.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url)
        return {"resource_id": resource.id, "force": params["force"]}
    return _delete_rows(ctx, dataset, resource, manifest, params)


@action(
    DatastoreDelete, allow=Permission.DATASET_UPDATE, on=held_by_table, unknown="raise"
)
def datastore_records_delete(
    ctx: Context, dataset: HeldDataset, params: Params
) -> Json:
    """Delete rows of `resource_id` that `filters` find ({}: all); the table stays."""
    if params["filters"] is None:
        raise Invalid({"filters": [MISSING]})
    resource = _locked(ctx, params)
    return _delete_rows(ctx, dataset, resource, _table(ctx, resource), params)


def _delete_rows(
    ctx: Context,
    dataset: HeldDataset,
    resource: Resource,
    manifest: Manifest,
    params: Params,
) -> Json:
    """Delete the rows that the filters find, all for {}, and answer as CKAN does."""
    filters = params["filters"]
    if not isinstance(filters, Mapping):
        raise Invalid({"filters": ["Not a json object"]})
    answer: Json = {
        "resource_id": resource.id,
        "filters": filters,
        "force": params["force"],
    }
    tables = ctx.portal.tables
    if not filters:
        # No row has to be looked for: the new version simply has none.
        changed = tables.changes.truncate(manifest)
    else:
        query = RowQuery(
            filters=filters, fields=("_id",), limit=-1, include_total=False
        )
        try:
            ids = [row[0] for block in tables.rows(manifest, query) for row in block]
        except RowQueryError as error:
            raise Invalid(dict(error.errors)) from None
        if params["include_deleted_records"]:
            answer["deleted_records"] = _records(ctx, manifest, filters)
        changed = tables.changes.exchange(
            manifest, tables.changes.rows_by_id(manifest, []), ids
        )
    _keep(
        ctx, dataset, resource, changed, row_writes.access_after(resource), quiet=True
    )
    return answer


def _records(ctx: Context, manifest: Manifest, filters: Mapping[str, Any]) -> Any:
    """The rows that are about to go, as records, as many as one page may have."""
    most = ctx.portal.settings.datastore_rows_max
    return ctx.portal.tables.search(
        manifest, RowQuery(filters=filters, limit=most, include_total=False)
    ).records()


def _locked(ctx: Context, params: Params) -> Resource:
    """The resource, held for this transaction. Raises Invalid for one whose rows are
    not its writers' own.
    """
    resource = datastore.lock(ctx.uow.session, params["resource_id"])
    if resource.url_type != OWN and not params["force"]:
        raise Invalid({"read-only": [READ_ONLY]})
    return resource


def _table(ctx: Context, resource: Resource) -> Manifest:
    """The table of a resource as it is; raises NotFound for one without rows."""
    manifest = datastore.manifest_of(ctx.uow.session, resource)
    if manifest is None:
        raise NotFound(f'Not found: Resource "{resource.id}" was not found.')
    return manifest


def _new_resource(ctx: Context, dataset: HeldDataset, params: Params) -> Resource:
    """A resource that is nothing but its rows."""
    try:
        record = resource_record(ResourceParams().load(params["resource"]))
    except ValidationError as error:
        raise Invalid({"resource": [error.messages_dict]}) from None
    if record.id and ctx.uow.session.get(Resource, record.id):
        raise Invalid({"resource": [{"id": ["Resource id already exists."]}]})
    place = resources.next_position(ctx.uow.session, dataset.id)
    resource = Resource(
        id=record.id or new_id(), package_id=dataset.id, position=place, state="active"
    )
    ctx.uow.session.add(resource)
    resource.describe(replace(record, format=record.format or "CSV"))
    resource.url_type, resource.mimetype, resource.file_name = (
        OWN,
        "text/csv",
        f"{resource.id}.csv",
    )
    ctx.uow.session.flush()
    return resource


def _shaped(ctx: Context, manifest: Manifest | None, params: Params) -> Manifest:
    """The table with the columns and the key that are asked for. Raises RecordError."""
    # A table that exists keeps the columns and the key that are not named, as in CKAN.
    known = {column.name: column for column in manifest.fields} if manifest else {}
    columns = _columns(known, params)
    names = {column.name for column in columns}
    primary_key = params["primary_key"]
    keys = tuple(
        manifest.primary_key if primary_key is None and manifest else primary_key or ()
    )
    unknown = [key for key in keys if key not in names]
    # A key that is not named in this call may lose its column to delete_fields.
    if unknown and primary_key is None:
        keys, unknown = (), []  # the key went with its column
    if unknown:
        raise RecordError(
            {"primary_key": [f'"{unknown[0]}" is not a field of the table']}
        )
    changes = ctx.portal.tables.changes
    if manifest is None:
        return changes.empty(columns, keys)
    altered = changes.alter(manifest, columns, keys)
    if (
        keys
        and keys != manifest.primary_key
        and (double := changes.duplicate_key(altered, keys))
    ):
        values = ", ".join(map(str, double.values()))
        raise RecordError(
            {
                "constraints": [
                    f"could not create unique index: key ({values}) is duplicated"
                ]
            }
        )
    return altered


def _columns(known: Mapping[str, Column], params: Params) -> list[Column]:
    """The columns in order: those that stay, those of `fields`, those that the first
    record brings.
    """
    given = params["fields_"] or []
    names = [field.get("id") for field in given]
    if len({str(name) for name in names}) != len(names):
        raise RecordError({"fields": ["a field is named twice"]})
    first: Mapping[str, Any] = params["records"][0] if params["records"] else {}
    dropped = params["delete_fields"] and params["fields_"] is not None
    columns = {
        name: column for name, column in known.items() if not dropped or name in names
    }
    for field in given:
        name = field.get("id")
        if name in columns:
            columns[name] = _informed(columns[name], field)
        else:
            column = column_of(
                field, guess(first.get(name)) if isinstance(name, str) else "text"
            )
            columns[column.name] = column
    for name, value in first.items():
        # CKAN adds a column for a new key of the first record; `_id` is no column of
        # its own.
        if name not in columns and name != "_id":
            columns[name] = column_of({"id": name}, guess(value))
    first_of: dict[str, str] = {}
    for name in columns:
        # The engine that reads the rows takes "A" and "a" for one column.
        if (other := first_of.setdefault(alike(name), name)) != name:
            raise RecordError(
                {
                    "fields": [
                        f'field "{name}" differs from "{other}" only in upper and '
                        "lower case"
                    ]
                }
            )
    if len(columns) > MOST_COLUMNS:
        raise RecordError({"fields": [f"a table has at most {MOST_COLUMNS} fields"]})
    return list(columns.values())


def _informed(column: Column, field: Mapping[str, Any]) -> Column:
    """A known column with what is newly said of it; its type stays."""
    checked = (
        column_of({**field, "type": field.get("type") or "text"})
        if good_name(column.name)
        else column
    )
    return replace(column, info=checked.info) if "info" in field else column


def _written(
    ctx: Context, manifest: Manifest, records: Sequence[Mapping[str, Any]], method: str
) -> Manifest:
    """The table with the records in it; raises RecordError beyond MOST_RECORDS."""
    if len(records) > MOST_RECORDS:
        raise RecordError({"records": [f"at most {MOST_RECORDS} records at once"]})
    return upserting.apply(ctx.portal.tables.changes, manifest, records, method)


def _alias(ctx: Context, resource: Resource, aliases: Sequence[str] | None) -> None:
    """Replace the aliases of a table, unless none are named; raises Invalid."""
    if aliases is None:
        return
    wrong = [name for name in aliases if not good_alias(name)]
    if wrong:
        raise Invalid({"alias": [f'"{wrong[0][:100]}" is not a valid alias name']})
    taken = datastore.set_aliases(ctx.uow.session, resource.id, aliases)
    if taken:
        raise Invalid({"alias": [f'"{taken[0]}" is already taken']})


def _keep(
    ctx: Context,
    dataset: HeldDataset,
    resource: Resource,
    manifest: Manifest,
    access: str,
    *,
    quiet: bool,
) -> None:
    """Point the resource at its new rows; a change of rows alone leaves no activity of
    the dataset.
    """
    datastore.new_version(ctx.uow, resource, manifest, access)
    resources.save(
        ctx.uow, dataset, resource, ctx.portal.settings.site_url, quiet=quiet
    )


def _answered(answer: Json, manifest: Manifest, params: Params) -> Json:
    """The answer with the total and the records, where they are asked for."""
    counted = {"total": manifest.rows} if params["calculate_record_count"] else {}
    return {
        **answer,
        **counted,
        **({"records": params["records"] or []} if params["include_records"] else {}),
    }
