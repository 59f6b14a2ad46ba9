"""Kept fragments: rendered once, dropped oldest first."""

from portal.web.fragments import Fragments


def test_kept_fragments_stay_within_their_bound() -> None:
    kept, made = Fragments(most_bytes=100), []
    for number in (1, 2, 3, 2, 1):
        kept.get(b"%d" % number, lambda number=number: made.append(number) or b"x" * 45)
    assert made == [1, 2, 3, 1]
