"""The portal's address where nobody has said it: that of the port on which it was
served last.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PORTAL_SITE_URL"
FILE = "site-url"


def read_address(data_dir: Path) -> str:
    """The address that was noted in the data folder last; empty where none was."""
    path = data_dir / FILE
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def write_address(data_dir: Path, address: str) -> None:
    """Note the address that the portal is served at, for every process that nobody told
    PORTAL_SITE_URL.
    """
    # Replaced in one step: a process that starts meanwhile reads no half address.
    fresh = data_dir / f"{FILE}.{os.getpid()}"
    fresh.write_text(address, encoding="utf-8")
    fresh.replace(data_dir / FILE)
