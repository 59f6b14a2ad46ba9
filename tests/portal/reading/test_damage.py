"""Damaged files: each is the file's own fault, told once with a place, and rows that
are gone are never valid.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from portal.errors import BadFile
from portal.quality.table.check import check_table
from portal.reading import read_table
from tests.portal.reading.hostile import table_cells, xlsx, zipped

GUARDS = ("portal.reading.stray_binary",)
ROWS = (
    "ma,ten\n" + "".join(f"{number},Xã số {number}\n" for number in range(500))
).encode()


def lost(body: bytes, start: int, size: int = 512) -> bytes:
    """The same file after a disk lost a sector of it."""
    return body[:start] + bytes(size) + body[start + size :]


WHOLE = zipped("a.csv", ROWS)
DAMAGED = {
    "part-missing.zip": WHOLE[: len(WHOLE) // 3] + WHOLE[len(WHOLE) // 2 :],
    "cut.zip": WHOLE[: len(WHOLE) // 2],
    "zeroed.zip": lost(WHOLE, len(WHOLE) // 3),
    "cut.csv.gz": gzip.compress(ROWS)[:900],
    "zeroed.csv.gz": lost(gzip.compress(ROWS), 300, 64),
    "surrogate.json": json.dumps([{"a": "x\ud800", "b": 1}]).encode("ascii"),
    "surrogate-key.json": json.dumps([{"a": 1}, {"\udfff": 2}]).encode("ascii"),
    "surrogate.ndjson": b'{"a": "1"}\n{"a": "\\udc00"}\n',
    "part-missing.xlsx": (lambda body: body[:1500] + body[2000:])(
        xlsx(table_cells(90, 9))
    ),
    "zeroed.xlsx": lost(xlsx(table_cells(90, 9)), 1800),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_as_damaged(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(DAMAGED[name])
    with pytest.raises(BadFile) as refused:
        list(read_table(path).batches())
    assert refused.value.code in (
        "damaged",
        "lone-surrogate",
        "not-what-it-says",
        "archive-choice",
    )


def test_half_a_letter_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(DAMAGED["surrogate.ndjson"])
    with pytest.raises(BadFile, match="line 2"):
        read_table(path)


@pytest.mark.parametrize("start", [600, 5000, len(ROWS) - 600])
def test_a_lost_sector_amid_a_csv_is_an_error_with_its_place(
    tmp_path: Path, start: int
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(lost(ROWS, start))
    try:
        table = read_table(path)
    except BadFile as refused:  # the sector ended amid a letter
        assert refused.code == "not-utf8"
        return
    report = check_table(
        table, {"fields": [{"name": name, "type": "string"} for name in ("ma", "ten")]}
    )
    damage = [finding for finding in report.findings if finding.check == "nul-bytes"]
    assert not report.valid
    assert [finding.row for finding in damage] == [ROWS[:start].count(b"\n") + 1]


def test_a_csv_of_nul_bytes_is_not_valid(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(5000))
    try:
        table = read_table(path)
        report = check_table(
            table,
            {"fields": [{"name": label, "type": "string"} for label in table.labels]},
        )
    except BadFile:
        return
    assert not report.valid
