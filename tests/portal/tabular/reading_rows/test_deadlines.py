"""Row queries end in time: what takes too long is interrupted and told, what is quick
is not.
"""

from pathlib import Path

import pytest

from portal.tabular.reading_rows.engine import Engine
from portal.tabular.reading_rows.query import RowQueryError

GUARDS = ("portal.tabular.reading_rows.engine",)
ENDLESS = (
    "SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range * "
    "3 = b.range + 1"
)


def test_what_takes_too_long_is_interrupted(tmp_path: Path) -> None:
    engine = Engine(256, 1, tmp_path, seconds=0.5)
    for _ in range(2):
        with pytest.raises(RowQueryError) as refused:
            engine.rows(ENDLESS, [])
        english, vietnamese = refused.value.errors["query"]
        assert "longer than 0.5 seconds" in english
        assert "lâu hơn 0.5 giây" in vietnamese
    assert engine.rows("SELECT 1", []) == [(1,)]


def test_without_a_limit_nothing_is_watched(tmp_path: Path) -> None:
    engine = Engine(256, 1, tmp_path)
    assert engine.rows("SELECT 1", []) == [(1,)]
    assert engine.deadlines._watching is None
