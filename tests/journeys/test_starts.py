"""It starts every time, answers on its port alone, outlives its processes, and ends
when it is told to.
"""

import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.processes import alive, below, command, hearing_hangups
from tests.waiting import until

GUARDS = (
    "demo.gateway_process",
    "demo.run",
    "portal.cli.serving",
    "portal.webprocess",
)
ROOT = Path(__file__).parents[2]
STARTS, AT_ONCE = 20, 4
"""So many starts, so many at the same time: they are each other's load."""
PATIENCE = 300
"""Seconds for a start on a machine that has other things to do."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path) -> dict[str, str]:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")
    }
    return {
        **clean,
        "PORTAL_DATA_DIR": str(data),
        "PORTAL_LOG_LEVEL": "INFO",
        "PORTAL_HARVEST_LEASE": "5",
    }


def portal(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "portal.cli", *arguments]
    return subprocess.run(
        words,
        env=environment(data),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=ROOT,
    )


@contextmanager
def started(
    data: Path, port: int, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`portal …` on a port, as the leader of a terminal's foreground group is."""
    words = [sys.executable, "-m", "portal.cli", *arguments, "--port", str(port)]
    data.mkdir(parents=True, exist_ok=True)
    with (data / "out.log").open("ab") as log:
        process = subprocess.Popen(
            words,
            env=environment(data),
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
        )
    try:
        yield process
    finally:
        for pid in [*below(process.pid), process.pid]:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def answer(port: int, action: str, **parameters: Any) -> dict[str, Any] | None:
    """What an action answers; None while nobody does."""
    try:
        said = httpx.get(
            f"http://127.0.0.1:{port}/api/3/action/{action}",
            params=parameters,
            timeout=60,
        )
    except httpx.TransportError:
        return None
    assert said.status_code == 200, said.text
    return dict(said.json())


def ask(process: subprocess.Popen[bytes], port: int, data: Path) -> dict[str, Any]:
    """The first answer of a server that starts."""
    answers: list[dict[str, Any]] = []

    def has_answered() -> bool:
        assert process.poll() is None, (data / "out.log").read_text()
        answers.extend(filter(None, [answer(port, "package_search", rows=100)]))
        return bool(answers)

    until(has_answered, PATIENCE, pause=0.2)
    return answers[0]


def start_ask_and_end(data: Path, *arguments: str) -> float:
    """One start, from nothing to an answer and to its end by Ctrl-C; how many seconds
    the end took.
    """
    port = free_port()
    with started(data, port, *arguments) as process:
        said = ask(process, port, data)
        assert said["help"].startswith(f"http://127.0.0.1:{port}/")
        below_it = below(process.pid)
        begun = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        took = time.monotonic() - begun
        assert not any(map(alive, below_it))
        return took


