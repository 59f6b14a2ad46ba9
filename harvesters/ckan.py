"""Another CKAN: its datasets through package_search, page by page, and never an error
taken for an empty catalogue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from marshmallow import fields, validate

from harvesters.base import ItemError, RemoteItem, SourceError
from harvesters.config import Config
from harvesters.http import GuardedClient, shown
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord
from schemas.vocabularies import PROFILE_FIELDS, format_name

RESOURCE_KEPT = (
    "id",
    "name",
    "url",
    "format",
    "description",
    "mimetype",
    "size",
    "hash",
)
RESOURCE_DROPPED = frozenset(
    {
        "package_id",
        "position",
        "state",
        "created",
        "metadata_modified",
        "datastore_active",
        "url_type",
        "cache_url",
        "cache_last_updated",
        "mimetype_inner",
        "revision_id",
        "tracking_summary",
    }
)


class CkanConfig(Config):
    """Which datasets of the other CKAN."""

    organizations_filter_include = fields.List(fields.String(), load_default=list)
    organizations_filter_exclude = fields.List(fields.String(), load_default=list)
    groups_filter_include = fields.List(fields.String(), load_default=list)
    groups_filter_exclude = fields.List(fields.String(), load_default=list)
    fq = fields.String(
        load_default="", metadata={"help": "a further filter, in Lucene's grammar"}
    )
    page_size = fields.Integer(
        load_default=100, validate=validate.Range(min=1, max=1000)
    )
    keep_ids = fields.Boolean(
        load_default=False,
        metadata={"help": "datasets keep the ids that they have there"},
    )
    keep_groups = fields.Boolean(
        load_default=False, metadata={"help": "groups of the same name here are joined"}
    )
    default_tags = fields.List(fields.String(), load_default=list)
    default_extras = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=dict
    )
    download_formats = fields.List(
        fields.String(),
        load_default=list,
        metadata={"help": "formats whose files are fetched and kept, e.g. CSV"},
    )


class CkanAdapter:
    """SourceAdapter over the Action API of another catalogue."""

    def __init__(
        self, url: str, config: Mapping[str, Any], client: GuardedClient
    ) -> None:
        self._base, self._config, self._client = url.rstrip("/"), config, client

    def items(self) -> Iterator[RemoteItem | ItemError]:
        """Every dataset, in the order of ids. Raises SourceError when fewer come than
        the catalogue counts.
        """
        seen: set[str] = set()
        start, total = 0, 0
        while True:
            page = self._page(start)
            total = page["count"]
            packages = page["results"]
            fresh = [package for package in packages if self._id(package) not in seen]
            if packages and not fresh:
                raise SourceError(
                    "repeated-page",
                    f"{shown(self._base)} gives the same page again; nothing is "
                    "deleted.",
                )
            for package in fresh:
                seen.add(self._id(package))
                yield self._item(package)
            start += len(packages)
            if not packages:
                break
            if start >= total:
                break
        if len(seen) < total:
            raise SourceError(
                "incomplete",
                f"{shown(self._base)} counts {total} datasets and gave {len(seen)}; "
                "nothing is deleted.",
            )

    def _id(self, package: Any) -> str:
        return str(package.get("id") or "") if isinstance(package, Mapping) else ""

    def _item(self, package: Any) -> RemoteItem | ItemError:
        if (
            not isinstance(package, Mapping)
            or not package.get("id")
            or not package.get("name")
        ):
            return ItemError(
                "An entry of the catalogue has no id or no name.",
                item_id=self._id(package),
            )
        stable = orjson.dumps(
            {**package, "tracking_summary": None}, option=orjson.OPT_SORT_KEYS
        )
        # What an older release took over as public is loaded once more, and closed.
        mark = b"" if _is_public(package) else b"not public"
        fingerprint = hashlib.sha256(stable + mark).hexdigest()
        return RemoteItem(
            str(package["id"]),
            str(package.get("title") or package["name"]),
            fingerprint,
            dict(package),
        )

    def _page(self, start: int) -> Mapping[str, Any]:
        params = {
            "rows": str(self._config["page_size"]),
            "start": str(start),
            "sort": "id asc",
        }
        if filters := self._filters():
            params["fq"] = filters
        answer = self._client.get_json(
            f"{self._base}/api/3/action/package_search", params=params
        )
        if not isinstance(answer, Mapping) or answer.get("success") is not True:
            raise SourceError(
                "ckan-error", f"{shown(self._base)} answers an error: {_told(answer)}"
            )
        page = answer.get("result")
        if (
            not isinstance(page, Mapping)
            or not isinstance(page.get("results"), list)
            or "count" not in page
        ):
            raise SourceError(
                "not-ckan",
                f"{shown(self._base)} does not answer like a CKAN; check the address.",
            )
        return page

    def _filters(self) -> str:
        config = self._config
        parts = [config["fq"]] if config["fq"] else []
        for field, key in (
            ("organization", "organizations_filter"),
            ("groups", "groups_filter"),
        ):
            if include := config[f"{key}_include"]:
                parts.append(
                    "(" + " OR ".join(f"{field}:{name}" for name in include) + ")"
                )
            parts += [f"-{field}:{name}" for name in config[f"{key}_exclude"]]
        return " ".join(parts)

    def load(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """The dataset as its package dict says it; files of `download_formats` are
        fetched, if it is public.
        """
        package = item.payload
        formats = self._config["download_formats"] if _is_public(package) else ()
        wanted = {format_name(name) for name in formats}
        resources = [
            self._resource(described, folder, number, wanted)
            for number, described in enumerate(package.get("resources") or ())
            if isinstance(described, Mapping)
            and described.get("state", "active") == "active"
        ]
        return self._record(package, tuple(resources))

    def _record(
        self, package: Mapping[str, Any], resources: tuple[ResourceRecord, ...]
    ) -> DatasetRecord:
        extras = {
            str(e.get("key")): _text(e.get("value"))
            for e in package.get("extras") or ()
            if e.get("key")
        }
        profile = {
            field.name: package[field.name]
            for field in PROFILE_FIELDS
            if package.get(field.name)
        }
        tags = [
            str(tag.get("name")) for tag in package.get("tags") or () if tag.get("name")
        ]
        groups = [
            str(group.get("name"))
            for group in package.get("groups") or ()
            if group.get("name")
        ]
        return DatasetRecord(
            name=str(package["name"]),
            id=str(package["id"]) if self._config["keep_ids"] else None,
            title=_text(package.get("title")),
            notes=_text(package.get("notes")),
            url=package.get("url") or None,
            version=package.get("version") or None,
            author=package.get("author") or None,
            author_email=package.get("author_email") or None,
            maintainer=package.get("maintainer") or None,
            maintainer_email=package.get("maintainer_email") or None,
            license_id=package.get("license_id") or None,
            private=_is_private(package),
            state=_state(package),
            tags=tuple(dict.fromkeys([*tags, *self._config["default_tags"]])),
            groups=tuple(groups) if self._config["keep_groups"] else (),
            extras={**self._config["default_extras"], **extras},
            profile=profile,
            resources=resources,
        )

    def _resource(
        self, described: Mapping[str, Any], folder: Path, number: int, wanted: set[str]
    ) -> ResourceRecord:
        url, format_ = _text(described.get("url")), _text(described.get("format"))
        extras = {
            k: v
            for k, v in described.items()
            if k not in RESOURCE_KEPT and k not in RESOURCE_DROPPED
        }
        content = (
            self._fetch(url, folder / f"{number}", format_)
            if format_name(format_, url) in wanted
            else None
        )
        size = str(described.get("size") or "")
        return ResourceRecord(
            name=_text(described.get("name")),
            url=url,
            format=format_,
            description=_text(described.get("description")),
            id=str(described["id"])
            if self._config["keep_ids"] and described.get("id")
            else None,
            mimetype=described.get("mimetype") or None,
            size=int(size) if size.isdigit() else None,
            hash=_text(described.get("hash")),
            content=content,
            extras=extras,
        )

    def _fetch(self, url: str, path: Path, format_: str) -> Content:
        try:
            fetched = self._client.download(url, path)
        except SourceError as error:
            raise ItemError(
                f"A file could not be fetched: {error.message}", code=error.code
            ) from None
        name = url.split("?")[0].rsplit("/", 1)[-1] or f"file.{format_.lower()}"
        return Content((ContentPart(path, name, fetched.sha256, fetched.size),))

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


NOT_PRIVATE = frozenset({"", "0", "f", "false", "n", "no", "none", "null", "off"})
"""Spellings of `private` that deny it; whatever else a catalogue writes there keeps the
dataset closed.
"""


def _is_private(package: Mapping[str, Any]) -> bool:
    """Whether the catalogue says that not everybody may see a dataset, as a flag or as
    a word.
    """
    capacity = _text(package.get("capacity")).strip().lower()
    return (
        _text(package.get("private")).strip().lower() not in NOT_PRIVATE
        or capacity == "private"
    )


def _state(package: Mapping[str, Any]) -> str:
    """CKAN's state of a dataset; one that we do not know (draft-complete, pending) is
    one of a draft.
    """
    state = _text(package.get("state")).strip().lower() or "active"
    return state if state in ("active", "deleted") else "draft"


def _is_public(package: Mapping[str, Any]) -> bool:
    return not _is_private(package) and _state(package) == "active"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _told(answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, Mapping) else None
    told = (
        error.get("message") or error.get("__type")
        if isinstance(error, Mapping)
        else answer
    )
    return str(told)[:200]
