"""The process that reads a sector database, seen from outside: started clean, ended in
time, its errors retold.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from harvesters.base import ItemError, SourceError

INHERITED = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
"""All that the process learns of the environment: nothing of it may reach a server of
strangers.
"""
GRACE_SECONDS = 30
"""So much longer than its statements may the process take: start, connection,
writing.
"""


def read_database(request: Mapping[str, Any], folder: Path) -> None:
    """Run the statements of a request; their tables are written to the files that it
    names.

    `request` is what `harvesters.sql_reader` expects. Raises SourceError or ItemError.
    """
    seconds = request["timeout"] * len(request["queries"]) + GRACE_SECONDS
    answer = _run(orjson.dumps(request), folder, seconds)
    error = answer.get("error")
    if error and error["item"]:
        raise ItemError(error["message"], code=error["code"])
    if error:
        raise SourceError(error["code"], error["message"], retry=error["retry"])


def _run(request: bytes, folder: Path, seconds: float) -> Mapping[str, Any]:
    """What the reader answers to a request, within so many seconds."""
    # A process of its own, by exec: a driver that crashes or eats memory ends it alone,
    # and nothing of the portal's (settings, connections, keys) is in it.
    process = subprocess.Popen(
        [sys.executable, "-m", "harvesters.sql_reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(folder),
        cwd=folder,
    )
    try:
        # The pipe stays open: the process ends itself once nobody holds the other end.
        requests, answers = process.stdin, process.stdout
        if requests is None or answers is None:
            raise RuntimeError("Popen makes the pipes that it is asked for")
        requests.write(request + b"\n")
        requests.flush()
        # An answer is short and fits into the pipe: the process never waits for us.
        process.wait(seconds)
        return _answer(answers.read())
    except subprocess.TimeoutExpired:
        raise SourceError(
            "timeout",
            f"The database did not give its tables within {seconds:.0f} s; see "
            "`timeout`.",
            retry=True,
        ) from None
    except BrokenPipeError:
        return _answer(b"")
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _answer(text: bytes) -> Mapping[str, Any]:
    """The answer of the reader. Raises SourceError where it gave none."""
    try:
        answer: Mapping[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise SourceError(
            "reader-died",
            "The process that read the database ended by itself; its tables may be "
            "too large.",
        ) from None
    return answer


def _environment(folder: Path) -> dict[str, str]:
    """A home without files of anybody, and no variable that a driver would read."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
