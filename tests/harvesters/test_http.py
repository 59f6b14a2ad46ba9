"""The guarded client against real sockets: addresses, redirects, sizes, times,
retries.
"""

import gzip
import ipaddress
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from harvesters.base import SourceError
from harvesters.guard import Guard, is_public
from harvesters.http import GuardedClient, HttpOptions
from tests.servers.web import Web, say

GUARDS = ("harvesters.guard",)
LOCAL = HttpOptions(
    allow=("127.0.0.1",),
    backoff=0.01,
    total_timeout=5,
    read_timeout=1,
    max_bytes=1024 * 1024,
)


def failing(url: str, options: HttpOptions = LOCAL) -> SourceError:
    """The error that asking for JSON ends with."""
    client = GuardedClient(options)
    try:
        with pytest.raises(SourceError) as problem:
            client.get_json(url)
    finally:
        client.close()
    return problem.value


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "ff02::1",
    ],
)  # fmt: skip
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["203.162.4.190", "8.8.8.8", "2001:4860:4860::8888"]
)
def test_public_addresses_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_loopback_in_every_spelling_is_refused_unless_named(host: str) -> None:
    with Web({"/": say(200, b"{}")}) as web:
        error = failing(f"http://{host}:{web.port}/", HttpOptions(retries=0))
        assert web.asked == []
    assert error.code in ("blocked-address", "unknown-host", "bad-address")
    if error.code == "blocked-address":
        assert "PORTAL_HARVEST_ALLOW" in error.message


def test_names_and_networks_open_private_addresses() -> None:
    guard = Guard(("10.1.0.0/16", "lgsp.example", "::1/128"))
    guard.check("any", "10.1.2.3")
    guard.check("LGSP.example", "192.168.0.7")
    guard.check("any", "::1")
    for host, address in (
        ("any", "10.2.0.1"),
        ("other.example", "192.168.0.7"),
        ("any", "127.0.0.1"),
    ):
        with pytest.raises(SourceError):
            guard.check(host, address)


def test_redirects_are_judged_like_the_first_address() -> None:
    with Web({"/": say(200, b"{}")}, "127.0.0.2") as hidden:
        paths = {
            "/inside": say(302, Location=f"{hidden.url}/"),
            "/file": say(302, Location="file:///etc/passwd"),
            "/loop": say(302, Location="/loop"),
            "/good": say(302, Location="/end"),
            "/end": say(200, b'{"a": 1}'),
        }
        with Web(paths) as web:
            assert failing(f"{web.url}/inside").code == "blocked-address"
            assert failing(f"{web.url}/file").code == "bad-address"
            assert failing(f"{web.url}/loop").code == "redirects"
            client = GuardedClient(LOCAL)
            assert client.get_json(f"{web.url}/good") == {"a": 1}
            client.close()
        assert hidden.asked == []


def test_credentials_do_not_follow_to_another_host() -> None:
    seen: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        say(200, b"{}")(handler)

    with (
        Web({"/": note}) as other,
        Web({"/": say(302, Location=f"{other.url}/")}) as web,
    ):
        client = GuardedClient(LOCAL)
        client.get_json(f"{web.url}/", headers={"Authorization": "secret"})
        client.close()
    assert seen == [None]


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        return


def half(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"a": ')


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def test_answers_that_cannot_be_used() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    paths = {
        "/html": say(200, b"<html><title>Dang nhap</title></html>"),
        "/endless": endless,
        "/half": half,
        "/silent": silent,
        "/bomb": say(200, bomb, Content_Encoding="gzip"),
        "/401": say(401),
        "/404": say(404),
    }
    with Web(paths) as web:
        page = failing(f"{web.url}/html?key=secret")
        assert (page.code, "Dang nhap" in page.message, "secret" in page.message) == (
            "not-json",
            True,
            False,
        )
        assert failing(f"{web.url}/endless").code == "too-large"
        assert failing(f"{web.url}/bomb").code == "too-large"
        assert failing(f"{web.url}/half").code == "broken-off"
        quick = HttpOptions(allow=("127.0.0.1",), retries=0, read_timeout=0.2)
        assert failing(f"{web.url}/silent", quick).code == "timeout"
        assert failing(f"{web.url}/401").code == "unauthorized"
        assert failing(f"{web.url}/404").code == "not-found"
    assert (
        failing(f"{web.url}/gone", HttpOptions(allow=("127.0.0.1",), retries=0)).code
        == "unreachable"
    )


def test_a_passing_fault_is_tried_again() -> None:
    calls = [say(503), say(429, Retry_After="0"), say(200, b'"good"')]
    with Web({"/": lambda handler: calls.pop(0)(handler)}) as web:
        client = GuardedClient(LOCAL)
        assert client.get_json(f"{web.url}/") == "good"
        client.close()
    with Web({"/": say(503)}) as web:
        assert failing(f"{web.url}/").code == "http-error"
        assert len(web.asked) == LOCAL.retries + 1


def test_a_download_is_whole_or_not_there(tmp_path: Path) -> None:
    with Web(
        {
            "/a.csv": say(
                200, b"ma\n1\n", ETag='"x"', Content_Type="text/csv; charset=utf-8"
            ),
            "/half": half,
        }
    ) as web:
        client = GuardedClient(LOCAL)
        got = client.download(f"{web.url}/a.csv", tmp_path / "a")
        assert (got.size, got.media_type, got.etag, got.path.read_bytes()) == (
            5,
            "text/csv",
            '"x"',
            b"ma\n1\n",
        )
        with pytest.raises(SourceError):
            client.download(f"{web.url}/half", tmp_path / "b")
        client.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
