"""What an installation without containers copies: the units of systemd and the site of
nginx.
"""

import configparser
import re
from pathlib import Path

import pytest

from portal.settings import load

DEPLOY = Path(__file__).parents[1] / "deploy"
UNITS = ("portal-web.service", "portal-worker.service")


def read(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / name, encoding="utf-8")
    return unit


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_started_again_and_has_time_to_end(name: str) -> None:
    unit, defaults = read(name), load({"PORTAL_DATA_DIR": "/tmp"})
    service = unit["Service"]
    assert (
        service["Restart"] == "always" and unit["Unit"]["StartLimitIntervalSec"] == "0"
    )
    assert service["KillMode"] == "mixed", "the main process ends its own in order"
    patience = (
        defaults.serve_stop if "serve" in service["ExecStart"] else defaults.worker_stop
    )
    assert int(service["TimeoutStopSec"]) > patience
    assert unit["Install"]["WantedBy"] == "multi-user.target"


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_may_no_more_than_it_needs(name: str) -> None:
    service = read(name)["Service"]
    assert service["User"] == "portal" and service["CapabilityBoundingSet"] == ""
    wanted = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
    }
    assert wanted.items() <= dict(service).items()
    assert service["MemoryMax"] and service["StateDirectory"] == "portal"
    assert "PORTAL_DATA_DIR=/var/lib/portal" in service["Environment"].split()


def test_the_web_server_believes_its_own_nginx_about_who_asks() -> None:
    told = dict(
        pair.split("=", 1)
        for pair in read("portal-web.service")["Service"]["Environment"].split()
    )
    assert load(told).trusted_proxies == ("127.0.0.1/32", "::1/128")


def test_a_web_process_that_is_killed_for_its_memory_does_not_end_the_others() -> None:
    assert read("portal-web.service")["Service"]["OOMPolicy"] == "continue"


def test_nginx_lets_in_what_the_portal_allows_and_believes_no_client_about_its_address() -> (
    None
):
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert site.count("{") == site.count("}")
    largest = re.search(r"client_max_body_size (\d+)m;", site)
    assert (
        largest
        and int(largest[1]) > load({"PORTAL_DATA_DIR": "/tmp"}).max_resource_size
    )
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in site
    assert "$proxy_add_x_forwarded_for" not in site
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in site and "return 301 https://" in site


def test_nginx_hands_out_files_and_tables_alone_and_only_when_the_portal_says_so() -> (
    None
):
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    handed = re.findall(r"location (/_files\S*) \{\s*internal;\s*alias (\S+);", site)
    assert handed == [
        ("/_files/files/", "/var/lib/portal/files/"),
        ("/_files/tables/", "/var/lib/portal/tables/"),
    ]
