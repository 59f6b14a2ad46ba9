"""The folder of the embedded index: generations, a pointer to the current one, one
writer at a time.

current        names the generation that is served and its format; replaced in one step
gen-…/         a tantivy index
writer.lock    held while somebody writes
rebuild.lock   held while somebody fills a new generation
journal        what was written meanwhile, to be repeated on the new generation before
it is served
draft          which generation a rebuild fills and how far it came; with the journal it
outlives a killed rebuild,
               so that the next one goes on from there
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

from search.backend import SearchUnavailable

_PREFIX = "gen-"
MOST_JOURNAL = 256_000_000
"""Bytes of a journal that nobody is rebuilding with; beyond it the interrupted rebuild
is given up.
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A generation that is being filled, and the last identifier that it surely holds
    ("" for none).
    """

    name: str
    upto: str


class Generations:
    """One index folder, shared by any number of processes on one machine."""

    def __init__(self, folder: Path, layout: str, *, patience: float = 30.0) -> None:
        """`layout` fingerprints the columns; `patience` is how many seconds to wait for
        the other writer.
        """
        self.folder = folder
        self.layout = layout
        self.patience = patience

    def current(self) -> str | None:
        """The name of the generation that is served, or None before the first. Raises
        SearchUnavailable.
        """
        try:
            name, _, layout = (
                (self.folder / "current").read_text("utf-8").partition(" ")
            )
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise SearchUnavailable(
                "The search index cannot be read; check the folder, then rebuild it."
            ) from None
        # A name with a slash would lead out of the folder.
        if layout != self.layout or not name.startswith(_PREFIX) or "/" in name:
            raise SearchUnavailable(
                "The search index was written by another release; rebuild it (portal "
                "index rebuild)."
            )
        return name

    def create(self) -> str:
        """A new, empty generation that nobody serves yet."""
        name = f"{_PREFIX}{secrets.token_hex(8)}"
        self.path(name).mkdir(parents=True)
        return name

    def path(self, name: str) -> Path:
        """Where a generation lies."""
        return self.folder / name

    def publish(self, name: str) -> None:
        """Serve this generation from now on."""
        self._replace("current", f"{name} {self.layout}".encode())

    def sweep(self) -> None:
        """Remove every generation but the current one; who still reads an old one keeps
        it open.
        """
        pointer = self.folder / "current"
        kept = pointer.read_text("utf-8").partition(" ")[0] if pointer.exists() else ""
        for path in self.folder.glob(f"{_PREFIX}*"):
            if path.name != kept:
                shutil.rmtree(path, ignore_errors=True)
        # What a process left that was killed while it replaced a small file.
        for path in (*self.folder.glob("current.*"), *self.folder.glob("draft.*")):
            path.unlink(missing_ok=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer. Raises SearchUnavailable when another holds on for longer
        than `patience`.
        """
        with self._locked(
            "writer.lock",
            self.patience,
            "Another process is writing to the search index; try again.",
        ):
            yield

    @contextmanager
    def rebuilding(self) -> Iterator[Draft]:
        """Be the only one to rebuild, on a new draft or the one that a killed rebuild
        left.

        What others write meanwhile goes to the journal too. A rebuild that fails leaves
        no draft.
        """
        with self._locked(
            "rebuild.lock",
            # Some patience: who looks whether a rebuild goes on holds this lock for a
            # moment.
            1.0,
            "The search index is being rebuilt by another process; wait for it.",
        ):
            draft = self._left_behind()
            if draft is None:
                self._forget_draft()
                self.sweep()
                self._journal.write_bytes(b"")
                draft = Draft(self.create(), "")
                self.reached(draft.name, "")
            try:
                yield draft
            finally:
                self._forget_draft()

    def reached(self, name: str, upto: str) -> None:
        """Note that the draft surely holds everything up to this identifier."""
        self._replace(
            "draft", orjson.dumps({"name": name, "upto": upto, "layout": self.layout})
        )

    @property
    def is_rebuilding(self) -> bool:
        """Whether somebody rebuilds now."""
        return (self.folder / "rebuild.lock").exists() and self._held("rebuild.lock")

    def note(self, lines: list[bytes]) -> None:
        """Add to the journal if a rebuild is going on, or was killed and may be gone on
        with. Call it while writing.
        """
        if not self._journal.exists():
            return
        # Without this check the journal of a killed rebuild would grow for ever.
        alone = not self._held("rebuild.lock")
        if alone and (
            not self._draft.exists() or self._journal.stat().st_size > MOST_JOURNAL
        ):
            self._forget_draft()
            return
        with self._journal.open("ab") as file:
            # A line break on both sides: what a killed writer left half written spoils
            # only itself.
            file.write(b"".join(b"\n" + line + b"\n" for line in lines))

    def noted(self) -> list[bytes]:
        """The lines of the journal; one of them may be half of a line, where its writer
        was killed.
        """
        return self._journal.read_bytes().split()

    @property
    def _journal(self) -> Path:
        return self.folder / "journal"

    @property
    def _draft(self) -> Path:
        return self.folder / "draft"

    def _left_behind(self) -> Draft | None:
        """The draft of a killed rebuild, if everything that is needed to go on is
        there.
        """
        try:
            held = orjson.loads(self._draft.read_bytes())
            draft = Draft(held["name"], held["upto"])
        except (OSError, orjson.JSONDecodeError, KeyError):
            return None
        # Without its journal a draft lacks the writes since it was begun.
        whole = (
            held.get("layout") == self.layout
            and self._journal.exists()
            and draft.name.startswith(_PREFIX)
        )
        served = (self.folder / "current").exists() and draft.name == self.current()
        return (
            draft
            if whole and not served and (self.path(draft.name) / "meta.json").exists()
            else None
        )

    def _forget_draft(self) -> None:
        self._draft.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def _replace(self, name: str, content: bytes) -> None:
        """Write a small file in one step."""
        written = self.folder / f"{name}.{secrets.token_hex(4)}"
        with written.open("wb") as file:
            file.write(content)
            file.flush()
            # The content must be on the disk before the name: after a loss of power the
            # pointer could be empty.
            os.fsync(file.fileno())
        written.replace(self.folder / name)

    def _held(self, name: str) -> bool:
        """Whether somebody holds this lock now; looks by taking it for a moment."""
        with self._opened(name) as file:
            if not _locks(file):
                return True
        return False

    @contextmanager
    def _locked(self, name: str, patience: float, refusal: str) -> Iterator[None]:
        """Hold a lock. Raises SearchUnavailable with `refusal` after `patience`
        seconds.
        """
        with self._opened(name) as file:
            until = time.monotonic() + patience
            while not _locks(file):
                if time.monotonic() >= until:
                    raise SearchUnavailable(refusal)
                time.sleep(0.005)
            yield

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        """The lock's file. Raises SearchUnavailable where it cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / name).open("ab")
        except OSError:
            raise SearchUnavailable(
                "The folder of the search index cannot be written; check its owner."
            ) from None
        with file:
            yield file


def _locks(file: IO[bytes]) -> bool:
    """Whether the lock of an open file was free, and is taken now."""
    try:
        # Given back when the file is closed, also by kill -9.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