@pytest.fixture(scope="module")
def harvested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that the demo has filled once: later starts find that nothing has
    changed.
    """
    data = tmp_path_factory.mktemp("demo") / "var"
    done = portal(data, "demo", "--no-serve")
    assert done.returncode == 0, done.stdout + done.stderr
    return data


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """The data folder of a portal without anything."""
    data = tmp_path / "var"
    assert portal(data, "db", "upgrade").returncode == 0
    return data


@pytest.mark.timeout(1800)
def test_the_demo_starts_serves_and_ends_twenty_times_under_load(
    harvested: Path, tmp_path: Path
) -> None:
    def several(slot: int) -> list[float]:
        data = tmp_path / f"slot-{slot}"
        shutil.copytree(harvested, data)
        return [start_ask_and_end(data, "demo") for _ in range(STARTS // AT_ONCE)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        took = [
            seconds for each in pool.map(several, range(AT_ONCE)) for seconds in each
        ]
    assert len(took) == STARTS
    assert statistics.median(took) < 3 and max(took) < 20, took


@pytest.mark.timeout(1800)
def test_a_server_starts_and_ends_again_and_again_under_load(
    empty: Path, tmp_path: Path
) -> None:
    def several(slot: int) -> list[float]:
        data = tmp_path / f"slot-{slot}"
        shutil.copytree(empty, data)
        return [start_ask_and_end(data, "serve", "--workers", "2") for _ in range(2)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        took = [
            seconds for each in pool.map(several, range(AT_ONCE)) for seconds in each
        ]
    assert statistics.median(took) < 3 and max(took) < 20, took


@pytest.mark.timeout(900)
def test_the_demos_links_lead_to_the_port_that_it_was_given(
    harvested: Path, tmp_path: Path
) -> None:
    """Rows that were rendered for another port are rendered anew."""
    data = tmp_path / "var"
    shutil.copytree(harvested, data)
    port = free_port()
    with started(data, port, "serve") as process:
        results = ask(process, port, data)["result"]["results"]
    own = f"http://127.0.0.1:{port}/"
    addresses = [
        each["url"]
        for dataset in results
        for each in dataset["resources"]
        if "127.0.0.1" in each["url"]
    ]
    assert addresses and all(address.startswith(own) for address in addresses)


def commands(pid: int, word: str) -> list[int]:
    """The processes below one whose command has a word."""
    return [each for each in below(pid) if word in command(each)]


@pytest.mark.timeout(900)
def test_a_server_outlives_its_processes_and_none_of_them_outlives_it(
    empty: Path,
) -> None:
    port = free_port()
    with started(empty, port, "serve", "--workers", "3", "--with-worker") as process:
        ask(process, port, empty)
        until(lambda: len(commands(process.pid, "portal.webprocess")) == 3, PATIENCE)
        second = portal(empty, "serve", "--port", str(port))
        assert second.returncode == 1
        assert second.stderr.startswith(
            f"portal: Port {port} at 127.0.0.1 cannot be served: another program has it"
        )
        assert len(second.stderr.splitlines()) == 1

        web = commands(process.pid, "portal.webprocess")
        for victim in web[:2]:
            os.kill(victim, signal.SIGKILL)
        assert all(answer(port, "site_read") for _ in range(10)), "the others answer"
        until(
            lambda: (
                len(set(commands(process.pid, "portal.webprocess")) - set(web[:2])) == 3
            ),
            PATIENCE,
        )
        (worker,) = commands(process.pid, "worker")
        os.kill(worker, signal.SIGKILL)
        until(lambda: commands(process.pid, "worker") not in ([], [worker]), PATIENCE)

        left = below(process.pid)
        process.kill()
        process.wait()
        until(lambda: not any(map(alive, left)), PATIENCE)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=10)


@pytest.mark.parametrize("name", ["serve", "worker"])
def test_without_its_database_a_start_is_refused_in_one_sentence(
    tmp_path: Path, name: str
) -> None:
    given = {
        **environment(tmp_path / "var"),
        "PORTAL_DATABASE_URL": f"postgresql+psycopg://a@127.0.0.1:{free_port()}/b",
    }
    words = [sys.executable, "-m", "portal.cli", name]
    words += ["--port", str(free_port())] if name == "serve" else []
    done = subprocess.run(
        words,
        env=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("portal: ") and "Traceback" not in done.stderr


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_worker_that_is_told_to_end_hands_its_job_to_the_next(
    empty: Path, tmp_path: Path, number: int
) -> None:
    files, folder = 80, tmp_path / "drop"
    folder.mkdir()
    for each in range(files):
        (folder / f"f{each:03}.csv").write_text(
            "ma,ten\n" + "".join(f"{row:05},Trạm {row}\n" for row in range(300))
        )
    make = (
        "import sys;from portal.bootstrap import build_portal;from portal.settings "
        "import load;"
        "from portal.access.identity import SYSTEM;from portal.actions import "
        "registry;p=build_portal(load());"
        "call=lambda act,**data:registry.call(p,SYSTEM,act,data);"
        "call('harvest_source_create',name='drop',url=sys.argv[1],source_type='files',"
        "config={'each':True,'pattern':'*.csv','settle_seconds':0});"
        "call('harvest_job_create',source_id='drop');p.close()"
    )
    given = {
        **environment(empty),
        "PORTAL_HARVEST_ROOTS": str(tmp_path),
        "PORTAL_HARVEST_LEASE": "3600",
    }
    subprocess.run(
        [sys.executable, "-c", make, str(folder)],
        env=given,
        check=True,
        timeout=PATIENCE,
        cwd=ROOT,
    )
    first = worker(given)
    try:
        until(lambda: done(given)["added"] >= 3, PATIENCE)
        begun = time.monotonic()
        first.send_signal(number)
        assert first.wait(PATIENCE) == 0
        took, amid = time.monotonic() - begun, done(given)
    finally:
        first.kill()
        first.wait()
    assert took < 30, "the dataset under way, and no other"
    assert 3 <= amid["added"] < files and amid["waiting"] > 0
    second = worker(given)  # the lease is an hour: it was handed back
    try:
        until(lambda: done(given)["added"] == files, PATIENCE)
    finally:
        second.kill()
        second.wait()


def worker(given: dict[str, str]) -> subprocess.Popen[bytes]:
    with hearing_hangups():
        return subprocess.Popen(
            [sys.executable, "-m", "portal.cli", "worker"], env=given, cwd=ROOT
        )


def done(given: dict[str, str]) -> dict[str, int]:
    """The outcomes of the only job, read from the database itself."""
    with sqlite3.connect(
        Path(given["PORTAL_DATA_DIR"]) / "portal.db", timeout=30
    ) as database:
        rows = database.execute(
            "SELECT coalesce(outcome, 'waiting'), count(*) FROM harvest_object GROUP "
            "BY 1"
        ).fetchall()
    database.close()
    return {"added": 0, "waiting": 0, **dict(rows)}


def test_make_hands_the_port_on() -> None:
    for target in ("demo", "serve"):
        said = subprocess.run(
            ["make", "-n", target, "PORT=8123"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert f"portal {target} --port 8123" in said.stdout
