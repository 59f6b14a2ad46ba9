"""Guard: which addresses a source may have, judged after DNS and pinned to the
connection.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import httpcore

from harvesters.base import SourceError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# These addresses of IPv6 hold one of IPv4: where they lead to may be private.
NAT64 = ipaddress.ip_network("64:ff9b::/96")
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
SHARED_SPACE = ipaddress.ip_network("100.64.0.0/10")


class Guard:
    """Decides which addresses may be asked."""

    def __init__(self, allow: tuple[str, ...]) -> None:
        self._hosts = {name.lower() for name in allow if not _network(name)}
        self._networks = [network for name in allow if (network := _network(name))]

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each of them allowed. Raises SourceError, also when
        only one of them is not.
        """
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # A name that no domain can have raises UnicodeError when it is encoded.
        except (OSError, UnicodeError):
            raise SourceError(
                "unknown-host",
                f"The host {host} is not known; check the address.",
                retry=True,
            ) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in answers))
        # All of them: which one is used is decided later, by what answers.
        for address in addresses:
            self.check(host, address)
        return addresses

    def check(self, host: str, address: str) -> None:
        """Raise SourceError unless the address is public, or named by the
        configuration.
        """
        # Link-local addresses come with the name of an interface behind "%".
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if not is_public(parsed) and not self._is_allowed(host, parsed):
            raise SourceError(
                "blocked-address",
                f"{host} is a private or local address ({address}). If it is meant, "
                "name it in PORTAL_HARVEST_ALLOW.",
            )

    def _is_allowed(self, host: str, address: IpAddress) -> bool:
        """Whether the configuration allows a host or its address explicitly."""
        if host.lower().strip("[]") in self._hosts:
            return True
        return any(
            address.version == network.version and address in network
            for network in self._networks
        )


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that a text names; None where it names a host."""
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None


def is_public(address: IpAddress) -> bool:
    """Whether an address, and the IPv4 address that it may carry inside, is public."""
    if not address.is_global or address.is_multicast:
        return False
    if address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address not in SHARED_SPACE
    # An IPv6 address may be a way round: a translator on the path would reach the IPv4
    # address inside it.
    inner = address.ipv4_mapped
    if address in SIX_TO_FOUR:
        inner = inner or address.sixtofour
    if address in NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner is None or is_public(inner)


class PinnedBackend(httpcore.SyncBackend):
    """Connects to the very addresses that the guard has judged, so that a second DNS
    answer cannot matter.
    """

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first judged address that answers."""
        problem: Exception | None = None
        for address in self._guard.resolve(host, port):
            try:
                return super().connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                problem = error
        raise problem or httpcore.ConnectError(f"no address of {host} answers")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Any = None
    ) -> Any:
        """Refused: sources are on the network."""
        raise SourceError("blocked-address", "Unix sockets are no sources.")
