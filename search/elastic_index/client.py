"""The connection to Elasticsearch: nodes in turn, tries with growing pauses, and errors
that say how to mend them.
"""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any as Anything
from urllib.parse import unquote, urlsplit

from elastic_transport import (
    ConnectionTimeout,
    TlsError,
    Transport,
    TransportApiResponse,
)
from elasticsearch import ApiError, ConflictError, Elasticsearch, TransportError
from elasticsearch.serializer import OrjsonSerializer

from search.backend import QueryError, SearchUnavailable
from search.elastic_index.breaker import Breaker

LATER = (429, 502, 503, 504)
"""Statuses that a busy or failing node answers with; the same request may work
elsewhere or a moment later.
"""
AGAIN = (*LATER, 500)
"""Tried again: also what a node says whose neighbour was lost in the middle of a
search.
"""
FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 0.1, 3, 5.0
"""Seconds before a second try where no other node is left to ask, and how they grow."""
_SNIFF = "/_nodes/_all/http"
"""What the client asks when it looks for neighbours."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where Elasticsearch is, and how to speak to it.

    `urls` may carry user:password; `user` and `password` go before them, an `api_key`
    before both. `ca_certs` is a PEM file. `timeout` is in seconds, for each try; a
    request is tried `retries` times more, after a time-out once more. A server that
    fails three times in a row is left alone for `pause` seconds. With `sniff` the nodes
    are asked for their neighbours, at the start and whenever one fails.
    """

    urls: Sequence[str]
    user: str = ""
    password: str = ""
    api_key: str | None = None
    ca_certs: str | None = None
    timeout: float = 10.0
    retries: int = 3
    pause: float = 5.0
    sniff: bool = False


def connect(server: Server) -> Elasticsearch:
    """A client that asks the nodes in turn; without sniffing it opens no connection
    yet.

    Raises ValueError for what cannot be used.
    """
    patient = _patient(Breaker(server.pause), _authorization(server))
    if not server.sniff:
        return Elasticsearch(**_named(server), transport_class=patient)
    client = Elasticsearch(
        **_named(server),
        transport_class=patient,
        sniff_on_node_failure=True,
        sniff_timeout=2.0,
    )
    with suppress(TransportError):  # the portal starts also while the cluster is down
        client.transport.sniff(is_initial_sniff=True)
    return client


def watcher(server: Server, seconds: float) -> Elasticsearch:
    """A client that asks briefly, each node that refuses once, and that nobody's
    failures keep from asking.
    """
    once = {
        "max_retries": len(server.urls) - 1,
        "retry_on_timeout": False,
        "retry_on_status": (),
    }
    return Elasticsearch(**(_named(server) | once | {"request_timeout": seconds}))


def _named(server: Server) -> dict[str, Anything]:
    """What the client is built with."""
    given: dict[str, Anything] = {}
    hosts = [_host(url) for url in server.urls]
    if who := _authorization(server):
        given["headers"] = {"authorization": who}
    if server.ca_certs and any(host.startswith("https:") for host in hosts):
        given["ssl_context"] = _trusting(server.ca_certs)
    return given | {
        "hosts": hosts,
        "request_timeout": server.timeout,
        "max_retries": server.retries,
        "retry_on_timeout": True,
        "retry_on_status": AGAIN,
        "serializers": {"application/json": OrjsonSerializer()},
    }


def _authorization(server: Server) -> str:
    """Written here because the client takes ASCII alone."""
    if server.api_key:
        if not server.api_key.isascii():
            raise ValueError(
                "An API key of Elasticsearch (PORTAL_SEARCH_API_KEY) is base64: "
                "letters, digits, + / = _ -."
            )
        return f"ApiKey {server.api_key}"
    named = next(
        (parts for parts in map(urlsplit, server.urls) if parts.username), urlsplit("")
    )
    user = server.user or unquote(named.username or "")
    password = server.password or unquote(named.password or "")
    if not (user or password):
        return ""
    return (
        "Basic " + base64.b64encode(f"{user or 'elastic'}:{password}".encode()).decode()
    )


def _trusting(ca_certs: str) -> ssl.SSLContext:
    """TLS that trusts the authority in this file. Raises ValueError."""
    try:
        return ssl.create_default_context(cafile=ca_certs)
    except (OSError, ssl.SSLError):
        raise ValueError(
            "The certificate authority of Elasticsearch (PORTAL_SEARCH_CA_FILE) is "
            f"{ca_certs}, "
            "which is no readable PEM file with a certificate."
        ) from None


