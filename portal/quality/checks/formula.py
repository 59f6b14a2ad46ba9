"""Formulas as schemas and lists of indicators write them: read once, bounded, and made
into expressions.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

LONGEST = 1000
"""Signs of a formula."""
DEEPEST = 50
"""Levels of a formula: what reads it calls itself once a level."""
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], pl.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], pl.Expr]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
_KEYS = (
    ("×", "*"),
    ("·", "*"),
    ("÷", "/"),
    ("−", "-"),
    ("≤", "<="),
    ("≥", ">="),
    ("–", "-"),
)
"""Signs of print, and the keys that mean the same."""
Lookup = Callable[[str], pl.Expr]


class NoFormula(ValueError):
    """A text that is no formula that can be computed."""


def plain(text: str) -> str:
    """A formula with the signs of a keyboard."""
    for sign, key in _KEYS:
        text = text.replace(sign, key)
    return text.strip()


def arithmetic(text: str, column: Lookup) -> pl.Expr:
    """A formula of + - * /, parentheses, numbers and names as a number. Raises
    NoFormula.
    """
    return _number(_tree(text), column)


def comparison(text: str, column: Lookup) -> pl.Expr:
    """Formulas between which stands < <= > >= or ==, as true or false. Raises
    NoFormula.
    """
    tree = _tree(text)
    if not isinstance(tree, ast.Compare):
        raise NoFormula("it compares nothing")
    if not all(type(each) in _COMPARISONS for each in tree.ops):
        raise NoFormula("only < <= > >= == compare")
    sides = [_number(side, column) for side in (tree.left, *tree.comparators)]
    # "a < b < c" is one tree with two signs: each stands between two neighbours.
    pairs = zip(tree.ops, sides, sides[1:], strict=False)
    return pl.all_horizontal(
        _COMPARISONS[type(sign)](left, right) for sign, left, right in pairs
    )


def names(text: str) -> set[str]:
    """The names in a formula. Raises NoFormula."""
    nodes = ast.walk(_tree(text))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def is_arithmetic(text: str) -> bool:
    """Whether the text can be computed as a number."""
    return _reads(arithmetic, text)


def is_comparison(text: str) -> bool:
    """Whether the text can be told true or false."""
    return _reads(comparison, text)


def _reads(read: Callable[[str, Lookup], pl.Expr], text: str) -> bool:
    """Whether `read` makes an expression of the text."""
    try:
        # Any expression serves as a name here: nothing is computed.
        read(text, pl.col)
    except NoFormula:
        return False
    return True


def _tree(text: str) -> ast.expr:
    """The formula as Python's syntax tree, within the bounds. Raises NoFormula."""
    # Before parsing: Python's parser can exhaust its stack on a long text.
    if len(text) > LONGEST:
        raise NoFormula(f"it is longer than {LONGEST} signs")
    try:
        # Only the tree is taken; nothing of a stranger's text is ever evaluated.
        tree = ast.parse(text.strip(), mode="eval").body
    # Python's reader gives up in several ways on what is nested too deep.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NoFormula("it cannot be read") from None
    if any(depth > DEEPEST for depth in _depths(tree)):
        raise NoFormula(f"it is nested deeper than {DEEPEST} levels")
    return tree


def _depths(tree: ast.AST) -> Iterator[int]:
    """How deep each node lies; a loop, as the tree may be too deep for recursion."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield depth
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _number(node: ast.expr, column: Lookup) -> pl.Expr:
    """The expression of one node and all below it. Raises NoFormula."""
    match node:
        case ast.BinOp(left, sign, right) if type(sign) in _OPERATORS:
            compute = _OPERATORS[type(sign)]
            return compute(_number(left, column), _number(right, column))
        case ast.UnaryOp(ast.USub(), inner):
            return -_number(inner, column)
        # Not isinstance, for which True is an int.
        case ast.Constant(number) if type(number) in (int, float):
            return pl.lit(_finite(number))
        case ast.Name(name):
            return column(name)
    raise NoFormula("only + - * /, parentheses, numbers and names can stand in it")


def _finite(number: Any) -> float:
    """A number of a formula as a float. Raises NoFormula for what is none."""
    try:
        # A long integer overflows where 1e999 reads as infinity; both are refused.
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise NoFormula("a number in it is too large")
    return value
