"""A real browser for tests: Chromium without a window, a new profile for each page, and
no outside host.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--enable-logging=stderr", "--log-level=0",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")  # fmt: skip
SECONDS = 120


class Page(NamedTuple):
    """What a page came to once its scripts had run: its document, and what it wrote to
    the console.
    """

    document: str
    console: tuple[str, ...]


def program() -> str:
    """Where Chromium is; skips the test with the reason where there is none, fails it
    in CI.
    """
    found = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if found is None:
        reason = "no Chromium here: apt-get install chromium"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"{reason} (in CI this is a failure)", pytrace=False)
        pytest.skip(reason)
    return found


def visit(
    address: str,
    *,
    language: str = "vi",
    width: int = 1200,
    screenshot: Path | None = None,
) -> Page:
    """Open a page, let its scripts and requests end, and read it."""
    with tempfile.TemporaryDirectory(prefix="chromium-") as profile:
        what = [f"--screenshot={screenshot}"] if screenshot else ["--dump-dom"]
        command = [program(), *FLAGS, f"--user-data-dir={profile}", f"--lang={language}", f"--window-size={width},900",
                   "--virtual-time-budget=20000", *what, address]  # fmt: skip
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    assert ended.returncode == 0, ended.stderr[-2000:]
    console = tuple(line for line in ended.stderr.splitlines() if "CONSOLE" in line)
    return Page(ended.stdout, console)
