"""Derived files: downloads and hot copies lie beside a fingerprint of rows, and go with
the version that has it.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_OF_ROWS = re.compile(r"^([0-9a-f]{64})\.")
SCRATCH = ("part-*", "download-*", "hot-*", "export-*", "spill/*")
"""What is being made below the folder of tables; whatever is old there was left by a
process that was killed.
"""


class DerivedFiles:
    """The downloads and hot copies in one folder, on this machine alone: all of them
    can be made again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, fingerprint: str, forms: Iterable[str]) -> bool:
        """Whether the downloads of rows lie here in these forms."""
        folder = self._folder / fingerprint[:2]
        return all((folder / f"{fingerprint}.{form}").is_file() for form in forms)

    def forget(self, fingerprint: str) -> int:
        """Remove all that was made of these rows; `fingerprint` may be the beginning of
        one. Return how many files.
        """
        return sum(
            _removed(path)
            for path in self._folder.glob(f"{fingerprint[:2]}/{fingerprint}*")
        )

    def sweep(self, kept: Callable[[], Iterable[str]]) -> int:
        """Remove what was made of rows that no version has any more; return how many
        files.

        `kept` gives the fingerprints of all versions. It is asked after the files are
        listed, so that what is made of a newer version meanwhile stays.
        """
        found = [
            (match[1], path)
            for path in self._folder.glob("??/*")
            if (match := _OF_ROWS.match(path.name))
        ]
        live = set(kept()) if found else set()
        return sum(
            _removed(path) for fingerprint, path in found if fingerprint not in live
        )

    def sweep_scratch(self, older_than: float) -> int:
        """Remove what processes that were killed left half made, older than so many
        seconds; return how many.
        """
        limit = time.time() - older_than
        return remove_older(
            [path for pattern in SCRATCH for path in self._folder.glob(pattern)], limit
        )


def remove_older(paths: Iterable[Path], limit: float) -> int:
    """Remove files and folders that nobody has touched since a moment; return how
    many.
    """
    removed = 0
    for path in paths:
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if path.lstat().st_mtime >= limit:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            removed += 1
    return removed


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
