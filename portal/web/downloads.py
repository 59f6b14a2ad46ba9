"""Files and tables as downloads: rights first, then ranges, ETags and honest content
types.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, redirect, request, send_file
from werkzeug.exceptions import BadRequest, Forbidden, NotFound

from portal.access import disclosure, old_versions, policy
from portal.db import datasets as db
from portal.db import datastore
from portal.domain.base import is_uuid
from portal.domain.datasets import Dataset, Resource, ShownTable, TableVersion
from portal.tabular.compare import FORMS as DIFFERENCES
from portal.tabular.compare import match_columns
from portal.tabular.exports.export import FORMS, MEDIA_TYPES, Look
from portal.tabular.store import Manifest, RowQuery, RowQueryError
from portal.web.action_api import actor_of_request, the_portal
from portal.web.envelope import SANDBOX
from schemas import bounds, mediatypes

downloads = Blueprint("downloads", __name__)
Answer = Response | Any


@downloads.route("/dataset/<dataset_id>/resource/<resource_id>/download")
@downloads.route("/dataset/<dataset_id>/resource/<resource_id>/download/<path:name>")
def download(dataset_id: str, resource_id: str, name: str = "") -> Answer:
    """The bytes of a resource: its file, its table in the form that the name's suffix
    asks for, or its link.
    """
    with the_portal().read() as uow:
        # The resource decides; the dataset in the address is only compared, so that no
        # resource shows up below a dataset that it is not part of.
        resource, dataset = _visible(uow, resource_id)
        if dataset_id not in (dataset.id, dataset.name):
            raise NotFound
        version = _asked_version(uow, resource.id, resource.version_id)
        actor = actor_of_request()
        if version is not None and not old_versions.may_see(
            uow, actor, resource, dataset, version
        ):
            version = None
        closed = not disclosure.may_see_resource(actor, resource, dataset)
    # An upload is answered by its own bytes, and not by what was read from it. Only
    # while those are closed does the last version that was let through take their
    # place.
    own_rows = resource.url_type in ("harvest", "datastore") or (
        closed and resource.file_key
    )
    if version is not None and own_rows:
        return _table(resource, version, name)
    if closed:
        raise Forbidden(disclosure.closed(actor, dataset, resource.access).message)
    if resource.file_key:
        return _file(resource)
    if resource.url.startswith(("http://", "https://")):
        return redirect(resource.url)
    raise NotFound


@downloads.route("/datastore/dump/<resource_id>")
def dump(resource_id: str) -> Answer:
    """Rows of a table: whole, or those that filters, q, sort, fields, limit and offset
    choose.

    `numbered=false` leaves the column `_id` out.
    """
    form = request.args.get("format", "csv").lower()
    if form not in FORMS:
        raise BadRequest(f"format takes one of {', '.join(FORMS)}")
    with the_portal().read() as uow:
        table = datastore.find_shown(uow, resource_id)
        if table is None or not policy.may_read(actor_of_request(), table):
            raise NotFound  # as CKAN: a dump does not tell that a private table exists
        version = _asked_version(uow, table.resource_id, table.version_id)
        # A version that is asked for by its number is judged by `old_versions`; what
        # holds for the newest rows need not hold for it.
        if not _said("version"):
            _demand_rows(table)
    if version is None:
        raise NotFound
    manifest, query, look = Manifest.from_dict(version.manifest), _query(), _look()
    numbered = _flag("numbered", default=True)
    # Nothing was chosen, so the whole table is meant: that is a file that is kept, with
    # ranges and a tag. A choice is streamed.
    if query == RowQuery(limit=-1, include_total=False):
        return _whole(
            manifest,
            form,
            f"{table.resource_id}.{form}",
            look,
            attachment=True,
            numbered=numbered,
        )
    if not (numbered or query.fields):
        query = replace(query, fields=tuple(column.name for column in manifest.fields))
    return _chosen(manifest, form, table.resource_id, query, look)


@downloads.route("/datastore/diff/<resource_id>")
def diff(resource_id: str) -> Answer:
    """All rows that differ between the versions `from` and `to`, matched by `key`, as
    NDJSON or CSV.
    """
    form = request.args.get("format", "ndjson").lower()
    if form not in DIFFERENCES:
        raise BadRequest(f"format takes one of {', '.join(DIFFERENCES)}")
    with the_portal().read() as uow:
        table = datastore.find_shown(uow, resource_id)
        if table is None or not policy.may_read(actor_of_request(), table):
            raise NotFound
        if not _said("to"):
            _demand_rows(table)
        new = _asked_version(uow, table.resource_id, table.version_id, "to")
        old = _asked_version(
            uow, table.resource_id, None, "from", str(new.number - 1) if new else ""
        )
    if old is None or new is None:
        raise NotFound
    before, after = Manifest.from_dict(old.manifest), Manifest.from_dict(new.manifest)
    try:
        keys = match_columns(
            before,
            after,
            [key for key in request.args.get("key", "").split(",") if key],
        )
    except RowQueryError as error:
        raise BadRequest(orjson.dumps(error.errors).decode()) from None
    # After the columns were matched: an error of the stream itself would come when 200
    # is sent already.
    body = the_portal().tables.differences(
        before, after, keys, form, escaped=_look().escaped
    )
    answer = Response(body, mimetype=DIFFERENCES[form])
    name = f"{table.resource_id}-{old.number}-{new.number}.{form}"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _said(name: str) -> str:
    """What the query string says under a name, without the blanks around it."""
    return request.args.get(name, "").strip()


def _demand_rows(table: ShownTable) -> None:
    actor = actor_of_request()
    if not disclosure.may_see_rows(actor, table):
        raise Forbidden(disclosure.closed(actor, table, table.rows_access).message)


def _visible(uow: Any, resource_id: str) -> tuple[Resource, Dataset]:
    """The resource and its dataset. Raises NotFound, and Forbidden where the dataset is
    closed to who asks.
    """
    found = db.find_resource(uow.session, resource_id) if is_uuid(resource_id) else None
    if found is None:
        raise NotFound
    if not policy.may_read(actor_of_request(), found[1]):
        raise Forbidden
    return found


def _asked_version(
    uow: Any,
    resource_id: str,
    current: str | None,
    name: str = "version",
    default: str = "",
) -> TableVersion | None:
    """The version that the parameter asks for by number or date, else the default or
    the current one.
    """
    asked = _said(name) or default
    if not asked:
        return uow.session.get(TableVersion, current) if current else None
    try:
        found = datastore.find_version(uow.session, resource_id, asked)
    except ValueError:
        raise BadRequest(f"{name} takes a number or a date") from None
    resource = db.find_resource(uow.session, resource_id)
    if (
        found is None
        or resource is None
        or not old_versions.may_see(uow, actor_of_request(), *resource, found)
    ):
        raise NotFound("There is no such version.")
    return found


def _table(resource: Resource, version: TableVersion, name: str) -> Answer:
    """The rows of a version in the form of the name's suffix, CSV for any other."""
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else "csv"
    form = suffix if suffix in FORMS else "csv"
    stem = (resource.file_name or resource.id).rsplit(".", 1)[0]
    look = Look(
        escaped=_flag(
            "escape_formulas", default=the_portal().settings.csv_escape_formulas
        )
    )
    return _whole(Manifest.from_dict(version.manifest), form, f"{stem}.{form}", look)


