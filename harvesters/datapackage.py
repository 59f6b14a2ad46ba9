"""Data Packages: a datapackage.json in a folder or on the web, with its own schemas and
licence.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin

from marshmallow import fields

from harvesters.base import ItemError, RemoteItem, SourceError
from harvesters.config import Config
from harvesters.http import GuardedClient, parse_json
from harvesters.places import inside, local_path
from harvesters.rows import plain
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord

DESCRIPTOR = "datapackage.json"
LICENCES = {
    "odc-pddl-1.0": "odc-pddl",
    "pddl": "odc-pddl",
    "odc-pddl": "odc-pddl",
    "odc-by-1.0": "odc-by",
    "odbl-1.0": "odc-odbl",
    "odc-odbl": "odc-odbl",
    "cc-by-4.0": "cc-by",
    "cc-by": "cc-by",
    "cc-by-sa-4.0": "cc-by-sa",
    "cc0-1.0": "cc-zero",
    "cc0": "cc-zero",
    "cc-zero": "cc-zero",
}
"""Names that packages use, in lower case → CKAN's licence ids."""


class DataPackageConfig(Config):
    """What the package does not say itself."""

    name = fields.String(
        load_default="", metadata={"help": "name of the dataset; empty: the package's"}
    )
    groups = fields.List(fields.String(), load_default=list)
    tags = fields.List(fields.String(), load_default=list)
    extras = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=dict
    )
    profile = fields.Dict(keys=fields.String(), values=fields.Raw(), load_default=dict)


