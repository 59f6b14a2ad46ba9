"""Words without case and diacritics, so that "benh vien" finds "bệnh viện" in rows too."""

from __future__ import annotations

import unicodedata

import polars as pl


def fold(text: str) -> str:
    """Lower case, no diacritics, đ as d."""
    plain = unicodedata.normalize("NFD", text.lower()).replace("đ", "d")
    return "".join(char for char in plain if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The folded words of a query."""
    return "".join(char if char.isalnum() else " " for char in fold(text)).split()


def folded(cells: list[pl.Expr]) -> pl.Expr:
    """All cells of a row as one folded text: every word with a blank before it, so that prefixes can be found."""
    joined = pl.concat_str([pl.lit(""), *cells], separator=" ", ignore_nulls=True)
    lowered = joined.str.to_lowercase().str.normalize("NFD").str.replace_all(r"\p{M}+", "").str.replace_all("đ", "d")
    return lowered.str.replace_all(r"[^\p{L}\p{N}]+", " ")
