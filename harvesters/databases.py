"""Databases of sources: which addresses one may have, judged like those of the web, and
what a connection is told.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from harvesters.base import SourceError
from harvesters.guard import Guard

POSTGRESQL = frozenset({"postgresql", "postgresql+psycopg"})
SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})
POSTGRESQL_PORT = 5432
POSTGRESQL_OPTIONS = frozenset({"sslmode", "connect_timeout"})
"""What an address may say after its "?"; everything else of the driver may name files,
hosts or services.
"""
CONNECT_SECONDS = "10"
NO_FILE = "/nonexistent/portal"
"""A file that libpq looks for in vain, where it would else read the server's own."""


@dataclass(frozen=True, slots=True)
class OwnDatabase:
    """Where the portal's own database answers: no source is ever read from there."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """What decides about databases of sources, and the limits of reading them."""

    allow: tuple[str, ...] = ()
    """Host names or networks that may be asked although they are private or
    loopback.
    """
    roots: tuple[Path, ...] = ()
    """Folders below which SQLite files may be read."""
    own: OwnDatabase | None = None
    ca_bundle: str | None = None
    """File of certificates that servers may be signed by."""
    max_bytes: int = 100 * 1024 * 1024
    """Bytes of one table."""
    memory_bytes: int = 2048 * 1024 * 1024
    """Memory of the process that reads."""


def parse(address: str) -> URL:
    """An address of a kind that sources may have. Raises SourceError that says what is
    expected; asks nobody.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise SourceError(
            "bad-address",
            "A SQLAlchemy address is expected, e.g. postgresql://user@host/name or "
            "sqlite:///file.",
        ) from None
    if url.password is not None:
        raise SourceError(
            "secret-in-address",
            "The address must not hold a password; name a secret in `password`.",
        )
    if url.drivername in SQLITE:
        return url
    if url.drivername not in POSTGRESQL:
        raise SourceError(
            "unsupported-database",
            f"Databases of the kind {url.drivername} are not read; postgresql:// and "
            "sqlite:/// are.",
        )
    return _postgresql(url)


def _postgresql(url: URL) -> URL:
    """The address, if it names one host, user and database and no strange option."""
    strange = sorted(set(url.query) - POSTGRESQL_OPTIONS)
    if strange:
        known = ", ".join(sorted(POSTGRESQL_OPTIONS))
        raise SourceError(
            "bad-option",
            f"The address may not say {', '.join(strange)}; it may say {known}.",
        )
    if not url.host or url.host[0] in "/@" or "," in url.host:
        raise SourceError(
            "bad-address",
            "The address names exactly one host: postgresql://user@host/name.",
        )
    if not url.username or not url.database:
        # libpq would fill in the name of the server's own user.
        raise SourceError(
            "bad-address",
            "The address names user and database: postgresql://user@host/name.",
        )
    return url


def places(url: URL) -> tuple[str, ...]:
    """What a secret is judged against: the host and port that it would be sent to;
    nothing for a file.
    """
    if url.drivername in SQLITE:
        return ()
    named = f"[{url.host}]" if ":" in str(url.host) else url.host
    return (f"{named}:{url.port or POSTGRESQL_PORT}",)


def connection(url: URL, password: str, options: DatabaseOptions) -> dict[str, Any]:
    """What the reading process connects with: {"kind": "sqlite", "file"} or {"kind":
    "postgresql", "parameters"}.

    `parameters` are all that libpq is told; they name checked addresses, so that no
    second DNS answer can matter. Raises SourceError for a place where sources may not
    be.
    """
    if url.drivername in SQLITE:
        file = _checked_file(url.database or "", options.roots)
        return {"kind": "sqlite", "file": str(file)}
    host, port = str(url.host), url.port or POSTGRESQL_PORT
    addresses = Guard(options.allow).resolve(host, port)
    _refuse_own(host, addresses, port, options.own)
    parameters = _parameters(url, host, addresses, port, password, options.ca_bundle)
    return {"kind": "postgresql", "parameters": parameters}


def _parameters(
    url: URL,
    host: str,
    addresses: list[str],
    port: int,
    password: str,
    ca_bundle: str | None,
) -> dict[str, str]:
    """What libpq is told. All that it would look for by itself (passwords, keys and
    tickets of the server's own user) is turned off.
    """
    query: Mapping[str, Any] = url.query
    parameters = {
        # The name is for the certificate; the connection goes to the addresses.
        "host": ",".join([host] * len(addresses)),
        "hostaddr": ",".join(addresses),
        "port": str(port),
        "user": url.username or "",
        "password": password,
        "dbname": url.database or "",
        "connect_timeout": _one(query.get("connect_timeout", CONNECT_SECONDS)),
        "application_name": "thanhhoa-data-portal",
        "client_encoding": "UTF8",
        "passfile": NO_FILE,
        "sslcert": NO_FILE,
        "sslkey": NO_FILE,
        "gssencmode": "disable",
    }
    if "sslmode" in query:
        parameters["sslmode"] = _one(query["sslmode"])
    if ca_bundle:
        parameters["sslrootcert"] = ca_bundle
    return parameters


def _one(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[-1]


def _checked_file(name: str, roots: tuple[Path, ...]) -> Path:
    """The file of an SQLite database below one of the roots. Raises SourceError."""
    path = Path(name).resolve()
    if not any(path.is_relative_to(root.resolve()) for root in roots):
        raise SourceError(
            "outside-roots",
            f"The file {path.name} lies outside the folders of PORTAL_HARVEST_ROOTS.",
        )
    if not path.is_file():
        raise SourceError("not-found", f"There is no database file {path.name}.")
    return path


def _refuse_own(
    host: str, addresses: list[str], port: int, own: OwnDatabase | None
) -> None:
    """Raise SourceError where the portal's own database answers, under whatever name or
    address of its machine.
    """
    if own is None:
        return
    here = _on_this_machine(own.address)
    for address in addresses:
        # A machine has many addresses: 127.0.0.2 reaches the same server as 127.0.0.1.
        same_server = port == own.port and here and _on_this_machine(address)
        same_name = host.lower() == own.host.lower()
        if same_server or same_name or _is_same(address, own.address):
            raise SourceError(
                "own-database",
                f"{host} is where the portal's own database is; no source is read "
                "from there.",
            )


def _is_same(one: str, other: str) -> bool:
    """Whether two texts name one address; false where one names none."""
    try:
        return _parse_address(one) == _parse_address(other)
    except ValueError:
        return False


def _parse_address(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def _on_this_machine(address: str) -> bool:
    """Whether an address is one of this machine's: only then may a socket be bound to
    it. A Unix socket is, too.
    """
    try:
        parsed = _parse_address(address)
    except ValueError:
        return True
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(parsed), 0))
        except OSError:
            return False
    return True
