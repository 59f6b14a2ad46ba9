"""The supervisor on real processes: what ends is started again, what ends at once too
often is given up.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal import processes, supervisor
from portal.errors import SettingsError
from portal.supervisor import Child, Plan
from tests.servers.processes import alive, children, hearing_hangups
from tests.waiting import until

GUARDS = (
    "portal.processes",
    "portal.supervised",
)
WAITS = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)"
)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


@contextmanager
def supervised(plan: Plan, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-P", "-m", "portal.supervisor", plan.write()]
    with (tmp_path / "log").open("wb") as log, hearing_hangups():
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(tmp_path: Path) -> str:
    return (tmp_path / "log").read_text()


def test_a_plan_reads_what_it_wrote() -> None:
    plan = Plan((Child("a", ("x", "y"), (3,)), supervisor.worker()), 2.5, "WARNING")
    assert Plan.read(plan.write()) == plan


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_whoever_ends_is_replaced_and_the_others_go_on(
    tmp_path: Path, number: int
) -> None:
    plan = Plan(tuple(Child(name, python(WAITS)) for name in ("a", "b")), 30)
    with supervised(plan, tmp_path) as process:
        until(lambda: len(children(process.pid)) == 2)
        first, second = children(process.pid)
        os.kill(first, number)
        until(
            lambda: (
                len(children(process.pid)) == 2 and first not in children(process.pid)
            )
        )
        assert second in children(process.pid)
        assert (
            f"(process {first}) was ended by {signal.Signals(number).name}"
            in log_of(tmp_path)
        )
        process.terminate()
        assert process.wait(60) == 0
    assert not alive(second)


def test_a_child_that_ends_at_once_again_and_again_is_given_up_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "DELAYS", (0.0, 0.01, 0.01))
    steady = tmp_path / "steady"
    plan = Plan(
        (
            Child("the broken one", python("raise SystemExit(3)")),
            Child(
                "steady",
                python(
                    f"import os; open({str(steady)!r}, 'w').write(str(os.getpid())); "
                    f"{WAITS}"
                ),
            ),
        ),
        30,
    )
    assert supervisor.run(plan) == 1
    last = caplog.records[-1]
    assert last.levelname == "ERROR"
    assert (
        "the broken one" in last.getMessage()
        and "ended with exit code 3 at once, as the 3 before it" in caplog.text
    )
    assert not steady.exists() or not alive(int(steady.read_text()))


def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with supervised(Plan((Child("deaf", python(STUBBORN)),), 0.5), tmp_path) as process:
        until(lambda: "deaf\n" in log_of(tmp_path))
        (child,) = children(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not alive(child)
    assert "does not end and is killed" in log_of(tmp_path)


def test_a_second_signal_waits_for_nothing(tmp_path: Path) -> None:
    with supervised(Plan((Child("deaf", python(STUBBORN)),), 600), tmp_path) as process:
        until(lambda: "deaf\n" in log_of(tmp_path))
        (child,) = children(process.pid)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not alive(child)


@pytest.mark.parametrize("moment", [0.0, 1.0])
def test_children_end_with_a_supervisor_that_is_killed(
    tmp_path: Path, moment: float
) -> None:
    """Whether the child has just begun or works already; the module is one that goes on
    for ever.
    """
    child = supervisor.module(
        "a", ("http.server", "--bind", "127.0.0.1", "0"), dying=signal.SIGKILL
    )
    with supervised(Plan((child,), 30), tmp_path) as process:
        until(lambda: children(process.pid))
        (pid,) = children(process.pid)
        time.sleep(moment)
        process.kill()
        process.wait()
        until(lambda: not alive(pid))


def test_a_child_whose_supervisor_is_gone_already_ends_at_once() -> None:
    code = (
        "from portal.processes import end_with_parent; end_with_parent(); "
        "print('lives')"
    )
    environment = {**os.environ, processes.PARENT: "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")


def test_a_port_is_taken_once_and_the_second_is_told_so_in_one_sentence() -> None:
    with processes.listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0"):
            with pytest.raises(SettingsError) as told:
                processes.listen(host, port)
            assert (
                "another program has it" in told.value.message
                and "\n" not in told.value.message
            )
    processes.listen("127.0.0.1", port).close()
    with pytest.raises(SettingsError, match="no such address"):
        processes.listen("192.0.2.1", port)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::", "http://[::1]:81"),
        ("data.example.vn", "http://data.example.vn:81"),
    ],
)
def test_the_address_by_which_a_server_is_reached(host: str, expected: str) -> None:
    assert processes.address(host, 81) == expected


STOPPING = textwrap.dedent("""
    import sys, time
    from portal.processes import stop_event
    with stop_event(*map(float, sys.argv[1:])) as stop:
        print("ready", flush=True)
        stop.wait(60)
        print("told", flush=True)
        time.sleep(0 if len(sys.argv) == 1 else 60)
    print("done", flush=True)
""")


def test_the_first_signal_is_told_and_the_work_goes_on_to_its_end() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPING], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "told\ndone\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("seconds", "signals", "code"), [("0.2", 1, 128 + signal.SIGTERM), ("600", 2, 130)]
)
def test_who_does_not_end_in_time_or_is_told_twice_ends_hard(
    seconds: str, signals: int, code: int
) -> None:
    command = [sys.executable, "-c", STOPPING, seconds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "told\n"
        for _ in range(signals - 1):
            process.send_signal(signal.SIGINT)
        assert process.wait(60) == code
