"""Which passwords are taken, and what is said of the others."""

import pytest

from schemas import passwords

COMMON = (
    "password", "PASSWORD", "Password123", "matkhau123", "Mật khẩu", "thanhhoa@2025", "12345678", "1234567890123",
    "87654321",
    "aaaaaaaa", "abababab", "abcdefghij", "  password  ", "qwertyuiop", "iloveyou1", "admin123456",
)  # fmt: skip


@pytest.mark.parametrize("text", COMMON)
def test_common_ones_are_refused(text: str) -> None:
    assert passwords.problems(text) == [
        "This password is too common",
        "Mật khẩu này quá phổ biến",
    ]


def test_length_counts_without_blanks_around() -> None:
    for short in ("", " " * 8, "a1!b2?c", "   a1!b2?c   ", "\t\n" * 20):
        assert (
            passwords.problems(short)[0]
            == "Your password must be 8 characters or longer"
        )
    for long in ("ab1" * 67, "xyz" * 100_000):
        assert (
            passwords.problems(long)[0]
            == "Your password must be 200 characters or shorter"
        )


@pytest.mark.parametrize(
    "text",
    ["long enough", "My-own-password-9", "bò vàng ăn cỏ", "a1!b2?c3", "x" + "ab1" * 66],
)
def test_others_are_taken(text: str) -> None:
    assert passwords.problems(text) == []
