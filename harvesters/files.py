"""Dropped files: a folder becomes one dataset, tables made of one file or of one a day,
or a dataset for each file.
"""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate

from harvesters.base import ItemError, RemoteItem, SourceError
from harvesters.config import Config, DatasetConfig, dataset_record
from harvesters.places import inside, local_path
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord

UNFINISHED = (".part", ".tmp", ".crdownload", "~")


def inner_pattern(value: str) -> None:
    """A glob below the folder: `*.csv`, `days/*.csv`; never out of it."""
    if value.startswith("/") or ".." in value.split("/") or not value:
        raise ValidationError(
            "A pattern below the folder is expected, such as *.csv or days/*.csv."
        )


class FileConfig(Config):
    """One resource: the files that match a pattern. `append` makes one table of all of
    them, in order of names; `replace` takes the last one.
    """

    name = fields.String(required=True)
    pattern = fields.String(required=True, validate=inner_pattern)
    mode = fields.String(
        load_default="replace", validate=validate.OneOf(["replace", "append"])
    )
    schema_name = fields.String(load_default=None, allow_none=True)
    description = fields.String(load_default="")
    format = fields.String(load_default="")
    encoding = fields.String(load_default=None, allow_none=True)
    dialect = fields.Dict(load_default=None, allow_none=True)


class FilesConfig(Config):
    """A folder as one dataset (`dataset` and `resources`), or each file as a dataset
    (`each`).
    """

    dataset = fields.Nested(DatasetConfig, load_default=None, allow_none=True)
    resources = fields.List(fields.Nested(FileConfig), load_default=list)
    each = fields.Boolean(
        load_default=False,
        metadata={"help": "every file that matches `pattern` is a dataset"},
    )
    pattern = fields.String(load_default="*", validate=inner_pattern)
    schema_name = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"help": "table schema of `each` file"},
    )
    license_id = fields.String(load_default=None, allow_none=True)
    tags = fields.List(fields.String(), load_default=list)
    settle_seconds = fields.Float(
        load_default=2.0, metadata={"help": "younger files may still be being written"}
    )


class FilesAdapter:
    """SourceAdapter over a folder."""

    def __init__(
        self, url: str, config: Mapping[str, Any], roots: tuple[Path, ...]
    ) -> None:
        self._url, self._config, self._roots = url, config, roots

    def _folder(self) -> Path:
        """The folder of the source. Raises SourceError where it is none."""
        folder = local_path(self._url, self._roots)
        if not folder.is_dir():
            raise SourceError(
                "not-a-folder",
                f"{folder.name} is no folder; name the folder that files are dropped "
                "into.",
            )
        return folder

    def _matching(self, pattern: str) -> list[Path]:
        """Settled files of the folder that match, in order of names; links that leave
        the folder are no files of it.
        """
        folder = self._folder()
        before = time.time() - self._config["settle_seconds"]
        paths = sorted(folder.glob(pattern))
        return [path for path in paths if _is_settled(path, folder, before)]

    def items(self) -> Iterator[RemoteItem | ItemError]:
        """The one dataset, or one for each file."""
        if not self._config["each"]:
            yield self._whole()
            return
        for path in self._matching(self._config["pattern"]):
            yield RemoteItem(path.name, path.stem, _hash([path]), {"file": path.name})

    def _whole(self) -> RemoteItem:
        """All configured resources as one item, with a fingerprint of their files."""
        described = self._config["dataset"]
        paths: list[Path] = []
        for resource in self._config["resources"]:
            paths += self._matching(resource["pattern"])
        title = described["title"] or described["name"]
        return RemoteItem(described["name"], title, _hash(paths))

    def fetch(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """The dataset with its files, read where they lie."""
        if self._config["each"]:
            return self._single(item)
        resources = tuple(self._resource(each) for each in self._config["resources"])
        return dataset_record(self._config["dataset"], resources)

    def _single(self, item: RemoteItem) -> DatasetRecord:
        """One dropped file as a dataset of its own. Raises ItemError."""
        # The last part alone: the name was read from a row, and leads nowhere else.
        file_name = Path(str(item.payload.get("file") or item.id)).name
        path = self._folder() / file_name
        if not path.is_file() or not inside(path, self._folder()):
            raise ItemError(f"The file {item.id} is gone.", item_id=item.id)
        resource = ResourceRecord(
            name=path.stem,
            format=path.suffix.lstrip("."),
            schema_name=self._config["schema_name"],
            content=Content((ContentPart.of(path),)),
        )
        return DatasetRecord(
            name=slug(path.stem),
            title=path.stem,
            license_id=self._config["license_id"],
            tags=tuple(self._config["tags"]),
            resources=(resource,),
        )

    def _resource(self, described: Mapping[str, Any]) -> ResourceRecord:
        """A configured resource with the files that match. Raises ItemError for
        none.
        """
        paths = self._matching(described["pattern"])
        if not paths:
            raise ItemError(
                f"No file matches {described['pattern']} for the resource "
                f"{described['name']}.",
                code="no-file",
            )
        # Names of days sort by their dates, so that the last one is the newest.
        chosen = paths if described["mode"] == "append" else paths[-1:]
        parts = tuple(ContentPart.of(path) for path in chosen)
        content = Content(parts, described["encoding"], described["dialect"])
        return ResourceRecord(
            name=described["name"],
            format=described["format"] or chosen[-1].suffix.lstrip("."),
            description=described["description"],
            schema_name=described["schema_name"],
            content=content,
        )

    def close(self) -> None:
        """Nothing stays open between calls."""


def _is_settled(path: Path, folder: Path, before: float) -> bool:
    """Whether a path is a whole file of the folder, last written before a moment."""
    if not path.is_file() or not inside(path, folder):
        return False
    if path.name.startswith(".") or path.name.endswith(UNFINISHED):
        return False
    # A file without such a name may be on its way too: it rests for a while first.
    return path.stat().st_mtime <= before


def _hash(paths: list[Path]) -> str:
    """SHA-256 over names and bytes."""
    digest = hashlib.sha256()
    for path in paths:
        content = ContentPart.of(path).sha256
        # No name holds a zero byte: another split of names and hashes is another text.
        digest.update(f"{path.name}\0{content}\n".encode())
    return digest.hexdigest()


def slug(text: str) -> str:
    """A dataset's name out of a file's: ASCII, lower case, hyphens."""
    # Unicode takes marks off letters, but đ is a letter of its own.
    lowered = text.lower().replace("đ", "d")
    decomposed = unicodedata.normalize("NFKD", lowered)
    ascii_text = decomposed.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_text).strip("-") or "dataset"
