"""A fresh portal on a real socket, with an organization, a group and a sysadmin's token."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.settings import load

PATIENCE = 60


class Missing(Exception):
    """Something that a client needs is not there: an action of the portal, or a part of the client."""


@dataclass(frozen=True)
class Place:
    """Where the portal listens, the token to write with, and a folder for the clients' files."""

    url: str
    token: str
    folder: Path


@contextmanager
def serving(folder: Path) -> Iterator[Place]:
    """The portal, as long as the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {"PORTAL_DATA_DIR": str(folder / "var"), "PORTAL_SITE_URL": url, "PORTAL_LOG_LEVEL": "ERROR"}
    token = _fill(environment)
    command = [sys.executable, "-c", "from portal.cli import main; main()", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        _wait(port, process)
        yield Place(url, token, folder)
    finally:
        process.terminate()
        process.wait()


def _fill(environment: dict[str, str]) -> str:
    portal = build_portal(load(environment), upgrade=True)
    try:
        registry.call(portal, SYSTEM, "organization_create", {"name": "so-y-te", "title": "Sở Y tế"})
        registry.call(portal, SYSTEM, "group_create", {"name": "y-te", "title": "Y tế"})
        person = {"name": "root", "email": "root@example.vn", "password": "long enough", "sysadmin": True}
        registry.call(portal, SYSTEM, "user_create", person)
        return str(registry.call(portal, SYSTEM, "api_token_create", {"user": "root", "name": "compat"})["token"])
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
