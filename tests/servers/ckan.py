"""A small CKAN-speaking server: package_search over a list of package dicts, on a real
socket.
"""

import json
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.web import Web, say

Package = dict[str, Any]


def ckan(
    packages: Sequence[Package],
    *,
    spoil: Callable[[dict[str, Any]], Any] = lambda body: body,
) -> Web:
    """A server of these packages; `spoil` may change the body of every answer."""

    def package_search(handler: BaseHTTPRequestHandler) -> None:
        asked = parse_qs(urlsplit(handler.path).query)
        rows, start = (
            int(asked.get("rows", ["10"])[0]),
            int(asked.get("start", ["0"])[0]),
        )
        ordered = sorted(packages, key=lambda package: str(package.get("id")))
        body = {
            "success": True,
            "result": {"count": len(ordered), "results": ordered[start : start + rows]},
        }
        answer = json.dumps(spoil(body)).encode()
        say(200, answer, Content_Type="application/json;charset=utf-8")(handler)

    return Web({"/api/3/action/package_search": package_search})
