"""Scratch: a temporary file without a name, which lives exactly as long as something
refers to it.
"""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path


class Scratch:
    """Owns one temporary file. It has no name in any folder, so that nothing is left of
    it however its process ends.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(prefix="table-", dir=folder)  # noqa: SIM115 - it is closed with its owner
        self.path = Path(f"/proc/self/fd/{self._file.fileno()}")
        """Where this process, and no other, can open it."""
        weakref.finalize(self, self._file.close)
