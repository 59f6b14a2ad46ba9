"""Blobs in an S3 bucket, with a bounded folder of copies: what is read is fetched once,
checked and kept.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import boto3
import boto3.session

from portal.errors import NotFound, SettingsError, Unavailable
from portal.files.disk import CHUNK, Blob, DiskFiles, Stream, is_key

PARAMETERS = ("endpoint", "region")
STILL_IN_USE = 120.0
"""Seconds after its last use for which a copy is not removed: somebody may be about to
open it.
"""
RENEWED_AFTER = 3600.0
"""Seconds after which a blob that is stored once more is really stored again, so that
no sweep takes it for unused.
"""
TRIES, PAUSE = 100, 0.3
"""How often, and after how many seconds, a blob is stored again that a sweep is about
to remove.
"""
NOTICES, NOTICE_SECONDS, BATCH = "sweep/", 60.0, 100
"""Where a sweep tells which blobs it is about to remove, for how long that counts, and
how many it tells at once.
"""
ABSENT = ("404", "NoSuchKey", "NotFound")


def open_s3(url: str, cache: Path, most_bytes: int) -> S3Files:
    """Open the store of an address s3://bucket/prefix?endpoint=…&region=….

    Keys come from the usual places (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,
    ~/.aws, the machine's role).
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - set(PARAMETERS))
    if not parts.netloc or unknown:
        raise SettingsError(
            "PORTAL_FILES_URL takes "
            "s3://bucket/prefix?endpoint=https://host&region=name."
        )
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=options.get("endpoint") or None,
        region_name=options.get("region") or "us-east-1",
    )
    return S3Files(client, parts.netloc, parts.path.strip("/"), cache, most_bytes)


