"""Scan: a table looked at batch after batch, every cell of it; says which columns hold
personal data, never a value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from portal.quality.personal import cells, kinds, mentions, names
from portal.quality.personal.beside import (
    BY_ROLE,
    OF_OWNERS,
    SHARE,
    SHARE_OF_ILL,
    VALUES,
    About,
)
from portal.quality.personal.findings import PersonalColumn, Verdict, gravest
from portal.quality.personal.folding import label_words
from portal.quality.personal.kinds import Evidence
from portal.quality.personal.people import Mask, People
from schemas.texttable import TextBatch, TextTable

Case = tuple[Evidence, bool]
"""Why a cell is thought to be personal, and whether a person's name stands in its
row.
"""
OUTSIDE = ""
"""The label under which rows of a wrong width are told of: nobody knows the columns of
their cells.
"""
_MOMENT = re.compile(
    r"\b(?:ngay|nam|thang|thoi gian|thoi diem|date|time|year|month|ky|quy|day)\b"
)
_NAMES = {kinds.OFFICE_PHONE: kinds.PHONE, kinds.OFFICE_EMAIL: kinds.EMAIL}


class Scan:
    """Counts what is personal, batch after batch.

    `narrow` names positions where only cells that break the schema can be anything,
    `tagged` those that a schema tags as personal data: numbers in them are beyond
    doubt.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        narrow: frozenset[int] = frozenset(),
        tagged: frozenset[int] = frozenset(),
    ) -> None:
        self.labels = labels
        self._narrow, self._tagged = narrow, tagged
        self._people = People(labels)
        self._columns = [cells.Column(meaning) for meaning in self._people.roles]
        self._filled = [0] * len(labels)
        self._counts: dict[tuple[int, str], dict[Case, int]] = defaultdict(
            lambda: defaultdict(int)
        )
        self._in_labels = [
            bool(mentions.hits(label)) or names.is_name(label) for label in labels
        ]

    def batch(self, batch: TextBatch, doubtful: pl.DataFrame | None = None) -> None:
        """Look at one batch. `doubtful` says of each cell whether it may break the
        schema; None: any may.
        """
        for row in batch.ragged:
            self._outside(" | ".join(row.cells))
        frame = batch.frame
        if not frame.height:
            return
        # Before any cell is judged: the columns that name persons decide what stands
        # beside a name.
        self._people.learn(frame, self._narrow)
        owners, anybody = self._people.rows(frame)
        looked = [
            self._look(frame, index, doubtful) for index in range(len(self.labels))
        ]
        for _, named in looked:
            anybody = anybody | named
        for index, (marks, _) in enumerate(looked):
            self._filled[index] += int((frame[str(index)].str.len_bytes() > 0).sum())
            for kind, evidence in marks.items():
                self._count(
                    index,
                    kind,
                    evidence,
                    # A landline beside an office's director is the office's; beside an
                    # owner it is at home.
                    owners if kind == kinds.OFFICE_PHONE else anybody,
                )
        if anybody.any():
            self._beside(frame, owners, anybody)

    def _look(
        self, frame: pl.DataFrame, index: int, doubtful: pl.DataFrame | None
    ) -> tuple[cells.Marks, Mask]:
        """The evidence for each cell of a column, by kind, and which cells name a
        person.
        """
        sure = None
        if doubtful is not None and index in self._narrow:
            some = doubtful[str(index)]
            if not some.any():
                return {}, np.zeros(frame.height, dtype=np.bool_)
            sure = ~some
        return self._columns[index].look(frame[str(index)], sure)

    def _count(
        self, index: int, kind: str, evidence: npt.NDArray[np.uint8], named: Mask
    ) -> None:
        """Add the cells of one kind by their evidence and by whether their row names a
        person.
        """
        counts = self._counts[index, kind]
        for each in (Evidence.SHAPE, Evidence.BESIDE, Evidence.NAMED):
            found = evidence == each
            why = Evidence.NAMED if index in self._tagged else each
            beside = int((found & named).sum())
            counts[why, True] += beside
            counts[why, False] += int(found.sum()) - beside

    def _beside(self, frame: pl.DataFrame, owners: Mask, anybody: Mask) -> None:
        """What is personal because somebody is named in the row, and the names
        themselves.
        """
        for index in range(len(self.labels)):
            column = frame[str(index)]
            for about in self._about(index, column):
                rows = (
                    owners
                    if about.role in OF_OWNERS or about.kind == kinds.HOME_PLACE
                    else anybody
                )
                self._named(
                    index, about.kind, column.str.contains(about.cell).to_numpy() & rows
                )
            if self._people.is_owner(index) or self._people.is_officer(index):
                letters = column.str.contains(r"\pL").to_numpy()
                self._named(index, kinds.NAME, letters)
                if self._people.is_patient(index):
                    self._named(index, kinds.HEALTH, letters)

    def _named(self, index: int, kind: str, found: Mask) -> None:
        if found.any():
            self._counts[index, kind][Evidence.BESIDE, True] += int(found.sum())

    def _about(self, index: int, column: pl.Series) -> Iterator[About]:
        """What the cells of a column say of the person in their row: by its label, else
        by most of its cells.
        """
        meaning = self._people.roles[index]
        told = [BY_ROLE[role] for role in sorted(meaning) if role in BY_ROLE]
        yield from told
        # A label that means anything is believed; only where it tells nothing do cells
        # decide.
        if told or meaning:
            return
        dated = bool(_MOMENT.search(label_words(self.labels[index])))
        filled = column.filter(column != "")
        for about in VALUES:
            # The label says that these are days of something: their look tells no
            # birth.
            if dated and about.kind == kinds.BIRTH:
                continue
            enough = SHARE_OF_ILL if about.kind == kinds.HEALTH else SHARE
            if len(filled) and filled.str.contains(about.cell).mean() >= enough:  # type: ignore[operator]
                yield about

    def _outside(self, text: str) -> None:
        """A row of a wrong width, read as one text."""
        found = mentions.hits(text)
        beside = any(hit.kind == kinds.NAME for hit in found)
        for hit in found:
            if hit.kind != kinds.NAME:
                self._counts[-1, hit.kind][hit.evidence, beside] += 1

    def result(self) -> tuple[PersonalColumn, ...]:
        """The columns with at least one such cell, in the order of the table."""
        found: dict[tuple[int, str], PersonalColumn] = {}
        for (index, kind), counts in self._counts.items():
            column = self._column(index, kind, counts)
            if column is not None:
                # Two kinds may be told under one name (`_NAMES`): their cells are
                # added.
                key = index, column.kind
                found[key] = _together(found[key], column) if key in found else column
        found |= self._labelled()
        return tuple(found[key] for key in sorted(found))

    def _column(
        self, index: int, kind: str, counts: dict[Case, int]
    ) -> PersonalColumn | None:
        """What was counted of one kind in a column; None where nothing follows from it."""
        office = self._people.has_organizations()
        judged = [
            (self._verdict(kind, case, office=office), times)
            for case, times in counts.items()
            if times
        ]
        verdict = gravest(verdict for verdict, _ in judged)
        if verdict is None:
            return None
        cells_ = sum(times for judgement, times in judged if judgement is not None)
        # Rows of a wrong width (-1) have no column whose filled cells were counted.
        filled = self._filled[index] if index >= 0 else cells_
        return PersonalColumn(
            self._shown(index),
            _NAMES.get(kind, kind),
            kinds.KINDS[kind].level,
            cells_,
            filled,
            verdict,
        )

    def _verdict(self, kind: str, case: Case, *, office: bool) -> Verdict | None:
        """The graver of the verdicts for a cell alone and for a cell beside a name."""
        evidence, beside = case
        alone = kinds.verdict(kind, evidence, office=office and not beside)
        return gravest(
            [alone, kinds.verdict(kind, Evidence.BESIDE) if beside else None]
        )

    def _shown(self, index: int) -> str:
        """The label of a column; its position where the label itself is personal."""
        if index < 0:
            return OUTSIDE
        return f"#{index + 1}" if self._in_labels[index] else self.labels[index]

    def _labelled(self) -> dict[tuple[int, str], PersonalColumn]:
        """Labels that are themselves personal data, as in a table whose first record
        was taken for its header.
        """
        found = {}
        for index, label in enumerate(self.labels):
            for hit in mentions.hits(label):
                verdict = kinds.verdict(hit.kind, hit.evidence)
                # Where cells of the column hold it as well, they tell of it.
                if verdict is not None and (index, hit.kind) not in self._counts:
                    kind = _NAMES.get(hit.kind, hit.kind)
                    level = kinds.KINDS[kind].level
                    found[index, kind] = PersonalColumn(
                        self._shown(index), kind, level, 1, self._filled[index], verdict
                    )
        return found


def _together(one: PersonalColumn, other: PersonalColumn) -> PersonalColumn:
    """Two findings in one column as one."""
    verdict = gravest([one.verdict, other.verdict]) or one.verdict
    return PersonalColumn(
        one.label, one.kind, one.level, one.cells + other.cells, one.filled, verdict
    )


def scan(table: TextTable) -> tuple[PersonalColumn, ...]:
    """Every column of a table that holds personal data; reads the whole table."""
    whole = Scan(table.labels)
    for batch in table.batches():
        whole.batch(batch)
    return whole.result()
