"""Every text for people has its Vietnamese in the catalogue, and nothing else stands
there.
"""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import texts
from tests.architecture.texts import ROOT

VIETNAMESE = re.compile(
    "[ăâđêôơưàáãèéìíòóõùúý\u0129\u0169\u1ea0-\u1ef9]", re.IGNORECASE
)
DATA = {
    "portal/pipeline/names.py": "a comment in a file that the portal writes",
    "portal/quality/personal/treatments.py": "words of addresses and names",
    "portal/tabular/reading_rows/filters.py": "a letter and what it folds to",
    "portal/quality/personal/public_texts.py": "the number of a decree",
    "portal/access/disclosure.py": "the number of a decree",
    "demo": "what the demo harvests is made up, in Vietnamese",
    "harvesters/files.py": "a letter that names of files lose",
    "portal/actions/_shared/uploads.py": "a letter that names of files lose",
    "portal/actions/_shared/harvest_sources.py": "a letter that addresses lose",
    "portal/quality/dataset/metadata.py": "what broken encodings look like",
    "portal/quality/personal/beside.py": "words beside personal data",
    "portal/quality/personal/cells.py": "words beside personal data",
    "portal/quality/personal/folding.py": "letters and what they fold to",
    "portal/quality/personal/mentions.py": "words beside personal data",
    "portal/quality/personal/names.py": "family names and what is no name",
    "portal/quality/table": "words of total rows and missing values, of yes and no",
    "portal/reading/encoding.py": "what broken encodings look like",
    "portal/reading/totals.py": "words of total rows",
    "portal/reading/vietnamese.py": "the letters of Vietnamese, as old encodings have them",
    "portal/settings/declared/callers.py": "the title of the site",
    "portal/tabular/fold.py": "a letter and what it folds to",
    "schemas/dcat/terms.py": "the letters of Vietnamese",
    "schemas/passwords.py": "common passwords",
    "schemas/search.py": "an example of a query",
    "search/text/folding.py": "the letters of Vietnamese, and what they fold to",
    "search/text/former_names.py": "kinds of administrative units",
}
"""Where Vietnamese in the code is data, not a text of the portal, and why."""
STILL: tuple[str, ...] = (
    "portal/cli/schema.py",
    "portal/quality/checks",
    "portal/quality/findings",
    "schemas/catalog.py",
    "schemas/vocabularies.py",
)
"""Where Vietnamese texts still stand in the code."""


def test_the_catalogue_is_what_make_texts_writes() -> None:
    written = texts.CATALOGUE.read_text(encoding="utf-8")
    assert written == texts.written(texts.renewed()), "run `make texts`"


def test_every_text_has_its_vietnamese() -> None:
    assert texts.lacking(texts.read()) == []


def test_nothing_in_the_catalogue_is_a_guess() -> None:
    catalogue = texts.read()
    assert not [str(message.id) for message in catalogue if message.fuzzy]
    assert not catalogue.obsolete


def _placeholders(text: str) -> set[tuple[str, str, str]]:
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:  # no template: braces that are never filled
        return set()
    return {
        (name, form or "", conversion or "")
        for _, name, form, conversion in parsed
        if name is not None
    }


def test_both_languages_have_the_same_placeholders() -> None:
    differ = [
        str(message.id)
        for message in texts.read()
        if message.id
        and _placeholders(str(message.id)) != _placeholders(str(message.string))
    ]
    assert differ == []


def test_a_message_is_made_of_literals() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in texts.sources()
        if path.suffix == ".py"
        for call in texts.calls(path)
        if not texts.arguments(call)[0]
    ]
    assert wrong == [], "the catalogue can hold only what stands in the code"


def _literals(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every text in a module, docstrings and comments left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in alone:
            yield node.lineno, node.value


def _vietnamese_in(path: Path) -> list[int]:
    return [line for line, text in _literals(path) if VIETNAMESE.search(text)]


def _is_listed(place: str) -> bool:
    return any(place == one or place.startswith(f"{one}/") for one in (*DATA, *STILL))


def test_no_vietnamese_text_stands_in_the_code() -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): lines
        for path in texts.sources()
        if path.suffix == ".py" and not _is_listed(path.relative_to(ROOT).as_posix())
        if (lines := _vietnamese_in(path))
    }
    assert wrong == {}, "write Message(English) and run `make texts`"


@pytest.mark.parametrize("place", DATA)
def test_what_is_listed_still_has_vietnamese(place: str) -> None:
    path = ROOT / place
    modules = path.rglob("*.py") if path.is_dir() else [path]
    assert any(map(_vietnamese_in, modules)), "take it off the list"
