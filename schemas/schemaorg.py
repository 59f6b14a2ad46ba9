"""schema.org: a dataset as search engines read it, on its own and inside its page."""

from __future__ import annotations

from typing import Any

import orjson

from schemas.dcat.write import bounds
from schemas.package_dict import PackageDict, ResourceDict
from schemas.packages import clean
from schemas.tabletypes import fields_of, table_schema
from schemas.vocabularies import MEDIA_TYPES

Json = dict[str, Any]
LONGEST_DESCRIPTION = 5000
"""Google's limit."""
MOST_VARIABLES = 200
_ESCAPES = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)


def describe(package: PackageDict, site_url: str, site_title: str) -> Json:
    """The dataset with its publisher, its files and what its tables measure."""
    package = clean(package)
    start, end = bounds(str(package.get("period") or ""))
    found: Json = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": f"{site_url}/dataset/{package['id']}",
        "identifier": package["id"],
        "name": package["title"],
        "alternateName": [
            text
            for text in (package.get("title_translated") or {}).values()
            if text != package["title"]
        ],
        "description": (package.get("notes") or package["title"])[:LONGEST_DESCRIPTION],
        "url": f"{site_url}/dataset/{package['name']}",
        "keywords": [tag["name"] for tag in package.get("tags") or ()],
        "license": package.get("license_url") or package.get("license_title"),
        "inLanguage": package.get("language"),
        "version": package.get("version"),
        "datePublished": f"{package['metadata_created']}Z",
        "dateModified": f"{package['metadata_modified']}Z",
        "isAccessibleForFree": True if package.get("isopen") else None,
        "temporalCoverage": _period(package, start, end),
        "spatialCoverage": package.get("spatial_unit"),
        "creator": _body(package, site_url),
        "publisher": _body(package, site_url),
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "name": site_title,
            "url": f"{site_url}/",
        },
        "distribution": [
            _download(resource)
            for resource in package.get("resources") or ()
            if resource["url"]
        ],
        "variableMeasured": _variables(package),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def script(described: Json) -> str:
    """The description as the text of a script element: nothing in it can end the
    element.
    """
    return orjson.dumps(described).decode().translate(_ESCAPES)


def _period(package: PackageDict, start: str | None, end: str | None) -> str | None:
    """The period of a dataset in ISO 8601, else in the publisher's own words."""
    if not start:
        return package.get("period")
    return start if start == end else f"{start}/{end}"


def _body(package: PackageDict, site_url: str) -> Json | None:
    organization = package.get("organization")
    if organization:
        address = f"{site_url}/organization/{organization['name']}"
        return {
            "@type": "Organization",
            "name": organization.get("title") or organization["name"],
            "url": address,
        }
    return (
        {"@type": "Organization", "name": package["author"]}
        if package.get("author")
        else None
    )


def _download(resource: ResourceDict) -> Json:
    size = resource.get("size")
    found = {
        "@type": "DataDownload",
        "@id": resource.get("id"),
        "name": resource.get("name"),
        "description": resource.get("description"),
        "contentUrl": resource["url"],
        "encodingFormat": resource.get("mimetype")
        or MEDIA_TYPES.get(resource["format"])
        or resource["format"],
        "contentSize": f"{size} B" if isinstance(size, int) else None,
    }
    return {key: value for key, value in found.items() if value}


def _variables(package: PackageDict) -> list[Json]:
    schemas = [table_schema(resource) for resource in package.get("resources") or ()]
    fields = [
        field
        for schema in schemas
        if schema
        for field in fields_of(schema.get("fields") or ())
    ]
    return [
        {
            "@type": "PropertyValue",
            "name": field["name"],
            **({"description": title} if title else {}),
        }
        for field in fields[:MOST_VARIABLES]
        for title in [field.get("title") or field.get("description")]
    ]
