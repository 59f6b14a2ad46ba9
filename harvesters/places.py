"""Local places that sources may read: below configured folders, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from harvesters.base import SourceError


def local_path(url: str, roots: tuple[Path, ...]) -> Path:
    """The file or folder that a path or file:// address names. Raises SourceError for
    one outside every root.
    """
    name = unquote(urlsplit(url).path) if url.startswith("file://") else url
    # Resolved before it is compared: links and ".." must not lead out of a root.
    path = Path(name).resolve()
    if not any(inside(path, root) for root in roots):
        raise SourceError(
            "outside-roots",
            f"{path.name} lies outside the folders of PORTAL_HARVEST_ROOTS.",
        )
    if not path.exists():
        raise SourceError("not-found", f"There is no file or folder {path.name}.")
    return path


def inside(path: Path, root: Path) -> bool:
    """Whether a path, links followed, lies below a folder."""
    return path.resolve().is_relative_to(root.resolve())
