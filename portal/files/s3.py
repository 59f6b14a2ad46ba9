"""Blobs in an S3 bucket, with a bounded folder of copies: what is read is fetched once, checked and kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import boto3
import boto3.session

from portal.errors import NotFound, SettingsError, Unavailable
from portal.files.disk import CHUNK, Blob, DiskFiles, Stream

PARAMETERS = ("endpoint", "region")
STILL_IN_USE = 120.0
"""Seconds after its last use for which a copy is not removed: somebody may be about to open it."""
ABSENT = ("404", "NoSuchKey", "NotFound")


def open_s3(url: str, cache: Path, most_bytes: int) -> S3Files:
    """Open the store of an address s3://bucket/prefix?endpoint=…&region=….

    Keys come from the usual places (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, the machine's role).
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - set(PARAMETERS))
    if not parts.netloc or unknown:
        raise SettingsError("PORTAL_FILES_URL takes s3://bucket/prefix?endpoint=https://host&region=name.")
    client = boto3.session.Session().client(
        "s3", endpoint_url=options.get("endpoint") or None, region_name=options.get("region") or "us-east-1"
    )
    return S3Files(client, parts.netloc, parts.path.strip("/"), cache, most_bytes)


class S3Files(DiskFiles):
    """A bucket of blobs; `path` gives a local copy, so that engines which read files read it like any other."""

    def __init__(self, client: Any, bucket: str, prefix: str, cache: Path, most_bytes: int) -> None:
        super().__init__(cache)
        self._client, self._bucket, self._most = client, bucket, most_bytes
        self._prefix = f"{prefix}/" if prefix else ""
        self._lock = threading.Lock()
        self._kept: int | None = None

    def put_file(self, source: Path | Stream) -> Blob:
        """Store a file or a stream whole, or not at all; it is in the bucket when this returns."""
        blob = super().put_file(source)
        if not self._in_bucket(blob.key):
            with self._reached():
                self._client.upload_file(str(self._place(blob.key)), self._bucket, self._name(blob.key))
        self._note(blob.size)
        return blob

    def path(self, key: str) -> Path:
        """Where a local copy lies; fetched now when there is none. What does not exist has a path, but no file."""
        local = self._place(key)
        if local.is_file():
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
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            found = [each for page in pages for each in page.get("Contents", ())]
        yield from sorted(
            each["Key"].rsplit("/", 1)[-1]
            for each in found
            if older_than <= 0 or each["LastModified"].timestamp() <= limit
        )

    def damaged(self) -> Iterator[str]:
        """Keys whose bytes in the bucket no longer have the hash that they are named by."""
        for key in self.keys():
            digest = hashlib.sha256()
            with self._reached():
                body = self._client.get_object(Bucket=self._bucket, Key=self._name(key))["Body"]
                for piece in body.iter_chunks(CHUNK):
                    digest.update(piece)
            if digest.hexdigest() != key:
                yield key

    def _name(self, key: str) -> str:
        return f"{self._prefix}{key[:2]}/{key}"

    def _in_bucket(self, key: str) -> bool:
        try:
            with self._reached():
                self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        except NotFound:
            return False
        return True

    def _fetch(self, key: str, local: Path) -> None:
        """Fetch a blob into the folder of copies; two that fetch the same one at a time do no harm."""
        local.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="new-", dir=local.parents[1])
        try:
            digest, size = hashlib.sha256(), 0
            with self._reached(), os.fdopen(handle, "wb") as out:
                body = self._client.get_object(Bucket=self._bucket, Key=self._name(key))["Body"]
                for piece in body.iter_chunks(CHUNK):
                    digest.update(piece)
                    size += out.write(piece)
            if digest.hexdigest() != key:
                raise Unavailable("A stored file is damaged; `portal files check` names it.")
            Path(name).replace(local)
        finally:
            Path(name).unlink(missing_ok=True)
        self._note(size)

    def _note(self, size: int) -> None:
        """Count a new copy; when there are too many bytes, those used longest ago go."""
        with self._lock:
            if self._kept is not None:
                self._kept += size
                if self._kept <= self._most:
                    return
            copies = sorted(
                ((path.stat(), path) for path in self._folder.glob("??/*")), key=lambda each: each[0].st_mtime
            )
            self._kept = sum(about.st_size for about, _ in copies)
            for about, path in copies:
                if self._kept <= self._most or about.st_mtime > time.time() - STILL_IN_USE:
                    break
                path.unlink(missing_ok=True)
                self._kept -= about.st_size

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What the bucket says, as errors of ours: no such blob, or not to be had now."""
        try:
            yield
        except self._client.exceptions.ClientError as error:
            if error.response.get("Error", {}).get("Code") in ABSENT:
                raise NotFound("Not found: no such file.") from None
            raise Unavailable("The file store refuses its service; its keys or its bucket may be wrong.") from error
        except (NotFound, Unavailable):
            raise
        except Exception as error:  # every other error of the client means that it could not talk to the bucket
            raise Unavailable("The file store cannot be reached now.") from error
