"""Files and tables as downloads: rights first, then ranges, ETags and honest content types."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from typing import Any

import orjson
from flask import Blueprint, Response, redirect, request, send_file
from werkzeug.exceptions import BadRequest, Forbidden, NotFound

from portal.access import policy
from portal.db import datasets as db
from portal.domain.base import is_uuid
from portal.domain.datasets import Dataset, Resource, TableVersion
from portal.tabular.export import FORMS, MEDIA_TYPES
from portal.tabular.manifest import Column
from portal.tabular.rendering import csv_text, fragment
from portal.tabular.store import Manifest, RowQuery, RowQueryError
from portal.web.action_api import actor_of_request, the_portal

downloads = Blueprint("downloads", __name__)
ACTIVE_CONTENT = ("text/html", "application/xhtml+xml", "image/svg+xml", "application/xml", "text/xml")
BLOCK = 5000
DUMPS = ("csv", "tsv", "json", "ndjson")
Answer = Response | Any


@downloads.route("/dataset/<dataset_id>/resource/<resource_id>/download")
@downloads.route("/dataset/<dataset_id>/resource/<resource_id>/download/<path:name>")
def download(dataset_id: str, resource_id: str, name: str = "") -> Answer:
    """The bytes of a resource: its file, its table in the form that the name's suffix asks for, or its link."""
    with the_portal().read() as uow:
        resource, dataset = _visible(uow, resource_id)
        if dataset_id not in (dataset.id, dataset.name):
            raise NotFound
        version = _version(uow, resource)
        editor = policy.may_edit(actor_of_request(), dataset)
        if not editor and db.holds_persons(uow.session, resource):
            raise Forbidden
        held = not editor and resource.url_type == "upload" and not db.passed(uow.session, resource)
    if held and version is None:
        raise Forbidden("This file is not published: it waits for its validation, or did not pass it.")
    if (held or resource.url_type in ("harvest", "datastore")) and version is not None:
        return _table(resource, version, name)
    if resource.file_key:
        return _file(resource)
    if resource.url.startswith(("http://", "https://")):
        return redirect(resource.url)
    raise NotFound


@downloads.route("/datastore/dump/<resource_id>")
def dump(resource_id: str) -> Answer:
    """Rows of a table: whole, or those that filters, q, sort, fields, limit and offset choose."""
    form = request.args.get("format", "csv").lower()
    if form not in DUMPS:
        raise BadRequest(f"format takes one of {', '.join(DUMPS)}")
    try:
        with the_portal().read() as uow:
            resource, _ = _visible(uow, resource_id)
            version = _version(uow, resource)
    except Forbidden:
        raise NotFound from None  # as CKAN: a dump does not tell that a private table exists
    if version is None:
        raise NotFound
    manifest = Manifest.from_dict(version.manifest)
    if not set(request.args) - {"format"}:
        return _whole(manifest, form, f"{resource.id}.{form}", attachment=True)
    return _chosen(manifest, form, resource.id)


def _visible(uow: Any, resource_id: str) -> tuple[Resource, Dataset]:
    found = db.find_resource(uow.session, resource_id) if is_uuid(resource_id) else None
    if found is None:
        raise NotFound
    if not policy.may_read(actor_of_request(), found[1]):
        raise Forbidden
    return found


def _version(uow: Any, resource: Resource) -> TableVersion | None:
    asked = request.args.get("version")
    if not asked:
        return db.current_version(uow.session, resource)
    found = db.find_version(uow.session, resource.id, int(asked)) if asked.isdigit() else None
    if found is None or not _may_see(uow, resource, found):
        raise NotFound("There is no such version.")
    return found


def _may_see(uow: Any, resource: Resource, version: TableVersion) -> bool:
    """An old version may hold what was dropped before the dataset was opened: it stays with those who edit it."""
    if not db.version_holds_persons(uow.session, resource, version):
        return True
    return policy.may_edit(actor_of_request(), db.get_dataset(uow.session, resource.package_id))


