"""What no action can take, found at any depth, and told in both languages."""

import pytest
from marshmallow import Schema, ValidationError

from schemas import bounds
from schemas.values import LARGEST_COUNT, LARGEST_NUMBER, Integer, Seconds, Whole

GUARDS = (
    "schemas.datastore",
    "schemas.search",
    "schemas.validation",
    "schemas.values",
)


def nested(depth: int) -> object:
    value: object = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_nesting_has_an_end_that_names_the_parameter() -> None:
    assert bounds.problems({"a": nested(bounds.DEEPEST), "b": 1}) == {}
    found = bounds.problems({"a": nested(bounds.DEEPEST + 1), "b": 1})
    assert found == {"a": ["Nested more than 64 levels deep", "Lồng nhau quá 64 cấp"]}
    assert list(bounds.problems({"deep": nested(100_000)})) == ["deep"]


@pytest.mark.parametrize("bad", ["a\x00", "\ud800", "xã \udfff"])
def test_signs_that_no_store_keeps_are_found_in_keys_and_values(bad: str) -> None:
    for value in (bad, [bad], {"k": [1, {"x": bad}]}, {bad: 1}, [[["ok", bad]]]):
        assert list(bounds.problems({"p": value, "fine": "Thanh Hóa"})) == ["p"]
    assert len(bounds.problems({bad: 1})) == 1


def test_texts_of_json_are_bounded_alike() -> None:
    assert bounds.parse('{"a": [1]}') == {"a": [1]}
    for text in ("[" * 200 + "]" * 200, '"\\u0000"', "{", "[" * 5000):
        with pytest.raises(ValueError, match=r"."):
            bounds.parse(text)


class Numbers(Schema):
    count = Integer(allow_none=True)
    few = Integer(low=1, high=10)
    size = Whole(allow_none=True)
    at = Seconds(allow_none=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 2**63}, {"count": str(-(2**63))}, {"count": "9" * 400}, {"count": LARGEST_COUNT + 1}, {"few": 0},
        {"few": 11}, {"size": LARGEST_NUMBER + 1}, {"size": "9" * 5000}, {"at": 1e300}, {"at": -1}, {"at": "NaN"},
        {"at": "Infinity"}, {"count": float("inf")}, {"count": "x"}, {"size": "1.5"},
    ],
)  # fmt: skip
def test_numbers_have_ends(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Numbers().load(wrong)
    assert list(refused.value.messages_dict) == list(wrong)


def test_numbers_within_their_ends() -> None:
    given = {"count": " 7 ", "few": 10, "size": str(LARGEST_NUMBER), "at": 0}
    assert Numbers().load(given) == {
        "count": 7,
        "few": 10,
        "size": LARGEST_NUMBER,
        "at": 0.0,
    }
    assert Numbers().load({"size": "", "count": None}) == {"size": None, "count": None}


def test_a_range_is_told_in_both_languages() -> None:
    with pytest.raises(ValidationError) as refused:
        Numbers().load({"few": 99})
    told = ["Must be a whole number from 1 to 10", "Phải là số nguyên từ 1 đến 10"]
    assert refused.value.messages_dict == {"few": told}
