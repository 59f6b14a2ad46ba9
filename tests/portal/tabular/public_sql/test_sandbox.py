"""Public SQL under attack: every way out is refused, every bomb dies in its own
process, and the next query answers.
"""

from collections.abc import Iterator
from pathlib import Path

import orjson
import polars as pl
import pytest

from portal.errors import NotFound, Unavailable
from portal.tabular.public_sql.sandbox import RefusedSql, Source, SqlSandbox

GUARDS = (
    "portal.tabular.public_sql.fork_server",
    "portal.tabular.public_sql.framing",
)


@pytest.fixture(scope="module", params=["parts", "hot copy"])
def part(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """A table in a file; where there is a hot copy beside it, that is read."""
    path = tmp_path_factory.mktemp("sql") / "part.parquet"
    rows = 20_000
    frame = pl.DataFrame(
        {
            "_id": range(1, rows + 1),
            "ma": [f"{n:05}" for n in range(rows)],
            "n": range(rows),
        }
    )
    frame = frame.with_columns(pl.lit(" a").alias("_fold"))
    frame.write_parquet(path)
    if request.param == "hot copy":
        frame.write_ipc(path.with_suffix(".arrow"))
    return path


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SqlSandbox]:
    opened = SqlSandbox(seconds=1.5)
    yield opened
    opened.close()


def hot(part: Path) -> str:
    copy = part.with_suffix(".arrow")
    return str(copy) if copy.is_file() else ""


def run(
    sandbox: SqlSandbox, part: Path, sql: str, limit: int = 100
) -> list[dict[str, object]]:
    def source(name: str) -> Source:
        if name != "t":
            raise NotFound(name)
        return {
            "sql": f"read_parquet('{part}')",
            "paths": [str(part)],
            "columns": ["ma", "n"],
            "hot": hot(part),
        }

    return list(orjson.loads(sandbox.run(sql, limit, source))["records"])


REFUSED = (
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW IF EXISTS t",
    "COPY (SELECT 1) TO '{part}'",
    "COPY (SELECT 1 AS a) TO '{part}' (USE_TMP_FILE false)",
    "COPY t TO '/tmp/evil.csv'",
    "ATTACH ':memory:' AS y",
    "ATTACH '/tmp/evil.db' AS y",
    "INSTALL httpfs",
    "LOAD '/tmp/fts.duckdb_extension'",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "SET VARIABLE a = 1",
    "RESET memory_limit",
    "PRAGMA threads=64",
    "PRAGMA version",
    "PRAGMA enable_profiling='json'",
    "CALL pragma_version()",
    "CALL enable_logging(storage='file', storage_path='/tmp/evil_log')",
    "EXPLAIN ANALYZE SELECT 1",
    "CREATE TABLE z AS SELECT 1",
    "CREATE MACRO f(x) AS x + 1",
    "CREATE SECRET s (TYPE http)",
    "DROP VIEW t",
    "INSERT INTO t VALUES (1)",
    "UPDATE t SET n = 1",
    "DELETE FROM t",
    "EXPORT DATABASE '/tmp/evil'",
    "IMPORT DATABASE '/tmp/evil'",
    "CHECKPOINT",
    "DESCRIBE t",
    "SUMMARIZE t",
    "SHOW TABLES",
    "PIVOT t ON ma USING count(*)",
    "SELECT * FROM t PIVOT (sum(n) FOR ma IN ('1'))",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM read_blob('/etc/hostname')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
    "SELECT * FROM read_parquet('{part}')",
    "SELECT * FROM parquet_metadata('{part}')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '{part}'",
    "SELECT * FROM query('SELECT 42')",
    "SELECT * FROM query_table('t')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM pragma_database_size()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM pg_tables",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM main.t",
    "SELECT * FROM t AT (VERSION => 1)",
    "SELECT current_setting('allowed_paths')",
    "SELECT getenv('HOME')",
    "SELECT getvariable('a')",
    "SELECT pg_typeof(1), version()",
    "SELECT pg_catalog.pg_typeof(1)",
    "SELECT * FROM REFUSED",
    "SELECT $1",
    "SELECT list_transform([1], lambda x: x + 1)",
    "SELECT length(repeat('x', 4000000000))",
    "SELECT md5(repeat('x', 2000000000))",
    "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))",
    "SELECT list_reduce(range(10000000), lambda x, y: (x + y) % 7)",
    "SELECT list(range) FROM range(2000000000)",
    "SELECT length(lpad('x', 2000000000, 'y'))",
)
BOMBS = (
    "SELECT count(*) FROM t a, t b, t c WHERE a.ma < b.ma AND b.n <> c.n",
    "SELECT * FROM t a, t b ORDER BY a.ma || b.ma LIMIT 3",
    "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) "
    "FROM r",
    "SELECT string_agg(a.ma || b.ma, ',') FROM t a, t b",
    " UNION ALL ".join(["SELECT count(*) FROM t"] * 700),
    "SELECT " + "(" * 8000 + "1" + ")" * 8000,
    "SELECT " + "+".join(["1"] * 9000),
    "SELECT '" + "x" * 30_000 + "'",
)


