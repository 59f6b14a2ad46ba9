"""The page of a list that a reader asks for in the address."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import BadRequest

LONGEST_NUMBER = 12
"""Digits of a page: more are refused before they are counted."""


def page_of_request(last: int) -> int:
    """The page that is asked for, from 1 to `last`; the first one unless said.

    Raises BadRequest for what is no such number.
    """
    text = request.args.get("page", "1")
    # isdigit alone takes signs such as ², and int refuses them, as it refuses thousands
    # of digits.
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    if not is_number or not 1 <= int(text) <= last:
        raise BadRequest(f"page takes a whole number from 1 to {last}")
    return int(text)
