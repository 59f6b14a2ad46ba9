"""Rate limits: who is counted as whom, what the headers say, and that all processes
count together.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.bootstrap import build_portal
from portal.runtime import Portal
from portal.settings import load
from portal.web.app import create_app
from portal.web.ratecounts import RateCounts
from portal.web.ratelimits import network_of, sender_of

GUARDS = ("portal.web.ratecounts",)
STATUS = "/api/3/action/status_show"


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Portal]:
    environment = {
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_LOG_LEVEL": "WARNING",
        "PORTAL_RATE_LIMIT_ANONYMOUS": "5",
        "PORTAL_RATE_LIMIT_TOKEN": "8",
        "PORTAL_RATE_LIMIT_NETWORK": "12",
        "PORTAL_RATE_LIMIT_DOWNLOADS": "7",
        "PORTAL_RATE_LIMIT_EXEMPT": "10.9.0.0/16",
        "PORTAL_TRUSTED_PROXIES": "10.0.0.1,10.0.0.2",
    }
    running = build_portal(load(environment), upgrade=True)
    yield running
    running.close()


@pytest.fixture
def stranger(limited: Portal, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of a portal with small limits, in a minute that does not end."""
    monkeypatch.setattr("portal.web.ratelimits.time.time", lambda: 1_000_000_000.0)
    return create_app(limited).test_client()


def until_refused(client: FlaskClient, path: str, address: str, **headers: str) -> int:
    """How many requests are answered before one is refused."""
    for number in range(40):
        answer = client.get(
            path, environ_base={"REMOTE_ADDR": address}, headers=headers
        )
        if answer.status_code == 429:
            return number
    return 40


@pytest.mark.parametrize(
    "path",
    [
        STATUS,
        "/api/3/action/no_such",
        "/dataset",
        "/feeds/dataset.atom",
        "/api/3/action/status_show?callback=f",
    ],
)
def test_a_network_without_a_token(stranger: FlaskClient, path: str) -> None:
    assert until_refused(stranger, path, "203.0.113.5") == 5
    assert until_refused(stranger, path, "203.0.113.6") == 5
    assert until_refused(stranger, path, "10.9.1.1") == 40


def test_the_headers_and_the_refusal(stranger: FlaskClient) -> None:
    left = []
    for _ in range(6):
        answer = stranger.get(STATUS, environ_base={"REMOTE_ADDR": "203.0.113.7"})
        left.append(answer.headers["X-RateLimit-Remaining"])
        assert answer.headers["X-RateLimit-Limit"] == "5"
        assert answer.headers["X-RateLimit-Reset"] == "1000000020"
    assert left == ["4", "3", "2", "1", "0", "0"]
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "20")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    told = answer.get_json()
    assert (told["success"], told["error"]["__type"]) == (False, "Too Many Requests")
    assert told["help"].endswith("help_show?name=status_show")
    assert "at most 5 a minute" in told["error"]["message"]
    assert "nhiều nhất 5 mỗi phút" in told["error"]["message"]
    page = stranger.get("/dataset", environ_base={"REMOTE_ADDR": "203.0.113.7"})
    assert (page.status_code, page.content_type) == (429, "text/plain; charset=utf-8")
    assert (
        stranger.get(
            "/health/live", environ_base={"REMOTE_ADDR": "203.0.113.7"}
        ).status_code
        == 200
    )