class S3Files(DiskFiles):
    """A bucket of blobs; `path` gives a local copy, so that engines which read files
    read it like any other.
    """

    def __init__(
        self, client: Any, bucket: str, prefix: str, cache: Path, most_bytes: int
    ) -> None:
        super().__init__(cache)
        self._client, self._bucket, self._most = client, bucket, most_bytes
        self._prefix = f"{prefix}/" if prefix else ""
        self._lock = threading.Lock()
        self._cached_bytes: int | None = None

    def put_file(self, source: Path | Stream) -> Blob:
        """Store a file or a stream whole, or not at all; it is in the bucket when this
        returns.
        """
        # First here: the bytes are read once, for their hash and for sending them.
        blob = super().put_file(source)
        age = self._age(blob.key)
        if age is None or age > RENEWED_AFTER:
            self._upload(blob.key)
        self._note(blob.size)
        return blob

    def _upload(self, key: str) -> None:
        """Store a blob, or store it again so that it is young, and make sure that no
        sweep takes it away meanwhile.
        """
        for _ in range(TRIES):
            with self._reached():
                self._client.upload_file(
                    str(self._place(key)), self._bucket, self._name(key)
                )
            # In this order: a sweep tells what it is about to remove before it looks at
            # ages, and until it is done.
            if not self._about_to_go(key) and self._in_bucket(key):
                return
            time.sleep(PAUSE)
        raise Unavailable("The file store is being swept; try again in a moment.")

    def remove_old(self, keys: Iterable[str], older_than: float) -> int:
        """Remove those of these blobs that nobody stored again within so many seconds;
        return how many.

        A bucket has no locks: each batch is told in an object beside the blobs while it
        lasts, and whoever stores one of them looks there.
        """
        removed, waiting = 0, list(keys)
        while waiting:
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            notice = f"{self._prefix}{NOTICES}{secrets.token_hex(8)}"
            until = time.monotonic() + NOTICE_SECONDS / 2
            with self._reached():
                self._client.put_object(
                    Bucket=self._bucket, Key=notice, Body="\n".join(batch).encode()
                )
            try:
                removed += sum(
                    self._remove(key, older_than)
                    for key in batch
                    if time.monotonic() < until
                )
            finally:
                with self._reached():
                    self._client.delete_object(Bucket=self._bucket, Key=notice)
        return removed

    def _remove(self, key: str, older_than: float) -> bool:
        """Delete a blob that is old enough, by the bucket's clock; whether it was."""
        age = self._age(key)
        if age is None or age < older_than:
            return False
        self.delete(key)
        return True

    def _about_to_go(self, key: str) -> bool:
        """Whether a sweep may be removing this blob; one that died leaves its notice,
        which counts no longer then.
        """
        with self._reached():
            listed = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=f"{self._prefix}{NOTICES}"
            )
            # By the bucket's own clock: those of the machines may differ by more than
            # a notice counts.
            moment = _moment(listed)
            for notice in listed.get("Contents", ()):
                age = moment - notice["LastModified"].timestamp()
                if age < NOTICE_SECONDS and self._names(notice["Key"], key):
                    return True
        return False

    def _names(self, notice: str, key: str) -> bool:
        """Whether the notice of a sweep names this blob."""
        try:
            with self._reached():
                answer = self._client.get_object(Bucket=self._bucket, Key=notice)
                body = answer["Body"].read()
        except NotFound:
            return False  # that sweep is done
        return key.encode() in body.split()

    def sweep_copies(self, named: Container[str], older_than: float) -> int:
        """Remove copies on this machine of blobs that are not among the `named` and
        were not used for so many seconds.
        """
        old = [key for key in DiskFiles.keys(self, older_than) if key not in named]
        return DiskFiles.remove_old(self, old, older_than)

    def path(self, key: str) -> Path:
        """Where a local copy lies; fetched now when there is none. What does not exist
        has a path, but no file.
        """
        local = self._place(key)
        if local.is_file():
            # Its last use: what was used longest ago goes first.
            with suppress(OSError):
                os.utime(local)
            return local
        with suppress(NotFound):
            self._fetch(key, local)
        return local

    def open(self, key: str) -> BinaryIO:
        """The blob's bytes. Raises NotFound when there is none."""
        try:
            return self.path(key).open("rb")
        except FileNotFoundError:
            raise NotFound("Not found: no such file.") from None

    def exists(self, key: str) -> bool:
        """Whether the blob is in the bucket."""
        self._place(key)
        return self._in_bucket(key)

    def delete(self, key: str) -> None:
        """Remove a blob from the bucket and its copy from here."""
        with self._reached():
            self._client.delete_object(Bucket=self._bucket, Key=self._name(key))
        self._place(key).unlink(missing_ok=True)

    def keys(self, older_than: float = 0.0) -> Iterator[str]:
        """Every key in the bucket, or those stored longer ago than so many seconds."""
        limit = time.time() - older_than
        with self._reached():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            objects = [each for page in pages for each in page.get("Contents", ())]
        # Without an age all are meant, whatever the clocks say.
        if older_than > 0:
            objects = [
                each for each in objects if each["LastModified"].timestamp() <= limit
            ]
        names = [each["Key"].rsplit("/", 1)[-1] for each in objects]
        yield from sorted(name for name in names if is_key(name))

    def find_damaged(self) -> Iterator[str]:
        """Keys whose bytes in the bucket no longer have the hash that they are named
        by.
        """
        for key in self.keys():
            digest = hashlib.sha256()
            with self._reached():
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._name(key)
                )
                for piece in answer["Body"].iter_chunks(CHUNK):
                    digest.update(piece)
            if digest.hexdigest() != key:
                yield key

    def _name(self, key: str) -> str:
        return f"{self._prefix}{key[:2]}/{key}"

    def _in_bucket(self, key: str) -> bool:
        return self._age(key) is not None

    def _age(self, key: str) -> float | None:
        """For how many seconds, by the bucket's own clock, a blob lies there; None
        where there is none.
        """
        try:
            with self._reached():
                about = self._client.head_object(
                    Bucket=self._bucket, Key=self._name(key)
                )
        except NotFound:
            return None
        stored: datetime = about["LastModified"]
        return max(0.0, _moment(about) - stored.timestamp())

    def _fetch(self, key: str, local: Path) -> None:
        """Fetch a blob into the folder of copies; two that fetch the same one at a time
        do no harm.
        """
        local.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="new-", dir=local.parents[1])
        try:
            digest, size = hashlib.sha256(), 0
            with self._reached(), os.fdopen(handle, "wb") as out:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._name(key)
                )
                for piece in answer["Body"].iter_chunks(CHUNK):
                    digest.update(piece)
                    size += out.write(piece)
            if digest.hexdigest() != key:
                raise Unavailable(
                    "A stored file is damaged; `portal files check` names it."
                )
            Path(name).replace(local)
        finally:
            Path(name).unlink(missing_ok=True)
        self._note(size)

    def _note(self, size: int) -> None:
        """Count a new copy; when there are too many bytes, those used longest ago
        go.
        """
        with self._lock:
            if self._cached_bytes is not None:
                self._cached_bytes += size
                if self._cached_bytes <= self._most:
                    return
            # Counted anew: other processes fill and empty the same folder.
            copies = [(path.stat(), path) for path in self._folder.glob("??/*")]
            copies.sort(key=lambda each: each[0].st_mtime)
            self._cached_bytes = sum(about.st_size for about, _ in copies)
            limit = time.time() - STILL_IN_USE
            for about, path in copies:
                if self._cached_bytes <= self._most or about.st_mtime > limit:
                    break
                path.unlink(missing_ok=True)
                self._cached_bytes -= about.st_size

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What the bucket says, as errors of ours: no such blob, or not to be had
        now.
        """
        try:
            yield
        except self._client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") in ABSENT:
                raise NotFound("Not found: no such file.") from None
            raise Unavailable(
                "The file store refuses its service; its keys or its bucket may be "
                "wrong."
            ) from error
        except (NotFound, Unavailable):
            raise
        # every other error of the client means that it could not talk to the bucket
        except Exception as error:
            raise Unavailable("The file store cannot be reached now.") from error


def _moment(answer: Mapping[str, Any]) -> float:
    """When the bucket gave an answer, by its own clock."""
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    return parsedate_to_datetime(said).timestamp() if said else time.time()
