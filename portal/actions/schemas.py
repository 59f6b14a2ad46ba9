"""Table schemas: list, show, check, compare; one proposed for a table, and taken over
by it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from i18n import Message
from portal.access import policy
from portal.access.policy import Permission
from portal.actions._shared import dataset_writes
from portal.actions._shared.targets import held_of_resource, shown_of_resource
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.db import datastore, resources
from portal.db.holding import HeldDataset
from portal.domain.datasets import Resource
from portal.domain.events import LOAD
from portal.errors import BadFile, Invalid, NotFound
from portal.quality.checks import schema_check as table_schema
from portal.quality.table import proposal
from portal.reading import ReadOptions, read_table
from portal.runtime import Context
from portal.tabular.manifest import Manifest
from schemas import bounds, catalog
from schemas.compare import compare, summary
from schemas.datasets import ById
from schemas.record import Content, ContentPart
from schemas.texttable import TextTable
from schemas.validation import SchemaAdopt, SchemaCheck, SchemaCompare, SchemaPropose

Json = dict[str, Any]
UPLOAD = "upload"
MOST_FIELDS, LONGEST_SCHEMA = 500, 1_000_000
"""Fields, and characters, of a schema that is checked or compared while its sender
waits.
"""


@action(allow=Permission.ANYONE, safe=True)
def schema_list(ctx: Context, target: object, params: Params) -> list[Json]:
    """Return the table schemas of the catalogue: name, code, titles, sector, access
    kind, frequency, version.
    """
    names = (
        "name",
        "code",
        "title",
        "title_en",
        "sector",
        "access_kind",
        "frequency",
        "version",
        "publisher",
    )
    return [
        {
            **{name: getattr(table, name) for name in names},
            "code_list": table.is_code_list,
        }
        for table in catalog.tables()
    ]


@action(ById, allow=Permission.ANYONE, safe=True)
def schema_show(ctx: Context, target: object, params: Params) -> Json:
    """Return the table schema `id` (a name or code such as D02): its descriptor, and
    its rows if it is a code list.
    """
    table = _named(str(params["id"]), "id")
    return (
        {**table.descriptor, "rows": list(table.rows())}
        if table.is_code_list
        else table.descriptor
    )


@action(SchemaCheck, allow=Permission.ANYONE, safe=True)
def schema_check(ctx: Context, target: object, params: Params) -> Json:
    """Return what is wrong with the Table Schema `schema` (a descriptor, v1 or v2), in
    both languages.
    """
    given = params["schema"]
    _refuse_large(given, "schema")
    problems = table_schema.check(given)
    valid = not any(problem.severity == "error" for problem in problems)
    version = table_schema.version(given) if isinstance(given, Mapping) else None
    return {
        "valid": valid,
        "version": version,
        "problems": [problem.to_dict() for problem in problems],
    }


@action(SchemaCompare, allow=Permission.ANYONE, safe=True)
def schema_compare(ctx: Context, target: object, params: Params) -> Json:
    """Return how two schemas differ (`old`, `new`: descriptors or names), field by
    field, and whether that breaks.
    """
    return summary(
        compare(_descriptor(params["old"], "old"), _descriptor(params["new"], "new"))
    )


@action(SchemaPropose, allow=Permission.LOGGED_IN, safe=True)
def schema_propose(ctx: Context, target: object, params: Params) -> Json:
    """Propose a Table Schema for the file or rows of `resource_id`, or for the `text`
    of a table called `name`.

    schema_adopt takes it over. Codes are texts, dates dd/MM/yyyy and decimal commas are
    seen, titles are kept.
    """
    try:
        made = (
            _from_text(ctx, params)
            if params["text"] is not None
            else _from_resource(ctx, params)
        )
    except BadFile as problem:
        raise Invalid({"file": [problem.en]}) from None
    return {"schema": made.schema, "notes": [dict(note) for note in made.notes]}


def _from_text(ctx: Context, params: Params) -> proposal.Proposal:
    """A schema for the table sent as text; raises Invalid beyond MOST_FIELDS."""
    work = ctx.portal.settings.data_dir / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        path = Path(folder) / "table"
        # Line breaks stay as they were sent: they are part of what is read.
        path.write_text(params["text"], encoding="utf-8", newline="")
        part = ContentPart(
            # The name is the caller's: no folder may come in with it.
            path,
            Path(str(params["name"])).name or "table.csv",
            "",
            path.stat().st_size,
        )
        table = read_table(Content((part,)), format="", options=_limits(ctx))
        if len(table.labels) > MOST_FIELDS:
            too_wide = Message("A table has at most {limit} columns here")
            raise Invalid({"text": bounds.told(too_wide.filled(limit=MOST_FIELDS))})
        return proposal.propose(table)


@action(SchemaAdopt, allow=Permission.DATASET_UPDATE, on=held_of_resource)
def schema_adopt(ctx: Context, dataset: HeldDataset, params: Params) -> Json:
    """Take over the schema proposed for `resource_id`, or the `schema` given, and load
    its rows again with those types.

    For an upload or a link without a declared schema. What does not fit keeps the rows
    as they are and gets a report.
    """
    resource = ctx.uow.session.get_one(Resource, params["resource_id"])
    if resource.url_type not in (None, "", UPLOAD):
        raise Invalid(
            {
                "resource_id": [
                    "Only an upload or a link is loaded by a schema of its own"
                ]
            }
        )
    if resource.schema_name or resource.table_schema:
        raise Invalid(
            {"resource_id": ["A schema is declared already; resource_patch changes it"]}
        )
    if params["schema"] is None:
        adopted, notes = _proposed(ctx, resource)
    else:
        adopted, notes = dict(_descriptor(params["schema"], "schema")), []
    resource.table_schema = adopted
    dataset_writes.refuse_tagged(ctx, dataset, [resource])
    load = datastore.note_load(ctx.uow.session, resource.id)
    # The file stays as it is, and a known one is not loaded again: what is known of it
    # is forgotten.
    load.content_hash = load.etag = load.modified = None
    ctx.uow.later(LOAD, resource.id)
    resources.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url)
    return {"resource_id": resource.id, "schema": adopted, "notes": notes}


def _proposed(ctx: Context, resource: Resource) -> tuple[Json, list[Json]]:
    """A schema for the table of a resource, and notes on it; raises Invalid."""
    try:
        made = proposal.propose(_table_of(ctx, resource))
    except BadFile as problem:
        raise Invalid({"file": [problem.en]}) from None
    return made.schema, [dict(note) for note in made.notes]


def _from_resource(ctx: Context, params: Params) -> proposal.Proposal:
    """A schema for the table of `resource_id`, for those who may edit its dataset."""
    dataset = shown_of_resource(ctx, params)
    # Everybody may send a text, but the file of a dataset is for its editors: the
    # action's own permission cannot say that.
    policy.authorise(ctx.actor, Permission.DATASET_UPDATE, dataset)
    resource = dataset.find_resource(params["resource_id"])
    assert resource is not None  # noqa: S101 - the dataset was found by it
    return proposal.propose(_table_of(ctx, resource))


def _table_of(ctx: Context, resource: Resource) -> TextTable:
    """The stored file of a resource as a table; of one without a file, its rows."""
    if resource.file_key:
        name = resource.file_name or resource.id
        part = ContentPart(
            ctx.portal.files.path(resource.file_key),
            name,
            resource.file_key,
            resource.size or 0,
        )
        return read_table(
            Content((part,)), format=resource.format, options=_limits(ctx)
        )
    version = db.current_version(ctx.uow.session, resource)
    if version is None:
        raise Invalid(
            {
                "resource_id": [
                    "There is neither a stored file nor a table to propose a schema "
                    "for."
                ]
            }
        )
    return ctx.portal.tables.texts(Manifest.from_dict(version.manifest))


def _limits(ctx: Context) -> ReadOptions:
    return ReadOptions.within(ctx.portal.settings)


def _refuse_large(given: Any, key: str) -> None:
    """Raise Invalid for a schema beyond MOST_FIELDS or LONGEST_SCHEMA."""
    fields = given.get("fields") if isinstance(given, Mapping) else None
    if isinstance(fields, list) and len(fields) > MOST_FIELDS:
        too_many = Message("A schema has at most {limit} fields here")
        raise Invalid({key: bounds.told(too_many.filled(limit=MOST_FIELDS))})
    if len(orjson.dumps(given, default=str)) > LONGEST_SCHEMA:
        too_long = Message("A schema has at most {limit} characters here")
        raise Invalid({key: bounds.told(too_long.filled(limit=LONGEST_SCHEMA))})


def _named(name: str, key: str) -> catalog.TableSchema:
    """The catalogue's table of that name; raises NotFound for an id, else Invalid."""
    try:
        return catalog.get(name)
    except catalog.UnknownTable as error:
        # What is asked for by its id is not found; a name in another field is a fault
        # of it.
        if key == "id":
            raise NotFound(f"Not found: {error.message}") from None
        raise Invalid({key: [error.message]}) from None


def _descriptor(given: Any, key: str) -> Mapping[str, Any]:
    """The descriptor that is given or named; raises Invalid for a faulty one."""
    _refuse_large(given, key)
    described = _named(given, key).descriptor if isinstance(given, str) else given
    problems = [
        problem.en
        for problem in table_schema.check(described)
        if problem.severity == "error"
    ]
    if problems:
        raise Invalid({key: problems})
    return dict(described)
