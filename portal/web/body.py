"""What a request says: query string, form, JSON and files, in CKAN's order of
precedence.
"""

from __future__ import annotations

from typing import Any, BinaryIO, cast

import orjson
from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest as UnreadableBody

from schemas.record import Upload

Data = dict[str, Any]


class BadRequest(ValueError):
    """A body that cannot be understood; the message is the whole answer, a bare JSON
    string.
    """


def request_data(request: Request, *, safe: bool) -> Data:
    """The parameters of an action.

    Form fields come first; then, for actions that only read, a query string, even
    beside a body; then the JSON body. Files are added under the names of their fields.
    Raises BadRequest, and UnreadableBody for a multipart body with a nameless part.
    """
    if request.method in ("GET", "HEAD"):
        return lists(request.args)
    # Werkzeug gives such a part the name None, which no field of an action can take.
    if None in request.form or None in request.files:
        raise UnreadableBody("A part of the multipart body has no name.")
    data = _form(request)
    if data is None and safe and request.args:
        data = lists(request.args)
    if data is None:
        data = _json(request.get_data())
    for name, file in request.files.items():
        # The stream is not read here: werkzeug has spooled it, and the action decides
        # whether to store it at all.
        data[name] = Upload(
            file.filename or name, cast(BinaryIO, file.stream), file.mimetype
        )
    return data


def _form(request: Request) -> Data | None:
    """Form fields, or None where there are none; curl's `-d '{…}'` arrives as a field
    that is named like JSON.
    """
    if not request.form:
        return {} if request.files else None
    fields = lists(request.form)
    # curl sends `-d` as a form unless told otherwise, and CKAN's clients rely on its
    # being read as JSON. A JSON text with an = in it is cut there into name and value,
    # and joined again.
    if len(fields) == 1:
        key, value = next(iter(fields.items()))
        if value in ("", "1") and key.lstrip().startswith("{"):
            return _json(key.encode())
        if key.lstrip().startswith("{"):
            return _json(f"{key}={value}".encode())
    return fields


def lists(fields: MultiDict[str, str]) -> Data:
    """Fields by name; a repeated one becomes a list."""
    return {name: single(list(values)) for name, values in fields.lists()}


def single(values: list[str]) -> Any:
    """What a field says: one value as it is, several as a list."""
    return values[0] if len(values) == 1 else values


def _json(body: bytes) -> Data:
    """A JSON body as parameters; none where it is empty. Raises BadRequest."""
    if not body.strip():
        return {}
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            f"JSON Error: Error decoding JSON data. Error: {error} JSON data "
            "extracted from the request: "
            f"{body[:200].decode('utf-8', 'replace')!r}"
        ) from None
    if not isinstance(data, dict):
        raise BadRequest(
            f"JSON Error: Request data JSON decoded to {data!r:.200} but it needs to "
            "be a dictionary."
        )
    return data
