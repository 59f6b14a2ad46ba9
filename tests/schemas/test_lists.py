"""Lists and objects, and their JSON text."""

from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from schemas.lists import MOST_OBJECTS, Globs, JsonObject, Objects, Words, one_word


class Shape(Schema):
    """One field of each kind."""

    words = Words(load_default=list)
    terms = Words(load_default=list, otherwise=one_word)
    globs = Globs(load_default=None)
    match = JsonObject(load_default=dict)
    rows = Objects(load_default=list)


@pytest.mark.parametrize(
    ("field", "sent", "loaded"),
    [
        ("words", ["a", "b"], ["a", "b"]),
        ("words", '["a"]', ["a"]),
        ("words", None, []),
        ("words", "", []),
        ("terms", "a", ["a"]),
        ("terms", 5, ["5"]),
        ("globs", "+a, -b", ["+a", "-b"]),
        ("globs", '["+a"]', ["+a"]),
        ("globs", None, None),
        ("match", '{"a": 1}', {"a": 1}),
        ("match", None, {}),
        ("rows", [{"a": 1}], [{"a": 1}]),
    ],
)
def test_a_list_is_read_in_every_form(field: str, sent: Any, loaded: Any) -> None:
    assert Shape().load({field: sent})[field] == loaded


@pytest.mark.parametrize(
    ("field", "sent", "message"),
    [
        ("words", "a", "Could not parse as valid JSON"),
        ("words", [1], "Could not parse as valid JSON"),
        ("globs", "[a", "Could not parse as valid JSON"),
        ("globs", [1], "Must be a list of globs"),
        ("match", "{", "Could not parse as valid JSON"),
        ("match", [], "Must be an object"),
        ("rows", [1], "Must be a list of objects"),
        ("rows", [{}] * (MOST_OBJECTS + 1), "Must hold at most 1000 objects"),
    ],
)
def test_what_is_no_list_is_told(field: str, sent: Any, message: str) -> None:
    with pytest.raises(ValidationError) as told:
        Shape().load({field: sent})
    assert told.value.messages_dict[field][0] == message
