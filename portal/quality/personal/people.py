"""Which columns of a table name persons, which name organizations: by their labels and
by their cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from portal.quality.personal import names
from portal.quality.personal.labels import roles

Mask = npt.NDArray[np.bool_]
SAMPLE = 60
"""Different cells of each column of each batch that are looked at."""
ENOUGH = 240
"""So many cells tell what a column is."""
WEAK, STRONG = 0.5, 0.6
"""The share of names that a label for persons asks for, and that a label that tells
nothing does.
"""
NOT_PERSONS = frozenset(
    {"thing", "organization", "amount", "code", "address", "home", "family", "health"}
)
_LETTERS = r"\pL"


class People:
    """What is known of the columns so far; more of each batch is looked at."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.roles = [roles(label) for label in labels]
        self._seen = [[0, 0.0, 0.0, 0, 0] for _ in labels]
        """Cells looked at of each column, those that are names, those that could be,
        organizations, family names.
        """

    def learn(self, frame: pl.DataFrame, but: frozenset[int]) -> None:
        """Look at some cells of each column of one batch, `but` those that cannot name
        anybody.
        """
        for index, seen in enumerate(self._seen):
            if index in but or seen[0] >= ENOUGH:
                continue
            # From the first rows only: the different cells of a whole batch cost a pass
            # over it.
            cells = [
                cell
                for cell in frame[str(index)]
                .head(4 * SAMPLE)
                .unique(maintain_order=True)
                .to_list()
                if cell.strip()
            ]
            some = cells[:SAMPLE]
            seen[0] += len(some)
            seen[1] += names.share_of_names(some) * len(some)
            seen[2] += sum(map(names.is_wordy, some))
            seen[3] += sum(bool(names.ORGANIZED.search(cell)) for cell in some)
            seen[4] += sum(map(names.is_family_name, some))

    def _share(self, index: int, which: int) -> float:
        seen = self._seen[index]
        return seen[which] / seen[0] if seen[0] else 0.0

    def is_officer(self, index: int) -> bool:
        """Whether the column names those who head or speak for organizations."""
        return "officer" in self.roles[index] and self._names(index)

    def is_owner(self, index: int) -> bool:
        """Whether the column names persons for their own sake."""
        meaning = self.roles[index]
        if "officer" in meaning or "patient" in meaning:
            return "patient" in meaning and self._names(index)
        if "person" in meaning:
            return self._names(index)
        return not meaning & NOT_PERSONS and self._share(index, 1) >= STRONG

    def _names(self, index: int) -> bool:
        """Whether enough cells of a column bear out that its label means persons."""
        plain = self._share(index, 2) >= WEAK and "sure" in self.roles[index]
        return plain or max(self._share(index, 1), self._share(index, 4)) >= WEAK

    def is_patient(self, index: int) -> bool:
        """Whether to stand in the column tells of somebody's health."""
        return "patient" in self.roles[index] and self._names(index)

    def has_organizations(self) -> bool:
        """Whether the table is one of organizations: a column of its own names them."""
        return any(
            ("organization" in meaning and not meaning & {"person", "officer"})
            or self._share(index, 3) >= STRONG
            for index, meaning in enumerate(self.roles)
        )

    def rows(self, frame: pl.DataFrame) -> tuple[Mask, Mask]:
        """Which rows name an owner, and which name anybody."""
        owners, anybody = (
            self._named(frame, officers=False),
            self._named(frame, officers=True),
        )
        return (
            # Without organizations there is nothing to be an officer of: every name is
            # an owner's.
            owners if self.has_organizations() else owners | anybody
        ), owners | anybody

    def _named(self, frame: pl.DataFrame, *, officers: bool) -> Mask:
        """Which rows have words in a column of officers, or of owners."""
        chosen = self.is_officer if officers else self.is_owner
        mask = np.zeros(frame.height, dtype=np.bool_)
        for index in filter(chosen, range(len(self.roles))):
            mask |= frame[str(index)].str.contains(_LETTERS).to_numpy()
        return mask
