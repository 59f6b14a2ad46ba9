"""A real Elasticsearch on loopback for tests: given by ELASTICSEARCH_URL, else started from Maven Central's zip.

The server distribution (100 MB) is fetched once by `mvn` into a cache below the temporary folder; a JDK runs it. All
workers of one pytest run share one server; the last of them stops it. As root it runs as `nobody`, as it must.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

VERSION = os.environ.get("ELASTICSEARCH_VERSION", "8.19.16")
HEAP = os.environ.get("ELASTICSEARCH_HEAP", "512m")
START_SECONDS = 180
_POM = """<project><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>fetch</artifactId>
<version>1</version><packaging>pom</packaging><dependencies><dependency>
<groupId>org.elasticsearch.distribution.integ-test-zip</groupId><artifactId>elasticsearch</artifactId>
<version>{version}</version><type>zip</type></dependency></dependencies></project>"""


@cache
def elasticsearch_url() -> str:
    """The URL of a server for this test run; skips the test with the reason where there is none, fails it in CI."""
    given = os.environ.get("ELASTICSEARCH_URL")
    if given:
        return given
    lacking = [tool for tool in ("java", "mvn") if not shutil.which(tool)]
    if lacking:
        _missing(f"no Elasticsearch: set ELASTICSEARCH_URL, or install {' and '.join(lacking)} to start one")
    try:
        return _shared_server()
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        _missing(f"no Elasticsearch could be started: {error}")


def _missing(reason: str) -> None:
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{reason} (in CI this is a failure)", pytrace=False)
    pytest.skip(reason)


def _shared_server() -> str:
    """Start the server of this run, or join the one that another worker has started."""
    run = _base() / f"run-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    with _lock("servers"):
        _sweep()
        users = run / "users"
        users.mkdir(parents=True, exist_ok=True)
        if not (run / "url").exists():
            _start(run)
        (users / str(os.getpid())).touch()
    atexit.register(_leave, run, os.getpid())
    return (run / "url").read_text()


def _leave(run: Path, pid: int) -> None:
    if pid != os.getpid():
        return  # a child of a test inherited this; the server is not its own
    with _lock("servers"):
        (run / "users" / str(pid)).unlink(missing_ok=True)
        _stop_if_unused(run)


def _sweep() -> None:
    """End servers whose test run died without a word."""
    for run in _base().glob("run-*"):
        if (run / "url").exists():
            _stop_if_unused(run)


def _stop_if_unused(run: Path) -> None:
    if any(_alive(int(user.name)) for user in (run / "users").glob("*")):
        return
    server = run / "pid"
    if server.exists():
        pid = int(server.read_text())
        _end(pid)
    shutil.rmtree(run, ignore_errors=True)


def _end(pid: int) -> None:
    for sign, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        until = time.monotonic() + seconds
        try:
            os.kill(pid, sign)
            while _alive(pid) and time.monotonic() < until:
                time.sleep(0.05)
        except ProcessLookupError:
            return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


class OwnServer:
    """A server of one test's own, which may be killed and started again with its data; a context manager."""

    def __init__(self) -> None:
        if not all(shutil.which(tool) for tool in ("java", "mvn")):
            _missing("no Elasticsearch of its own can be started: install java and mvn")
        self._run = Path(tempfile.mkdtemp(prefix="own-", dir=_base()))
        self._run.chmod(0o755)
        self.url = _configured(self._run)

    def start(self) -> None:
        """Start it, or start it again on the same port with the data that it had; returns when it answers."""
        _launch(self._run, self.url)

    def kill(self) -> None:
        """kill -9."""
        pid = int((self._run / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        while _alive(pid):
            time.sleep(0.05)

    def __enter__(self) -> OwnServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if (self._run / "pid").exists():
            _end(int((self._run / "pid").read_text()))
        shutil.rmtree(self._run, ignore_errors=True)


def _start(run: Path) -> None:
    _launch(run, _configured(run))


def _configured(run: Path) -> str:
    """Lay the configuration of one node into a folder; return its URL."""
    home = _distribution()
    port, config = _free_port(), run / "config"
    shutil.copytree(home / "config", config)
    (config / "elasticsearch.yml").write_text(
        "\n".join(
            [
                "cluster.name: tests",
                "node.name: one",
                "network.host: 127.0.0.1",
                f"http.port: {port}",
                f"transport.port: {_free_port()}",
                f"path.data: {run}/data",
                f"path.logs: {run}/logs",
                "discovery.type: single-node",
                "xpack.security.enabled: false",
                "cluster.routing.allocation.disk.threshold_enabled: false",
                "action.destructive_requires_name: false",
            ]
        )
    )
    # A folder of its own: the server refuses to run where its temporary files could overwrite its configuration.
    (run / "tmp").mkdir()
    (config / "jvm.options.d").mkdir(exist_ok=True)
    (config / "jvm.options.d" / "heap.options").write_text(f"-Xms{HEAP}\n-Xmx{HEAP}\n")
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "nobody", str(run)], check=True)
    return f"http://127.0.0.1:{port}"


def _launch(run: Path, url: str) -> None:
    home = _distribution()
    with (run / "out.log").open("wb") as log:
        subprocess.Popen(
            _command(home, run), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        ).returncode = 0  # it outlives this object on purpose; without a code its end would be a ResourceWarning
    _wait(run, url)


def _command(home: Path, run: Path) -> list[str]:
    java = Path(shutil.which("java") or "java").resolve().parent.parent
    setting = ["env", f"ES_JAVA_HOME={java}", f"ES_PATH_CONF={run}/config", f"ES_TMPDIR={run}/tmp"]
    program = [str(home / "bin" / "elasticsearch"), "-p", str(run / "pid")]
    return [*(["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []), *setting, *program]


def _wait(run: Path, url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/_cluster/health?wait_for_status=yellow&timeout=5s", timeout=10):
                (run / "url").write_text(url)
                return
        except OSError:
            if "died while starting" in (run / "out.log").read_text(errors="replace"):
                break
            time.sleep(0.3)
    tail = (run / "out.log").read_text(errors="replace")[-800:]
    raise RuntimeError(f"it did not come up within {START_SECONDS} s; its log ends: {tail}")


def _distribution() -> Path:
    """The unpacked program, fetched and unpacked once."""
    cache_folder = _base() / "cache"
    home = cache_folder / f"elasticsearch-{VERSION}"
    with _lock("cache"):
        if not (home / "READY").exists():
            shutil.rmtree(home, ignore_errors=True)
            cache_folder.mkdir(parents=True, exist_ok=True)
            (cache_folder / "pom.xml").write_text(_POM.format(version=VERSION))
            fetch = ["mvn", "-q", "-B", "-f", str(cache_folder / "pom.xml"), "dependency:copy-dependencies"]
            done = subprocess.run(
                [*fetch, f"-DoutputDirectory={cache_folder}"], capture_output=True, text=True, timeout=600, check=False
            )
            if done.returncode:
                raise RuntimeError(f"mvn could not fetch it: {(done.stdout + done.stderr)[-400:]}")
            archive = cache_folder / f"elasticsearch-{VERSION}.zip"
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(cache_folder)
            archive.unlink()
            for tool in (home / "bin").iterdir():
                tool.chmod(0o755)
            (home / "READY").touch()
    return home


def _base() -> Path:
    """Below the temporary folder, where `nobody` may enter too."""
    base = Path(tempfile.gettempdir()) / f"portal-tests-elasticsearch-{os.getuid()}"
    base.mkdir(mode=0o755, exist_ok=True)
    return base


@contextmanager
def _lock(name: str) -> Iterator[None]:
    with (_base() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
