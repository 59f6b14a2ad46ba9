"""Croissant 1.0: a dataset as machine-learning tools load it, its tables as record sets
with typed fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.dcat.terms import is_digest
from schemas.package_dict import PackageDict, ResourceDict
from schemas.packages import clean, organization_title
from schemas.tabletypes import fields_of
from schemas.vocabularies import MEDIA_TYPES

Json = dict[str, Any]
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
CONTEXT: Json = {
    "@language": "vi",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
UNLICENSED = "License not specified"
"""CKAN's own words for a dataset without a licence: Croissant demands that something is
said.
"""
DATA_TYPES = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
    "time": "sc:Time",
    "year": "sc:Integer",
    "any": "sc:Text",
}
"""Type of a Table Schema → data type of Croissant; everything else is a text."""


def describe(
    package: PackageDict,
    columns: Mapping[str, Sequence[Mapping[str, Any]]],
    site_url: str,
) -> Json:
    """The dataset; `columns` gives the fields of a table (Table Schema's shape) by the
    id of its resource.
    """
    package = clean(package)
    resources = package.get("resources") or []
    files = [
        _file(resource, site_url, table=resource["id"] in columns)
        for resource in resources
    ]
    tables = [
        (resource, fields_of(columns[resource["id"]]))
        for resource in resources
        if resource["id"] in columns
    ]
    found: Json = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "@id": f"{site_url}/dataset/{package['id']}",
        "name": package["title"],
        "description": package.get("notes") or package["title"],
        "url": f"{site_url}/dataset/{package['name']}",
        "license": package.get("license_url")
        or package.get("license_title")
        or UNLICENSED,
        "keywords": [tag["name"] for tag in package.get("tags") or ()],
        "inLanguage": package.get("language"),
        "version": package.get("version"),
        "datePublished": f"{package['metadata_created']}Z",
        "dateModified": f"{package['metadata_modified']}Z",
        "creator": _creator(package, site_url),
        "isLiveDataset": any(
            "sha256" not in file and "md5" not in file for file in files
        ),
        "distribution": files,
        "recordSet": [_record_set(resource, fields) for resource, fields in tables],
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def _creator(package: PackageDict, site_url: str) -> Json:
    """Who made the dataset, which Croissant always asks for: the organization, the
    author, else the portal.
    """
    name = organization_title(package) or package.get("author")
    return {
        "@type": "sc:Organization",
        "name": name or site_url,
        **({} if name else {"url": site_url}),
    }


def _file(resource: ResourceDict, site_url: str, *, table: bool) -> Json:
    """The file of a resource; a table is named in the form that its columns are found
    in: CSV.
    """
    media_type = resource.get("mimetype") or MEDIA_TYPES.get(resource["format"])
    rendered = bool(resource.get("datastore_active"))
    file: Json = {
        "@type": "cr:FileObject",
        "@id": resource["id"],
        "name": resource.get("name") or resource["id"],
        "description": resource.get("description"),
        "contentUrl": f"{site_url}/datastore/dump/{resource['id']}?format=csv"
        if rendered
        else resource["url"],
        "encodingFormat": "text/csv"
        if table
        else media_type or "application/octet-stream",
    }
    if not rendered:
        size, digest = resource.get("size"), resource.get("hash") or ""
        file["contentSize"] = f"{size} B" if isinstance(size, int) else None
        file |= {"sha256": digest} if is_digest(digest) and len(digest) == 64 else {}
        file |= {"md5": digest} if is_digest(digest) and len(digest) == 32 else {}
    return {key: value for key, value in file.items() if value not in (None, "")}


def _record_set(resource: ResourceDict, fields: Sequence[Mapping[str, Any]]) -> Json:
    prefix = f"{resource['id']}/records"
    return {
        "@type": "cr:RecordSet",
        "@id": prefix,
        "name": resource.get("name") or resource["id"],
        "field": [_field(prefix, resource["id"], field) for field in fields],
    }


def _field(prefix: str, file: str, field: Mapping[str, Any]) -> Json:
    found = {
        "@type": "cr:Field",
        "@id": f"{prefix}/{field['name']}",
        "name": field["name"],
        "description": field.get("description") or field.get("title"),
        "dataType": DATA_TYPES.get(str(field.get("type")), "sc:Text"),
        "source": {"fileObject": {"@id": file}, "extract": {"column": field["name"]}},
    }
    return {key: value for key, value in found.items() if value}
