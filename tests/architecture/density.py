"""How dense the code of each room is: run this module for tokens a line, comments, and
nested conditionals.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.architecture.documents import ROOT, modules

GOAL = 6.5
"""Tokens a line that a room should stay below."""
NOT_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
)


class Density(NamedTuple):
    """Of some modules: tokens (a docstring is one), lines with something in them,
    comments, nested conditionals.
    """

    tokens: int
    lines: int
    comments: int
    nested: int

    @property
    def tokens_a_line(self) -> float:
        """Tokens for each line that is not blank."""
        return self.tokens / max(self.lines, 1)

    @property
    def comments_per_hundred(self) -> float:
        """Comments for each hundred lines; docstrings are none."""
        return 100 * self.comments / max(self.lines, 1)


def density(source: str) -> Density:
    """The density of one module."""
    read = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines = sum(bool(line.strip()) for line in source.splitlines())
    comments = sum(each.type == tokenize.COMMENT for each in read)
    nested = sum(
        any(
            isinstance(inner, ast.IfExp)
            for part in (node.body, node.test, node.orelse)
            for inner in ast.walk(part)
        )
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.IfExp)
    )
    return Density(
        sum(each.type not in NOT_CODE for each in read), lines, comments, nested
    )


def together(some: Iterable[Density]) -> Density:
    """The density of several modules as one."""
    return Density(*(sum(numbers) for numbers in zip(*some, strict=True)))


def by_room(paths: Iterable[Path]) -> dict[str, list[Density]]:
    """The densities of the modules of each folder."""
    rooms: dict[str, list[Density]] = {}
    for path in paths:
        room = str(path.parent.relative_to(ROOT))
        rooms.setdefault(room, []).append(density(path.read_text(encoding="utf-8")))
    return rooms


def table(rooms: dict[str, list[Density]]) -> str:
    """One line for each room, and one for all."""
    head = (
        f"{'room':34} {'modules':>8} {'lines':>7} {'tokens/line':>12} "
        f"{'comments/100':>13} {'nested':>7}"
    )
    everything = [one for some in rooms.values() for one in some]
    rows = [(name, some) for name, some in [*rooms.items(), ("all", everything)]]
    lines = []
    for name, some in rows:
        whole = together(some)
        figures = (
            f"{whole.tokens_a_line:12.1f} {whole.comments_per_hundred:13.1f} "
            f"{whole.nested:7}"
        )
        lines.append(f"{name:34} {len(some):8} {whole.lines:7} {figures}")
    return "\n".join([head, *lines, ""])


if __name__ == "__main__":
    sys.stdout.write(table(by_room(modules())))
