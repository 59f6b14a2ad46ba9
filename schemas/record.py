"""DatasetRecord and ResourceRecord: the one shape of everything that enters the
catalogue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO


@dataclass(frozen=True, slots=True)
class ContentPart:
    """One local file that holds (a part of) a resource's bytes.

    `name` is the file's own name at the source: it decides the format when nothing else
    does.
    """

    path: Path
    name: str
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path, name: str = "") -> ContentPart:
        """The part that a local file is; reads it once for its hash."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path, name or path.name, digest, path.stat().st_size)


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a resource, fetched into a local folder: one file, or several that
    form one table.

    `encoding` and `dialect` (Frictionless CSV Dialect keys) are what the source
    declares, if it does.
    """

    parts: tuple[ContentPart, ...]
    encoding: str | None = None
    dialect: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """A resource (DCAT distribution) on its way in.

    `schema` is a Frictionless Table Schema descriptor; `schema_name` names one of
    `schemas/tables` ("d02" or "khcn/doanh-nghiep-cong-nghe-so"). At most one of them is
    given. `content` holds fetched bytes; without it the resource is a link to `url`.
    """

    name: str = ""
    url: str = ""
    format: str = ""
    description: str = ""
    id: str | None = None
    mimetype: str | None = None
    size: int | None = None
    hash: str = ""
    schema: Mapping[str, Any] | None = None
    schema_name: str | None = None
    content: Content | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """A dataset on its way in, from an adapter, a DCAT graph, a Data Package or
    `package_create`.

    `tags` and `groups` are names; `vocabulary_tags` pairs a vocabulary's name or id
    with a tag of it. `owner_org` is the name or id of an organization, or None for the
    owner that the harvest source declares. `profile` holds the province's own fields
    (`schemas.vocabularies.PROFILE_FIELDS`); `extras` holds free CKAN extras, text to
    text.
    """

    name: str
    title: str = ""
    notes: str = ""
    id: str | None = None
    url: str | None = None
    version: str | None = None
    author: str | None = None
    author_email: str | None = None
    maintainer: str | None = None
    maintainer_email: str | None = None
    license_id: str | None = None
    owner_org: str | None = None
    private: bool = False
    state: str = "active"
    type: str = "dataset"
    tags: tuple[str, ...] = ()
    vocabulary_tags: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)
    resources: tuple[ResourceRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in with a request: its own name, its bytes, and the media type
    that its sender claims.
    """

    name: str
    stream: BinaryIO
    media_type: str = ""
