"""Children that read: what comes back, and what is said of those that do not come to
their end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from portal.errors import BadFile
from portal.reading import child
from portal.reading.child import Limits
from portal.reading.refusals import refuse

GUARDS = (
    "portal.reading.fork_server",
    "portal.reading.forking",
    "portal.reading.framing",
    "portal.reading.refusals",
    "portal.reading.scratch",
    "portal.reading.turns",
)
HERE = __name__
SMALL = Limits(memory_mb=256, seconds=2)


def echo(value: Any) -> Any:
    return {"value": value, "pid": os.getpid(), "environment": sorted(os.environ)}


def much_memory() -> int:
    return len(bytearray(1 << 30))


def native_memory() -> None:
    import polars as pl

    pl.zeros(1 << 29, dtype=pl.Float64, eager=True)


def endless() -> None:
    while True:
        pass


def aborts() -> None:
    os.abort()


def ends() -> None:
    os._exit(3)


def refuses() -> None:
    raise refuse("empty", name="x.csv")


def fails() -> None:
    raise KeyError("a cell that nobody must read")


def full_disk() -> None:
    raise OSError(28, "No space left on device")


def test_a_function_runs_in_another_process_and_its_answer_comes_back() -> None:
    os.environ["PGPASSWORD"] = "not for readers"
    try:
        answer = child.run(f"{HERE}:echo", {"a": ["ộ", 1, None]})
    finally:
        del os.environ["PGPASSWORD"]
    assert answer["value"] == {"a": ["ộ", 1, None]}
    assert answer["pid"] != os.getpid()
    assert "PGPASSWORD" not in answer["environment"]


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("much_memory", "too-much-memory"),
        ("native_memory", "too-much-memory"),
        ("endless", "reading-took-too-long"),
        ("aborts", "reader-died"),
        ("ends", "reader-died"),
        ("fails", "reader-died"),
        ("refuses", "empty"),
    ],
)
def test_a_child_that_does_not_answer_is_a_refusal_with_its_reason(
    function: str, code: str
) -> None:
    with pytest.raises(BadFile) as refused:
        child.run(f"{HERE}:{function}", name="x.csv", limits=SMALL)
    assert refused.value.code == code
    assert "x.csv" in refused.value.vi
    assert "x.csv" in refused.value.en
    assert "a cell" not in refused.value.en
    assert child.run(f"{HERE}:echo", 1)["value"] == 1, (
        "the next one is read all the same"
    )


def test_a_full_disk_is_no_fault_of_the_file() -> None:
    with pytest.raises(OSError, match="No space"):
        child.run(f"{HERE}:full_disk")


def test_a_fork_server_that_was_ended_is_begun_anew() -> None:
    before = child.run(f"{HERE}:echo", 1)["pid"]
    child.close()
    assert child.run(f"{HERE}:echo", 1)["pid"] != before


def test_children_end_with_the_process_that_asked() -> None:
    """Killed amid a read, a portal leaves neither a reader nor a fork server behind."""
    script = (
        "import sys\nfrom portal.reading import child\n"
        "print(child._SERVER._opened() and child._SERVER._process.pid, flush=True)\n"
        f"child.run('{HERE}:endless', limits=child.Limits(256, 60))"
    )
    root = str(Path(__file__).parents[3])
    asks = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert asks.stdout is not None
    server = int(asks.stdout.readline())
    asks.kill()
    asks.wait()
    asks.stdout.close()
    until = time.monotonic() + 30
    while Path(f"/proc/{server}/stat").exists() and time.monotonic() < until:
        if Path(f"/proc/{server}/stat").read_text().split(")")[1].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{server}").exists()


def test_what_only_children_read_is_not_loaded_by_every_process() -> None:
    script = "import sys, portal.cli; sys.exit('pypdf' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", script], cwd=Path(__file__).parents[3]
        ).returncode
        == 0
    )
