"""Counting without scores: what is left of a clause, and answers that are kept only as
long as they are right.
"""

from __future__ import annotations

import pytest

from search import open_backend
from search.backend import SearchRequest
from search.planning.clauses import All, Any, Is, IsAny
from search.planning.plan import plan
from search.planning.unscored import unscored
from tests.search.datasets import ask, entry


def test_a_word_is_counted_by_the_text_that_holds_it() -> None:
    asked = plan(SearchRequest(q="bệnh viện"))
    words = [
        Any((Is("text_f", word), Is("fields_f", word))) for word in ("benh", "vien")
    ]
    assert unscored(asked.query) == All(tuple(words))
    assert asked.filters == (IsAny("seen", ("public active public",)),)


@pytest.mark.parametrize(
    "q", ["bệnh viện", "*:*", "title:viện OR tags:y", '"bệnh viện" -huyen', "benh vein"]
)
def test_counts_are_those_of_the_hits(q: str) -> None:
    index = open_backend("", None)
    index.apply(
        [
            entry(f"d{n}", f"Bệnh viện {n}", tags=("y tế",), formats=("CSV",))
            for n in range(3)
        ]
    )
    index.apply(
        [
            entry("e", "Benh xa", notes="vien"),
            entry("f", "Trường học"),
            entry("g", "Bệnh viện huyện"),
        ]
    )
    found = ask(index, q, facet_fields=("name",), relax_below=1, rows=100)
    assert sorted(name for name, _ in found.facets["name"]) == sorted(
        hit.id for hit in found.hits
    )
    assert found.count == len(found.hits) == ask(index, q, relax_below=1, rows=0).count


def test_answers_are_forgotten_when_the_index_changes() -> None:
    index = open_backend("", None)
    index.apply([entry("a", "Giá đất")])
    asked = SearchRequest(facet_fields=("name",))
    assert index.search(asked) == index.search(asked)
    index.apply([entry("b", "Giá đất xã")])
    assert index.search(asked).count == 2
    assert [name for name, _ in index.search(asked).facets["name"]] == ["a", "b"]
    index.apply([], ["a"])
    assert [hit.id for hit in index.search(asked).hits] == ["b"]
