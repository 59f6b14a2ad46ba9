"""Scratch: a temporary file that lives exactly as long as something refers to it."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path


class Scratch:
    """Owns one temporary file; it is deleted when the last reference to this object goes."""

    def __init__(self, folder: Path | None = None) -> None:
        with tempfile.NamedTemporaryFile(prefix="table-", dir=folder, delete=False) as file:
            self.path = Path(file.name)
        weakref.finalize(self, _forget, self.path)


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
