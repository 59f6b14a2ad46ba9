"""Data Packages out: a dataset as a descriptor that frictionless, and our own reader of
Data Packages, load whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.dcat.terms import is_digest, slug
from schemas.package_dict import PackageDict, ResourceDict
from schemas.packages import clean, organization_title
from schemas.vocabularies import LICENCE_BY_ID, MEDIA_TYPES

Json = dict[str, Any]
NAMES = {
    "cc-by": "CC-BY-4.0",
    "cc-by-sa": "CC-BY-SA-4.0",
    "cc-zero": "CC0-1.0",
    "odc-by": "ODC-BY-1.0",
    "odc-odbl": "ODbL-1.0",
    "odc-pddl": "ODC-PDDL-1.0",
}
"""Licence → its name in the Open Definition's register, as Data Packages write it."""


def describe(package: PackageDict, columns: Mapping[str, Any], site_url: str) -> Json:
    """The descriptor (Data Package 1.0, valid as 2.0); `columns` gives a table's schema
    by the id of its resource.
    """
    package = clean(package)
    taken: set[str] = set()
    resources = [
        _resource(
            resource, columns.get(resource["id"]), _name(resource, taken), site_url
        )
        for resource in package.get("resources") or ()
        if resource.get("url") or resource.get("datastore_active")
    ]
    found: Json = {
        "profile": "data-package",
        "name": package["name"],
        "id": package["id"],
        "title": package["title"],
        "description": package.get("notes"),
        "homepage": package.get("url") or f"{site_url}/dataset/{package['name']}",
        "version": package.get("version"),
        "created": f"{package['metadata_created']}Z",
        "keywords": [tag["name"] for tag in package.get("tags") or ()],
        "licenses": _licences(package),
        "contributors": _contributors(package),
        "resources": resources,
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def _name(resource: ResourceDict, taken: set[str]) -> str:
    """A name that Data Packages allow and no other resource of this one has."""
    base = slug(resource.get("name") or "") or f"resource-{len(taken) + 1}"
    name = base if base not in taken else f"{base}-{resource['id'][:8]}"
    taken.add(name)
    return name


def _licences(package: PackageDict) -> list[Json]:
    license_id = package.get("license_id")
    if not license_id or license_id == "notspecified":
        return []
    known = LICENCE_BY_ID.get(license_id)
    licence = {
        "name": NAMES.get(license_id, license_id),
        "path": package.get("license_url"),
        "title": known.title if known else None,
    }
    return [{key: value for key, value in licence.items() if value}]


def _contributors(package: PackageDict) -> list[Json]:
    people = (
        ("author", package.get("author"), package.get("author_email")),
        ("publisher", organization_title(package), None),
        ("maintainer", package.get("maintainer"), package.get("maintainer_email")),
    )
    return [
        {"title": title or mail, "role": role, **({"email": mail} if mail else {})}
        for role, title, mail in people
        if title or mail
    ]


def _resource(
    resource: ResourceDict, schema: Json | None, name: str, site_url: str
) -> Json:
    """A resource; a table is read from its CSV, which is how its schema describes
    it.
    """
    table = bool(resource.get("datastore_active"))
    format_name = "CSV" if table else str(resource.get("format") or "")
    digest = resource.get("hash") or ""
    found: Json = {
        "profile": "tabular-data-resource" if table and schema else "data-resource",
        "name": name,
        "path": f"{site_url}/datastore/dump/{resource['id']}?format=csv&numbered=false"
        if table
        else resource["url"],
        "title": resource.get("name"),
        "description": resource.get("description"),
        "format": format_name.lower(),
        "mediatype": MEDIA_TYPES.get(format_name) or resource.get("mimetype"),
        "encoding": "utf-8" if table else None,
        "schema": _schema(schema) if schema else None,
    }
    if not table:
        size = resource.get("size")
        found["bytes"] = size if isinstance(size, int) and size >= 0 else None
        found["hash"] = digest if is_digest(digest) and len(digest) == 32 else None
        found["hash"] = (
            f"sha256:{digest}"
            if is_digest(digest) and len(digest) == 64
            else found["hash"]
        )
    return {key: value for key, value in found.items() if value not in (None, "")}


def _schema(schema: Json) -> Json:
    """The schema alone: foreign keys to other datasets' tables mean nothing inside this
    package.
    """
    return {key: value for key, value in schema.items() if key != "foreignKeys"}


def schema_of(fields: Sequence[Mapping[str, Any]]) -> Json:
    """A Table Schema of these fields."""
    return {"fields": [dict(field) for field in fields]}
