"""Questions as people type them, on every index: the steps, what they find, and what
comes first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search import open_backend
from search.backend import SearchBackend
from search.steps import Step
from search.text.lexicon import LexiconFiles, parse, read
from tests.search.datasets import ask, entry, found, listed

GUARDS = (
    "search.steps",
    "search.text.lexicon",
    "search.text.spelling",
)


@pytest.fixture
def catalogue(index: SearchBackend) -> SearchBackend:
    index.apply(
        [
            entry("mam-non", "Danh mục trường mầm non", notes="Trường mầm non công lập, tư thục"),
            entry("nghi-son", "Khu công nghiệp Nghi Sơn", notes="Dự án trong khu kinh tế"),
            entry("tthc", "Kết quả giải quyết thủ tục hành chính", notes="Bộ phận một cửa"),
            entry("benh-vien", "Bệnh viện đa khoa", title_translated={"en": "General hospitals"}),
            entry("gia", "Giá nông sản hằng ngày"),
            entry("tuyen", "Tuyến xe", resources=[{"format": "CSV", "schema": {
                "title": "Bảng tuyến", "fields": [
                    {"name": "ma_xa", "title": "Mã xã", "description": "Mã đơn vị hành chính cấp xã"},
                    {"name": "so_dinh_danh", "title": "Số định danh", "treatment": "drop"},
                ]}}]),
        ]
    )  # fmt: skip
    return index


@pytest.mark.parametrize(
    ("typed", "first", "step"),
    [
        ("trường mầm non", "mam-non", Step.ALL_WORDS),
        ("danh sách các trường mầm non ở Thanh Hóa", "mam-non", Step.STOP_WORDS),
        ("cho toi biet gia nong san hom nay", "gia", Step.STOP_WORDS),
        ("giá nông sản tuần", "gia", Step.MOST_WORDS),
        ("bệnh vien đa khoaa", "benh-vien", Step.MOST_WORDS),
        ("benh vein", "benh-vien", Step.SIMILAR_WORDS),
        ("cong nghie", "nghi-son", Step.SIMILAR_WORDS),
        ("danh sách các trường mầm non ở Nghi Lộc", "mam-non", Step.HALF_OF_THE_WORDS),
        ("TTHC", "tthc", Step.ALL_WORDS),
        ("kcn nghi son", "nghi-son", Step.ALL_WORDS),
        ("mẫu giáo", "mam-non", Step.ALL_WORDS),
        ("BV đa khoa", "benh-vien", Step.ALL_WORDS),
        ("hospitals", "benh-vien", Step.ALL_WORDS),
        ("mã xã", "tuyen", Step.ALL_WORDS),
        ("ma_xa", "tuyen", Step.ALL_WORDS),
    ],
)
def test_a_question_finds_its_dataset_and_the_answer_names_the_step(
    catalogue: SearchBackend, typed: str, first: str, step: Step
) -> None:
    result = ask(catalogue, typed, relax_below=1)
    assert (result.hits[0].id, result.step) == (first, step)


def test_nothing_is_forgiven_where_it_must_not_be(catalogue: SearchBackend) -> None:
    assert ask(catalogue, "benh vein").count == 0
    assert ask(catalogue, "title:vein", relax_below=1).count == 0
    assert ask(catalogue, '"viện bệnh"', relax_below=1).count == 0
    assert ask(catalogue, "số định danh", relax_below=1, fq=("id:tuyen",)).count == 0
    assert (
        ask(catalogue, "benh vein", relax_below=1, labels=frozenset({"member-x"})).count
        == 0
    )
    assert (
        ask(
            catalogue, "giá nông sản tuần", relax_below=1, sort="metadata_modified desc"
        ).count
        == 0
    )


def test_what_an_earlier_step_finds_stays_first(catalogue: SearchBackend) -> None:
    catalogue.apply(
        [
            entry("khac", "Giá giá giá nông", notes="nông nông"),
            entry("du", "Quy định giá bán nông sản lẻ"),
        ]
    )
    result = ask(catalogue, "giá nông sản lẻ", relax_below=3)
    assert result.hits[0].id == "du"
    assert result.count >= 2


def test_exact_marks_stay_first_in_relaxed_steps(index: SearchBackend) -> None:
    index.apply(
        [
            entry("a", "duong duong pho duong pho", notes="duong pho"),
            entry("b", "Mạng lưới đường phố đô thị"),
        ]
    )
    assert found(index, "danh sách đường phố ở tỉnh", relax_below=1) == ["b", "a"]


def test_a_beginning_finds_titles_and_names(catalogue: SearchBackend) -> None:
    assert found(catalogue, "benh v", begun=True) == ["benh-vien"]
    assert found(catalogue, "nông sả", begun=True) == ["gia"]
    assert found(catalogue, "tth", begun=True) == ["tthc"]
    assert found(catalogue, "*(", begun=True) == []


def test_an_index_says_how_it_is(catalogue: SearchBackend) -> None:
    health = catalogue.health()
    assert (health.status, health.datasets, health.rebuilding) == ("ok", 6, False)


def test_lines_that_cannot_be_used_are_named_and_the_others_count() -> None:
    lexicon, problems = parse(
        [
            (
                "w.txt",
                "A = B\n\nx\nA > B > C\n= c\n- \n" + "- các # lời\nGD&ĐT = giáo dục",
            )
        ]
    )
    assert [str(problem).split(":")[0] for problem in problems] == [
        f"w.txt, line {n}" for n in (3, 4, 5, 6)
    ]
    assert [unit.spare for unit in lexicon.units(["các", "cac", "cạc"])] == [
        True,
        True,
        False,
    ]
    assert next(lexicon.units(["gd", "đt"])).alternatives == (("giao", "duc"),)
    assert read([Path("/nowhere")])[1] == ()


def test_the_file_that_ships_has_no_problem() -> None:
    from search.text.lexicon import SHIPPED

    assert read([SHIPPED])[1] == ()


def test_an_edited_file_counts_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.text.lexicon.LOOK_SECONDS", 0.0)
    path = tmp_path / "words.txt"
    files = LexiconFiles([path])
    assert files.current().others == {}
    path.write_text("heo = lợn", encoding="utf-8")
    assert next(files.current().units(["heo"])).alternatives == (("lon",),)


def test_a_killed_rebuild_is_gone_on_with(tmp_path: Path) -> None:
    """kill -9 in the middle: the next rebuild reads only what is missing, and what was
    written between is kept.
    """
    script = f"""
import os, signal, search.tantivy_index.index
from search import open_backend
from tests.search.datasets import entry
search.tantivy_index.index.COMMIT_EVERY = 10
def rows(after):
    for n in range(100):
        if n == 35: os.kill(os.getpid(), signal.SIGKILL)
        yield entry(f"d{{n:03}}")
open_backend("", __import__("pathlib").Path({str(tmp_path / "index")!r})).rebuild(rows)
"""
    index = open_backend("", tmp_path / "index")
    index.apply([entry("d000"), entry("old")])
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    assert (
        subprocess.run(
            [sys.executable, "-c", script], env=environment, check=False
        ).returncode
        == -9
    )
    assert sorted(dict(index.stamps())) == ["d000", "old"], "the old index answers on"
    index.apply([entry("d005", "Sau", revision=9), entry("zzz")], deleted=["d006"])
    asked: list[str] = []

    def rest(after: str) -> object:
        asked.append(after)
        return listed(*(entry(f"d{n:03}") for n in range(100)))(after)

    assert index.rebuild(rest) == 100  # type: ignore[arg-type]  # a generator
    assert asked == ["d029"]
    held = dict(index.stamps())
    assert (held["d005"], held["zzz"], "d006" in held) == (9, 1, False)
    index.close()
