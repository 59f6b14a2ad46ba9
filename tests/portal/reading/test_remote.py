"""Tables in a child: what they give is what the parsers give, however often and however
far they are walked.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from portal.errors import BadFile
from portal.reading import ReadOptions, child, read_table, remote, served
from portal.reading.opening import open_table
from portal.reading.options import Limits
from schemas.record import Content, ContentPart
from schemas.texttable import TextTable

GUARDS = ("portal.reading.served",)
SMALL = ReadOptions(batch_rows=100, batch_bytes=2000)


def csv_file(folder: Path, rows: int, name: str = "a.csv") -> Path:
    path = folder / name
    lines = [
        "mã,tên\n",
        *(f'{number:05d},"Xã {number}\nThanh Hóa"\n' for number in range(rows)),
        "lẻ\n",
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def same(one: TextTable, other: TextTable) -> None:
    assert (one.labels, one.name, one.notes) == (other.labels, other.name, other.notes)
    for left, right in zip(one.batches(), other.batches(), strict=True):
        assert_frame_equal(left.frame, right.frame)
        assert (left.ragged, left.part) == (right.ragged, right.part)


def test_a_table_from_a_child_is_the_table_that_the_parsers_make(
    tmp_path: Path,
) -> None:
    content = Content(
        tuple(ContentPart.of(csv_file(tmp_path, 700, f"{name}.csv")) for name in "ab")
    )
    far, near = read_table(content, options=SMALL), open_table(content, options=SMALL)
    same(far, near)
    same(far, near)


def test_a_walk_that_ends_early_leaves_a_table_that_can_be_walked_again(
    tmp_path: Path,
) -> None:
    table = read_table(csv_file(tmp_path, 2000), options=SMALL)
    for _ in range(3):
        assert next(table.batches()).frame["0"][0] == "00000"
    assert sum(batch.frame.height for batch in table.batches()) == 2000


def test_two_walks_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    table = read_table(csv_file(tmp_path, 500), options=SMALL)
    pairs = zip(table.batches(), table.batches(), strict=True)
    assert all(left.frame.equals(right.frame) for left, right in pairs)


def test_many_tables_that_are_kept_need_few_children(tmp_path: Path) -> None:
    tables = [
        read_table(csv_file(tmp_path, number + 1, f"{number}.csv"))
        for number in range(12)
    ]
    assert len(remote._WAITING._readers) <= remote.MOST_WAITING
    heights = [sum(batch.frame.height for batch in table.batches()) for table in tables]
    assert heights == list(range(1, 13))
    del tables
    gc.collect()
    assert not remote._WAITING._readers


def test_a_table_whose_child_was_ended_is_opened_anew(tmp_path: Path) -> None:
    table = read_table(csv_file(tmp_path, 50))
    child.close()
    assert sum(batch.frame.height for batch in table.batches()) == 50


def test_a_file_that_changed_between_two_walks_is_refused(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 50)
    table = read_table(path)
    child.close()
    path.write_text("khác\n1\n", encoding="utf-8")
    with pytest.raises(BadFile, match="changed"):
        list(table.batches())


def killed(line: Any, content: Content, format_: str, options: ReadOptions) -> None:
    """A reader that is ended amid its rows, as native code ends that cannot go on."""
    table = open_table(content, format=format_, options=options)

    def batches() -> Any:
        yield next(table.batches())
        os.kill(os.getpid(), signal.SIGSEGV)

    served.send_table(line, TextTable(table.labels, batches, table.name), options)


def test_a_child_that_dies_amid_the_rows_is_a_refusal_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SERVE", f"{__name__}:killed")
    with pytest.raises(BadFile) as refused:
        list(read_table(csv_file(tmp_path, 500), options=SMALL).batches())
    assert refused.value.code == "reader-died"


def test_a_walk_is_ended_by_its_memory_and_not_the_process_that_asks(
    tmp_path: Path,
) -> None:
    """Twenty thousand times the same 20 kB compress to nothing, and are 400 MB once
    they are read.
    """
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": ["x" * 20_000]}).select(
        pl.col("a").repeat_by(20_000).explode()
    ).write_parquet(path)
    assert path.stat().st_size < 1_000_000
    table = read_table(
        path,
        options=ReadOptions(limits=Limits(memory_mb=128, seconds=20), max_bytes=10**12),
    )
    with pytest.raises(BadFile) as refused:
        list(table.batches())
    assert refused.value.code == "too-much-memory"


def test_a_slice_of_a_sheet_is_sent_without_the_sheet() -> None:
    whole = pl.DataFrame(
        {
            "0": [
                f"a text that is stored outside its view, {number}"
                for number in range(200_000)
            ]
        }
    )
    some = whole[1000:1100]
    assert len(served.packed(some)) < 50_000
    assert served.unpacked(bytearray(served.packed(some))).equals(some)


def busy(line: Any, content: Content, format_: str, options: ReadOptions) -> None:
    """A table whose second batch takes for ever."""

    def batches() -> Any:
        yield from open_table(content).batches()
        while True:
            pass

    served.send_table(line, TextTable(("mã", "tên"), batches, "a.csv"), options)


def silent(line: Any, content: Content, format_: str, options: ReadOptions) -> None:
    """A table whose first batch waits for something that never comes, and uses no
    processor for it.
    """

    def batches() -> Any:
        time.sleep(3600)
        yield from open_table(content).batches()

    served.send_table(line, TextTable(("mã", "tên"), batches, "a.csv"), options)


@pytest.mark.parametrize(
    ("serving", "told"),
    [
        ("busy", "1 processor seconds (PORTAL_READ_SECONDS)"),
        ("silent", "without an answer (4 × PORTAL_READ_SECONDS)"),
    ],
)
def test_a_batch_that_never_comes_is_ended_in_time_and_the_limit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serving: str, told: str
) -> None:
    monkeypatch.setattr(remote, "SERVE", f"{__name__}:{serving}")
    table = read_table(
        csv_file(tmp_path, 5),
        options=ReadOptions(limits=Limits(memory_mb=256, seconds=1)),
    )
    started = time.monotonic()
    with pytest.raises(BadFile) as refused:
        list(table.batches())
    assert (refused.value.code, told in refused.value.en) == (
        "reading-took-too-long",
        True,
    )
    assert "PORTAL_READ_SECONDS" in refused.value.vi
    assert time.monotonic() - started < 60


LARGE: dict[str, Callable[[], str]] = {
    "records.json": lambda: json.dumps(
        [{"ma": f"{n:05}", "ten": "Xã", "toa": [n, {"a": n}]} for n in range(30_000)]
    ),
    "lines.ndjson": lambda: "\n".join(
        json.dumps({"ma": f"{n:05}", "gia": n * 1.5}) for n in range(40_000)
    ),
    "one-text.json": lambda: json.dumps([{"a": "x" * 20_000_000}]),
    "nested.json": lambda: json.dumps([{"a": [[n] * 3 for n in range(60_000)]}]),
}


@pytest.mark.parametrize("name", LARGE)
def test_json_near_the_limit_of_memory_is_read_or_refused_with_the_limit(
    tmp_path: Path, name: str
) -> None:
    """JSON is parsed whole: however little is missing, and wherever, the refusal says
    what the limit is.
    """
    path = tmp_path / name
    path.write_text(LARGE[name](), encoding="utf-8")
    read = []
    for memory in (4, 24, 44, 80, 512):
        try:
            table = read_table(
                path, options=ReadOptions(limits=Limits(memory_mb=memory, seconds=30))
            )
            read.append(sum(batch.frame.height for batch in table.batches()))
        except BadFile as refused:
            assert (refused.code, read) == ("too-much-memory", []), refused.en
            assert f"{memory} MB of memory (PORTAL_READ_MEMORY_MB)" in refused.en
            assert f"{memory} MB bộ nhớ (PORTAL_READ_MEMORY_MB)" in refused.vi
    assert read
    assert len(set(read)) == 1


def panicking(line: Any, content: Content, format_: str, options: ReadOptions) -> None:
    """A native reader that stumbles over what another of its threads did not get"""
    held = bytearray(40 * 2**20 if content.parts[0].name == "much.csv" else 1)
    raise pl.exceptions.PanicException(
        f"called `Option::unwrap()` on a `None` value, {len(held) > 0}"
    )


@pytest.mark.parametrize(
    ("name", "code"), [("much.csv", "too-much-memory"), ("little.csv", "reader-died")]
)
def test_a_panic_with_most_of_the_memory_in_use_is_told_as_too_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str
) -> None:
    monkeypatch.setattr(remote, "SERVE", f"{__name__}:panicking")
    child.close()  # one that read a large file before has had the memory already
    with pytest.raises(BadFile) as refused:
        read_table(
            csv_file(tmp_path, 5, name),
            options=ReadOptions(limits=Limits(memory_mb=60, seconds=5)),
        )
    assert refused.value.code == code
