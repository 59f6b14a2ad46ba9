"""A Data Package of the web beside its descriptor: every file it names is fetched
through the guarded client.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from harvesters.base import SourceError
from harvesters.http import GuardedClient

ADDRESSES = ("http://", "https://")
NAMED = ("schema", "dialect")
"""What a resource may keep in a file of its own."""


def mirror(client: GuardedClient, url: str, path: Path) -> dict[str, str]:
    """Fetch what the descriptor at `path` (that came from `url`) names, into its
    folder.

    The descriptor is written anew with paths of the folder only, so that whoever reads
    it asks no address by itself. Returns the address of each path. Raises SourceError
    for what cannot be fetched or leads outside.
    """
    descriptor = orjson.loads(path.read_bytes())
    if str(descriptor.get("profile") or "").startswith(ADDRESSES):
        raise SourceError(
            "profile",
            "Its profile is an address; give the profile's name, or leave it out.",
        )
    came: dict[str, str] = {}
    for number, resource in enumerate(descriptor["resources"]):
        if isinstance(resource, dict):
            _resource(client, url, path, resource, f"fetched-{number}", came)
    path.write_bytes(orjson.dumps(descriptor))
    return came


def _resource(
    client: GuardedClient,
    url: str,
    path: Path,
    resource: dict[str, Any],
    folder: str,
    came: dict[str, str],
) -> None:
    for holder, key, named in list(_named(resource)):
        kept = _local(named, folder)
        if kept == path.name:
            raise SourceError(
                "unsafe-path",
                "A resource is the descriptor itself; name a file of its own.",
            )
        if kept not in came:
            came[kept] = urljoin(url, named)
            (path.parent / kept).parent.mkdir(parents=True, exist_ok=True)
            client.download(came[kept], path.parent / kept)
        holder[key] = kept


def _named(resource: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Where a resource names files: the object or list that holds the name, its key,
    and the name.
    """
    for key in ("path", *NAMED):
        if isinstance(resource.get(key), str):
            yield resource, key, resource[key]
    for key in ("path", "extrapaths"):
        listed = resource.get(key)
        for index, named in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(named, str):
                yield listed, index, named


def _local(named: str, folder: str) -> str:
    """The path in the package's folder for a name; files of other addresses lie in
    `folder`.
    """
    if named.startswith(ADDRESSES):
        return f"{folder}/{file_name(named)}"
    pure = PurePosixPath(named)
    if pure.is_absolute() or ".." in pure.parts or "\\" in named or not pure.name:
        raise SourceError(
            "unsafe-path", f"A resource names a path outside its package: {named[:100]}"
        )
    return str(pure)


def file_name(url: str) -> str:
    """What a file of an address may be called here."""
    last = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]
    return "table" if last in ("", ".", "..") else last[-100:]