def _whole(
    manifest: Manifest,
    form: str,
    name: str,
    look: Look,
    *,
    attachment: bool = False,
    numbered: bool = False,
) -> Answer:
    """A whole version as a file, kept from the last time, with ranges and a tag."""
    try:
        path = the_portal().tables.export(manifest, form, look, numbered=numbered)
    except RowQueryError as error:
        raise BadRequest(orjson.dumps(error.errors).decode()) from None
    answer = send_file(
        path,
        mimetype=MEDIA_TYPES[form],
        as_attachment=attachment or not mediatypes.is_inert(MEDIA_TYPES[form]),
        download_name=name,
        conditional=True,
        etag=path.name,
        max_age=0,
    )
    return _handed_over(answer, path)


def _handed_over(answer: Response, path: Path) -> Response:
    """Leave the bytes to the web server in front, where one is configured: it sends
    files better.
    """
    prefix, folder = (
        the_portal().settings.accel_redirect,
        the_portal().settings.data_dir,
    )
    if (
        not prefix
        or answer.status_code not in (200, 206)
        or not path.is_relative_to(folder)
    ):
        return answer
    # nginx judges ranges by itself, and would send the length of a part for the whole
    # file.
    handed = Response(status=200, headers=answer.headers)
    for name in ("Content-Length", "Content-Range", "Accept-Ranges"):
        handed.headers.pop(name, None)
    handed.headers["X-Accel-Redirect"] = (
        f"{prefix}/{quote(str(path.relative_to(folder)))}"
    )
    answer.close()
    return handed