class DataPackageAdapter:
    """SourceAdapter over one package: one dataset."""

    def __init__(
        self,
        url: str,
        config: Mapping[str, Any],
        client: GuardedClient,
        roots: tuple[Path, ...],
    ) -> None:
        self._config, self._client, self._roots = config, client, roots
        self._remote = url.startswith(("http://", "https://"))
        self._url = url if url.endswith(".json") else f"{url.rstrip('/')}/{DESCRIPTOR}"

    def items(self) -> Iterator[RemoteItem | ItemError]:
        """The one package."""
        descriptor = self._descriptor()
        yield RemoteItem(
            str(descriptor.get("name") or self._url), str(descriptor.get("title") or "")
        )

    def _descriptor(self) -> Mapping[str, Any]:
        if self._remote:
            descriptor = self._client.get_json(self._url)
        else:
            descriptor = parse_json(
                DESCRIPTOR, local_path(self._url, self._roots).read_bytes()
            )
        if not isinstance(descriptor, Mapping) or not isinstance(
            descriptor.get("resources"), list
        ):
            raise SourceError(
                "not-a-package",
                "The descriptor holds no list of resources; check the address.",
            )
        return descriptor

    def load(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """The package as a dataset; its files are copied below `folder`."""
        descriptor = self._descriptor()
        name = self._config["name"] or str(descriptor.get("name") or "")
        if not name:
            raise ItemError(
                "The package has no name; give one in the configuration.",
                item_id=item.id,
            )
        resources = tuple(
            self._resource(described, folder, number)
            for number, described in enumerate(descriptor["resources"])
        )
        contributor: Mapping[str, Any] = next(
            iter(descriptor.get("contributors") or ()), {}
        )
        keywords = [str(word) for word in descriptor.get("keywords") or ()]
        return DatasetRecord(
            name=name.lower().replace(".", "-").replace(" ", "-"),
            title=str(descriptor.get("title") or name),
            notes=str(descriptor.get("description") or ""),
            url=descriptor.get("homepage") or None,
            version=str(descriptor["version"]) if descriptor.get("version") else None,
            author=contributor.get("title") or None,
            author_email=contributor.get("email") or None,
            license_id=_licence(descriptor),
            tags=tuple(
                dict.fromkeys(_tag(word) for word in [*keywords, *self._config["tags"]])
            ),
            groups=tuple(self._config["groups"]),
            extras={**_sources(descriptor), **self._config["extras"]},
            profile=dict(self._config["profile"]),
            resources=resources,
        )

    def _resource(self, described: Any, folder: Path, number: int) -> ResourceRecord:
        if not isinstance(described, Mapping):
            raise ItemError(f"Resource {number + 1} of the package is no object.")
        name = str(described.get("name") or f"resource-{number + 1}")
        paths = described.get("path") or []
        paths = [paths] if isinstance(paths, str) else list(paths)
        parts = [
            self._fetch(str(path), folder / f"{number}-{index}", name)
            for index, path in enumerate(paths)
        ]
        if not paths:
            parts = [_inline(described.get("data"), folder / f"{number}.csv", name)]
        return ResourceRecord(
            name=name,
            format=str(described.get("format") or ""),
            description=str(
                described.get("description") or described.get("title") or ""
            ),
            mimetype=described.get("mediatype") or None,
            schema=self._schema(described.get("schema")),
            content=Content(
                tuple(parts), described.get("encoding"), described.get("dialect")
            ),
        )

    def _fetch(self, path: str, target: Path, name: str) -> ContentPart:
        if path.startswith(("http://", "https://")):
            fetched = self._client.download(path, target)
            return ContentPart(
                target,
                path.split("?")[0].rsplit("/", 1)[-1],
                fetched.sha256,
                fetched.size,
            )
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path:
            raise ItemError(
                f"Resource {name} names a path outside its package: {path[:100]}",
                code="unsafe-path",
            )
        if self._remote:
            fetched = self._client.download(urljoin(self._url, path), target)
            return ContentPart(target, pure.name, fetched.sha256, fetched.size)
        return self._copy(path, target, name)

    def _copy(self, path: str, target: Path, name: str) -> ContentPart:
        base = local_path(self._url, self._roots).parent
        source = base / path
        if not source.is_file() or not inside(source, base):
            raise ItemError(
                f"Resource {name}: there is no file {path} in the package.",
                code="no-file",
            )
        with source.open("rb") as file, target.open("wb") as out:
            while chunk := file.read(1024 * 1024):
                out.write(chunk)
        return ContentPart.of(target, source.name)

    def _schema(self, schema: Any) -> Mapping[str, Any] | None:
        if isinstance(schema, str):
            if ".." in PurePosixPath(schema).parts or schema.startswith("/"):
                raise ItemError(
                    f"A schema lies outside its package: {schema[:100]}",
                    code="unsafe-path",
                )
            if self._remote:
                schema = self._client.get_json(urljoin(self._url, schema))
            else:
                path = local_path(self._url, self._roots).parent / schema
                schema = (
                    parse_json(schema, path.read_bytes()) if path.is_file() else None
                )
        return schema if isinstance(schema, Mapping) else None

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def _inline(data: Any, path: Path, name: str) -> ContentPart:
    """Rows that stand in the descriptor itself, as a CSV file."""
    if not isinstance(data, list) or not data:
        raise ItemError(f"Resource {name} has neither a path nor rows.", code="no-file")
    header = (
        list(data[0])
        if isinstance(data[0], Mapping)
        else [plain(cell) for cell in data[0]]
    )
    rows = (
        [[row.get(key) for key in header] for row in data]
        if isinstance(data[0], Mapping)
        else data[1:]
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([plain(cell) for cell in row] for row in rows)
    return ContentPart.of(path)


def _licence(descriptor: Mapping[str, Any]) -> str | None:
    licences = descriptor.get("licenses") or [descriptor.get("license")]
    first = licences[0] if isinstance(licences, list) and licences else None
    name = first.get("name") or first.get("id") if isinstance(first, Mapping) else first
    return LICENCES.get(str(name).lower(), "notspecified") if name else None


def _sources(descriptor: Mapping[str, Any]) -> dict[str, str]:
    listed = [
        source
        for source in descriptor.get("sources") or ()
        if isinstance(source, Mapping)
    ]
    told = [
        " ".join(str(s[key]) for key in ("title", "path", "web") if s.get(key))
        for s in listed
    ]
    return {"sources": "; ".join(told)} if told else {}


def _tag(word: str) -> str:
    return "".join(
        char if char.isalnum() or char in " _-." else " " for char in word
    ).strip()[:100]