def test_the_minute_after_is_a_new_one(
    limited: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, moment = create_app(limited).test_client(), [1_000_000_000.0]
    monkeypatch.setattr("portal.web.ratelimits.time.time", lambda: moment[0])
    assert until_refused(client, STATUS, "203.0.113.8") == 5
    moment[0] += 20
    assert until_refused(client, STATUS, "203.0.113.8") == 5


def test_tokens_and_tokens_that_are_made_up(stranger: FlaskClient) -> None:
    assert until_refused(stranger, STATUS, "203.0.113.9", Authorization="one") == 8
    assert until_refused(stranger, STATUS, "203.0.113.10", Authorization="one") == 0
    assert until_refused(stranger, STATUS, "203.0.113.10") == 5
    answered = 0
    for number in range(20):
        headers = {"X-CKAN-API-Key": f"made-up-{number}"}
        answer = stranger.get(
            STATUS, environ_base={"REMOTE_ADDR": "203.0.113.11"}, headers=headers
        )
        answered += answer.status_code == 200
    assert answered == 12


def test_downloads_have_a_bound_of_their_own_and_need_no_token(
    stranger: FlaskClient,
) -> None:
    assert until_refused(stranger, STATUS, "203.0.113.12") == 5
    for path in (
        "/datastore/dump/x",
        "/dataset/a/resource/b/download/c.csv",
        "/vi/dataset/a/resource/b/download",
    ):
        assert (
            stranger.get(path, environ_base={"REMOTE_ADDR": "203.0.113.12"}).status_code
            == 404
        )
    assert until_refused(stranger, "/datastore/diff/x", "203.0.113.12") == 4


def test_who_is_behind_a_proxy() -> None:
    proxies = ("10.0.0.1/32", "10.0.0.2/32", "::1/128")

    def sender(address: str, forwarded: str | None = None) -> str:
        environ = {
            "REMOTE_ADDR": address,
            **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}),
        }
        return sender_of(environ, proxies)

    assert sender("203.0.113.1", "198.51.100.1") == "203.0.113.1"
    assert sender("10.0.0.1", "198.51.100.1") == "198.51.100.1"
    assert sender("10.0.0.1", "127.0.0.1, 198.51.100.1, 10.0.0.2") == "198.51.100.1"
    assert sender("::1", "2001:db8:1:2:3:4:5:6") == "2001:db8:1:2:3:4:5:6"
    for nonsense in ("x", "unknown", ",", "198.51.100.1:80 , y"):
        assert sender("10.0.0.1", nonsense) == "10.0.0.1"
    assert sender("10.0.0.1") == "10.0.0.1"
    assert (
        sender_of(
            {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, ()
        )
        == "10.0.0.1"
    )


def test_networks_are_one_address_or_one_customer() -> None:
    assert (
        network_of("198.51.100.1")
        == network_of("::ffff:198.51.100.1")
        == "198.51.100.1"
    )
    assert (
        network_of("2001:db8:1:2::1")
        == network_of("2001:db8:1:2:ffff:ffff:ffff:ffff")
        == "2001:db8:1:2::/64"
    )
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("") == "unknown"


def test_all_processes_count_together(tmp_path: Path) -> None:
    script = (
        "import json, sys; from pathlib import Path; from portal.web.ratecounts "
        "import RateCounts\n"
        "counters = RateCounts(Path(sys.argv[1]))\n"
        "print(json.dumps([counters.add(b'key', 7) for _ in range(2000)]))"
    )
    path = str(tmp_path / "rates.bin")
    command = [sys.executable, "-c", script, path]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    counts = [json.loads(each.communicate(timeout=100)[0]) for each in running]
    assert sorted(chain.from_iterable(counts)) == list(range(1, 6001))
    assert RateCounts(tmp_path / "rates.bin").add(b"key", 7) == 6001
    assert RateCounts(tmp_path / "rates.bin").add(b"key", 8) == 1


def test_a_process_that_makes_the_file_beside_another_wipes_no_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at the size first, and writes last, must not write over what was
    counted between.
    """
    first, second = (
        RateCounts(tmp_path / "rates.bin"),
        RateCounts(tmp_path / "rates.bin"),
    )
    held: list[bool] = []
    written = os.pwrite

    def looked_at(file: int, *arguments: Any) -> int:
        other = (
            "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | "
            "fcntl.LOCK_NB)"
        )
        path = str(tmp_path / "rates.bin")
        held.append(
            subprocess.run(
                [sys.executable, "-c", other, path], capture_output=True, check=False
            ).returncode
            != 0
        )
        return written(file, *arguments)

    monkeypatch.setattr(os, "pwrite", looked_at)
    assert [first.add(b"key", 7), second.add(b"key", 7)] == [1, 2]
    assert held == [True], (
        "the file is filled once, and nobody else can look at it meanwhile"
    )


def test_counting_is_cheap(tmp_path: Path) -> None:
    counters = RateCounts(tmp_path / "rates.bin")
    began = time.process_time()
    for number in range(2000):
        counters.add(b"%d" % (number % 50), 1)
    assert (time.process_time() - began) / 2000 < 0.001
