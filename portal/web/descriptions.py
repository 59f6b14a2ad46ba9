"""A dataset as other worlds describe it: Croissant, schema.org, Data Package, and the
Table Schemas of its tables.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from portal.actions import registry
from portal.errors import PortalError
from portal.web.action_api import actor_of_request, the_portal
from portal.web.dcat import conditional
from schemas import croissant, datapackage, schemaorg
from schemas.package_dict import PackageDict, ResourceDict
from schemas.tabletypes import columns_of, fields_of, table_schema

descriptions = Blueprint("descriptions", __name__)
Json = dict[str, Any]
LD_JSON, PLAIN_JSON = "application/ld+json", "application/json"
MOST_TABLES = 500
"""Tables of one dataset whose columns are looked up; further ones are described as
files.
"""


def _call(name: str, **params: Any) -> Any:
    # Through JSON: actions hand out dicts that are rendered already (orjson.Fragment),
    # which only orjson can unpack.
    return orjson.loads(
        orjson.dumps(registry.call(the_portal(), actor_of_request(), name, params))
    )


def _answer(described: Json, media_type: str = LD_JSON) -> Response:
    """A description as JSON that people can read, with its tag."""
    body = orjson.dumps(described, option=orjson.OPT_INDENT_2)
    return conditional(
        Response(body, content_type=f"{media_type}; charset=utf-8"), body
    )


@descriptions.route("/dataset/<name>/croissant.jsonld")
def as_croissant(name: str) -> Response:
    """The dataset in Croissant 1.0."""
    shown: PackageDict = _call("package_show", id=name)
    columns = {key: schema["fields"] for key, schema in _schemas(shown).items()}
    return _answer(croissant.describe(shown, columns, the_portal().settings.site_url))


@descriptions.route("/dataset/<name>/schemaorg.jsonld")
def as_schemaorg(name: str) -> Response:
    """The dataset in schema.org's terms."""
    settings = the_portal().settings
    return _answer(
        schemaorg.describe(
            _call("package_show", id=name), settings.site_url, settings.site_title
        )
    )


@descriptions.route("/dataset/<name>/datapackage.json")
def as_datapackage(name: str) -> Response:
    """The dataset as a Data Package that frictionless reads."""
    shown: PackageDict = _call("package_show", id=name)
    return _answer(
        datapackage.describe(shown, _schemas(shown), the_portal().settings.site_url),
        PLAIN_JSON,
    )


@descriptions.route("/dataset/<name>/resource/<resource_id>/schema.json")
def table_schema_of(name: str, resource_id: str) -> Response:
    """The Table Schema of a resource: the one that it declares, else that of its stored
    columns.
    """
    shown: PackageDict = _call("package_show", id=name)
    found = next(
        (each for each in shown["resources"] if each["id"] == resource_id), None
    )
    schema = (table_schema(found) or _stored(found)) if found else None
    if schema is None:
        raise NotFound
    return _answer(schema, PLAIN_JSON)


def _schemas(shown: PackageDict) -> dict[str, Json]:
    """Table Schemas by resource id, of those resources that are tables or declare
    one.
    """
    found: dict[str, Json] = {}
    for resource in shown["resources"][:MOST_TABLES]:
        schema = table_schema(resource) or _stored(resource)
        if schema is not None and fields_of(schema.get("fields") or ()):
            found[resource["id"]] = schema
    return found


def _stored(resource: ResourceDict) -> Json | None:
    """The columns of a stored table; nothing where the caller may not ask for its
    rows.
    """
    if not resource["datastore_active"]:
        return None
    try:
        fields = _call("datastore_info", resource_id=resource["id"])["fields"]
    # Files may be open where rows are closed; the description then says less, and is no
    # error.
    except PortalError:
        return None
    return {"fields": columns_of(fields)}
