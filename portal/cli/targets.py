"""What `portal validate` is pointed at: a file, an address or a Data Package, fetched
and described.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from mimetypes import guess_extension
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from harvesters.base import ItemError, SourceError
from harvesters.datapackage import DataPackageAdapter, DataPackageConfig
from harvesters.http import GuardedClient, safe_url
from portal.cli.mirror import ADDRESSES, file_name, mirror
from portal.errors import BadFile
from portal.pipeline.reach import http_options
from portal.reading import ReadOptions, read_table
from portal.settings import Settings
from schemas import catalog
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord

DESCRIPTOR = "datapackage.json"
Columns = Mapping[str, Any]


class Unusable(Exception):
    """The target or the schema cannot be used; the message says why and what to do."""


def options(settings: Settings) -> ReadOptions:
    """How far reading goes on the command line: files of the caller's own may be larger
    than uploads.
    """
    return replace(ReadOptions.within(settings), max_bytes=ReadOptions().max_bytes)


def is_address(target: str) -> bool:
    """Whether the target stands on the web."""
    return target.startswith(ADDRESSES)


def is_package(path: Path) -> bool:
    """Whether a local file is the descriptor of a Data Package: JSON with a list of
    resources.
    """
    # A descriptor is small. Without the bound a large JSON table would be read into
    # memory just to find out what it is.
    if path.suffix.lower() != ".json" or path.stat().st_size > 16 * 1024 * 1024:
        return False
    try:
        descriptor = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return False
    is_object = isinstance(descriptor, dict)
    return is_object and isinstance(descriptor.get("resources"), list)


def table_schema(wanted: str | None) -> Mapping[str, Any] | None:
    """The schema that a name, a code such as D02, or a JSON file stands for; None for
    none.
    """
    if wanted is None:
        return None
    if not wanted.lower().endswith(".json"):
        try:
            return catalog.get(wanted).public
        except KeyError as problem:
            raise Unusable(str(problem)) from None
    try:
        descriptor = orjson.loads(Path(wanted).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise Unusable(f"{wanted} is no JSON file that can be read.") from None
    is_object = isinstance(descriptor, dict)
    if not is_object or not isinstance(descriptor.get("fields"), list):
        raise Unusable(f"{wanted} is no Table Schema: it has no list of fields.")
    checked: Mapping[str, Any] = descriptor
    return checked


@contextmanager
def local_copy(target: str, settings: Settings) -> Iterator[Path]:
    """The local path of a target; what stands on the web is fetched through the guarded
    client and removed again.
    """
    if not is_address(target):
        path = Path(target)
        path = path / DESCRIPTOR if path.is_dir() else path
        if not path.is_file():
            raise Unusable(f"There is no file {target}.")
        yield path
        return
    name = file_name(target)
    with TemporaryDirectory() as folder, _client(settings) as client:
        try:
            done = client.download(target, Path(folder) / name)
        except SourceError as problem:
            raise Unusable(f"{safe_url(target)}: {problem}") from None
        path = done.path
        # An address need not end like a file: then its answer says what it is.
        if not path.suffix:
            path = path.rename(f"{path}{guess_extension(done.media_type) or ''}")
        yield path


@contextmanager
def _client(settings: Settings) -> Iterator[GuardedClient]:
    client = GuardedClient(http_options(settings))
    try:
        yield client
    finally:
        client.close()


def whole_package(target: str, path: Path, settings: Settings) -> dict[str, str]:
    """Fetch the files of a package of the web to where its descriptor lies; the address
    of each by its path.
    """
    try:
        with _client(settings) as client:
            return mirror(client, target, path)
    except SourceError as problem:
        raise Unusable(f"{safe_url(target)}: {problem}") from None


def single(
    path: Path, schema: Mapping[str, Any] | None, encoding: str | None = None
) -> DatasetRecord:
    """A file by itself, as a dataset of one resource. Raises Unusable for an encoding
    that nobody knows.
    """
    try:
        # Looked up here, for a sentence about the option; the reader would say that the
        # file is wrong.
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise Unusable(f"There is no encoding {encoding}.") from None
    part = ContentPart(path, path.name, "", path.stat().st_size)
    content = Content((part,), encoding=encoding)
    resource = ResourceRecord(name=path.name, schema=schema, content=content)
    return DatasetRecord(name="file", resources=(resource,))


@contextmanager
def package(target: str, path: Path, settings: Settings) -> Iterator[DatasetRecord]:
    """A Data Package with all its files."""
    remote = is_address(target)
    with TemporaryDirectory() as folder, _client(settings) as client:
        config = DataPackageConfig().load({"name": "package"})
        url = target if remote else str(path.absolute())
        # The adapter of harvests, so that a package is judged here as it will be when
        # it is harvested.
        adapter = DataPackageAdapter(url, config, client, (path.absolute().parent,))
        try:
            yield adapter.fetch(next(iter(adapter.items())), Path(folder))  # type: ignore[arg-type]
        except (SourceError, ItemError) as problem:
            raise Unusable(
                f"{safe_url(target) if remote else target}: {problem}"
            ) from None


def lookups(
    record: DatasetRecord, options: ReadOptions
) -> Callable[[str], Columns | None]:
    """Lookups for foreign keys: the tables of the package itself, else the code lists
    that ship with the schemas.
    """
    known: dict[str, Columns | None] = {}

    def find(name: str) -> Columns | None:
        # Kept, also where there is none: every key of every table asks anew.
        if name not in known:
            tables = [
                each for each in record.resources if each.name == name and each.content
            ]
            if tables:
                known[name] = _columns(tables[0], options)
            else:
                known[name] = catalog.code_list(name)
        return known[name]

    return find


def _columns(resource: ResourceRecord, options: ReadOptions) -> Columns | None:
    """The cells of a table as texts, by label; None where it cannot be read."""
    content = resource.content or Content(())
    try:
        table = read_table(content, format=resource.format, options=options)
        columns: dict[str, list[str]] = {label.strip(): [] for label in table.labels}
        for batch in table.batches():
            for index, label in enumerate(table.labels):
                columns[label.strip()].extend(batch.frame[str(index)].to_list())
    # The broken table gets a report of its own; here the key just cannot be looked up.
    except BadFile:
        return None
    return columns
