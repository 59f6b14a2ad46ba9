"""Outages: what an error of the database, a disk or the system means, in one sentence
for whoever waits.
"""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import exc

from portal.errors import NoSpace, Unavailable

FULL = (
    "The portal's disk is full, so nothing was stored. Reading goes on; try again "
    "later."
)
READ_ONLY = (
    "The portal's disk can only be read at present, so nothing was stored. Try again "
    "later."
)
DISK = "The portal's disk cannot be read or written now; try again later."
GONE = "The database cannot be reached now; try again in a moment."
BUSY = "The database is busy with other work; try again in a moment."
DAMAGED = "The database is damaged and cannot be read; it has to be restored."
TOO_MANY = "Too many files are open at present; try again in a moment."
TEMPORARY = "The portal's temporary folder cannot be used now; try again later."

SYSTEM: dict[int, str] = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,  # a limit of the process on the size of files
    errno.EROFS: READ_ONLY,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.EMFILE: TOO_MANY,
    errno.ENFILE: TOO_MANY,
    errno.EIO: DISK,
    errno.ENODEV: DISK,
    errno.ENXIO: DISK,
    errno.ESTALE: DISK,
    errno.ENOTCONN: DISK,
}
"""By number of the system's error."""
SQLITE: dict[int, str] = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: DISK,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_PROTOCOL: BUSY,
    sqlite3.SQLITE_CANTOPEN: GONE,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
"""By SQLite's primary result code (sqlite.org/rescode.html)."""
SQLSTATES: tuple[tuple[str, str], ...] = (
    # The longer beginnings stand first: of class 53 a full disk alone is FULL.
    ("53100", FULL),
    ("53", GONE),
    ("57014", BUSY),
    ("57P", GONE),
    ("08", GONE),
    ("25006", READ_ONLY),
    ("55P03", BUSY),
    ("40", BUSY),
    ("58", GONE),
    ("XX001", DAMAGED),
    ("XX002", DAMAGED),
)
"""By how PostgreSQL's SQLSTATE begins
(postgresql.org/docs/current/errcodes-appendix.html).
"""
TEXTS: tuple[tuple[str, str], ...] = (
    ("No space left on device", FULL),
    ("Disk quota exceeded", FULL),
    ("database or disk is full", FULL),
    ("Read-only file system", READ_ONLY),
    ("Too many open files", TOO_MANY),
    ("No usable temporary directory", TEMPORARY),
)
"""By what engines say that pass the system's error on as a text (tantivy, DuckDB,
polars).
"""
LOST_TRANSACTION = "8s2b"
"""SQLAlchemy's code for the use of a connection that broke earlier."""
DEEPEST = 10


def explain(error: BaseException) -> Unavailable | None:
    """The outage that an error comes from, None for an error of another kind.

    Its message is for everybody; its `reason` names the engine's own words, for the log
    and the command line, and holds no SQL.
    """
    for each in _causes(error):
        message = _message(each)
        if message is not None:
            kind = NoSpace if message == FULL else Unavailable
            return kind(message, reason=_one_line(each))
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, the driver's own error before the one that wraps
    it.
    """
    current: BaseException | None = error
    for _ in range(DEEPEST):
        if current is None:
            return
        driver_error = getattr(current, "orig", None)
        if isinstance(driver_error, BaseException):
            yield driver_error
        yield current
        # "from None" hides a context that its author found to say nothing.
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)


def _message(error: BaseException) -> str | None:
    """What one error means by its own code or words, None where it is no outage."""
    if isinstance(error, OSError) and error.errno is not None:
        return _of_system(error)
    if isinstance(error, sqlite3.Error):
        # The low byte is the primary code; the rest only says more of the same.
        return SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if hasattr(error, "sqlstate"):
        return _of_postgresql(error)
    if isinstance(error, exc.SQLAlchemyError):
        return GONE if _lost(error) else None
    # Only where an engine gives no code: a text may change with its next release.
    text = str(error)
    return next((message for piece, message in TEXTS if piece in text), None)


def _of_system(error: OSError) -> str | None:
    """What an error number of the system means."""
    # A file that is not there is a fault of the program, but for this one folder.
    missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    if missing and _is_temporary(error):
        return TEMPORARY
    return SYSTEM.get(error.errno or 0)


def _is_temporary(error: OSError) -> bool:
    """Whether what is missing is the temporary folder itself, or any that could be
    one.
    """
    if error.filename is None:
        return "temporary directory" in str(error)
    folder = Path(tempfile.gettempdir())
    return Path(error.filename).parent == folder and not folder.is_dir()


def _of_postgresql(error: BaseException) -> str | None:
    """A server that was not reached, or a connection that broke, says no SQLSTATE."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        names = {kind.__name__ for kind in type(error).__mro__}
        return GONE if names & {"OperationalError", "InterfaceError"} else None
    return next(
        (message for begin, message in SQLSTATES if state.startswith(begin)), None
    )


def _lost(error: exc.SQLAlchemyError) -> bool:
    """Whether SQLAlchemy itself tells of a connection that is not to be had, or no
    longer.
    """
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated
    pool_is_empty = isinstance(error, exc.TimeoutError | exc.DisconnectionError)
    return pool_is_empty or getattr(error, "code", None) == LOST_TRANSACTION


def _one_line(error: BaseException) -> str:
    """The error's own words; of a statement that failed the driver's alone, without SQL
    and values.
    """
    said = getattr(error, "orig", None) or error
    return f"{type(said).__name__}: {' '.join(str(said).split())[:300]}"
