"""Uploaded files: their names made safe, their size bounded, their bytes stored, their
table loaded afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from portal.db import datastore
from portal.domain.base import now
from portal.domain.datasets import Resource
from portal.domain.datastore import LOADABLE
from portal.domain.events import LOAD
from portal.errors import Invalid
from portal.runtime import Context
from schemas import mediatypes
from schemas.record import ResourceRecord, Upload
from schemas.units import BYTES_PER_MB
from schemas.vocabularies import FORMATS, MEDIA_TYPES

LONGEST_FILE_NAME = 100


def store(
    ctx: Context, resource: Resource, upload: Upload, record: ResourceRecord
) -> ResourceRecord:
    """Store an upload as the file of a resource; return the record with what the file
    tells of itself.

    Raises Invalid for a file over the limit.
    """
    limit = ctx.portal.settings.max_resource_size * BYTES_PER_MB
    blob = ctx.portal.files.put_file(_Limited(upload, limit))
    name = file_name(upload.name)
    resource.url_type, resource.file_key, resource.file_name = "upload", blob.key, name
    resource.last_modified = now()
    ctx.uow.later(LOAD, resource.id)
    suffix = name.rsplit(".", 1)[-1] if "." in name else ""
    format_ = record.format or FORMATS.get(suffix, "")
    guessed = (
        MEDIA_TYPES.get(format_)
        or mediatypes.guessed(name)
        or mediatypes.valid(upload.media_type)
    )
    return replace(record, format=format_, mimetype=guessed, size=blob.size, hash="")


def await_loads(ctx: Context, resources: Iterable[Resource]) -> None:
    """Ask for the loading of those of one dataset's resources that link to a table that
    is new or elsewhere now.

    Of every one that is asked for, it is said that it waits.
    """
    links = [resource for resource in resources if _links_to_table(resource)]
    if links and ctx.portal.settings.links_hours:
        known = datastore.loaded_links(ctx.uow.session, links[0].package_id)
        for resource in links:
            if resource.id not in known or known[resource.id] != resource.url:
                datastore.await_link(ctx.uow, resource)
    for resource_id in ctx.uow.asked_for(LOAD):
        datastore.note_load(ctx.uow.session, resource_id)


def _links_to_table(resource: Resource) -> bool:
    link = not resource.url_type and resource.url.startswith(("http://", "https://"))
    return link and resource.format in LOADABLE


class _Limited:
    """An upload's stream that refuses to give more than it may."""

    def __init__(self, upload: Upload, limit: int) -> None:
        self._upload, self._left = upload, limit

    def read(self, size: int = -1) -> bytes:
        # The bytes are counted as they come: a file over the limit is not read to its
        # end.
        chunk = self._upload.stream.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise Invalid({"upload": ["File upload too large"]})
        return chunk


def file_name(name: str) -> str:
    """CKAN's munging: ASCII, lower case, hyphens, at most 100 characters, the suffix
    kept.
    """
    plain = (
        # Unicode has đ as a letter of its own: NFKD does not take it apart.
        unicodedata.normalize("NFKD", name.replace("đ", "d").replace("Đ", "D"))
        .encode("ascii", "ignore")
        .decode()
    )
    stem, dot, suffix = plain.rpartition(".")
    stem, suffix = (stem, suffix) if dot else (plain, "")
    stem = (
        re.sub(
            r"-{2,}", "-", re.sub(r"[^a-z0-9_.-]+", "-", stem.lower().replace(" ", "-"))
        ).strip("-.")
        or "file"
    )
    suffix = re.sub(r"[^a-z0-9]+", "", suffix.lower())[:20]
    return (
        f"{stem[: LONGEST_FILE_NAME - len(suffix) - 1]}.{suffix}"
        if suffix
        else stem[:LONGEST_FILE_NAME]
    )
