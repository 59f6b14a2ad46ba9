"""DCAT-US 1.1 (data.json) both ways: a package dict becomes a dataset entry, an entry
becomes a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from schemas.dcat.addresses import iri
from schemas.dcat.terms import (
    ACCESS_LEVELS,
    ISO_PERIODS,
    LEVEL_OF,
    format_of,
    frequency_of,
    is_moment,
    language_of,
    licence_of,
    slug,
)
from schemas.dcat.write import bounds
from schemas.package_dict import PackageDict, ResourceDict
from schemas.packages import clean, organization_title, record_of
from schemas.record import DatasetRecord, ResourceRecord
from schemas.vocabularies import FORMATS, LICENCE_BY_ID, MEDIA_TYPES, format_name

Json = dict[str, Any]
CONFORMS_TO = "https://project-open-data.cio.gov/v1.1/schema"
HEAD: Json = {
    "@context": f"{CONFORMS_TO}/catalog.jsonld",
    "@type": "dcat:Catalog",
    "conformsTo": CONFORMS_TO,
    "describedBy": f"{CONFORMS_TO}/catalog.json",
}
TITLED = {licence.title: licence.id for licence in LICENCE_BY_ID.values()}
HOSTED = ("upload", "harvest", "datastore")


class NotAnEntry(ValueError):
    """An entry of a data.json that says too little to be a dataset."""


def write_entry(package: PackageDict, site_url: str) -> Json:
    """A dataset as DCAT-US describes it, without the codes of American bureaus and
    programmes.
    """
    package = clean(package)
    record = record_of(package)
    profile = record.profile
    entry: Json = {
        "@type": "dcat:Dataset",
        "identifier": f"{site_url}/dataset/{package['id']}",
        "title": record.title,
        "description": record.notes or record.title,
        "keyword": list(record.tags),
        "issued": _moment(
            record.extras.get("issued") or package.get("metadata_created")
        ),
        "modified": _moment(
            record.extras.get("modified") or package.get("metadata_modified")
        ),
        "publisher": _publisher(package, record),
        "contactPoint": _contact(package, record),
        "accessLevel": ACCESS_LEVELS.get(str(profile.get("access_kind")), "public"),
        **_licence(package),
        "spatial": profile.get("spatial_unit"),
        "temporal": _temporal(str(profile.get("period") or "")),
        "accrualPeriodicity": ISO_PERIODS.get(str(profile.get("frequency"))),
        "landingPage": str(iri(record.url) or f"{site_url}/dataset/{record.name}"),
        "language": [profile["language"]] if profile.get("language") else None,
        "theme": [
            group.get("title") or group["name"] for group in package.get("groups") or ()
        ],
        "distribution": [
            _distribution(given, resource, record, site_url)
            for given, resource in zip(
                package.get("resources") or (), record.resources, strict=True
            )
        ],
    }
    return {key: value for key, value in entry.items() if value not in (None, "", [])}


def _moment(text: Any) -> str:
    value = str(text or "")
    return (
        f"{value}Z"
        if len(value) > 10 and value[-1] != "Z" and "+" not in value
        else value
    )


def _publisher(package: PackageDict, record: DatasetRecord) -> Json:
    name = (
        organization_title(package)
        or record.author
        or record.maintainer
        or record.title
    )
    return {"@type": "org:Organization", "name": name}


def _contact(package: PackageDict, record: DatasetRecord) -> Json:
    """Whom to ask; DCAT-US wants somebody always, so that it is the publisher where
    nobody else is named.
    """
    name = record.profile.get("contact_name") or record.maintainer or record.author
    mail = (
        record.profile.get("contact_email")
        or record.maintainer_email
        or record.author_email
    )
    told = {
        "fn": name or mail or _publisher(package, record)["name"],
        "hasEmail": f"mailto:{mail}" if mail else None,
    }
    return {
        "@type": "vcard:Contact",
        **{key: value for key, value in told.items() if value},
    }


def _licence(package: PackageDict) -> Json:
    """The licence by its address; one that has none is named as rights, because DCAT-US
    takes addresses only.
    """
    license_id = package.get("license_id") or ""
    known = LICENCE_BY_ID.get(license_id)
    address = (known.url if known else "") or str(iri(package.get("license_url")) or "")
    if address:
        return {"license": address}
    return {"rights": known.title if known else license_id}


def _temporal(period: str) -> str:
    start, end = bounds(period)
    return f"{start}/{end}" if start and end else period


def _distribution(
    given: ResourceDict,
    resource: ResourceRecord,
    record: DatasetRecord,
    site_url: str,
) -> Json:
    link = iri(resource.url, site_url)
    page = f"{site_url}/dataset/{record.name}/resource/{resource.id}"
    schema_address = (
        f"{site_url}/dataset/{record.id}/resource/{resource.id}/schema.json"
    )
    direct = given.get("url_type") in HOSTED or resource.format in MEDIA_TYPES
    described = resource.schema or resource.schema_name
    entry = {
        "@type": "dcat:Distribution",
        "title": resource.name,
        "description": resource.description,
        "downloadURL": str(link) if link and direct else None,
        "accessURL": None if link and direct else str(link or page),
        "mediaType": (
            resource.mimetype
            or MEDIA_TYPES.get(resource.format)
            or "application/octet-stream"
        )
        if link and direct
        else resource.mimetype,
        "format": resource.format,
        "describedBy": schema_address if described else None,
        "describedByType": "application/json" if described else None,
    }
    return {key: value for key, value in entry.items() if value}


def read_entry(entry: Any) -> DatasetRecord:
    """An entry of a data.json as a record. Raises NotAnEntry for one without a
    title.
    """
    if not isinstance(entry, Mapping) or not _text(entry.get("title")):
        raise NotAnEntry("The entry has no title.")
    entry = clean(entry)
    title = _text(entry["title"])
    contact = _object(entry.get("contactPoint"))
    licence, rights = _text(entry.get("license")), _text(entry.get("rights"))
    languages = [language_of(text) for text in _list(entry.get("language"))]
    profile: Json = {
        "language": languages[0] if languages else None,
        "frequency": frequency_of(_text(entry.get("accrualPeriodicity"))),
        "access_kind": LEVEL_OF.get(_text(entry.get("accessLevel")).lower()),
        "contact_name": _text(contact.get("fn")),
        "contact_email": _text(contact.get("hasEmail")).removeprefix("mailto:"),
        "spatial_unit": _text(entry.get("spatial")),
        "period": _period(_text(entry.get("temporal"))),
    }
    return DatasetRecord(
        name=slug(title) or slug(_text(entry.get("identifier"))) or "dataset",
        title=title,
        notes=_text(entry.get("description")),
        url=_text(entry.get("landingPage")) or None,
        license_id=(licence_of(licence) if licence else None) or TITLED.get(rights),
        tags=tuple(
            sorted(
                {
                    tag
                    for word in _list(entry.get("keyword"))
                    if len(tag := _tag(word)) > 1
                }
            )
        ),
        extras={key: value for key, value in _extras(entry, licence).items() if value},
        profile={key: value for key, value in profile.items() if value},
        resources=tuple(
            _resource(each) for each in _objects(entry.get("distribution"))
        ),
    )


def _extras(entry: Mapping[str, Any], licence: str) -> dict[str, str]:
    publisher, modified = _object(entry.get("publisher")), _text(entry.get("modified"))
    return {
        "identifier": _text(entry.get("identifier")),
        "issued": _text(entry.get("issued"))
        if is_moment(_text(entry.get("issued")))
        else "",
        "modified": modified if is_moment(modified) else "",
        "publisher_name": _text(publisher.get("name")),
        "theme": orjson.dumps(_list(entry.get("theme"))).decode()
        if _list(entry.get("theme"))
        else "",
        "rights": ""
        if _text(entry.get("rights")) in TITLED
        else _text(entry.get("rights")),
        "conforms_to": _text(entry.get("conformsTo")),
        "license_url": "" if licence_of(licence) else licence,
        "references": "; ".join(_list(entry.get("references"))),
        "is_part_of": _text(entry.get("isPartOf")),
    }


def _resource(entry: Mapping[str, Any]) -> ResourceRecord:
    url = _text(entry.get("downloadURL")) or _text(entry.get("accessURL"))
    media_type = _text(entry.get("mediaType"))
    named = format_of(_text(entry.get("format"))) or FORMATS.get(media_type, "")
    size = entry.get("byteSize")
    extras = {
        "access_url": _text(entry.get("accessURL")) if entry.get("downloadURL") else "",
        "described_by": _text(entry.get("describedBy")),
        "conforms_to": _text(entry.get("conformsTo")),
    }
    return ResourceRecord(
        name=_text(entry.get("title")),
        url=url,
        description=_text(entry.get("description")),
        format=format_name(named, url),
        mimetype=media_type or None,
        size=size if isinstance(size, int) and 0 <= size < 2**63 else None,
        extras={key: value for key, value in extras.items() if value},
    )


def _period(temporal: str) -> str:
    start, slash, end = temporal.partition("/")
    return start if slash and start == end else temporal


def _tag(word: str) -> str:
    kept = "".join(
        letter if letter.isalnum() or letter in " _-." else " " for letter in word
    )
    return " ".join(kept.split())[:100].strip()


def _text(value: Any) -> str:
    """A text, the first of several, the name of an object; empty for nothing."""
    if isinstance(value, list):
        return next((text for each in value if (text := _text(each))), "")
    if isinstance(value, Mapping):
        return _text(value.get("name") or value.get("@value") or value.get("@id"))
    return "" if value is None or isinstance(value, bool) else str(value).strip()


def _list(value: Any) -> list[str]:
    texts = (_text(each) for each in (value if isinstance(value, list) else [value]))
    return [text for text in texts if text]


def _object(value: Any) -> Mapping[str, Any]:
    found = (
        next((each for each in value if isinstance(each, Mapping)), {})
        if isinstance(value, list)
        else value
    )
    return found if isinstance(found, Mapping) else {"name": found, "fn": found}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, Mapping)]
