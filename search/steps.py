"""The declared steps of a search: all words first, then more and more is forgiven."""

from __future__ import annotations

from enum import Enum


class Step(Enum):
    """What a dataset must hold to be found. The value is what answers call the step."""

    ALL_WORDS = "all_words"
    STOP_WORDS = "stop_words"
    """All words but those that the lexicon spares ("danh sách các … ở")."""
    MOST_WORDS = "most_words"
    """Three of four words that are left."""
    SIMILAR_WORDS = "similar_words"
    """Every word that is left, where each may have one letter wrong and the last may be
    unfinished.
    """
    HALF_OF_THE_WORDS = "half_of_the_words"
    """Every other word that is left, as forgiving."""