def _table(resource: Resource, version: TableVersion, name: str) -> Answer:
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else "csv"
    form = suffix if suffix in FORMS else "csv"
    stem = (resource.file_name or resource.id).rsplit(".", 1)[0]
    return _whole(Manifest.from_dict(version.manifest), form, f"{stem}.{form}")


def _whole(manifest: Manifest, form: str, name: str, *, attachment: bool = False) -> Answer:
    path = the_portal().tables.export(manifest, form)
    return send_file(
        path,
        mimetype=MEDIA_TYPES[form],
        as_attachment=attachment,
        download_name=name,
        conditional=True,
        etag=f"{manifest.fingerprint}-{form}",
        max_age=0,
    )


def _file(resource: Resource) -> Answer:
    key = resource.file_key or ""
    if not the_portal().files.exists(key):
        raise NotFound
    name = resource.file_name or resource.id
    kind = resource.mimetype or mimetypes.guess_type(name)[0] or "application/octet-stream"
    answer = send_file(
        the_portal().files.path(key),
        mimetype=kind,
        as_attachment=False,
        download_name=name,
        conditional=True,
        etag=key,
        last_modified=resource.last_modified,
        max_age=0,
    )
    answer.headers["Content-Disposition"] = f"inline; filename={name}"
    if kind in ACTIVE_CONTENT:
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def _chosen(manifest: Manifest, form: str, resource_id: str) -> Response:
    query = _query()
    store = the_portal().tables
    try:
        columns = store.columns(manifest, query)
        blocks = store.rows(manifest, query, BLOCK)
        first = next(blocks, [])
    except RowQueryError as error:
        raise BadRequest(orjson.dumps(error.errors).decode()) from None
    bom = request.args.get("bom", "").lower() in ("true", "1", "yes")
    body = _render(columns, _again(first, blocks), form, bom=bom)
    answer = Response(body, mimetype=MEDIA_TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{resource_id}.{form}"'
    return answer


def _again(first: list[Any], rest: Iterator[list[Any]]) -> Iterator[list[Any]]:
    yield first
    yield from rest


def _query() -> RowQuery:
    arguments = request.args
    try:
        filters = orjson.loads(arguments["filters"]) if arguments.get("filters") else None
        limit = int(arguments.get("limit", -1))
        offset = max(0, int(arguments.get("offset", 0)))
    except (orjson.JSONDecodeError, ValueError):
        raise BadRequest("filters takes a JSON object; limit and offset take whole numbers") from None
    fields = tuple(name.strip() for name in arguments.get("fields", "").split(",") if name.strip())
    return RowQuery(
        limit=limit,
        offset=offset,
        filters=filters,
        q=arguments.get("q"),
        sort=arguments.get("sort"),
        fields=fields or None,
        include_total=False,
    )


def _render(columns: tuple[Column, ...], blocks: Iterator[list[Any]], form: str, *, bom: bool) -> Iterator[bytes]:
    """The rows as a stream, a block at a time; it is read after the request is over."""
    if form in ("csv", "tsv"):
        delimiter = "," if form == "csv" else "\t"
        if bom:
            yield b"\xef\xbb\xbf"
        header = csv_text([Column("", "string", "text")] * len(columns), [tuple(c.name for c in columns)], delimiter)
        yield header.removesuffix("\n").encode() + b"\r\n"
        for block in blocks:
            yield csv_text(columns, block, delimiter).encode()
        return
    yield from _render_json(columns, blocks, form)


def _render_json(columns: tuple[Column, ...], blocks: Iterator[list[Any]], form: str) -> Iterator[bytes]:
    names = [column.name for column in columns]
    if form == "json":
        fields = [{"id": column.name, "type": column.ckan_type} for column in columns]
        yield b'{"fields":' + orjson.dumps(fields) + b',"records":['
    glue = b""
    for block in blocks:
        for row in block:
            values = [fragment(value, column) for value, column in zip(row, columns, strict=True)]
            if form == "ndjson":
                yield orjson.dumps(dict(zip(names, values, strict=True))) + b"\n"
            else:
                yield glue + orjson.dumps(values)
                glue = b",\n"
    if form == "json":
        yield b"]}"
