"""Another CKAN: its datasets through package_search, page by page, and never an error
taken for an empty catalogue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

import orjson
from marshmallow import fields, validate

from harvesters.base import ItemError, RemoteItem, SourceError
from harvesters.config import Config
from harvesters.http import GuardedClient, safe_url
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord
from schemas.vocabularies import PROFILE_FIELDS, format_name

RESOURCE_FIELDS = (
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
                    f"{safe_url(self._base)} gives the same page again; nothing is "
                    "deleted.",
                )
            for package in fresh:
                seen.add(self._id(package))
                yield self._item(package)
            start += len(packages)
            if not packages or start >= total:
                break
        # A catalogue that gives too few looks like one whose datasets are gone: an
        # error here keeps them from being deleted.
        if len(seen) < total:
            raise SourceError(
                "incomplete",
                f"{safe_url(self._base)} counts {total} datasets and gave {len(seen)}; "
                "nothing is deleted.",
            )

    def _id(self, package: Any) -> str:
        return str(package.get("id") or "") if isinstance(package, Mapping) else ""

    def _item(self, package: Any) -> RemoteItem | ItemError:
        """One entry of a page, with a fingerprint of all that is said of it."""
        package_id = self._id(package)
        if not package_id or not package.get("name"):
            return ItemError(
                "An entry of the catalogue has no id or no name.", item_id=package_id
            )
        # Counts of visits change every day, and nothing of the dataset with them.
        stable = orjson.dumps(
            {**package, "tracking_summary": None}, option=orjson.OPT_SORT_KEYS
        )
        # What an older release took over as public is loaded once more, and closed.
        mark = b"" if _is_public(package) else b"not public"
        fingerprint = hashlib.sha256(stable + mark).hexdigest()
        title = str(package.get("title") or package["name"])
        return RemoteItem(package_id, title, fingerprint, dict(package))

    def _page(self, start: int) -> Mapping[str, Any]:
        """One page of package_search from `start` on. Raises SourceError."""
        params = {
            "rows": str(self._config["page_size"]),
            "start": str(start),
            # In an order that no change of a dataset moves: pages neither repeat nor
            # miss one that is edited while they are read.
            "sort": "id asc",
        }
        filters = self._filters()
        if filters:
            params["fq"] = filters
        answer = self._client.get_json(
            f"{self._base}/api/3/action/package_search", params=params
        )
        if not isinstance(answer, Mapping) or answer.get("success") is not True:
            reason = _error_text(answer)
            raise SourceError(
                "ckan-error", f"{safe_url(self._base)} answers an error: {reason}"
            )
        page = answer.get("result")
        if not _is_page(page):
            where = safe_url(self._base)
            raise SourceError(
                "not-ckan",
                f"{where} does not answer like a CKAN; check the address.",
            )
        return page

    def _filters(self) -> str:
        """The configured filters as one query of Solr; empty for none."""
        config = self._config
        parts = [config["fq"]] if config["fq"] else []
        for field, key in (
            ("organization", "organizations_filter"),
            ("groups", "groups_filter"),
        ):
            include = [f"{field}:{name}" for name in config[f"{key}_include"]]
            if include:
                parts.append(f"({' OR '.join(include)})")
            parts += [f"-{field}:{name}" for name in config[f"{key}_exclude"]]
        return " ".join(parts)

    def fetch(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """The dataset as its package dict says it; files of `download_formats` are
        fetched, if it is public.
        """
        package = item.payload
        # Files of a closed dataset are for those whom its catalogue knows: we are not.
        formats = self._config["download_formats"] if _is_public(package) else ()
        wanted = {format_name(name) for name in formats}
        resources = [
            self._resource(described, folder, number, wanted)
            for number, described in enumerate(package.get("resources") or ())
            if _is_live(described)
        ]
        return self._record(package, tuple(resources))

    def _record(
        self, package: Mapping[str, Any], resources: tuple[ResourceRecord, ...]
    ) -> DatasetRecord:
        """A package dict as a dataset with these resources."""
        extras = {
            str(extra["key"]): _text(extra.get("value"))
            for extra in package.get("extras") or ()
            if extra.get("key")
        }
        profile = {
            field.name: package[field.name]
            for field in PROFILE_FIELDS
            if package.get(field.name)
        }
        tags = _names(package.get("tags"))
        groups = _names(package.get("groups"))
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
        """A resource dict as a record; its file is fetched where its format is
        wanted.
        """
        url, format_ = _text(described.get("url")), _text(described.get("format"))
        extras = {
            key: value
            for key, value in described.items()
            if key not in RESOURCE_FIELDS and key not in RESOURCE_DROPPED
        }
        content: Content | None = None
        if format_name(format_, url) in wanted:
            content = self._download(url, folder / f"{number}", format_)
        size = str(described.get("size") or "")
        resource_id = described.get("id") if self._config["keep_ids"] else None
        return ResourceRecord(
            name=_text(described.get("name")),
            url=url,
            format=format_,
            description=_text(described.get("description")),
            id=str(resource_id) if resource_id else None,
            mimetype=described.get("mimetype") or None,
            size=int(size) if size.isdigit() else None,
            hash=_text(described.get("hash")),
            content=content,
            extras=extras,
        )

    def _download(self, url: str, path: Path, format_: str) -> Content:
        """A file of a resource, fetched to `path`. Raises ItemError."""
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


def _names(entries: Any) -> list[str]:
    """The names of tags or groups of a package dict."""
    return [str(entry["name"]) for entry in entries or () if entry.get("name")]


def _is_live(resource: Any) -> bool:
    is_object = isinstance(resource, Mapping)
    return is_object and resource.get("state", "active") == "active"


def _is_page(page: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether an answer is a page of package_search."""
    if not isinstance(page, Mapping) or "count" not in page:
        return False
    return isinstance(page.get("results"), list)


def _error_text(answer: Any) -> str:
    """What an answer says of its error, 200 signs at most."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if not isinstance(error, Mapping):
        return str(answer)[:200]
    return str(error.get("message") or error.get("__type"))[:200]
