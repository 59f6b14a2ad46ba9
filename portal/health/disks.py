"""Disks: how much room the folders have that the portal writes to, and whether a small
write succeeds now.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from i18n import Message
from portal.health.problems import Problem, Section
from portal.runtime import Portal
from schemas.units import BYTES_PER_MB

NAME = "disk"
PROBE = b"x" * 4096
"""What is written to see whether something can be written: one block of most file
systems.
"""


def look(portal: Portal) -> Section:
    """The data folder, the folder of files where that is another one, and the temporary
    folder.
    """
    folders = {
        "data": portal.settings.data_dir,
        "temporary": Path(tempfile.gettempdir()),
    }
    # A bucket has no room that could be asked for; whether it answers is `parts.files`.
    if "://" not in portal.settings.files_url:
        folders["files"] = Path(portal.settings.files_url)
    figures: dict[str, dict[str, int | None]] = {}
    problems: list[Problem] = []
    # The temporary folder too: uploads are spooled there, and a full one refuses them.
    for name, folder in folders.items():
        free = free_bytes(folder)
        figures[name] = {"free_mb": None if free is None else free // BYTES_PER_MB}
        found = _problem(name, folder, free, portal.settings.health_disk_mb)
        if found is not None:
            problems.append(found)
    return Section(NAME, figures, tuple(problems))


def free_bytes(folder: Path) -> int | None:
    """How many bytes the portal may still write there; None for a folder that cannot be
    asked.
    """
    try:
        return shutil.disk_usage(existing(folder)).free
    except OSError:
        return None


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there already: some are made with
    their first file.
    """
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)


def _problem(
    name: str, folder: Path, free: int | None, least_mb: int
) -> Problem | None:
    """What is wrong with a folder, None where nothing is; a refused write is told
    before little room.
    """
    refused = _write_refused(existing(folder))
    if refused:
        return Problem(
            NAME,
            Message(
                "The {name} folder ({folder}) cannot be written: {refused}. Make "
                "room, or mend its rights."
            ).filled(name=name, folder=folder, refused=refused),
        )
    if free is not None and free < least_mb * BYTES_PER_MB:
        left = free // BYTES_PER_MB
        return Problem(
            NAME,
            Message(
                "The {name} folder ({folder}) has {left} MB left, less than "
                "PORTAL_HEALTH_DISK_MB = {least_mb}."
            ).filled(name=name, folder=folder, left=left, least_mb=least_mb),
        )
    return None


def _write_refused(folder: Path) -> str:
    """Why a small write fails; empty where it succeeds. Nothing of it stays, not even
    after kill -9.
    """
    # Free bytes say nothing of a quota, of rights, or of a disk that went read-only.
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(PROBE)
            file.flush()
            # Without it the write stays in memory, and a full disk says nothing.
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""
