"""The Lucene grammar: what clients send, what is refused, and that nothing but
QueryError ever comes out.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.backend import QueryError
from search.language.parser import DEEPEST, LONGEST, parse, parse_free, parse_q
from search.language.tree import (
    And,
    Boost,
    Everything,
    Exists,
    Fuzzy,
    Node,
    Not,
    Or,
    Phrase,
    Range,
    Term,
    Wildcard,
    unparse,
)

A, B, C = Term("organization", "a"), Term("organization", "b"), Term(None, "c")

CASES: list[tuple[str, Node]] = [
    ("", Everything()),
    ("*:*", Everything()),
    ("*", Everything()),
    ("c", C),
    ("organization:a", A),
    ('owner_org:"7f0c"', Phrase("owner_org", "7f0c")),
    ('owner_org: "x"', Phrase("owner_org", "x")),
    ("tags: x", Term("tags", "x")),
    ("(groups:a OR groups:b)", Or((Term("groups", "a"), Term("groups", "b")))),
    ("organization:a OR organization:b", Or((A, B))),
    ("organization:a || organization:b", Or((A, B))),
    ("organization:a && organization:b", And((A, B))),
    ("organization:a OR organization:b c", And((Or((A, B)), C))),
    ("c organization:a OR organization:b", And((C, Or((A, B))))),
    ("organization:a OR organization:b AND c", Or((A, And((B, C))))),
    ("NOT organization:a AND organization:b", And((Not(A), B))),
    ("-organization:a -organization:b", And((Not(A), Not(B)))),
    ("!organization:a", Not(A)),
    ("+organization:a +c", And((A, C))),
    ("tags:(a OR b)", Or((Term("tags", "a"), Term("tags", "b")))),
    ("tags:(a organization:b)", And((Term("tags", "a"), B))),
    ("+state:(active)", Term("state", "active")),
    (
        "metadata_modified:[2026-01-01T00:00:00Z TO *]",
        Range("metadata_modified", "2026-01-01T00:00:00Z", None),
    ),
    (
        "metadata_modified:{* TO NOW-1DAY/DAY]",
        Range("metadata_modified", None, "NOW-1DAY/DAY", False, True),
    ),
    ('name:["a b" TO c}', Range("name", "a b", "c", True, False)),
    ("name:a*", Wildcard("name", "a*")),
    ("name:a\\*", Term("name", "a*")),
    ("name:a\\**", Wildcard("name", "a\\**")),
    ("name:*", Exists("name")),
    (
        "(collection_package_id:* OR *:*)",
        Or((Exists("collection_package_id"), Everything())),
    ),
    ('title:"a b"~2', Phrase("title", "a b", 2)),
    ('title:"a \\"b"', Phrase("title", 'a "b')),
    ("title:đường~", Fuzzy("title", "đường", 2)),
    ("title:đường~1", Fuzzy("title", "đường", 1)),
    ("title:a^4 c^0.5", And((Boost(Term("title", "a"), 4.0), Boost(C, 0.5)))),
    ("(c title:a)^2", Boost(And((C, Term("title", "a"))), 2.0)),
    ("url:http://a.vn/b", Term("url", "http://a.vn/b")),
    (
        "metadata_modified:2026-01-01T00:00:00Z",
        Term("metadata_modified", "2026-01-01T00:00:00Z"),
    ),
    ("num_tags:-1", Term("num_tags", "-1")),
    ("state:-draft", Not(Term("state", "draft"))),
    ("ANDROID", Term(None, "ANDROID")),
    ("name:NOTE", Term("name", "NOTE")),
    ("a-b:c", Term("a-b", "c")),
    ("my\\ key:c", Term("my key", "c")),
    ("c NOT (organization:a)", And((C, Not(A)))),
]


@pytest.mark.parametrize(
    ("text", "tree"), CASES, ids=[text or "empty" for text, _ in CASES]
)
def test_what_clients_send(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text",
    ["{!lucene}a", "a {!term f=x}b", "_query_:x", "_val_:x", "(a", "a)", '"a', "a:", "a:(", "()", "[a TO b", "a:[b c]",
     "a AND", "OR b", "a:[TO b]", "na*me:x", "a^", "a^x", "a^1e300", "a\\", '"a"~x', ":x", "a:[b TO c d]", "-", "NOT",
     "(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "-" * 10_000 + "a", "a " * 5_000, "a" * (LONGEST + 1)],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.kind == "search"
    assert str(caught.value).endswith(".")


def test_error_says_where() -> None:
    with pytest.raises(QueryError, match="character 9: a parenthesis is not closed"):
        parse("tags:(a ")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("bệnh viện", And((Term(None, "bệnh"), Term(None, "viện")))),
        ('"bệnh viện" -nhi', And((Phrase(None, "bệnh viện"), Not(Term(None, "nhi"))))),
        (
            "Dân số (2020)",
            And((Term(None, "Dân"), Term(None, "số"), Term(None, "(2020)"))),
        ),
        ("thuy*", Wildcard(None, "thuy*")),
        ("  ", Everything()),
        ('5" ống', And((Term(None, "5"), Term(None, "ống")))),
        ("a - b", And((Term(None, "a"), Term(None, "-"), Term(None, "b")))),
    ],
)
def test_free_text(text: str, tree: Node) -> None:
    assert parse_q(text) == tree


def test_dismax_overrules_the_colon() -> None:
    assert parse_q("a:b", dismax=True) == Term(None, "a:b")
    assert parse_q("a OR b", dismax=False) == Or((Term(None, "a"), Term(None, "b")))


GRAMMAR = st.lists(
    st.sampled_from(
        ["AND", "OR", "NOT", "TO", "(", ")", "[", "]", "{", "}", '"', "~", "^", ":", "*", "?", "\\", "+", "-", "!",
         "&&", "||", " ", "a", "đ", "title", "2", "*:*", "[a TO b]", '"a b"', "_query_", "{!"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(), GRAMMAR))
@example("a:-")
@example("a:~")
def test_nothing_but_query_errors(text: str) -> None:
    for read in (parse, parse_free, parse_q):
        try:
            tree = read(text)
        except QueryError as error:
            assert error.kind == "search"
        else:
            hash(tree)


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
        lambda text: "{!" not in text
    ),
    st.sampled_from(["AND", "OR", "NOT", "TO", "-1", "a*", "a:b", "*", "\\"]),
)
FIELDS = TEXTS.filter(lambda text: text not in ("_query_", "_val_"))
MAYBE = st.none() | FIELDS


def _wild(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


LEAVES = st.one_of(
    st.just(Everything()),
    st.builds(Exists, FIELDS),
    st.builds(Term, MAYBE, TEXTS),
    st.builds(Phrase, MAYBE, TEXTS, st.integers(0, 9)),
    st.builds(
        lambda field, text, wild: Wildcard(field, _wild(text) + wild),
        MAYBE,
        TEXTS,
        st.sampled_from("*?"),
    ),
    st.builds(Fuzzy, MAYBE, TEXTS, st.integers(0, 2)),
    st.builds(
        Range, MAYBE, st.none() | TEXTS, st.none() | TEXTS, st.booleans(), st.booleans()
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda nodes: st.one_of(
        st.builds(And, st.lists(nodes, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(nodes, min_size=2, max_size=3).map(tuple)),
        st.builds(Not, nodes),
        st.builds(Boost, nodes, st.floats(0, 1000)),
    ),
    max_leaves=8,
)


@given(TREES)
def test_printed_trees_parse_to_themselves(tree: Node) -> None:
    printed = unparse(tree)
    if "{!" not in printed:
        assert parse(printed) == tree
