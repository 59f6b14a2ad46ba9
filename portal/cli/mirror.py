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
FILE_KEYS = ("schema", "dialect")
"""What a resource may keep in a file of its own."""


def mirror(client: GuardedClient, url: str, path: Path) -> dict[str, str]:
    """Fetch what the descriptor at `path` (that came from `url`) names, into its
    folder.

    The descriptor is written anew with paths of the folder only, so that whoever reads
    it asks no address by itself. Returns the address of each path. Raises SourceError
    for what cannot be fetched or leads outside.
    """
    descriptor = orjson.loads(path.read_bytes())
    # Frictionless would fetch a profile by itself, past the guarded client.
    if str(descriptor.get("profile") or "").startswith(ADDRESSES):
        raise SourceError(
            "profile",
            "Its profile is an address; give the profile's name, or leave it out.",
        )
    addresses: dict[str, str] = {}
    for number, resource in enumerate(descriptor["resources"]):
        if isinstance(resource, dict):
            # A folder for each: files of two addresses may have the same name.
            folder = f"fetched-{number}"
            _mirror_resource(client, url, path, resource, folder, addresses)
    path.write_bytes(orjson.dumps(descriptor))
    return addresses


def _mirror_resource(
    client: GuardedClient,
    url: str,
    path: Path,
    resource: dict[str, Any],
    folder: str,
    addresses: dict[str, str],
) -> None:
    """Fetch the files of one resource that are not in `addresses` yet, and let it name
    the copies.
    """
    # A list: the names are changed while they are walked through.
    for holder, key, name in list(_file_names(resource)):
        local = _local_path(name, folder)
        # It would be fetched over the descriptor that is being walked through.
        if local == path.name:
            raise SourceError(
                "unsafe-path",
                "A resource is the descriptor itself; name a file of its own.",
            )
        if local not in addresses:
            target = path.parent / local
            target.parent.mkdir(parents=True, exist_ok=True)
            # A relative path counts from the descriptor's address, as the specification
            # has it.
            addresses[local] = urljoin(url, name)
            client.download(addresses[local], target)
        holder[key] = local


def _file_names(resource: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Where a resource names files: the object or list that holds the name, its key,
    and the name.
    """
    for key in ("path", *FILE_KEYS):
        if isinstance(resource.get(key), str):
            yield resource, key, resource[key]
    for key in ("path", "extrapaths"):
        names = resource.get(key)
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                yield names, index, name


def _local_path(name: str, folder: str) -> str:
    """The path in the package's folder for a name; files of other addresses lie in
    `folder`.
    """
    if name.startswith(ADDRESSES):
        return f"{folder}/{file_name(name)}"
    pure = PurePosixPath(name)
    leads_out = pure.is_absolute() or ".." in pure.parts or "\\" in name
    if leads_out or not pure.name:
        raise SourceError(
            "unsafe-path", f"A resource names a path outside its package: {name[:100]}"
        )
    return str(pure)


def file_name(url: str) -> str:
    """What a file of an address may be called here."""
    last = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]
    # File systems take no name of any length; of a long one the end is kept, as its
    # suffix says the format.
    return "table" if last in ("", ".", "..") else last[-100:]
