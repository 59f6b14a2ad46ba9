"""Archives are opened only where their size, ratio, names and members allow it."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from portal.errors import BadFile
from portal.reading import ReadOptions, read_table

TABLE = b"a,b\n1,2\n3,4\n"


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def rows(path: Path, options: ReadOptions | None = None) -> int:
    table = read_table(path, options=options or ReadOptions())
    return sum(batch.frame.height for batch in table.batches())


def refusal(path: Path, options: ReadOptions | None = None) -> str:
    with pytest.raises(BadFile) as caught:
        rows(path, options)
    assert caught.value.vi and str(path.parent) not in caught.value.en
    return caught.value.code


def test_one_table_in_a_zip_or_gz(tmp_path: Path) -> None:
    assert (
        rows(
            packed(
                tmp_path / "a.zip",
                {"data/a.csv": TABLE, "readme.md": b"x", "__MACOSX/a.csv": b"x"},
            )
        )
        == 2
    )
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(TABLE))
    assert rows(tmp_path / "b.csv.gz") == 2


def test_the_table_outlives_the_walk_and_can_be_walked_twice(tmp_path: Path) -> None:
    table = read_table(packed(tmp_path / "a.zip", {"a.csv": TABLE}))
    assert (
        [b.frame.height for b in table.batches()]
        == [b.frame.height for b in table.batches()]
        == [2]
    )


def test_unpacked_copies_have_no_name_that_could_be_left_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    table = read_table(
        packed(tmp_path / "a.zip", {"a.csv": TABLE}),
        options=ReadOptions(folder=scratch),
    )
    assert list(scratch.iterdir()) == []
    assert len(list(table.batches())) == len(list(table.batches())) == 1


def test_several_tables_need_a_choice(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.csv": TABLE, "b.csv": b"x\n1\n"})
    assert refusal(path) == "archive-choice"
    assert rows(path, ReadOptions(member="b.*")) == 1


def test_bombs_are_refused(tmp_path: Path) -> None:
    assert (
        refusal(packed(tmp_path / "a.zip", {"a.csv": b"0" * 50_000_000})) == "zip-bomb"
    )
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 10_000_000))
    assert refusal(tmp_path / "a.csv.gz") == "zip-bomb"
    many = packed(tmp_path / "m.zip", {f"{number}.csv": b"" for number in range(50)})
    assert refusal(many, ReadOptions(max_members=10)) == "zip-bomb"


def test_nesting_is_limited(tmp_path: Path) -> None:
    data = TABLE
    for depth in range(4):
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as archive:
            archive.writestr("a.csv" if not depth else "a.zip", data)
        data = inner.getvalue()
    path = tmp_path / "deep.zip"
    path.write_bytes(data)
    assert refusal(path) == "zip-bomb"
    assert rows(path, ReadOptions(max_depth=4)) == 2


@pytest.mark.parametrize(
    "name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "C:\\a.csv", "..\\a.csv"]
)
def test_unsafe_names_are_refused(tmp_path: Path, name: str) -> None:
    assert refusal(packed(tmp_path / "a.zip", {name: TABLE})) == "unsafe-name"


def test_damaged_and_encrypted_archives(tmp_path: Path) -> None:
    whole = packed(tmp_path / "a.zip", {"a.csv": TABLE}).read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / "b.zip") == "damaged"
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(TABLE)[:-4])
    assert refusal(tmp_path / "c.csv.gz") == "damaged"
    locked = bytearray(whole)
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "d.zip").write_bytes(locked)
    assert refusal(tmp_path / "d.zip") == "encrypted"
