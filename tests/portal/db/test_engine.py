"""The database as it is opened: how durable a commit is, is chosen."""

from pathlib import Path

import pytest

from portal.db.engine import open_engine
from portal.errors import SettingsError
from portal.settings import load


@pytest.mark.parametrize(
    ("chosen", "number"), [("FULL", 2), ("EXTRA", 3), ("NORMAL", 1)]
)
def test_sqlite_syncs_as_it_is_told(tmp_path: Path, chosen: str, number: int) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}", chosen)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == number
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


def test_nothing_that_was_acknowledged_is_lost_unless_somebody_chose_so(
    tmp_path: Path,
) -> None:
    given = {"PORTAL_DATA_DIR": str(tmp_path)}
    assert load(given).sqlite_synchronous == "FULL"
    with pytest.raises(
        SettingsError,
        match="PORTAL_SQLITE_SYNCHRONOUS takes one of FULL, EXTRA, NORMAL",
    ):
        load({**given, "PORTAL_SQLITE_SYNCHRONOUS": "OFF"})
