"""Blobs in a folder, fanned out by the first letters of their keys; each is there whole
or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from portal.errors import NotFound

CHUNK = 1024 * 1024
LOCK = "sweep.lock"
"""Held by whoever stores a blob, shared, and by the sweep alone while it looks at one
and removes it.
"""
_KEY = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored file: `key` is the SHA-256 of its bytes, `size` counts them."""

    key: str
    size: int


class Stream(Protocol):
    """Anything that gives bytes until it gives none."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size`."""
        ...


class DiskFiles:
    """A folder of blobs, fanned out by the first two letters of their keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_file(self, source: Path | Stream) -> Blob:
        """Store a file or a stream whole, or not at all; storing the same bytes again
        gives the same blob.
        """
        if isinstance(source, Path):
            with source.open("rb") as file:
                return self._put(file)
        return self._put(source)

    def _put(self, stream: Stream) -> Blob:
        """Write a stream beside the blobs while it is hashed, then give it its name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(prefix="new-", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as out:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    size += out.write(chunk)
                # The bytes have to be on the disk before their name is: a row may name
                # them once this returns, and a power cut must not leave it zeros.
                out.flush()
                os.fsync(out.fileno())
            target = self._place(digest.hexdigest())
            if not target.parent.is_dir():
                target.parent.mkdir(exist_ok=True)
                _sync_folder(self._folder)
            # Renamed within one file system: a reader finds a whole blob or none.
            with self._shared():
                Path(name).replace(target)
            _sync_folder(target.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Blob(digest.hexdigest(), size)

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """No sweep removes anything meanwhile: bytes that are stored again have their
        new age before it looks.
        """
        with (self._folder / LOCK).open("ab") as file:
            # Given back when the file is closed, also by kill -9.
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    def remove_old(self, keys: Iterable[str], older_than: float) -> int:
        """Remove those of these blobs that nobody stored again within so many seconds;
        return how many.
        """
        removed = 0
        for key in keys:
            path = self._place(key)
            # For one blob at a time: whoever stores one waits for no whole sweep.
            with (self._folder / LOCK).open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                limit = time.time() - older_than
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime <= limit:
                        path.unlink()
                        removed += 1
        return removed

    def path(self, key: str) -> Path:
        """Where the blob lies. Raises NotFound for what cannot be a key."""
        return self._place(key)

    def _place(self, key: str) -> Path:
        if not is_key(key):
            raise NotFound("Not found: no such file.")
        return self._folder / key[:2] / key

    def open(self, key: str) -> BinaryIO:
        """The blob's bytes. Raises NotFound when there is none."""
        try:
            return self.path(key).open("rb")
        except FileNotFoundError:
            raise NotFound("Not found: no such file.") from None

    def exists(self, key: str) -> bool:
        """Whether the blob is here."""
        return self.path(key).is_file()

    def delete(self, key: str) -> None:
        """Remove a blob; removing what is not there is no error."""
        self.path(key).unlink(missing_ok=True)

    def keys(self, older_than: float = 0.0) -> Iterator[str]:
        """Every key, or those whose file is older than so many seconds."""
        limit = time.time() - older_than
        for path in sorted(self._folder.glob("??/*")):
            with suppress(FileNotFoundError):  # another process may remove it meanwhile
                if path.stat().st_mtime <= limit:
                    yield path.name

    def sweep_copies(self, named: Container[str], older_than: float) -> int:
        """Remove copies of blobs that lie elsewhere and are not among the `named`; here
        there are none.
        """
        return 0

    def find_damaged(self) -> Iterator[str]:
        """Keys whose bytes no longer have the hash that they are named by."""
        for key in self.keys():
            with self.path(key).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != key:
                    yield key

    def sweep_unfinished(self, older_than: float) -> int:
        """Remove files of stores that were cut off; return how many."""
        limit = time.time() - older_than
        old = [
            path for path in self._folder.glob("new-*") if path.stat().st_mtime <= limit
        ]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def is_key(name: str) -> bool:
    """Whether this can be the key of a blob."""
    return _KEY.match(name) is not None


def _sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk, so that a power cut does not undo a
    rename.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
