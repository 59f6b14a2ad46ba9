"""Media types: which spellings are one, which are none, and which a browser may be
given.
"""

import pytest

from schemas import mediatypes

SPELLINGS = {
    "text/html": "text/html",
    "TEXT/HTML": "text/html",
    " Text/Html ": "text/html",
    "text/html;charset=utf-8": "text/html",
    'text/html ; charset="a b;c"': "text/html",
    "image/svg+xml;": "image/svg+xml",
    "Application/RDF+XML; q=1; x=y": "application/rdf+xml",
    "text/csv; charset=utf-8": "text/csv",
}
NONE = (
    "", " ", "text", "text/", "/html", "text /html", "text/ html", "text/html, text/plain", "text/html text/plain",
    "text/html;;", "text/html; charset", "text/html\r\nX-Other: 1", "text/html\x00", "tẽxt/html", "text/html/x",
    "*/*", "text/*", "text/html; a=b\n", "a" * 150 + "/" + "b" * 60,
)  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_one_type_in_many_spellings(text: str) -> None:
    assert mediatypes.essence(text) == SPELLINGS[text]
    assert mediatypes.valid(text) == text.strip()
    assert mediatypes.is_inert(text) is (SPELLINGS[text] == "text/csv")


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_media_type(text: str) -> None:
    assert mediatypes.essence(text) is None
    assert mediatypes.valid(text) is None
    assert not mediatypes.is_inert(text)
    assert mediatypes.served(text, "a.csv") == "text/csv"


def test_blanks_do_not_make_it_slow() -> None:
    assert mediatypes.essence("text/html" + " ;" * 90 + "\x00") is None
    assert mediatypes.essence("text/html" + " " * 150_000 + ";") is None


def test_types_by_names_of_files() -> None:
    assert mediatypes.guessed("a.html") == "text/html"
    assert mediatypes.guessed("a.html.gz") == "application/gzip"
    assert mediatypes.served(None, "trang.SVG") == "image/svg+xml"
    assert mediatypes.served(None, "no-ending") == mediatypes.UNKNOWN
    assert (
        mediatypes.served("multipart/x-mixed-replace;boundary=x", "a.csv")
        == mediatypes.UNKNOWN
    )
    assert mediatypes.served("message/rfc822", "a.csv") == mediatypes.UNKNOWN
