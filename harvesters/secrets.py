"""Secrets of sources: each is bound to hosts and to organizations, and revealed only
where both agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from harvesters.base import SourceError

EVERYBODY = "*"
ORGANIZATION = "org:"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value, the hosts that it may be sent to ("host" or "host:port") and the
    organizations whose sources may.

    Organizations are named by name or id; "*" stands for all of them.
    """

    value: str = field(repr=False)
    hosts: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()

    @property
    def binding(self) -> str:
        """What it is bound to, as it is written in PORTAL_SECRET_…_FOR."""
        organizations = (f"{ORGANIZATION}{name}" for name in sorted(self.organizations))
        return " ".join([*sorted(self.hosts), *organizations])


def bind_secret(value: str, binding: str) -> Secret:
    """A secret from its value and its binding: hosts and `org:name`, parted by blanks
    or commas.

    Raises ValueError that says what a binding takes.
    """
    words = binding.replace(",", " ").split()
    organizations = {
        word.removeprefix(ORGANIZATION)
        for word in words
        if word.startswith(ORGANIZATION)
    }
    hosts = {word.lower() for word in words if not word.startswith(ORGANIZATION)}
    wrong = [host for host in hosts if "/" in host or "@" in host or "*" in host]
    if wrong or "" in organizations:
        raise ValueError(
            "takes hosts (name or name:port) and organizations (org:name, or org:* "
            "for all)"
        )
    return Secret(value, frozenset(hosts), frozenset(organizations))


class Secrets:
    """The secrets that sources of one organization may name. Holds values; shows none
    of them.
    """

    def __init__(
        self, secrets: Mapping[str, Secret], organization: tuple[str, ...] = ()
    ) -> None:
        self._secrets = secrets
        self._organization = frozenset(organization)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._secrets))})"

    def reveal(self, name: str, *addresses: str) -> str:
        """The secret of that name, for use at all of these addresses (http://host/… or
        host:port).

        Raises SourceError that names the secret and what it is bound to, never its
        value.
        """
        secret = self._secrets.get(name)
        if secret is None or not secret.value:
            raise SourceError(
                "no-secret", f"The secret {name} is not set; set PORTAL_SECRET_{name}."
            )
        # Without a binding a secret is for nobody, rather than for whoever names it.
        if not secret.hosts or not secret.organizations:
            raise _refusal(name, "it is bound to nothing")
        # Not enough: whoever may make a source of another office could send the secret
        # to a host of his own, or read with it what is not his.
        for_everybody = EVERYBODY in secret.organizations
        if not for_everybody and self._organization.isdisjoint(secret.organizations):
            raise _refusal(
                name,
                f"it is bound to {secret.binding}, and this source's organization is "
                "not among them",
            )
        for address in addresses:
            host, spellings = _host(address)
            if secret.hosts.isdisjoint(spellings):
                reason = f"it is bound to {secret.binding}, and not to {host}"
                raise _refusal(name, reason)
        return secret.value


def _refusal(name: str, reason: str) -> SourceError:
    """The error of a secret that is not for this host or organization."""
    text = (
        f"The secret {name} is not revealed: {reason}. Whoever runs the portal says "
        f"in PORTAL_SECRET_{name}_FOR"
    )
    return SourceError(
        "secret-not-bound", f"{text} which hosts and organizations it is for."
    )


def _host(address: str) -> tuple[str, frozenset[str]]:
    """The host of an address as the client will read it, and the ways in which a
    binding may write it.
    """
    try:
        url = httpx.URL(address if "://" in address else f"//{address}")
    except httpx.InvalidURL:
        raise SourceError(
            "bad-address", "The address of the source is none that can be asked."
        ) from None
    host = url.host.lower()
    named = f"[{host}]" if ":" in host else host
    return host, frozenset(_spellings(host, named, _port(url)))


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


def _spellings(host: str, named: str, port: int | None) -> Iterator[str]:
    """How a setting may name a host: bare, as named, and with its port."""
    yield host
    yield named
    if port is not None:
        yield f"{named}:{port}"
