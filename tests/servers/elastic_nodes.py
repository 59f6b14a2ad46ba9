"""Real Elasticsearch nodes on loopback: one or a cluster, open or with TLS and a
password, killed and started again.

The server distribution (100 MB) is fetched once by `mvn` into a cache below the
temporary folder; a JDK that the version runs on is looked for. As root the nodes run as
`nobody`, as they must.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from elasticsearch import ApiError, Elasticsearch, TransportError

VERSION = os.environ.get("ELASTICSEARCH_VERSION", "8.19.16")
HEAP = os.environ.get("ELASTICSEARCH_HEAP", "512m")
START_SECONDS = 300
JAVA_FROM, JAVA_BELOW = (21, 99) if VERSION.startswith("9.") else (17, 24)
"""JDKs that the version runs on: 8.x needs the security manager, which 24 took away;
9.x needs 21.
"""
_POM = """<project><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>fetch</artifactId>
<version>1</version><packaging>pom</packaging><dependencies><dependency>
<groupId>org.elasticsearch.distribution.integ-test-zip</groupId><artifactId>elasticsearch</artifactId>
<version>{version}</version><type>zip</type></dependency></dependencies></project>"""


class Nodes:
    """A cluster in one folder; a context manager that starts it and, at the end,
    removes it.

    With a password the user is `elastic`; with `tls` the nodes speak https alone, by a
    certificate that `ca` names.
    """

    def __init__(
        self,
        count: int = 1,
        *,
        folder: Path | None = None,
        heap: str = HEAP,
        password: str = "",
        tls: bool = False,
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="own-", dir=base()))
        self.folder.chmod(0o755)
        self._password, self._scheme = password, "https" if tls else "http"
        ports = _free_ports(2 * count)
        self._ports, transport = ports[:count], ports[count:]
        for number in range(count):
            _configure(self._node(number), number, self._ports[number], transport, heap)
            self._secure(number)
        if os.getuid() == 0:
            subprocess.run(
                ["chown", "-R", "nobody", *map(str, self.folder.glob("node-*"))],
                check=True,
            )

    @property
    def urls(self) -> list[str]:
        """One for each node, with the login where there is one."""
        login = f"elastic:{self._password}@" if self._password else ""
        return [f"{self._scheme}://{login}127.0.0.1:{port}" for port in self._ports]

    @property
    def url(self) -> str:
        """All of them, as a setting takes them."""
        return ",".join(self.urls)

    @property
    def ca(self) -> Path:
        """The certificate authority of a cluster that speaks TLS."""
        return self.folder / "node-0" / "config" / "http.crt"

    @property
    def pids(self) -> list[int]:
        """The processes of the nodes that were started."""
        return [int(path.read_text()) for path in self.folder.glob("node-*/pid")]

    def start(self) -> None:
        """Start every node that is down, on its port and with the data that it had;
        returns when all of them answer.
        """
        for number in range(len(self._ports)):
            if not self._runs(number):
                _launch(self._node(number))
        self._wait()

    def kill(self, number: int = 0) -> None:
        """kill -9."""
        pid = int((self._node(number) / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        while alive(pid):
            time.sleep(0.02)

    def client(self, number: int = 0) -> Elasticsearch:
        """A client of one node, for what a test wants to know of the server itself."""
        trust = {"ca_certs": str(self.ca)} if self._scheme == "https" else {}
        login = ("elastic", self._password) if self._password else None
        url = f"{self._scheme}://127.0.0.1:{self._ports[number]}"
        return Elasticsearch(
            url, basic_auth=login, request_timeout=10, max_retries=0, **trust
        )

    def __enter__(self) -> Nodes:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid in self.pids:
            end(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _node(self, number: int) -> Path:
        return self.folder / f"node-{number}"

    def _runs(self, number: int) -> bool:
        pid = self._node(number) / "pid"
        return pid.exists() and alive(int(pid.read_text()))

    def _secure(self, number: int) -> None:
        config = self._node(number) / "config"
        lines = [f"xpack.security.enabled: {'true' if self._password else 'false'}"]
        if self._scheme == "https":
            make_certificate(config / "http.crt", config / "http.key")
            lines += [
                "xpack.security.http.ssl.enabled: true",
                "xpack.security.http.ssl.key: http.key",
            ]
            lines += ["xpack.security.http.ssl.certificate: http.crt"]
        with (config / "elasticsearch.yml").open("a") as file:
            file.write("\n".join(lines) + "\n")
        if self._password:
            tool = [
                str(distribution() / "bin" / "elasticsearch-keystore"),
                "add",
                "-f",
                "-x",
                "bootstrap.password",
            ]
            setting = ["env", f"ES_JAVA_HOME={java_home()}", f"ES_PATH_CONF={config}"]
            subprocess.run(
                [*setting, *tool],
                input=self._password,
                text=True,
                check=True,
                capture_output=True,
            )

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        with self.client() as client:
            while time.monotonic() < until:
                with suppress(TransportError, ApiError):
                    if client.cluster.health().body["number_of_nodes"] == len(
                        self._ports
                    ):
                        return
                if any("died while starting" in log for log in self._logs()):
                    break
                time.sleep(0.5)
        tail = "\n".join(log[-800:] for log in self._logs())
        raise RuntimeError(
            f"it did not come up within {START_SECONDS} s; its log ends: {tail}"
        )

    def _logs(self) -> list[str]:
        return [
            path.read_text(errors="replace")
            for path in self.folder.glob("node-*/out.log")
        ]


def base() -> Path:
    """Below the temporary folder, where `nobody` may enter too."""
    folder = Path(tempfile.gettempdir()) / f"portal-tests-elasticsearch-{os.getuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    return folder


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Be the only one of this machine's test processes to do something."""
    with (base() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def end(pid: int) -> None:
    """Ask a process to end, and kill it where it does not."""
    for sign, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        until = time.monotonic() + seconds
        try:
            os.kill(pid, sign)
            while alive(pid) and time.monotonic() < until:
                time.sleep(0.05)
        except ProcessLookupError:
            return


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def java_home() -> Path | None:
    """The first JDK that this version runs on: $ES_JAVA_HOME, $JAVA_HOME, the path's,
    any installed.
    """
    named = [os.environ.get(name) for name in ("ES_JAVA_HOME", "JAVA_HOME")]
    program = shutil.which("java")
    on_path = [Path(program).resolve().parent.parent] if program else []
    installed = [
        path
        for folder in ("/usr/lib/jvm", "/opt")
        for path in sorted(Path(folder).glob("*"))
    ]
    for home in [*(Path(name) for name in named if name), *on_path, *installed]:
        if (home / "bin" / "java").exists() and JAVA_FROM <= _java_version(
            home
        ) < JAVA_BELOW:
            return home
    return None


def _java_version(home: Path) -> int:
    release = home / "release"
    found = (
        re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
        if release.exists()
        else None
    )
    return int(found.group(1)) if found else 0


def make_certificate(certificate: Path, key: Path) -> None:
    """A certificate of this machine's loopback that is its own authority."""
    subject = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        *subject,
    ]
    subprocess.run(
        [*command, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    certificate.chmod(0o644)


def _configure(
    node: Path, number: int, port: int, transport: Sequence[int], heap: str
) -> None:
    config = node / "config"
    shutil.copytree(distribution() / "config", config)
    lines = [
        "cluster.name: tests",
        f"node.name: node-{number}",
        "network.host: 127.0.0.1",
        f"http.port: {port}",
        f"transport.port: {transport[number]}",
        f"path.data: {node}/data",
        f"path.logs: {node}/logs",
        "cluster.routing.allocation.disk.threshold_enabled: false",
        "action.destructive_requires_name: false",
    ]
    if len(transport) == 1:
        lines.append("discovery.type: single-node")
    else:
        lines.append(
            "discovery.seed_hosts: ["
            + ", ".join(f'"127.0.0.1:{each}"' for each in transport)
            + "]"
        )
        masters = ", ".join(f"node-{each}" for each in range(len(transport)))
        lines.append(f"cluster.initial_master_nodes: [{masters}]")
    (config / "elasticsearch.yml").write_text("\n".join(lines) + "\n")
    # A folder of its own: the server refuses to run where its temporary files could
    # overwrite its configuration.
    (node / "tmp").mkdir()
    (config / "jvm.options.d").mkdir(exist_ok=True)
    (config / "jvm.options.d" / "heap.options").write_text(f"-Xms{heap}\n-Xmx{heap}\n")


def _launch(node: Path) -> None:
    (node / "pid").unlink(missing_ok=True)
    setting = [
        "env",
        f"ES_JAVA_HOME={java_home()}",
        f"ES_PATH_CONF={node}/config",
        f"ES_TMPDIR={node}/tmp",
    ]
    program = [str(distribution() / "bin" / "elasticsearch"), "-p", str(node / "pid")]
    command = [
        *(["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []),
        *setting,
        *program,
    ]
    with (node / "out.log").open("wb") as log:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # it outlives this object on purpose; without a code its end would be a
            # ResourceWarning
        ).returncode = 0


def distribution() -> Path:
    """The unpacked program, fetched and unpacked once."""
    cache_folder = base() / "cache"
    home = cache_folder / f"elasticsearch-{VERSION}"
    with lock("cache"):
        if not (home / "READY").exists():
            shutil.rmtree(home, ignore_errors=True)
            cache_folder.mkdir(parents=True, exist_ok=True)
            (cache_folder / "pom.xml").write_text(_POM.format(version=VERSION))
            fetch = [
                "mvn",
                "-q",
                "-B",
                "-f",
                str(cache_folder / "pom.xml"),
                "dependency:copy-dependencies",
            ]
            done = subprocess.run(
                [*fetch, f"-DoutputDirectory={cache_folder}"],
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(
                    f"mvn could not fetch it: {(done.stdout + done.stderr)[-400:]}"
                )
            archive = cache_folder / f"elasticsearch-{VERSION}.zip"
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(cache_folder)
            archive.unlink()
            for tool in (home / "bin").iterdir():
                tool.chmod(0o755)
            (home / "READY").touch()
    return home


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    listeners = [socket.socket() for _ in range(count)]
    try:
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
