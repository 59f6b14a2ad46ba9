"""Secrets go to the hosts and serve the organizations that they are bound to, and are
shown nowhere.
"""

from pathlib import Path
from typing import Any

import pytest

from demo.gateway import Gateway, Service
from harvesters import open_source
from harvesters.base import SourceError
from harvesters.databases import DatabaseOptions
from harvesters.http import HttpOptions
from harvesters.secrets import Secrets, bind_secret
from tests.servers.web import Web, say

VALUE = "tuyet-mat-7391"
HTTP = HttpOptions(
    allow=("127.0.0.1", "127.0.0.2", "localhost"), retries=0, total_timeout=5
)
SERVICE: dict[str, Any] = {
    "path": "svc",
    "fields": {"ma": "ma"},
    "dataset": {"name": "ds"},
}


def revealed(
    binding: str, *addresses: str, organization: tuple[str, ...] = ("id-a", "org-a")
) -> str:
    return Secrets({"S": bind_secret(VALUE, binding)}, organization).reveal(
        "S", *addresses
    )


@pytest.mark.parametrize(
    ("binding", "address"),
    [
        ("gw.example org:org-a", "https://gw.example/x"),
        ("GW.example, org:org-a", "https://gw.EXAMPLE:8443/x"),
        ("gw.example:8443 org:id-a", "https://gw.example:8443/x"),
        ("gw.example:443 org:*", "https://gw.example/x"),
        ("other.example gw.example org:org-b org:org-a", "http://gw.example"),
        ("db.example:5432 org:*", "db.example:5432"),
        ("[::1]:8080 org:*", "http://[::1]:8080/x"),
    ],
)
def test_a_secret_is_revealed_where_host_and_organization_agree(
    binding: str, address: str
) -> None:
    assert revealed(binding, address) == VALUE


@pytest.mark.parametrize(
    ("binding", "address"),
    [
        ("", "https://gw.example/x"),
        ("gw.example", "https://gw.example/x"),
        ("org:*", "https://gw.example/x"),
        ("gw.example org:org-b", "https://gw.example/x"),
        ("gw.example org:*", "https://evil.example/x"),
        ("gw.example org:*", "https://gw.example@evil.example/x"),
        ("gw.example org:*", "https://evil.example/gw.example"),
        ("gw.example org:*", "https://evil.example#gw.example"),
        ("gw.example org:*", "https://evil.example?gw.example"),
        ("gw.example org:*", "https://gw.example.evil.example/"),
        ("gw.example org:*", "https://evilgw.example/"),
        ("gw.example:8443 org:*", "https://gw.example/x"),
        ("gw.example:443 org:*", "http://gw.example/x"),
    ],
)
def test_a_secret_is_kept_where_one_of_them_does_not_agree(
    binding: str, address: str
) -> None:
    with pytest.raises(SourceError) as problem:
        revealed(binding, address)
    assert VALUE not in problem.value.message


def test_every_place_must_agree() -> None:
    with pytest.raises(SourceError, match="not to evil"):
        revealed(
            "gw.example org:*", "https://gw.example/", "https://evil.example/token"
        )


def test_a_source_of_nobody_has_only_what_is_for_all() -> None:
    assert revealed("gw.example org:*", "https://gw.example", organization=()) == VALUE
    with pytest.raises(SourceError, match="not among them"):
        revealed("gw.example org:org-a", "https://gw.example", organization=())


@pytest.mark.parametrize(
    "binding",
    ["https://gw.example org:*", "*.example org:*", "gw.example org:", "a@b org:*"],
)
def test_a_binding_that_cannot_be_read_says_what_it_takes(binding: str) -> None:
    with pytest.raises(ValueError, match="takes hosts"):
        bind_secret(VALUE, binding)


def test_no_value_is_shown() -> None:
    secret = bind_secret(VALUE, "gw.example org:*")
    assert VALUE not in repr(secret)
    assert VALUE not in repr(Secrets({"S": secret}))


@pytest.mark.parametrize("kind", ["api_key", "basic", "oauth2_cc", "login_json"])
def test_a_gateway_of_another_host_is_told_nothing(kind: str, tmp_path: Path) -> None:
    told: list[str] = []
    with Web({"/svc": _listening(told), "/token": _listening(told)}) as web:
        auth = {"kind": kind, "secret": "S", "client_id": "me"}
        for binding, address in (
            ("127.0.0.2 org:*", web.url),
            ("127.0.0.1 org:org-b", web.url),
            ("", web.url),
        ):
            assert _refused(address, auth, binding, tmp_path) == "secret-not-bound"
        if kind in ("oauth2_cc", "login_json"):
            elsewhere = {
                **auth,
                "token_url": web.url.replace("127.0.0.1", "localhost") + "/token",
            }
            assert (
                _refused(web.url, elsewhere, "127.0.0.1 org:*", tmp_path)
                == "secret-not-bound"
            )
    assert VALUE not in "".join(told)


def test_a_redirect_takes_no_secret_along(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        Web({"/svc": _listening(told)}) as second,
        Web({"/svc": say(302, Location=f"{second.url}/svc")}) as first,
    ):
        auth = {"kind": "api_key", "secret": "S"}
        _load(first.url, auth, f"127.0.0.1:{first.port} org:*", tmp_path)
    assert told
    assert VALUE not in "".join(told)


def test_the_gateway_that_is_meant_is_opened(tmp_path: Path) -> None:
    services = {"/svc": Service(({"ma": "00001"},))}
    with Gateway(
        services, client_id="me", client_secret=VALUE, calls_per_token=9
    ) as gateway:
        auth = {"kind": "oauth2_cc", "secret": "S", "client_id": "me"}
        _load(gateway.url, auth, "127.0.0.1 org:org-a", tmp_path)
    assert (tmp_path / "ds.csv").read_text(encoding="utf-8") == "ma\n00001\n"


def _listening(told: list[str]) -> Any:
    def answer(handler: Any) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        told.append(f"{handler.path} {handler.headers} {handler.rfile.read(length)!r}")
        say(200, b'[{"ma": "1"}]', Content_Type="application/json")(handler)

    return answer


def _load(url: str, auth: dict[str, Any], binding: str, folder: Path) -> None:
    adapter = open_source(
        "lgsp",
        url,
        {"auth": auth, "services": [SERVICE]},
        http=HTTP,
        secrets=Secrets({"S": bind_secret(VALUE, binding)}, ("id-a", "org-a")),
        databases=DatabaseOptions(),
    )
    try:
        for item in adapter.items():
            adapter.fetch(item, folder)  # type: ignore[arg-type]
    finally:
        adapter.close()


def _refused(url: str, auth: dict[str, Any], binding: str, folder: Path) -> str:
    with pytest.raises(SourceError) as problem:
        _load(url, auth, binding, folder)
    assert VALUE not in problem.value.message
    return problem.value.code
