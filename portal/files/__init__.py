"""The blob store: files under the hash of their content, so that nothing is stored
twice and nothing ever changes.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from portal.files.disk import Blob, DiskFiles, Stream
from schemas.units import BYTES_PER_MB

__all__ = ["Blob", "Files", "Stream", "open_files"]

Files = DiskFiles
"""What every store of blobs can do: a folder can, and what lies elsewhere is a folder
that fetches what it lacks.
"""


def open_files(url: str, cache: Path | None = None, cache_mb: int = 10_240) -> Files:
    """Open the blob store of a folder, of file:///folder, or of
    s3://bucket/prefix?endpoint=https://…&region=….

    `cache` is the folder for copies of what lies on S3, at most `cache_mb` of them.
    Raises SettingsError for an address that cannot be one.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from portal.files.s3 import open_s3  # noqa: PLC0415 - a heavy client, only where it is used

        return open_s3(url, cache or Path("var/cache"), cache_mb * BYTES_PER_MB)
    return DiskFiles(Path(parts.path if parts.scheme == "file" else url))
