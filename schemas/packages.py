"""A package dict read back as the record that it was made from: the start of everything
written from package dicts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from schemas.datasets import RESOURCE_GIVEN, RESOURCE_OURS, as_text
from schemas.package_dict import PackageDict, ResourceDict, TagDict
from schemas.record import DatasetRecord, ResourceRecord
from schemas.vocabularies import PROFILE_FIELDS, PROFILE_NAMES

T = TypeVar("T")
UNWRITABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)
"""Characters that XML 1.0 cannot hold or advises against; no catalogue means them."""
TEXTS = (
    "url",
    "version",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "license_id",
)


def clean(value: T) -> T:
    """The value with texts that every format can carry: no control characters, line
    ends as `\\n`.
    """
    return cast(T, _cleaned(value))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return UNWRITABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(inner) for inner in value]
    return value


def record_of(package: PackageDict) -> DatasetRecord:
    """The dataset as the one inbound shape; its owner, groups and vocabularies by
    name.
    """
    extras = {
        str(extra["key"]): as_text(extra.get("value"))
        for extra in package.get("extras") or ()
    }
    tags = package.get("tags") or ()
    organization = package.get("organization")
    # Looked up by names that are data, which no type checker can follow.
    fields: Mapping[str, Any] = package
    return DatasetRecord(
        name=package["name"],
        id=package.get("id") or None,
        title=package.get("title") or "",
        notes=package.get("notes") or "",
        **{name: fields.get(name) or None for name in TEXTS},
        owner_org=organization["name"] if organization else None,
        private=bool(package.get("private")),
        state=package.get("state") or "active",
        type=package.get("type") or "dataset",
        tags=tuple(tag["name"] for tag in tags if not tag.get("vocabulary_id")),
        vocabulary_tags=tuple(
            sorted(
                (_vocabulary(tag), tag["name"])
                for tag in tags
                if tag.get("vocabulary_id")
            )
        ),
        groups=tuple(group["name"] for group in package.get("groups") or ()),
        extras={
            key: value for key, value in extras.items() if key not in PROFILE_NAMES
        },
        profile={
            field.name: fields[field.name]
            for field in PROFILE_FIELDS
            if fields.get(field.name)
        },
        resources=tuple(
            resource_of(resource) for resource in package.get("resources") or ()
        ),
    )


def organization_title(package: PackageDict) -> str:
    """What the organization of a dataset is called; empty where nobody owns it."""
    organization = package.get("organization")
    if organization is None:
        return ""
    return organization.get("title") or organization["name"]


def _vocabulary(tag: TagDict) -> str:
    return str(tag.get("vocabulary_name") or tag["vocabulary_id"])


def resource_of(resource: ResourceDict) -> ResourceRecord:
    """The resource as the one inbound shape: a link to wherever its bytes are."""
    schema, size = resource.get("schema"), resource.get("size")
    ours = RESOURCE_GIVEN | RESOURCE_OURS
    return ResourceRecord(
        id=resource.get("id") or None,
        name=resource.get("name") or "",
        url=resource.get("url") or "",
        description=resource.get("description") or "",
        format=resource.get("format") or "",
        mimetype=resource.get("mimetype") or None,
        size=size if isinstance(size, int) else None,
        hash=resource.get("hash") or "",
        schema=schema if isinstance(schema, Mapping) else None,
        schema_name=schema if isinstance(schema, str) else None,
        extras={
            key: value
            for key, value in resource.items()
            if key not in ours and value is not None
        },
    )
