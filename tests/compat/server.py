"""A fresh portal on a real socket, with an organization, a group and a sysadmin's
token.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.settings import load

PATIENCE = 60


class Missing(Exception):
    """Something that a client needs is not there: an action of the portal, or a part of
    the client.
    """


@dataclass(frozen=True)
class Place:
    """Where the portal listens, the token to write with, and a folder for the clients'
    files.
    """

    url: str
    token: str
    folder: Path


def await_check(place: Place, dataset: str) -> None:
    """Wait until the worker has checked the files of a dataset: from then on everybody
    may download them.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = httpx.get(
            f"{place.url}/api/3/action/package_show", params={"id": dataset}, timeout=30
        ).json()
        if all(
            each.get("validation_status") == "success"
            for each in answer["result"]["resources"]
        ):
            return
        time.sleep(0.2)
    raise AssertionError(f"the files of {dataset} were not checked within {PATIENCE} s")


@contextmanager
def serving(folder: Path) -> Iterator[Place]:
    """The portal, as long as the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PORTAL_DATA_DIR": str(folder / "var"),
        "PORTAL_SITE_URL": url,
        "PORTAL_LOG_LEVEL": "ERROR",
    }
    token = _fill(environment)
    commands = (["serve", "--port", str(port)], ["worker"])
    portal = [sys.executable, "-m", "portal.cli"]
    processes = [
        subprocess.Popen([*portal, *each], env={**os.environ, **environment})
        for each in commands
    ]
    try:
        _wait(port, processes[0])
        yield Place(url, token, folder)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _fill(environment: dict[str, str]) -> str:
    portal = build_portal(load(environment), upgrade=True)
    try:
        registry.call(
            portal,
            SYSTEM,
            "organization_create",
            {"name": "so-y-te", "title": "Sở Y tế"},
        )
        registry.call(portal, SYSTEM, "group_create", {"name": "y-te", "title": "Y tế"})
        person = {
            "name": "root",
            "email": "root@example.vn",
            "password": "long enough",
            "sysadmin": True,
        }
        registry.call(portal, SYSTEM, "user_create", person)
        return str(
            registry.call(
                portal, SYSTEM, "api_token_create", {"user": "root", "name": "compat"}
            )["token"]
        )
    finally:
        portal.close()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the portal does not answer")
