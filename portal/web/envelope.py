"""CKAN's envelopes, their headers and their packing, for whichever way a request of the
Action API takes.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from functools import lru_cache
from typing import Any

import orjson
import zstandard
from werkzeug.http import parse_accept_header

from portal.actions.registry import Outcome
from portal.runtime import Portal
from portal.web.environ import REQUEST_ID

CONTENT_TYPE = "application/json;charset=utf-8"
TELLS_CHANGES = ("package_update",)
"""Actions whose envelope names the datasets that they really changed, as CKAN's
does.
"""
PUBLIC, OWN = "public, max-age=0, must-revalidate", "private, no-cache"
"""Cache-Control of answers to nobody in particular, and to somebody."""
EVERY_ANSWER = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Access-Control-Allow-Origin", "*"),
)
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""The policy of what browsers might run: not on the portal's address, without scripts,
loading nothing.
"""
_REQUEST_ID = re.compile(r"^[\w.-]{1,64}$")
WORTH_PACKING = 2048
ZSTD_LEVEL = 3


def request_id(given: str) -> str:
    """The id of a request: its sender's own, where that is a plain one, else a new
    one.
    """
    # Only a plain one: it stands in headers and in the log, where a line break or a
    # long text would do harm.
    return given if given and _REQUEST_ID.match(given) else os.urandom(16).hex()


def id_of(environ: dict[str, Any]) -> str:
    """The id that a request has been given, or is given now."""
    given: str = environ.get(REQUEST_ID) or request_id(
        environ.get("HTTP_X_REQUEST_ID", "")
    )
    return given


def help_address(portal: Portal, locale: str, name: str) -> str:
    """Where the action is explained, under the locale that the client asked with."""
    prefix = f"/{locale}" if locale else ""
    return f"{portal.settings.site_url}{prefix}/api/3/action/help_show?name={name}"


def success(portal: Portal, locale: str, name: str, outcome: Outcome) -> bytes:
    """The envelope of a result."""
    envelope: dict[str, Any] = {
        "help": help_address(portal, locale, name),
        "success": True,
        "result": outcome.result,
    }
    if name in TELLS_CHANGES and outcome.changed:
        envelope["changed_entities"] = {"packages": list(outcome.changed)}
    return orjson.dumps(envelope, default=str)


def failure(portal: Portal, locale: str, name: str, error: dict[str, Any]) -> bytes:
    """The envelope of an error."""
    envelope = {
        "help": help_address(portal, locale, name),
        "success": False,
        "error": error,
    }
    return orjson.dumps(envelope, default=str)


def caching(portal: Portal, *, named: bool) -> tuple[tuple[str, str], ...]:
    """Headers that say who may keep a result; `named` tells that the client says who it
    is.
    """
    vary = f"Cookie, Accept-Encoding, {portal.settings.token_header}"
    return (("Cache-Control", OWN if named else PUBLIC), ("Vary", vary))


def etag(body: bytes) -> str:
    """The entity tag of an answer, without quotes; it is a weak one, as packing does
    not change it.
    """
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def pack(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """A body in the best encoding that an Accept-Encoding header takes (zstd, else
    gzip), where that is worth it.
    """
    if len(body) < WORTH_PACKING or not accepted:
        return body, None
    encoding = _encoding(accepted)
    if encoding == "zstd":
        return zstandard.compress(body, ZSTD_LEVEL), encoding
    if encoding == "gzip":
        # Level 1, as the client waits meanwhile. 31 makes zlib write gzip's header and
        # sum.
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        return packer.compress(body) + packer.flush(), encoding
    return body, None


# Clients send few different headers, and parsing one costs more than choosing. The
# bound is for those who make them up.
@lru_cache(maxsize=256)
def _encoding(accepted: str) -> str | None:
    qualities = parse_accept_header(accepted)
    return next((each for each in ("zstd", "gzip") if qualities.quality(each)), None)
