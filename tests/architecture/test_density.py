"""The figures of density count what they say."""

from pathlib import Path

import pytest

from tests.architecture.density import density
from tests.architecture.documents import ROOT, modules

CODE = '''"""A module."""

# why
size = 1 if a else (2 if b else 3)
'''


def test_tokens_comments_and_nested_conditionals_are_counted() -> None:
    counted = density(CODE)
    assert (counted.tokens, counted.lines, counted.comments, counted.nested) == (
        14,
        3,
        1,
        1,
    )
    assert round(counted.tokens_a_line, 2) == 4.67
    assert round(counted.comments_per_hundred) == 33


def test_a_conditional_beside_another_is_not_nested() -> None:
    assert density("x = (1 if a else 2) + (3 if b else 4)\n").nested == 0


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_conditional_stands_inside_another(path: Path) -> None:
    assert not density(path.read_text(encoding="utf-8")).nested, (
        "say it in statements, one thought a line"
    )
