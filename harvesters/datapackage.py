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
from harvesters.rows import cell_text
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
        name = str(descriptor.get("name") or self._url)
        title = str(descriptor.get("title") or "")
        # Without a fingerprint: a file may change and its descriptor stay the same.
        yield RemoteItem(name, title)

    def _descriptor(self) -> Mapping[str, Any]:
        """The datapackage.json. Raises SourceError where it lists no resources."""
        if self._remote:
            descriptor = self._client.get_json(self._url)
        else:
            path = local_path(self._url, self._roots)
            descriptor = parse_json(DESCRIPTOR, path.read_bytes())
        is_object = isinstance(descriptor, Mapping)
        if not is_object or not isinstance(descriptor.get("resources"), list):
            raise SourceError(
                "not-a-package",
                "The descriptor holds no list of resources; check the address.",
            )
        checked: Mapping[str, Any] = descriptor
        return checked

    def fetch(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """The package as a dataset; its files are copied below `folder`."""
        # Read anew: listing and fetching may lie hours apart.
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
        contributors = descriptor.get("contributors") or ()
        author: Mapping[str, Any] = next(iter(contributors), {})
        keywords = [str(word) for word in descriptor.get("keywords") or ()]
        tags = [_tag(word) for word in [*keywords, *self._config["tags"]]]
        version = descriptor.get("version")
        return DatasetRecord(
            name=name.lower().replace(".", "-").replace(" ", "-"),
            title=str(descriptor.get("title") or name),
            notes=str(descriptor.get("description") or ""),
            url=descriptor.get("homepage") or None,
            version=str(version) if version else None,
            author=author.get("title") or None,
            author_email=author.get("email") or None,
            license_id=_licence(descriptor),
            tags=tuple(dict.fromkeys(tags)),
            groups=tuple(self._config["groups"]),
            extras={**_sources(descriptor), **self._config["extras"]},
            profile=dict(self._config["profile"]),
            resources=resources,
        )

    def _resource(self, described: Any, folder: Path, number: int) -> ResourceRecord:
        """One described resource with its files, copied below `folder`."""
        if not isinstance(described, Mapping):
            raise ItemError(f"Resource {number + 1} of the package is no object.")
        name = str(described.get("name") or f"resource-{number + 1}")
        parts = self._parts(described, folder, number, name)
        description = described.get("description") or described.get("title") or ""
        encoding, dialect = described.get("encoding"), described.get("dialect")
        return ResourceRecord(
            name=name,
            format=str(described.get("format") or ""),
            description=str(description),
            mimetype=described.get("mediatype") or None,
            schema=self._schema(described.get("schema")),
            content=Content(parts, encoding, dialect),
        )

    def _parts(
        self, described: Mapping[str, Any], folder: Path, number: int, name: str
    ) -> tuple[ContentPart, ...]:
        """The files of a resource, or the one that its inline rows become."""
        path = described.get("path") or []
        paths = [path] if isinstance(path, str) else list(path)
        if not paths:
            rows = described.get("data")
            return (_inline(rows, folder / f"{number}.csv", name),)
        return tuple(
            self._download(str(each), folder / f"{number}-{index}", name)
            for index, each in enumerate(paths)
        )

    def _download(self, path: str, target: Path, name: str) -> ContentPart:
        """One file of a resource, brought to `target`. Raises ItemError."""
        if path.startswith(("http://", "https://")):
            fetched = self._client.download(path, target)
            file_name = path.split("?")[0].rsplit("/", 1)[-1]
            return ContentPart(target, file_name, fetched.sha256, fetched.size)
        # A package is a stranger's: its paths must not lead to files of this machine.
        # A backslash is a separator for some readers and part of a name for others.
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
        """A file beside the descriptor, copied to `target`."""
        base = local_path(self._url, self._roots).parent
        source = base / path
        # `inside` follows links: one in the folder may lead out of it.
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
        """A schema as it stands in the descriptor, or from the file that it names."""
        if isinstance(schema, str):
            schema = self._schema_file(schema)
        return schema if isinstance(schema, Mapping) else None

    def _schema_file(self, path: str) -> Any:
        """The schema that a path in the package names; None where there is none."""
        if ".." in PurePosixPath(path).parts or path.startswith("/"):
            raise ItemError(
                f"A schema lies outside its package: {path[:100]}", code="unsafe-path"
            )
        if self._remote:
            return self._client.get_json(urljoin(self._url, path))
        file = local_path(self._url, self._roots).parent / path
        return parse_json(path, file.read_bytes()) if file.is_file() else None

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def _inline(data: Any, path: Path, name: str) -> ContentPart:
    """Rows that stand in the descriptor itself, as a CSV file."""
    if not isinstance(data, list) or not data:
        raise ItemError(f"Resource {name} has neither a path nor rows.", code="no-file")
    # Objects name their columns; lists have them in the first row (`data`).
    if isinstance(data[0], Mapping):
        header = list(data[0])
        rows = [[row.get(key) for key in header] for row in data]
    else:
        header = [cell_text(cell) for cell in data[0]]
        rows = data[1:]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([cell_text(cell) for cell in row])
    return ContentPart.of(path)


def _licence(descriptor: Mapping[str, Any]) -> str | None:
    """CKAN's id of the first licence; older packages have one `license`, a text or an
    object.
    """
    licences = descriptor.get("licenses") or [descriptor.get("license")]
    name = licences[0] if isinstance(licences, list) and licences else None
    if isinstance(name, Mapping):
        name = name.get("name") or name.get("id")
    return LICENCES.get(str(name).lower(), "notspecified") if name else None


def _sources(descriptor: Mapping[str, Any]) -> dict[str, str]:
    """The sources of a package as one extra, in words."""
    texts = []
    for source in descriptor.get("sources") or ():
        if isinstance(source, Mapping):
            words = [source.get(key) for key in ("title", "path", "web")]
            texts.append(" ".join(str(word) for word in words if word))
    return {"sources": "; ".join(texts)} if texts else {}


def _tag(word: str) -> str:
    """A keyword with the signs alone that CKAN allows in a tag."""
    allowed = (sign if sign.isalnum() or sign in " _-." else " " for sign in word)
    return "".join(allowed).strip()[:100]
