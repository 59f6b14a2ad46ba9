"""The OpenAPI 3.1 description of every action, written from the schemas that check
their parameters.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from marshmallow import RAISE

from portal.access.policy import Permission
from portal.actions.registry import ACTIONS, Action
from portal.settings import Settings
from portal.web.openapi_fields import Json, object_of, query_of
from schemas.datasets import PackageParams, ResourceParams
from schemas.people import GroupParams, UserParams

OPEN = frozenset({Permission.ANYONE, Permission.DATASET_READ, Permission.GROUP_READ})
"""Permissions that somebody without a token may have; the others need one."""
TAKES_FILES = {
    "resource_create": "upload",
    "resource_update": "upload",
    "resource_patch": "upload",
    "package_revise": "update__resources__-1__upload",
}
"""Actions that take a file as a form, and the field that it comes in."""
ENTITIES = {
    "Dataset": PackageParams,
    "Resource": ResourceParams,
    "Group": GroupParams,
    "User": UserParams,
}
RESULTS: dict[str, Json] = {
    **{
        f"package_{verb}": {"$ref": "#/components/schemas/Dataset"}
        for verb in ("show", "create", "update", "patch")
    },
    **{
        f"resource_{verb}": {"$ref": "#/components/schemas/Resource"}
        for verb in ("show", "create", "update", "patch")
    },
    **{
        f"{kind}_{verb}": {"$ref": "#/components/schemas/Group"}
        for kind in ("organization", "group")
        for verb in ("show", "create", "update", "patch")
    },
    **{
        f"user_{verb}": {"$ref": "#/components/schemas/User"}
        for verb in ("show", "create", "update", "patch")
    },
    "package_list": {"type": "array", "items": {"type": "string"}},
    "current_package_list_with_resources": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Dataset"},
    },
    "package_search": {"$ref": "#/components/schemas/Found"},
    "help_show": {"type": "string"},
    "site_read": {"type": "boolean"},
}
"""What some actions answer; the docstrings tell it of the others."""
KINDS: dict[int, tuple[str, str]] = {
    400: (
        "BadRequest",
        "The action, the body or a search parameter is not known: a bare text, or an "
        "envelope.",
    ),
    403: ("Refused", "Not allowed: `Authorization Error`."),
    404: ("NotFound", "There is no such thing: `Not Found Error`."),
    409: (
        "Invalid",
        "The input breaks a rule: `Validation Error` with messages by field, or "
        "`Search Error`.",
    ),
    413: ("TooLarge", "The body or the file is larger than the portal takes."),
    503: (
        "Unavailable",
        "The database, the index or a store cannot be reached now; `Retry-After` says "
        "when to ask again.",
    ),
    507: (
        "NoSpace",
        "A disk is full: nothing was stored, reading goes on; `Retry-After` says when "
        "to ask again.",
    ),
}


def document(settings: Settings) -> Json:
    """The whole description, for a portal at its public address."""
    paths = {
        f"/api/3/action/{name}": _path(declared)
        for name, declared in sorted(ACTIONS.items())
    }
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": settings.site_title,
            "version": version("thanhhoa-data-portal"),
            "description": (
                "The Action API of CKAN 2.12, with the fields of the province. "
                "Reads answer GET and POST, writes POST alone; every answer is "
                "{help, success, result} or {help, success, error}."
            ),
        },
        "servers": [{"url": settings.site_url}],
        "tags": [
            {"name": noun}
            for noun in sorted({_noun(declared) for declared in ACTIONS.values()})
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": settings.token_header,
                }
            },
            "schemas": _schemas(),
            "responses": {
                name: _response(status, text) for status, (name, text) in KINDS.items()
            },
        },
    }


def _noun(declared: Action) -> str:
    return declared.run.__module__.rsplit(".", 1)[-1]


def _path(declared: Action) -> Json:
    """The operations of one action: POST, and GET where it only reads."""
    body = object_of(
        declared.params, declared.needs, open_ended=declared.unknown != RAISE
    )
    post = {**_operation(declared, "post"), "requestBody": _request(declared, body)}
    if not declared.safe:
        return {"post": post}
    return {
        "get": {**_operation(declared, "get"), "parameters": query_of(body)},
        "post": post,
    }


def _operation(declared: Action, verb: str) -> Json:
    """What an action does by one verb: its texts, who may, and its answers."""
    told = " ".join(declared.help.split())
    envelope = {
        "type": "object",
        "required": ["help", "success", "result"],
        "properties": {
            "help": {"type": "string"},
            "success": {"const": True},
            "result": RESULTS.get(declared.name, {}),
        },
    }
    content = {"application/json": {"schema": envelope}}
    answers = {
        str(status): {"$ref": f"#/components/responses/{name}"}
        for status, (name, _) in KINDS.items()
    }
    allowed = declared.allow.name.lower().replace("_", " ")
    return {
        # An operationId may stand in a document only once, but reads have two verbs.
        "operationId": declared.name if verb == "post" else f"{declared.name}_{verb}",
        "tags": [_noun(declared)],
        # Tools show the summary in a list, where only a short line fits.
        "summary": told.split(". ")[0][:120],
        "description": f"{told}\n\nWho may: {allowed}.",
        # The empty object says that no token is needed, and the token that one may be
        # given.
        "security": [{}, {"token": []}] if declared.allow in OPEN else [{"token": []}],
        "responses": {
            "200": {"description": "The result.", "content": content},
            **answers,
        },
    }


def _request(declared: Action, body: Json) -> Json:
    """The body of a POST: JSON, and a form where the action takes a file."""
    content: Json = {"application/json": {"schema": body}}
    if field := TAKES_FILES.get(declared.name):
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        # The file stands in no schema of parameters, as it comes as a stream; so its
        # field is added here.
        content["multipart/form-data"] = {
            "schema": {**body, "properties": {**body["properties"], field: file}}
        }
    return {"required": bool(body.get("required")), "content": content}


def _schemas() -> Json:
    """The named schemas that answers refer to."""
    known = {
        name: object_of(schema(), ("id", "name") if name != "Resource" else ("id",))
        for name, schema in ENTITIES.items()
    }
    known["Found"] = {
        "type": "object",
        "required": ["count", "results", "sort", "facets", "search_facets"],
        "properties": {
            "count": {"type": "integer"},
            "sort": {"type": "string"},
            "results": {"type": "array", "items": {"type": "object"}},
            "facets": {"type": "object"},
            "search_facets": {"type": "object"},
        },
    }
    known["Error"] = {
        "type": "object",
        "required": ["help", "success", "error"],
        "properties": {
            "help": {"type": "string"},
            "success": {"const": False},
            "error": {
                "type": "object",
                "required": ["__type"],
                "properties": {
                    "__type": {"type": "string"},
                    "message": {"type": "string"},
                },
                "description": (
                    "Messages of validation stand under the names of their fields."
                ),
            },
        },
    }
    return known


def _response(status: int, text: str) -> Json:
    """A kind of refusal, and what its body looks like."""
    envelope: Json = {"$ref": "#/components/schemas/Error"}
    # CKAN answers an unknown action and an unreadable body with a bare string; all
    # other errors have an envelope.
    told: Any = {"anyOf": [{"type": "string"}, envelope]} if status == 400 else envelope
    return {"description": text, "content": {"application/json": {"schema": told}}}
