"""The Vietnamese catalogue is kept by this module: run it to add the texts of the code,
drop those that nobody says, and list what lacks Vietnamese.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("i18n", "schemas", "harvesters", "search", "portal", "demo")
CATALOGUE = ROOT / "i18n/locale/vi/LC_MESSAGES/portal.po"
MESSAGE = "Message"
"""What makes a text of the code one that is translated."""
IMPORTED = re.compile(r"^from i18n import .*\bMessage\b", re.MULTILINE)
WIDTH = 88
HEADER = "# Texts of the data portal in Vietnamese. `make texts` keeps this file."


def read() -> Catalog:
    """The catalogue as it is."""
    with CATALOGUE.open("rb") as file:
        return read_po(file)


def extracted() -> Catalog:
    """Every text of code and templates, with the files that say it."""
    found = Catalog(charset="utf-8")
    for path in sources():
        for english, context in _texts_of(path):
            where = [(path.relative_to(ROOT).as_posix(), 1)]
            found.add(english, locations=where, context=context or None)
    return found


def sources() -> Iterator[Path]:
    """Every module and template, in a fixed order."""
    for package in sorted(PACKAGES):
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in (".py", ".html"):
                yield path


def _texts_of(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".py":
        for call in calls(path):
            english, context = arguments(call)
            if english:
                yield english, context
        return
    with path.open("rb") as file:
        for _, text, _, _ in extract("jinja2", file, keywords={"_": None}):
            yield str(text), ""


def calls(path: Path) -> Iterator[ast.Call]:
    """Every place of a module that makes a message."""
    source = path.read_text(encoding="utf-8")
    if not IMPORTED.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Name) and called.id == MESSAGE:
            yield node


def arguments(call: ast.Call) -> tuple[str, str]:
    """English and context of a call; empty where it is no literal."""
    named = {each.arg: each.value for each in call.keywords}
    given = [*call.args, *filter(None, (named.get("english"), named.get("context")))]
    literals = [
        each.value
        for each in given
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    if len(literals) != len(given) or not literals:
        return "", ""
    return literals[0], "".join(literals[1:2])


def renewed() -> Catalog:
    """The catalogue with exactly the texts of the code: what was translated stays."""
    catalogue, texts = read(), extracted()
    catalogue.update(texts, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def written(catalogue: Catalog) -> str:
    """The catalogue as its file has it."""
    # Names of files only: with lines, each edit of the code would change the catalogue.
    buffer = io.BytesIO()
    write_po(
        buffer,
        catalogue,
        width=WIDTH,
        omit_header=True,
        sort_by_file=True,
        include_lineno=False,
    )
    head = (
        f"{HEADER}\n"
        'msgid ""\nmsgstr ""\n'
        '"Language: vi\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n\n'
    )
    return head + buffer.getvalue().decode().strip("\n") + "\n"


def lacking(catalogue: Catalog) -> list[str]:
    """English texts without a Vietnamese one."""
    return [str(each.id) for each in catalogue if each.id and not each.string]


if __name__ == "__main__":
    ours = renewed()
    CATALOGUE.write_text(written(ours), encoding="utf-8")
    for text in lacking(ours):
        sys.stdout.write(f"lacks Vietnamese: {text}\n")
    sys.exit(bool(lacking(ours)))
