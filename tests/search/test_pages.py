"""Pages through hundreds of hits of one score: every hit once, in the order of the
other keys, whichever engine.
"""

from __future__ import annotations

from search.backend import SearchBackend
from tests.search.datasets import ask, entry

GUARDS = ("search.tantivy_index.paging",)


def test_hits_of_one_score_keep_their_order_from_page_to_page(
    index: SearchBackend,
) -> None:
    moments = [
        f"2026-01-{1 + number * 7 % 28:02}T00:00:00.000000" for number in range(400)
    ]
    many = [
        entry(f"d{at:03}", "Phường mới", metadata_modified=moment)
        for at, moment in enumerate(moments)
    ]
    index.apply(
        [
            *many,
            entry("best", "Phu", metadata_modified=moments[0]),
            entry("other", "Xã"),
        ]
    )
    wanted = sorted(range(400), key=lambda at: (-int(moments[at][8:10]), at))
    expected = ["best", *(f"d{at:03}" for at in wanted)]
    seen: list[str] = []
    for start in range(0, 401, 50):
        found = ask(index, "phu", rows=50, start=start, begun=True)
        assert found.count == 401
        seen += [hit.id for hit in found.hits]
    assert seen == expected
