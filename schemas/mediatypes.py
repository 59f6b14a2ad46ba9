"""Media types: read as RFC 9110 writes them, guessed from names of files, and told
apart by what browsers run.
"""

from __future__ import annotations

import mimetypes
import re

UNKNOWN = "application/octet-stream"
LONGEST = 200
INERT = frozenset(
    {
        "text/plain",
        "text/csv",
        "text/tab-separated-values",
        "application/json",
        "application/geo+json",
        "application/x-ndjson",
        "application/pdf",
        "application/zip",
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
    }
)
"""What a browser shows or stores without running anything of it; everything else is
handed over as a file.
"""
_MANY_IN_ONE = ("multipart/", "message/")
"""Types that hold answers of their own, with types of their own."""
_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
_TOKEN = r"[a-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - a grammar's word, no secret
_PARAMETER = rf'[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|"[^"\\\x00-\x1f\x7f]*")'
_MEDIA_TYPE = re.compile(
    rf"({_NAME}/{_NAME})(?:{_PARAMETER})*[ \t]*;?", re.IGNORECASE | re.ASCII
)
_PACKED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}


def essence(text: str | None) -> str | None:
    """Type and subtype of a media type in small letters, without parameters; None for
    what is no media type.
    """
    stripped = (text or "").strip(" \t")
    found = _MEDIA_TYPE.fullmatch(stripped) if len(stripped) <= LONGEST else None
    return found.group(1).lower() if found else None


def valid(text: str | None) -> str | None:
    """The text without blanks around it where it is a media type, else None."""
    return text.strip(" \t") if text and essence(text) else None


def is_inert(text: str | None) -> bool:
    """Whether a browser may be given this type on the portal's own address: judged by
    the parsed type.
    """
    return essence(text) in INERT


def guessed(file_name: str) -> str | None:
    """The media type that the name of a file suggests; of a packed file the
    packing's.
    """
    kind, packing = mimetypes.guess_type(file_name)
    return _PACKED.get(packing, UNKNOWN) if packing else kind


def served(text: str | None, file_name: str) -> str:
    """The type under which a stranger's file is sent: what is said of it, else what its
    name suggests.
    """
    kind = essence(text) or essence(guessed(file_name)) or UNKNOWN
    return UNKNOWN if kind.startswith(_MANY_IN_ONE) else kind
