"""The one guarded client: addresses checked after DNS and pinned, redirects re-checked,
sizes and times bounded.
"""

from __future__ import annotations

import hashlib
import random
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx
import orjson

from harvesters.base import SourceError
from harvesters.guard import Guard, PinnedBackend

RETRIED = (429, 502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
CODES = {
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    429: "too-many-requests",
}
CHUNK = 64 * 1024
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,120})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Every limit of the client."""

    allow: tuple[str, ...] = ()
    """Host names or networks that may be asked although they are private or
    loopback.
    """
    connect_timeout: float = 10.0
    """Seconds until a connection must stand."""
    read_timeout: float = 30.0
    """Seconds between two pieces of an answer."""
    total_timeout: float = 60.0
    """Seconds for one answer as a whole, its redirects and retries included."""
    retries: int = 3
    """How often a failed request is tried again."""
    backoff: float = 0.5
    """Seconds before the first retry; each next one waits twice as long, with
    jitter.
    """
    max_bytes: int = 100 * 1024 * 1024
    """Bytes of one answer, unpacked."""
    max_redirects: int = 5
    ca_bundle: str | None = None
    """File of certificates that sources may be signed by, besides the usual
    authorities.
    """
    user_agent: str = "thanhhoa-data-portal harvester"


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched; `sha256` and `size` are those of the stored bytes."""

    path: Path
    sha256: str
    size: int
    media_type: str
    etag: str
    last_modified: str


