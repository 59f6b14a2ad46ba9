"""Archives opened safely: one table out of a .gz or .zip, with limits on size, ratio,
members and depth.
"""

from __future__ import annotations

import fnmatch
import gzip
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from i18n import Message
from portal.reading.fork_server import OURS
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from portal.reading.scratch import Scratch
from portal.reading.signature import FORMATS

BLOCK = 1024 * 1024
FREE_BYTES = 1024 * 1024
"""So much may come out of any archive, whatever its ratio: short tables compress very
well.
"""
ENCRYPTED = 0x1
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
    struct.error,
)
"""What Python's archive readers raise on bytes that are missing or make no sense."""


def unpack(
    path: Path, name: str, kind: str, options: ReadOptions
) -> tuple[Scratch, str]:
    """The one table inside an archive of `kind` "GZ" or "ZIP": its bytes in a scratch
    file, and its name.

    Raises BadFile: "zip-bomb", "unsafe-name", "encrypted", "archive-choice", "damaged".
    """
    try:
        return _gz(path, name, options) if kind == "GZ" else _zip(path, name, options)
    except (*DAMAGES, OSError) as error:
        if getattr(error, "errno", None) in OURS:
            raise
        raise refuse(
            "damaged", name=name, claimed=kind, why=type(error).__name__
        ) from None


def check_members(path: Path, name: str, options: ReadOptions) -> list[zipfile.ZipInfo]:
    """The files of a zip, after its directory was checked against every limit; reads no
    content.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > options.max_members:
        raise _bomb(name, Message("it holds {count} files").filled(count=len(members)))
    for member in members:
        _check_name(name, member.filename)
    # A directory may lie, so `_copy` counts again; a bomb that says so is refused
    # unread.
    total = sum(member.file_size for member in members)
    if total > options.max_bytes:
        raise _bomb(name, Message("it unpacks to {total} bytes").filled(total=total))
    packed = max(path.stat().st_size, 1)
    if total > max(FREE_BYTES, options.max_ratio * packed):
        raise _bomb(
            name, Message("its ratio is {ratio}:1").filled(ratio=total // packed)
        )
    return [member for member in members if not member.is_dir()]


def _check_name(name: str, member: str) -> None:
    """Refuse a member whose name is absolute, leads out of its folder or holds a
    NUL.
    """
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if (
        member.startswith(("/", "\\"))
        or ".." in parts
        or PureWindowsPath(member).drive
        or "\0" in member
    ):
        raise refuse("unsafe-name", name=name, member=member[:100])


def _zip(path: Path, name: str, options: ReadOptions) -> tuple[Scratch, str]:
    """The one table of a zip and its name, without the folders before it."""
    chosen = _choose(check_members(path, name, options), name, options)
    # Python's reader would raise a bare RuntimeError for a password.
    if chosen.flag_bits & ENCRYPTED:
        raise refuse("encrypted", name=name)
    with zipfile.ZipFile(path) as archive, archive.open(chosen) as source:
        return _copy(source, path, name, options), PurePosixPath(chosen.filename).name


def _choose(
    members: list[zipfile.ZipInfo], name: str, options: ReadOptions
) -> zipfile.ZipInfo:
    """The one member that is wanted; refuses where none is, or several are."""
    tables = [member for member in members if _wanted(member.filename, options.member)]
    if len(tables) != 1:
        listed = (
            ", ".join(member.filename for member in (tables or members)[:10]) or "0"
        )
        raise refuse("archive-choice", name=name, count=len(tables), members=listed)
    return tables[0]


def _wanted(member: str, pattern: str) -> bool:
    """Whether a member matches the pattern; without one, whether it looks like a
    table.
    """
    path = PurePosixPath(member)
    if pattern:
        return fnmatch.fnmatch(member, pattern) or fnmatch.fnmatch(path.name, pattern)
    # macOS adds a folder "__MACOSX" with a hidden twin of each file.
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return (
        not hidden
        and path.name != "datapackage.json"
        and path.suffix.lower().lstrip(".") in FORMATS
    )


def _gz(path: Path, name: str, options: ReadOptions) -> tuple[Scratch, str]:
    inner = name[:-3] if name.lower().endswith(".gz") else name
    with gzip.open(path, "rb") as source:
        return _copy(source, path, name, options), inner


def _copy(
    source: IO[bytes] | gzip.GzipFile, path: Path, name: str, options: ReadOptions
) -> Scratch:
    """Copy with the limits enforced on what really comes out: a directory may lie about
    its sizes.
    """
    owner = Scratch(options.folder)
    packed, size = max(path.stat().st_size, 1), 0
    with owner.path.open("wb") as target:
        while block := source.read(BLOCK):
            size += len(block)
            if size > options.max_bytes:
                raise _bomb(
                    name,
                    Message("over {max_bytes} bytes come out").filled(
                        max_bytes=options.max_bytes
                    ),
                )
            if size > max(FREE_BYTES, options.max_ratio * packed):
                raise _bomb(
                    name,
                    Message("its ratio passes {max_ratio}:1").filled(
                        max_ratio=options.max_ratio
                    ),
                )
            target.write(block)
    return owner


def _bomb(name: str, what: Message) -> Exception:
    return refuse("zip-bomb", name=name, what=what)
