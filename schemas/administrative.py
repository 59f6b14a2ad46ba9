"""Old codes of administrative units to the codes in force: splits, chains and reused
codes, judged at a date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Unit:
    """One meaning of a code: the same code may stand for another unit before or after
    its validity.
    """

    code: str
    name: str
    kind: str
    level: int
    parent: str
    start: date
    end: date | None
    successors: tuple[str, ...]

    def in_force(self, on: date) -> bool:
        """Whether the code has this meaning on that day, both ends included."""
        return self.start <= on and (self.end is None or on <= self.end)


class UnknownUnit(KeyError):
    """No unit had that code (on that day)."""

    def __init__(self, code: str, on: date | None) -> None:
        super().__init__(code)
        self.code = code
        self.on = on

    def __str__(self) -> str:
        when = f" on {self.on.isoformat()}" if self.on else ""
        return f"no administrative unit has the code '{self.code}'{when}"


class AdministrativeUnits:
    """The units of D01 (`noi-vu/don-vi-hanh-chinh`), asked by code and date.

    Built from rows of text in that schema's field names; holds them, reads nothing.
    """

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._meanings: dict[str, list[Unit]] = defaultdict(list)
        for row in rows:
            unit = _unit(row)
            self._meanings[unit.code].append(unit)
        for meanings in self._meanings.values():
            meanings.sort(key=lambda unit: unit.start)

    def find(self, code: str, on: date | None = None) -> Unit | None:
        """What `code` meant on `on`; without a day what it means now, or meant last."""
        meanings = self._meanings.get(code.strip(), [])
        if on is not None:
            return next((unit for unit in meanings if unit.in_force(on)), None)
        return next(
            (unit for unit in meanings if unit.end is None),
            meanings[-1] if meanings else None,
        )

    def get(self, code: str, on: date | None = None) -> Unit:
        """As `find`, but raises UnknownUnit where nothing answers."""
        unit = self.find(code, on)
        if unit is None:
            raise UnknownUnit(code, on)
        return unit

    def name(self, code: str, on: date | None = None) -> str:
        """ "Phường Hạc Thành": type and name. Raises UnknownUnit."""
        unit = self.get(code, on)
        return f"{unit.kind} {unit.name}"

    def resolve(self, code: str, on: date | None = None) -> tuple[str, ...]:
        """The codes in force now for the unit that `code` meant on `on`, sorted.

        One code for a unit that lives on or was merged, several for one that was
        divided, through any number of reforms; empty where nothing had that code on
        that day. Without a day a code in force means itself, even where an earlier unit
        had the same code.
        """
        unit = self.find(code, on)
        return tuple(sorted(self._follow(unit, frozenset()))) if unit else ()

    def current(self, level: int = 3) -> tuple[Unit, ...]:
        """The units of a level (1 province, 2 district, 3 commune) in force, by
        code.
        """
        every = (unit for meanings in self._meanings.values() for unit in meanings)
        return tuple(
            sorted(
                (u for u in every if u.end is None and u.level == level),
                key=lambda unit: unit.code,
            )
        )

    def every(self) -> tuple[Unit, ...]:
        """All units that are or were, by code and beginning."""
        return tuple(
            unit for code in sorted(self._meanings) for unit in self._meanings[code]
        )

    def _follow(self, unit: Unit, seen: frozenset[Unit]) -> set[str]:
        if unit.end is None:
            return {unit.code}
        if unit in seen:
            return set()  # a circle in the data names nobody
        heirs = [self._heir(code, unit.end) for code in unit.successors]
        return {
            code for heir in heirs if heir for code in self._follow(heir, seen | {unit})
        }

    def _heir(self, code: str, ended: date) -> Unit | None:
        """The meaning of a successor code that lives on after `ended`: the first to
        outlast it.
        """
        meanings = self._meanings.get(code, [])
        return next(
            (unit for unit in meanings if unit.end is None or unit.end > ended), None
        )


def _unit(row: Mapping[str, str]) -> Unit:
    ended = row.get("ngay_hhl") or ""
    return Unit(
        code=row["ma_dvhc"],
        name=row["ten"],
        kind=row["loai"],
        level=int(row["cap"]),
        parent=row.get("ma_cha") or "",
        start=date.fromisoformat(row["ngay_hl"]),
        end=date.fromisoformat(ended) if ended else None,
        successors=tuple(
            code for code in (row.get("ma_ke_thua") or "").split(";") if code
        ),
    )
