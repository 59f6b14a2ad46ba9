"""The cells of one column looked at: a vectorised look leaves few candidates, and each
of those is read as a text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from portal.quality.personal import kinds, mentions, nested, numbers
from portal.quality.personal.folding import letters
from portal.quality.personal.kinds import Evidence
from portal.quality.personal.labels import NUMBER_ROLES

Marks = dict[str, npt.NDArray[np.uint8]]
"""For each kind, the evidence (see kinds.Evidence) that each cell is of it."""
Mask = npt.NDArray[np.bool_]

_DIGITS = r"\d(?:[^\d\pL]{0,6}\d){8}"
"""Nine digits, parted by no letter."""
_WORDS = """
cccd cmnd cmtnd gplx bhyt bhxh hktt passport hiv ntns @ (at) [at] aids
căn cước|chứng minh nhân dân|hộ chiếu|bằng lái|sinh năm|năm sinh|sinh ngày|ngày sinh|thường trú|tạm trú|trú tại|trú quán
nơi ở|hộ khẩu|ung thư|tâm thần|khuyết tật|tiểu đường|đái tháo đường|viêm gan|lao phổi|dương tính|mắc bệnh|bệnh nhân
chẩn đoán|điều trị|nghiện|suy thận|tim mạch|động kinh|tự kỷ|đột quỵ|trầm cảm|date of birth|diagnos|cancer|diabet
"""
"""Words of a sentence about somebody, and the sign of mail."""
_PLAIN = r"^\s*\+?[0-9]+(?:\.0+)?\s*$"
_SHAPED = (
    rf"^\s*\+?(?:{numbers.CITIZEN}|{numbers.LOST_ZERO}|{numbers.MOBILE}|(?:00)?84[35789][0-9]{{8}}|0[0-9.]{{11,13}})"
    r"(?:\.0+)?\s*$"
)
_HARMLESS = (
    r"^\s*(?:[+-]?(?:0|[1-9][0-9]{0,7})[.,][0-9]+|"
    r"[12][0-9]{3}-[01][0-9]-[0-3][0-9](?:[T "
    r"][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?(?:Z|"
    r"[+-][0-9:]{4,5})?)?|"
    r"[0-3]?[0-9]/[01]?[0-9]/[12][0-9]{3}(?:,? "
    r"[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?)?)\s*$"
)
"""Decimal numbers and moments, however many digits they have."""


def _spellings() -> list[str]:
    """The words in small letters, in capitals and without diacritics."""
    first, *lines = _WORDS.strip().split("\n")
    words = [*first.split(), *(word for line in lines for word in line.split("|"))]
    spelt = {letter for word in words for letter in (word, letters(word))}
    return sorted(
        {
            case
            for word in spelt
            for case in (word, word.upper(), word.capitalize(), word.title())
        }
    )


_LOOK = "|".join([r"^\s*[\[{]", _DIGITS, *map(re.escape, _spellings())])
"""All that makes a cell worth reading, as one pattern: a pass over the cells costs more
than what it looks for.
"""
SHORTEST = 9
"""Bytes of the shortest cell that can hold a number of nine digits."""
MOST_READ = 10_000
"""Different cells of one column that are read one by one; what is beyond is judged by
its shape alone.
"""
_TWELVE = r"(?:^|\D)[0\x{FF10}](?:[^\d\pL]{0,3}\d){11}(?:\D|$)"
"""Twelve digits with a zero before them, however parted."""
Judged = Mapping[str, Evidence]


class Column:
    """One column of a table: the meanings of its label, and what was read of its cells
    so far.
    """

    def __init__(self, roles: frozenset[str]) -> None:
        self._roles = roles
        self._judged: dict[str, Judged] = {}

    def look(
        self, cells: pl.Series, sure: pl.Series | None = None
    ) -> tuple[Marks, Mask]:
        """What these cells are, and which of them name a person; `sure` excludes cells
        that cannot be anything.
        """
        named = np.zeros(len(cells), dtype=np.bool_)
        wanted = _candidates(cells, self._roles)
        if wanted is not None and sure is not None:
            wanted &= ~sure
        if wanted is None or not wanted.any():
            return {}, named
        texts = cells.filter(wanted)
        self._read(texts)
        marks: Marks = {}
        for place, text in zip(
            wanted.arg_true().to_list(), texts.to_list(), strict=True
        ):
            for kind, evidence in self._judged.get(text, NOTHING).items():
                if kind == kinds.NAME:
                    named[place] = True
                marks.setdefault(kind, np.zeros(len(cells), dtype=np.uint8))[place] = (
                    evidence
                )
        if len(self._judged) >= MOST_READ:
            self._by_shape(marks, cells, wanted)
        return marks, named

    def _read(self, texts: pl.Series) -> None:
        """Judge the different texts among these that were not judged yet, MOST_READ at
        most.
        """
        left = MOST_READ - len(self._judged)
        if left <= 0:
            return
        new = [
            text
            # In the order of the table, so that each run reads the same cells before
            # the bound.
            for text in texts.unique(maintain_order=True).to_list()
            if text not in self._judged
        ]
        self._judged |= {text: _judge(text, self._roles) for text in new[:left]}

    def _by_shape(self, marks: Marks, cells: pl.Series, wanted: pl.Series) -> None:
        """Cells that were not read: twelve digits are a citizen number, others what
        most cells of the column were.
        """
        unread = wanted & ~cells.is_in(list(self._judged))
        if not unread.any():
            return
        twelve = unread & cells.str.contains(_TWELVE)
        named = bool(self._roles & {"identity", "paper", "tax"})
        _raise(
            marks, kinds.CITIZEN, twelve, Evidence.NAMED if named else Evidence.SHAPE
        )
        usual = Counter(
            (kind, evidence)
            for judged in self._judged.values()
            for kind, evidence in judged.items()
            if kind != kinds.NAME
        ).most_common(1)
        if usual and usual[0][1] * 2 > len(self._judged):
            (kind, evidence), _ = usual[0]
            _raise(marks, kind, unread & ~twelve, evidence)


NOTHING: Judged = {}


def _raise(marks: Marks, kind: str, found: pl.Series, evidence: Evidence) -> None:
    if found.any():
        mask = marks.setdefault(kind, np.zeros(len(found), dtype=np.uint8))
        mask[found.to_numpy()] = evidence


def _candidates(cells: pl.Series, roles: frozenset[str]) -> pl.Series | None:
    """Which cells have to be read; None: none can be anything."""
    if roles & NUMBER_ROLES:
        return cells.str.contains(r"[\d@]")
    if not len(cells) or (cells.str.len_bytes().max() or 0) < SHORTEST:  # type: ignore[operator]
        return None
    found = cells.str.contains(_LOOK)
    if not found.any():
        return found
    # The patterns of what is harmless are long: they pass over the few candidates only.
    some = cells.filter(found)
    harmless = some.str.contains(_HARMLESS) | (
        some.str.contains(_PLAIN) & ~some.str.contains(_SHAPED)
    )
    if harmless.any():
        # A clone, as `scatter` writes into the series itself.
        found = found.clone().scatter(found.arg_true().filter(harmless), False)
    return found


def _judge(text: str, roles: frozenset[str]) -> Mapping[str, Evidence]:
    """The kinds that one cell is of."""
    inner = nested.parse_json(text)
    found = (
        nested.hits(inner, roles) if inner is not None else mentions.hits(text, roles)
    )
    judged: dict[str, Evidence] = {}
    for hit in found:
        judged[hit.kind] = max(judged.get(hit.kind, Evidence.NONE), hit.evidence)
    if kinds.NAME in judged:
        # The person is named in the cell itself.
        judged = {
            kind: max(evidence, Evidence.BESIDE) for kind, evidence in judged.items()
        }
    return judged
