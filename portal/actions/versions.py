"""Versions of rows: which there are, and what changed between two of them."""

from __future__ import annotations

from typing import Any

from portal.access import old_versions
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets, datastore
from portal.domain.base import stamp
from portal.domain.datasets import Dataset, TableVersion
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from portal.tabular.compare import match_columns
from portal.tabular.manifest import Manifest
from portal.tabular.reading_rows.query import RowQueryError
from schemas.datastore import DatastoreDiff, DatastoreVersions
from schemas.values import MISSING

MOST = 1000
"""Rows, or versions, of one answer."""


def shown_with_versions(ctx: Context, params: Params) -> Dataset:
    """The dataset of the resource (by id or alias) whose versions are asked for."""
    key = params.get("resource_id") or params.get("id")
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    found = datasets.find_resource(
        ctx.uow.session, datastore.resolve(ctx.uow.session, key)
    )
    if found is None:
        raise NotFound(f'Not found: Resource "{key}" was not found.')
    # An alias may have been sent: from here on it is the id.
    params["resource_id"] = found[0].id
    return found[1]


@action(
    DatastoreVersions,
    allow=Permission.DATASET_READ,
    on=shown_with_versions,
    safe=True,
)
def datastore_versions(
    ctx: Context, dataset: Dataset, params: Params
) -> dict[str, Any]:
    """Return the versions of the rows of `resource_id`, newest first: {version,
    created, rows, fields, current}.
    """
    resource = dataset.find_resource(params["resource_id"])
    limit, offset = (
        min(params["limit"] if params["limit"] is not None else 100, MOST),
        params["offset"] or 0,
    )
    listed = datastore.list_versions(
        ctx.uow.session, params["resource_id"], limit, offset
    )
    current = resource.version_id if resource else None
    return {
        "resource_id": params["resource_id"],
        "versions": [
            {
                "version": version.number,
                "created": stamp(version.created),
                "rows": version.rows,
                "fields": [field["name"] for field in version.manifest["fields"]],
                "fingerprint": version.fingerprint,
                "current": version.id == current,
            }
            for version in listed
            if resource
            and old_versions.may_see(ctx.uow, ctx.actor, resource, dataset, version)
        ],
    }


@action(DatastoreDiff, allow=Permission.DATASET_READ, on=shown_with_versions, safe=True)
def datastore_diff(ctx: Context, dataset: Dataset, params: Params) -> dict[str, Any]:
    """Return what changed in the rows of `resource_id` between the versions `from` and
    `to` (numbers or ISO dates).

    Without them the current version is compared with the one before it. Rows are
    matched by `key` (columns), else by the primary key, else by `_id`; the answer
    counts added, removed and changed rows and pages through them with `limit` and
    `offset`. /datastore/diff/<resource_id> gives them all, as NDJSON or CSV.
    """
    new = _version(ctx, dataset, params, "to", params["to"])
    old = _version(ctx, dataset, params, "from", params["from_"] or str(new.number - 1))
    before, after = Manifest.from_dict(old.manifest), Manifest.from_dict(new.manifest)
    try:
        keys = match_columns(before, after, params["key"] or ())
    except RowQueryError as error:
        raise Invalid(dict(error.errors)) from None
    limit, offset = (
        min(params["limit"] if params["limit"] is not None else 100, MOST),
        params["offset"] or 0,
    )
    found = ctx.portal.tables.compare(before, after, keys, limit, offset)
    names = [
        {column.name for column in manifest.fields} for manifest in (before, after)
    ]
    return {
        "resource_id": params["resource_id"],
        "from": {
            "version": old.number,
            "created": stamp(old.created),
            "rows": old.rows,
        },
        "to": {"version": new.number, "created": stamp(new.created), "rows": new.rows},
        "key": list(keys),
        "fields_added": sorted(names[1] - names[0]),
        "fields_removed": sorted(names[0] - names[1]),
        "counts": found.counts,
        "rows": found.rows,
        "limit": limit,
        "offset": offset,
    }


def _version(
    ctx: Context, dataset: Dataset, params: Params, name: str, asked: str | None
) -> TableVersion:
    """The version asked for, else the current one; raises NotFound or Invalid."""
    resource = dataset.find_resource(params["resource_id"])
    if not asked and resource is not None:
        found = datasets.current_version(ctx.uow.session, resource)
    else:
        try:
            found = datastore.find_version(
                ctx.uow.session, params["resource_id"], str(asked)
            )
        except ValueError:
            raise Invalid(
                {name: ["Must be the number of a version or an ISO date"]}
            ) from None
    seen = (
        found
        and resource
        and old_versions.may_see(ctx.uow, ctx.actor, resource, dataset, found)
    )
    if found is None or not seen:
        # A version that may not be seen is answered as one that is not there.
        raise NotFound("Not found: there is no such version.")
    return found
