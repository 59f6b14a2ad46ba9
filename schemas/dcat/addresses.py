"""Addresses of any quality become IRIs that every notation of RDF can hold, or
nothing.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from rdflib import URIRef

SCHEMES = frozenset(
    {"http", "https", "ftp", "ftps", "mailto", "urn", "doi", "tel", "s3"}
)
_UNFIT = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f-\x9f\u00a0\u2028\u2029]")


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found.group().encode("utf-8", "replace"))


def iri(text: Any, base: str = "") -> URIRef | None:
    """The address as an IRI: what no IRI may hold is percent-encoded, a path is one of
    the portal's own.
    """
    address = str(text or "").strip()
    if address.startswith("/") and not address.startswith("//"):
        address = base + address
    address = _UNFIT.sub(_escaped, address)
    scheme, colon, rest = address.partition(":")
    if not colon or not rest or scheme.lower() not in SCHEMES or not _splits(address):
        return None
    if (
        scheme.lower() in ("http", "https", "ftp", "ftps")
        and not urlsplit(address).hostname
    ):
        return None
    return URIRef(address)


def _splits(address: str) -> bool:
    try:
        urlsplit(address).port  # noqa: B018 - a port that is no number raises
    except ValueError:
        return False
    return True


def mended(address: str) -> str:
    """An address whose brackets are no IPv6 host, so that it can be joined to
    others.
    """
    if "[" not in address and "]" not in address:
        return address
    return (
        address if _splits(address) else address.replace("[", "%5B").replace("]", "%5D")
    )