class GuardedClient:
    """HTTP for adapters. Every failure is a SourceError that says what, where and how
    to mend it.
    """

    def __init__(self, options: HttpOptions) -> None:
        self.options = options
        context = ssl.create_default_context()
        if options.ca_bundle:
            context.load_verify_locations(options.ca_bundle)
        # trust_env=False: a proxy from the environment would resolve names itself, and
        # the addresses that we checked would not be those that are reached.
        transport = httpx.HTTPTransport(verify=context, trust_env=False)
        # httpx takes no network backend of one's own; its pool does.
        transport._pool = httpcore.ConnectionPool(
            ssl_context=context, network_backend=PinnedBackend(Guard(options.allow))
        )
        timeout = httpx.Timeout(options.read_timeout, connect=options.connect_timeout)
        self._client = httpx.Client(
            transport=transport,
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": options.user_agent},
        )

    def close(self) -> None:
        """Give back connections; safe to call twice."""
        self._client.close()

    def get_json(self, url: str, **request: Any) -> Any:
        """The JSON answer of a GET. Raises SourceError "not-json" for anything else."""
        return parse_json(url, self.get_bytes(url, **request))

    def get_bytes(self, url: str, **request: Any) -> bytes:
        """The whole answer of a GET, at most `max_bytes`."""
        return self.send("GET", url, **request)

    def post_form(self, url: str, data: Mapping[str, str], **request: Any) -> Any:
        """The JSON answer of a form that was posted."""
        return parse_json(url, self.send("POST", url, data=dict(data), **request))

    def send(self, method: str, url: str, **request: Any) -> bytes:
        """The whole answer of a request, at most `max_bytes`."""
        with self.stream(method, url, **request) as chunks:
            return b"".join(chunks)

    def download(self, url: str, path: Path, **request: Any) -> Download:
        """Fetch a file; what is not whole is removed again."""
        digest, size = hashlib.sha256(), 0
        seen: dict[str, str] = {}
        try:
            with (
                self.stream("GET", url, headers_seen=seen, **request) as chunks,
                path.open("wb") as file,
            ):
                for chunk in chunks:
                    digest.update(chunk)
                    size += file.write(chunk)
        # Also when the job is stopped: half a file must not be taken for a whole one.
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        media_type = seen.get("content-type", "").partition(";")[0].strip().lower()
        return Download(
            path,
            digest.hexdigest(),
            size,
            media_type,
            seen.get("etag", ""),
            seen.get("last-modified", ""),
        )

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers_seen: dict[str, str] | None = None,
        **request: Any,
    ) -> Iterator[Iterator[bytes]]:
        """The answer piece by piece, after redirects and retries."""
        deadline = time.monotonic() + self.options.total_timeout
        response = self._answer(method, url, deadline, request)
        try:
            if headers_seen is not None:
                headers_seen.update(
                    {key.lower(): value for key, value in response.headers.items()}
                )
            yield self._chunks(response, url, deadline)
        finally:
            response.close()

    def _answer(
        self, method: str, url: str, deadline: float, request: dict[str, Any]
    ) -> httpx.Response:
        """The answer to a request, tried again while that may help."""
        for attempt in range(self.options.retries + 1):
            last = attempt == self.options.retries
            try:
                response = self._follow(method, url, deadline, request)
            except SourceError as error:
                if last or not error.retry:
                    raise
                self._pause(attempt, deadline, None)
                continue
            # Only what may pass is tried again; a 404 stays one.
            if response.status_code not in RETRIED or last:
                return self._refuse_error(response, url)
            wait = response.headers.get("Retry-After")
            response.close()
            self._pause(attempt, deadline, wait)
        raise SourceError(
            "timeout", f"{safe_url(url)} did not answer in time.", retry=True
        )

    def _follow(
        self, method: str, url: str, deadline: float, request: dict[str, Any]
    ) -> httpx.Response:
        """Send, and follow redirects by hand: each hop is judged like the first, and
        loses credentials elsewhere.
        """
        first = _origin(url)
        for _ in range(self.options.max_redirects + 1):
            response = self._once(method, url, deadline, request)
            target = response.headers.get("Location")
            if response.status_code not in REDIRECTS or not target:
                return response
            response.close()
            url = urljoin(url, target)
            request = {
                key: value
                for key, value in request.items()
                if key not in ("params", "data", "json")
            }
            method = "GET" if response.status_code in (301, 302, 303) else method
            # A redirect to another host must not carry a secret there.
            if _origin(url) != first:
                request = {
                    key: value
                    for key, value in request.items()
                    if key not in ("auth", "headers")
                }
        raise SourceError(
            "redirects",
            f"{safe_url(url)} redirects again and again; give the final address.",
        )

    def _once(
        self, method: str, url: str, deadline: float, request: dict[str, Any]
    ) -> httpx.Response:
        """The answer to one request, redirects not followed. Raises SourceError."""
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise SourceError(
                "bad-address", f"{safe_url(url)} is no http or https address."
            )
        if time.monotonic() > deadline:
            raise SourceError(
                "timeout",
                f"{safe_url(url)} took longer than {self.options.total_timeout:.0f} s.",
                retry=True,
            )
        try:
            return self._client.send(
                self._client.build_request(method, url, **_without_auth(request)),
                stream=True,
                auth=request.get("auth"),
            )
        except httpx.TimeoutException:
            raise SourceError(
                "timeout", f"{safe_url(url)} did not answer in time.", retry=True
            ) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            raise SourceError(
                "bad-address", f"{safe_url(url)} is no address that can be asked."
            ) from None
        except httpx.ConnectError as error:
            if "CERTIFICATE" in str(error).upper():
                raise SourceError(
                    "certificate",
                    f"The certificate of {safe_url(url)} cannot be trusted; see "
                    "PORTAL_HARVEST_CA_FILE.",
                ) from None
            raise SourceError(
                "unreachable", f"{safe_url(url)} cannot be reached.", retry=True
            ) from None
        except httpx.HTTPError:
            raise SourceError(
                "broken-off",
                f"{safe_url(url)} broke the connection off.",
                retry=True,
            ) from None

    def _refuse_error(self, response: httpx.Response, url: str) -> httpx.Response:
        """The response if it is a good one. Raises SourceError."""
        status = response.status_code
        if status < 300:
            return response
        response.close()
        code = {
            304: "not-modified",
            401: "unauthorized",
            403: "forbidden",
            404: "not-found",
            429: "too-many-requests",
        }.get(status, "http-error")
        raise SourceError(
            code, f"{safe_url(url)} answered {status}.", retry=status in RETRIED
        )

    def _chunks(
        self, response: httpx.Response, url: str, deadline: float
    ) -> Iterator[bytes]:
        """The body of a response, piece by piece, within the limits of size and
        time.
        """
        size = 0
        try:
            for chunk in response.iter_bytes(CHUNK):
                size += len(chunk)
                # Counted as it comes: Content-Length may lie, or count packed bytes.
                if size > self.options.max_bytes:
                    limit = self.options.max_bytes // (1024 * 1024)
                    raise SourceError(
                        "too-large",
                        f"{safe_url(url)} gives more than {limit} MB.",
                    )
                if time.monotonic() > deadline:
                    seconds = f"{self.options.total_timeout:.0f}"
                    raise SourceError(
                        "timeout",
                        f"{safe_url(url)} took longer than {seconds} s.",
                        retry=True,
                    )
                yield chunk
        except httpx.TimeoutException:
            raise SourceError(
                "timeout",
                f"{safe_url(url)} fell silent in the middle.",
                retry=True,
            ) from None
        except httpx.HTTPError:
            raise SourceError(
                "broken-off",
                f"{safe_url(url)} broke off in the middle.",
                retry=True,
            ) from None

    def _pause(self, attempt: int, deadline: float, wait: str | None) -> None:
        """Wait before another try, never past the deadline. Raises SourceError."""
        # Jitter: sources that failed together are not asked again together.
        seconds = self.options.backoff * 2**attempt * (0.5 + random.random())  # noqa: S311 - jitter, not a secret
        if wait and wait.isdigit():
            seconds = max(seconds, float(wait))
        if time.monotonic() + seconds > deadline:
            raise SourceError(
                "timeout",
                "The source asks to be tried again later than this job can wait.",
                retry=True,
            )
        time.sleep(seconds)


def _without_auth(request: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in request.items() if key != "auth"}


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port as the client reads them: credentials stay with one origin,
    and never leave TLS.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return ("", "", None)
    return (parsed.scheme, parsed.host, parsed.port)


def safe_url(url: str) -> str:
    """An address as it may be shown: without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if _port(url) else ""
    return f"{parts.scheme}://{host}{port}{parts.path}" if host else url[:80]


def _port(url: str) -> int | None:
    """The port that an address names; None for none, or for no number."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def parse_json(url: str, body: bytes) -> Any:
    """JSON out of a body. Raises SourceError "not-json" that quotes at most the title
    of a page.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # A login page has a title that says more than a byte's position.
        title = _TITLE.search(body[:4096])
        hint = ""
        if title:
            name = title.group(1).decode("utf-8", "replace").strip()
            hint = f' It is a page called "{name}".'
        raise SourceError(
            "not-json",
            f"{safe_url(url)} did not answer JSON.{hint} Check the address.",
        ) from None
