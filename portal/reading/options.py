"""ReadOptions: every limit of reading, and the few choices that a caller may make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from portal.settings import Settings
from schemas.units import BYTES_PER_MB


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one child process that reads may go."""

    memory_mb: int = 1024
    """MB of memory beyond what an idle reader has."""
    seconds: int = 30
    """Processor seconds."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How far reading goes before it refuses, and what it picks where a file offers a
    choice.
    """

    max_bytes: int = 512 * BYTES_PER_MB
    """Bytes of one file, and of everything that an archive or workbook unpacks to."""
    max_rows: int = 20_000_000
    """Rows of one table, its header included."""
    max_columns: int = 2_000
    """Columns of one table."""
    max_cells: int = 500_000_000
    """Rows × columns of one table."""
    limits: Limits = Limits()
    """Of the child that reads; its seconds are for opening a table and walking it once,
    and again for each new walk.
    """
    check_seconds: int = 900
    """Seconds that checking the table, once it is read, may take."""
    max_cell: int = 8 * BYTES_PER_MB
    """Characters of one cell; a row that grows past four times as much (a quote never
    closed) is refused.
    """
    batch_bytes: int = 4 * BYTES_PER_MB
    """About how many bytes of text become one batch."""
    batch_rows: int = 50_000
    """Rows of a batch where rows are not read as blocks of bytes."""
    max_ratio: int = 200
    """How many times larger than its archive a file may unpack (small files are
    exempt).
    """
    max_members: int = 1_000
    """Entries of one archive."""
    max_depth: int = 2
    """Archives inside archives."""
    sheet: str = ""
    """Name of the worksheet; empty: the first visible one with cells."""
    member: str = ""
    """Glob for the one file to read of an archive ("*.csv"); empty: its only table."""
    drop_totals: bool = False
    """Whether total rows are left out of the table (they are reported either way)."""
    folder: Path | None = None
    """Where unpacked and re-encoded copies live while a table does; None: the system's
    temporary folder.
    """

    @classmethod
    def within(cls, settings: Settings) -> Self:
        """What the settings of this installation allow."""
        return cls(
            max_bytes=settings.max_resource_size * BYTES_PER_MB,
            max_cells=settings.read_cells * 1_000_000,
            check_seconds=settings.validation_seconds,
            limits=Limits(settings.read_memory_mb, settings.read_seconds),
        )
