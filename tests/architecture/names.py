"""Public names that are bare participles: run this module for the list with its places.

A participle says that a thing was got, not what it is (`found`, `KEPT`): the field's noun
or verb says more (`matching_ids`, `MAX_VERSIONS`).
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.architecture.documents import ROOT, modules

IRREGULAR = frozenset(
    [
        "bound",
        "broken",
        "brought",
        "built",
        "chosen",
        "done",
        "drawn",
        "driven",
        "fallen",
        "felt",
        "found",
        "forgotten",
        "gone",
        "given",
        "heard",
        "held",
        "hidden",
        "kept",
        "known",
        "laid",
        "left",
        "lent",
        "lost",
        "made",
        "meant",
        "met",
        "paid",
        "proven",
        "said",
        "seen",
        "sent",
        "shown",
        "sold",
        "spent",
        "stolen",
        "struck",
        "sworn",
        "taken",
        "thought",
        "thrown",
        "told",
        "understood",
        "worn",
        "won",
        "written",
    ]
)
"""Participles that do not end with -ed."""
FIELD_TERMS = {
    "expired": "of a token, as RFC 6749 says it",
    "related": "CKAN's own name of datasets that are linked",
    "nested": "marshmallow's and SQL's word for what lies within",
    "NotAuthorized": "CKAN's own name of this error",
    "NESTED": "see nested",
}
"""Participles that the field uses so, each with its reason."""


class Name(NamedTuple):
    """A public name and the place where it is declared."""

    path: Path
    line: int
    name: str


def is_participle(name: str) -> bool:
    """Whether a name is one word, and that word a participle."""
    word = name.lower()
    regular = re.fullmatch(r"[a-z]*[^e_]ed", word) is not None
    return word in IRREGULAR or regular


def declared(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Functions, classes with their methods, and constants of a module."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        if isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            yield from declared(list[ast.stmt](methods))
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            targets = list(getattr(node, "targets", []))
        for target in targets:
            if isinstance(target, ast.Name):
                yield node.lineno, target.id


def public_names() -> Iterator[Name]:
    """Every public name of the packages, the names of modules among them."""
    for path in modules():
        yield Name(path, 0, path.parent.name if path.stem == "__init__" else path.stem)
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for line, name in declared(body):
            if not name.startswith("_"):
                yield Name(path, line, name)


def participles() -> list[Name]:
    """Public names that are bare participles and no terms of the field."""
    return [
        each
        for each in public_names()
        if is_participle(each.name) and each.name not in FIELD_TERMS
    ]


if __name__ == "__main__":
    for each in participles():
        place = f"{each.path.relative_to(ROOT)}:{each.line}"
        sys.stdout.write(f"{place}: {each.name}\n")