def _host(url: str) -> str:
    """The URL without its login, with its port."""
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in ("http", "https") and parts.hostname
        port = parts.port or 9200
    except ValueError:
        good = False
    if not good:  # the URL is not repeated: it may hold a password
        raise ValueError(
            "A search URL is written http(s)://[user:password@]host[:port]; several "
            "stand between commas; "
            "in a password @ : / # ? % and commas are written %40 %3A %2F %23 %3F %25 "
            "%2C."
        )
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"


def _patient(breaker: Breaker, authorization: str) -> type[Transport]:
    """A transport that asks the breaker first and tells it afterwards, and that pauses
    between tries.

    The one that comes with the client sends all tries at once: an election in the
    cluster takes longer.
    """

    class Patient(Transport):
        def perform_request(  # type: ignore[override]  # the options are handed on as they are
            self, method: str, target: str, *, max_retries: int = 0, **options: Anything
        ) -> TransportApiResponse:
            # Within another request, whose outcome counts; and it lacks the login.
            if target.startswith(_SNIFF):
                login = {"authorization": authorization} if authorization else {}
                options["headers"] = {**options.get("headers", {}), **login}
                return super().perform_request(method, target, max_retries=0, **options)
            breaker.check()
            attempt = late = 0
            while True:
                others = len(self.node_pool) - 1 - attempt
                try:
                    answer = super().perform_request(
                        method, target, max_retries=0, **options
                    )
                except TransportError as error:
                    # Each time-out costs its whole time, so it is tried but once more.
                    late += isinstance(error, ConnectionTimeout)
                    if (
                        attempt >= max_retries
                        or late > 1
                        # A certificate will not be another one a moment later.
                        or isinstance(error, TlsError)
                    ):
                        breaker.failed()
                        raise
                else:
                    status = _status(target, answer)
                    if status not in AGAIN or attempt >= max_retries:
                        # A 500 may be of one question alone: it must not close the
                        # server to all others.
                        breaker.failed() if status in LATER else breaker.worked()
                        return answer
                    others = 0
                if others <= 0:
                    time.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH**attempt))
                attempt += 1

    return Patient


def _status(target: str, answer: TransportApiResponse) -> int:
    """The status; of several searches in one request that of the worst: the server
    tells it inside a 200.
    """
    if not target.split("?")[0].endswith("/_msearch") or answer.meta.status != 200:
        return answer.meta.status
    held = answer.body.get("responses", ()) if isinstance(answer.body, dict) else ()
    return max((int(each["status"]) for each in held), default=200)


@contextmanager
def clear_errors(*, asking: bool = False) -> Iterator[None]:
    """What the client raises becomes SearchUnavailable or, `asking`, QueryError, with
    no address and no secret.
    """
    try:
        yield
    except ConflictError as error:
        raise SearchUnavailable(
            "Elasticsearch reported a conflict; try again."
        ) from error
    except ApiError as error:
        if asking and error.status_code == 400:
            raise QueryError(
                "The query is too large or too complex for the search index."
            ) from error
        raise SearchUnavailable(_refusal(error)) from error
    except TransportError as error:
        raise SearchUnavailable(_silence(error)) from error


def _refusal(error: ApiError) -> str:
    """What to do where the server answers but refuses."""
    if error.status_code == 401:
        return (
            "Elasticsearch refused the login; check PORTAL_SEARCH_USER and "
            "PORTAL_SEARCH_PASSWORD (or the login in "
            "PORTAL_SEARCH_URL), or PORTAL_SEARCH_API_KEY."
        )
    if error.status_code == 403:
        return (
            "Elasticsearch knows the user or API key but allows it too little; it "
            "needs `monitor` on the cluster and "
            "`manage`, `read` and `write` on the portal's indexes (docs/operate.md)."
        )
    return f"Elasticsearch answered with status {error.status_code} ({error.error})."


def _silence(error: TransportError) -> str:
    """What to do where no answer comes."""
    if isinstance(error, TlsError):
        if "CERTIFICATE_VERIFY_FAILED" in repr(error.__cause__):
            return (
                "The certificate of Elasticsearch is not trusted: it is not signed by "
                "the authority in "
                "PORTAL_SEARCH_CA_FILE (without that setting: by one that this "
                "machine knows), or names another host."
            )
        return "Elasticsearch does not speak https at the address in PORTAL_SEARCH_URL."
    if isinstance(error, ConnectionTimeout):
        return (
            "Elasticsearch did not answer in time (PORTAL_SEARCH_TIMEOUT); it may be "
            "overloaded."
        )
    return (
        "Elasticsearch cannot be reached; check that it runs, and its address in "
        "PORTAL_SEARCH_URL."
    )
