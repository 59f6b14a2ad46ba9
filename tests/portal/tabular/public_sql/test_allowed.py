"""Names in public SQL are judged in the scope where they stand; aliases of tables mean
nothing to the engine.
"""

import uuid

import duckdb
import orjson
import pytest

from portal.tabular.public_sql.allowed import Refused, tables_named
from portal.tabular.versions.records import good_alias

SECRET = "pragma_database_list"
NAMED = {
    "WITH x AS (SELECT * FROM x) SELECT * FROM x": {"x"},
    "SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) a, t": {"t"},
    "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b, T1": {"T1"},
    "WITH b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM b": {"a"},
    (
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n<3) SELECT * "
        "FROM r"
    ): set(),
    "WITH RECURSIVE r AS (SELECT * FROM r UNION ALL SELECT * FROM r) SELECT * FROM r": {
        "r"
    },
    (
        "WITH a AS MATERIALIZED (SELECT * FROM c) SELECT * FROM a UNION ALL SELECT * FROM "
        "A"
    ): {"c"},
    "SELECT (WITH q AS (SELECT 1) SELECT count(*) FROM q), (SELECT count(*) FROM q)": {
        "q"
    },
    (
        "WITH a AS (SELECT 1) SELECT * FROM (WITH b AS (SELECT * FROM a) SELECT * FROM b) "
        "z"
    ): set(),
}
REFUSED = (
    f"WITH {SECRET} AS (SELECT * FROM {SECRET}) SELECT * FROM {SECRET}",
    f"WITH RECURSIVE {SECRET} AS (SELECT * FROM {SECRET} UNION ALL SELECT 1) SELECT * "
    f"FROM {SECRET}",
    f"SELECT * FROM (WITH {SECRET} AS (SELECT 1) SELECT 2) a, {SECRET}",
    f"WITH b AS (SELECT * FROM {SECRET}), {SECRET} AS (SELECT 1) SELECT * FROM b",
)


def tree(sql: str) -> dict[str, object]:
    found = (
        duckdb.connect()
        .execute("SELECT json_serialize_sql(?::VARCHAR)", [sql])
        .fetchone()
    )
    assert found is not None
    return dict(orjson.loads(found[0]))


@pytest.mark.parametrize("sql", NAMED)
def test_tables_without_those_that_a_with_gives(sql: str) -> None:
    assert tables_named(tree(sql)) == NAMED[sql]


@pytest.mark.parametrize("sql", REFUSED)
def test_a_with_of_the_same_name_opens_nothing(sql: str) -> None:
    with pytest.raises(Refused):
        tables_named(tree(sql))


def test_names_that_a_table_may_have() -> None:
    for name in ("gia_nong_san", "gia-2026", "Bảng_giá", "maintenance", "users", "x"):
        assert good_alias(name), name
    identifier = str(uuid.uuid4())
    for name in (
        "user", "USER", "a/b", "duckdb_tables", "pg_class", "sqlite_master", "pragma_version", "information_schema",
        "hot", "main", "temp", "select", identifier, identifier.upper(), identifier.replace("-", ""), "", "a b",
        "a.b", '"a',
        "1a",
        "_a", "a;b", "a" * 64,
    ):  # fmt: skip
        assert not good_alias(name), name
