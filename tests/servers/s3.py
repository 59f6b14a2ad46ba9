"""A real S3 server of our own for tests: versitygw over a temporary folder, on
loopback, with keys of its own.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest import mock

import boto3
import pytest

VERSION = "v1.8.0"
"""Built by `go install github.com/versity/versitygw/cmd/versitygw@<this>`, which
.ci/run does where it is missing.
"""
KEYS = {
    "AWS_ACCESS_KEY_ID": "portal-test",
    "AWS_SECRET_ACCESS_KEY": "portal-test-secret",
}


@cache
def program() -> str | None:
    """Where versitygw is: on the PATH, or where Go puts what it builds."""
    return shutil.which("versitygw") or shutil.which(
        str(Path.home() / "go/bin/versitygw")
    )


@cache
def _port() -> int:
    """The port of the one server of this test process."""
    gateway = program()
    if gateway is None:
        reason = (
            "no versitygw here: go install "
            f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
        )
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"{reason} (in CI this is a failure)", pytrace=False)
        pytest.skip(reason)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    folder = tempfile.mkdtemp(prefix="s3-")
    (Path(folder) / "data").mkdir()
    (Path(folder) / "meta").mkdir()
    environment = {
        **os.environ,
        "ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"],
        "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"],
    }
    command = [
        gateway,
        "--port",
        f"127.0.0.1:{port}",
        "--quiet",
        "posix",
        "--sidecar",
        f"{folder}/meta",
        f"{folder}/data",
    ]
    _running.append(
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return port
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("versitygw does not answer")


_running: list[subprocess.Popen[bytes]] = []


@contextmanager
def bucket() -> Iterator[str]:
    """The address of an empty bucket called portal, as PORTAL_FILES_URL takes it;
    stopped afterwards.
    """
    endpoint = f"http://127.0.0.1:{_port()}"
    with mock.patch.dict(os.environ, KEYS):
        boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1"
        ).create_bucket(Bucket="portal")
        try:
            yield f"s3://portal/data?endpoint={endpoint}"
        finally:
            server = _running.pop()
            server.terminate()
            server.wait()
            _port.cache_clear()
