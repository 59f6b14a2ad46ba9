"""The access log and the metrics: every lane is seen, nothing personal is written, all
processes add up.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import people
from portal.errors import SettingsError
from portal.runtime import Portal
from portal.web.app import create_app
from portal.web.counters import (
    BUCKETS,
    BYTES,
    CACHES,
    ROUTES,
    SECONDS,
    STATUSES,
    WIDTH,
    Counters,
)
from portal.web.observed import open_log
from schemas import cache
from tests.waiting import until

GUARDS = ("portal.web.counters",)
ACTION = "/api/3/action/"


@pytest.fixture
def log(tmp_path: Path, portal: Portal) -> Path:
    """The access log of an application that is made after this."""
    path = tmp_path / "access.log"
    object.__setattr__(portal.settings, "access_log", str(path))
    return path


def lines(path: Path, count: int) -> list[dict[str, Any]]:
    """The lines, once there are so many: they are written a moment after the
    answers.
    """
    until(lambda: path.read_bytes().count(b"\n") >= count)
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_a_line_for_each_request_whichever_lane_it_takes(
    log: Path, client: FlaskClient, token: str
) -> None:
    registry_calls = {"Authorization": f"Bearer {token}"}
    client.get(
        ACTION + "package_search?q=Nguyen+Van+A", headers={"X-Request-Id": "abc-1"}
    )
    client.get(ACTION + "package_search?q=x", headers=registry_calls)
    client.post(
        ACTION + "package_create",
        json={"name": "xx", "owner_org": "org"},
        headers=registry_calls,
    )
    client.get("/dataset/xx?secret=1")
    client.get(ACTION + "no_such_thing")
    client.get("/nowhere/at-all")
    told = lines(log, 6)
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("GET", "/api/3/action/package_search", 200),
        ("GET", "/api/3/action/package_search", 200),
        ("POST", "/api/3/action/package_create", 200),
        ("GET", "/dataset/<name>", 200),
        ("GET", "/api/3/action/<name>", 400),
        ("GET", None, 404),
    ]
    assert [line["actor"] for line in told] == [
        "anonymous",
        "sysadmin",
        "sysadmin",
        *["anonymous"] * 3,
    ]
    assert told[0]["request"] == "abc-1"
    assert told[0]["token"] is None
    assert told[1]["token"] == people.hash_token(token)[:12]
    assert all(line["bytes"] > 0 and line["ms"] > 0 for line in told)
    text = log.read_text(encoding="utf-8")
    for secret in (token, "Nguyen", "secret", "nowhere", "no_such_thing", "127.0.0.1"):
        assert secret not in text


def test_what_fails_is_found_by_its_id(
    log: Path,
    client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "perform", lambda *_: 1 / 0)  # what nobody expects
    answer = client.get(ACTION + "package_show?id=x")
    (line,) = lines(log, 1)
    assert (answer.status_code, line["status"]) == (500, 500)
    assert line["request"] == answer.headers["X-Request-Id"]
    assert line["request"] in caplog.text


def test_a_log_that_cannot_be_opened_is_named_and_off_is_off(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PORTAL_ACCESS_LOG"):
        open_log(str(tmp_path / "nothing" / "access.log"))
    assert open_log("off") is None


def test_a_process_that_ends_writes_the_lines_that_wait(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    program = (
        "import sys; from portal import processes; from portal.web.observed import "
        "AccessLog\n"
        "log = AccessLog(sys.argv[1])\n"
        "for number in range(5000): log.write({'number': number, 'text': 'x' * "
        "(number % 97)})\n"
        "processes.end_now()"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=100)
    assert [line["number"] for line in lines(path, 5000)] == list(range(5000))


def test_a_line_is_written_in_one_piece_beside_other_processes(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    program = (
        "import sys; from portal.web.observed import AccessLog\n"
        "log = AccessLog(sys.argv[1])\n"
        "for number in range(3000): log.write({'of': sys.argv[2], 'text': 'x' * "
        "(number % 997)})"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(path), name])
        for name in "abc"
    ]
    assert [process.wait(100) for process in running] == [0, 0, 0]
    told = lines(path, 9000)
    assert {
        name: sum(line["of"] == name for line in told) for name in "abc"
    } == dict.fromkeys("abc", 3000)


def counted(counters: Counters, route: str, status: str) -> list[float]:
    place = (ROUTES.index(route) * len(STATUSES) + STATUSES.index(status)) * WIDTH
    return counters.sums()[place : place + WIDTH]


def test_processes_add_up_and_the_counts_of_the_dead_are_kept(tmp_path: Path) -> None:
    first = Counters(tmp_path)
    first.note("package_show", 200, 0.004, 100)
    first.note("package_show", 200, 0.3, 50)
    first.note("other", 503, 20.0, 1)
    script = (
        "import sys;from pathlib import Path;from portal.web.counters import Counters;"
        "Counters(Path(sys.argv[1])).note('package_show', 204, 0.004, 7)"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60
    )
    row = counted(first, "package_show", "2xx")
    assert row[0] == 2
    assert sum(row[: len(BUCKETS)]) == 3
    assert row[SECONDS] == pytest.approx(0.308)
    assert row[BYTES] == 157
    assert counted(first, "other", "5xx")[len(BUCKETS) - 1] == 1
    # Takes over what the dead process counted, and leaves the living one alone.
    second = Counters(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert (
        counted(second, "package_show", "2xx")
        == row
        == counted(first, "package_show", "2xx")
    )
    first.close()
    third = Counters(tmp_path)
    assert counted(third, "package_show", "2xx") == row


def test_without_a_folder_a_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    counters = Counters(tmp_path / "file" / "metrics")
    counters.note("pages", 200, 0.1, 1)
    assert sum(counted(counters, "pages", "2xx")[: len(BUCKETS)]) == 1


def test_metrics_tell_requests_queues_workers_and_disks(
    client: FlaskClient, portal: Portal, token: str
) -> None:
    client.get(ACTION + "package_show?id=nothing")
    client.get(ACTION + "package_list")
    client.post(
        ACTION + "package_create",
        json={"name": "xx", "owner_org": "org"},
        headers={"Authorization": token},
    )
    client.get("/")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    text = answer.get_data(as_text=True)
    for line in (
        'portal_request_seconds_count{route="package_show",status="4xx"} 1.0',
        'portal_request_seconds_count{route="read",status="2xx"} 1.0',
        'portal_request_seconds_count{route="write",status="2xx"} 1.0',
        'portal_request_seconds_bucket{le="+Inf",route="pages",status="2xx"} 1.0',
        'portal_problems{check="workers"} 1.0',
        "portal_ready 0.0",
        "portal_workers_alive 0.0",
        'portal_queue_waiting{queue="quality"} 1.0',
        'portal_datasets{where="database"} 1.0',
    ):
        assert line in text.splitlines(), text
    assert 'portal_disk_free_bytes{folder="data"}' in text
    opened = client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert opened.get_data(as_text=True).endswith("# EOF\n")


def test_strangers_read_no_metrics(portal: Portal) -> None:
    made = registry.call(
        portal,
        SYSTEM,
        "user_create",
        {"name": "an", "email": "an@example.vn", "with_apitoken": True},
    )
    client = create_app(portal).test_client()
    for headers in ({}, {"Authorization": made["token"]}):
        answer = client.get(
            "/metrics", headers={"X-Forwarded-For": "10.0.0.1", **headers}
        )
        assert (answer.status_code, b"portal_" in answer.data) == (403, False)


def test_metrics_tell_what_the_cache_does(client: FlaskClient, portal: Portal) -> None:
    for _ in range(3):
        client.get(ACTION + "package_search?q=x")
    told = client.get("/metrics").get_data(as_text=True).splitlines()
    room = "search_answers"
    hits = 'portal_cache_lookups_total{result="hit",room="search_answers"}'
    assert float(next(x for x in told if x.startswith(hits)).split()[1]) >= 2
    figures = portal.cache.figures()[room]
    assert f'portal_cache_bytes{{room="{room}"}} {figures.size}' in told


def test_hits_of_a_dead_process_are_kept_and_its_memory_is_not(tmp_path: Path) -> None:
    script = (
        "import sys;from pathlib import Path;from portal.web.counters import Counters;"
        "from schemas.cache import MemoryCache;"
        "counters=Counters(Path(sys.argv[1]));cache=MemoryCache();"
        "cache.count_in(counters.caches);room=cache.room('fragments',len);"
        "room.get(1,lambda:b'x');room.find(1)"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60
    )
    place = CACHES + cache.ROOMS.index("fragments") * cache.WIDTH
    living = Counters(tmp_path)
    assert living.sums()[place : place + cache.WIDTH] == [1.0, 1.0, 0.0]