def _file(resource: Resource) -> Answer:
    """The stored bytes of a resource, under the type and the name that it has."""
    key = resource.file_key or ""
    if not the_portal().files.exists(key):
        raise NotFound
    name = (
        # Line breaks and the like would break the header that names the file.
        "".join(letter for letter in resource.file_name or "" if letter.isprintable())
        or resource.id
    )
    # Harvested and uploaded types are a stranger's word: what could run in a browser is
    # never shown in place.
    kind = mediatypes.served(resource.mimetype, name)
    answer = send_file(
        the_portal().files.path(key),
        mimetype=kind,
        as_attachment=not mediatypes.is_inert(kind),
        download_name=name,
        conditional=True,
        etag=key,
        last_modified=resource.last_modified,
        max_age=0,
    )
    if not mediatypes.is_inert(kind):
        answer.headers["Content-Security-Policy"] = SANDBOX
    return _handed_over(answer, the_portal().files.path(key))


def _chosen(
    manifest: Manifest, form: str, resource_id: str, query: RowQuery, look: Look
) -> Response:
    """Chosen rows as a stream. Raises BadRequest for a query that the table cannot
    answer.
    """
    try:
        body = the_portal().tables.stream(manifest, query, form, look)
    except RowQueryError as error:
        raise BadRequest(orjson.dumps(error.errors).decode()) from None
    answer = Response(body, mimetype=MEDIA_TYPES[form])
    answer.headers.set(
        "Content-Disposition", "attachment", filename=f"{resource_id}.{form}"
    )
    return answer


def _look() -> Look:
    """How a dump looks: byte order mark, escaped formulas."""
    return Look(
        bom=_flag("bom"),
        records=True,
        escaped=_flag(
            "escape_formulas", default=the_portal().settings.csv_escape_formulas
        ),
    )


def _flag(name: str, *, default: bool = False) -> bool:
    said = request.args.get(name, "").strip().lower()
    return default if not said else said in ("true", "1", "yes", "on", "t", "y")


def _query() -> RowQuery:
    """The rows that the query string chooses. Raises BadRequest for what cannot be
    read.
    """
    arguments = request.args
    try:
        filters = (
            bounds.parse(arguments["filters"]) if arguments.get("filters") else None
        )
        q: Any = arguments.get("q") or None
        q = bounds.parse(q) if q and q.lstrip().startswith("{") else q
    except ValueError:
        raise BadRequest(
            "filters takes a JSON object, q a text or a JSON object"
        ) from None
    return RowQuery(
        limit=_natural("limit", -1),
        offset=_natural("offset", 0),
        filters=filters,
        q=q,
        full_text=arguments.get("full_text") or None,
        plain=_flag("plain", default=True),
        sort=arguments.get("sort") or None,
        fields=_fields(),
        distinct=_flag("distinct"),
        include_total=False,
    )


def _fields() -> tuple[str, ...] | None:
    """The columns that are asked for, None for all."""
    said = request.args.get("fields", "").strip()
    try:
        listed = bounds.parse(said) if said.startswith("[") else said.split(",")
        return tuple(str(name).strip() for name in listed if str(name).strip()) or None
    except ValueError:
        raise BadRequest(
            "fields takes names with commas between them, or a JSON list"
        ) from None


def _natural(name: str, default: int) -> int:
    """A number from 0 on. Raises BadRequest for anything else."""
    said = request.args.get(name, "").strip()
    # isdigit takes digits of other scripts and signs such as ², and int refuses the
    # latter; twelve digits are more than any table has rows.
    if said and not (said.isascii() and said.isdigit() and len(said) < 13):
        raise BadRequest(f"{name} takes a whole number that is not negative")
    return int(said) if said else default