@pytest.mark.parametrize("attack", REFUSED)
def test_a_way_out_is_refused(sandbox: SqlSandbox, part: Path, attack: str) -> None:
    before = part.read_bytes()
    with pytest.raises((RefusedSql, NotFound)) as refused:
        run(sandbox, part, attack.format(part=part))
    assert not isinstance(refused.value, NotFound) or "FROM" in attack
    assert str(part) not in str(getattr(refused.value, "errors", "")).replace(
        attack.format(part=part), ""
    )
    assert part.read_bytes() == before
    assert not list(Path("/tmp").glob("evil*"))


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_dies_alone(sandbox: SqlSandbox, part: Path, bomb: str) -> None:
    try:
        assert len(run(sandbox, part, bomb)) <= 100
    except RefusedSql as refused:
        assert "parquet" not in str(refused)
    assert run(sandbox, part, "SELECT count(*) AS n FROM t") == [{"n": 20_000}]


def test_what_may_be_asked(sandbox: SqlSandbox, part: Path) -> None:
    case = "CASE WHEN n < 10 THEN 'a' ELSE lower('B') END AS k"
    asked = f"SELECT {case}, count(*) FILTER (WHERE n > 1) AS c, avg(n)::INT AS m"
    rows = run(
        sandbox,
        part,
        f"{asked} FROM t GROUP BY k HAVING count(*) > 0 ORDER BY 1 LIMIT 10",
    )
    assert rows == [{"k": "a", "c": 8, "m": 4}, {"k": "b", "c": 19_990, "m": 10_004}]
    windows = (
        "SELECT ma, row_number() OVER (ORDER BY n DESC) AS r FROM t QUALIFY r <= 2 "
        "ORDER BY r"
    )
    assert [row["ma"] for row in run(sandbox, part, windows)] == ["19999", "19998"]
    assert len(run(sandbox, part, "FROM t", limit=7)) == 7
    joined = (
        'SELECT count(*) AS n FROM t "x y" JOIN (SELECT * FROM t WHERE n < 5) b USING '
        "(ma) WHERE \"x y\".ma LIKE '0%'"
    )
    assert run(sandbox, part, joined) == [{"n": 5}]
    assert run(sandbox, part, "SELECT DATE '2026-01-02' d, 1.50 AS x, NULL AS z") == [
        {"d": "2026-01-02", "x": 1.5, "z": None}
    ]


def test_a_sandbox_that_was_killed_is_opened_again(part: Path) -> None:
    own = SqlSandbox()
    assert run(own, part, "SELECT 1 AS a") == [{"a": 1}]
    assert own._fork_server is not None
    own._fork_server.kill()
    own._fork_server.wait()
    assert run(own, part, "SELECT 2 AS a") == [{"a": 2}]
    own.close()


def test_too_many_at_once_wait_and_then_hear_so(part: Path) -> None:
    busy = SqlSandbox(seconds=0.2, at_once=1)
    busy._turns.acquire()
    with pytest.raises(Unavailable):
        run(busy, part, "SELECT 1")
    busy.close()
