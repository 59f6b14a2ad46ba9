"""Did you mean: each misspelt word of a question becomes the nearest one in the titles
that were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from search.text.folding import exact, fold, words

NEARNESS = 0.7
"""How alike two words must be, from 0 to 1."""


def correction(text: str, titles: Iterable[str]) -> str | None:
    """The words of `text`, each that stands in no title replaced by the most alike that
    does; None without a change.
    """
    known: Counter[str] = Counter(
        word for title in titles for word in words(exact(title))
    )
    spelled: dict[str, str] = {}
    # Of several spellings the most frequent is proposed: the first one stays.
    for word, _ in known.most_common():
        spelled.setdefault(fold(word), word)
    typed = words(exact(text))
    meant = [_meant(word, spelled) for word in typed]
    return " ".join(meant) if meant != typed else None


def _meant(word: str, spelled: dict[str, str]) -> str:
    """The word itself, or the nearest of the known ones (folded to spelled)."""
    folded = fold(word)
    # A word of two letters is near to too many others.
    if folded in spelled or len(folded) < 3:
        return word
    near = get_close_matches(folded, spelled, n=1, cutoff=NEARNESS)
    return spelled[near[0]] if near else word
