"""Patterns of strangers: judged by an engine whose time is linear, with Python's
verdict; the rest in a child.

A pattern is read by Python's own parser and written anew for RE2, class by class, so
that digits, letters and line ends mean what they mean in Python. What RE2 cannot
express (back references, look-around, possessive repeats, word borders beyond ASCII) is
judged by Python in a child process that is ended after a few seconds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import re2

from portal.errors import BadFile
from portal.quality import deadline
from portal.quality.deadline import NotJudged
from portal.reading import child
from portal.reading.options import Limits

LIMITS = Limits(memory_mb=256, seconds=2)
"""Of the child that judges cells by a pattern (or a JSON Schema) that no linear engine
can express.
"""
BLOCK = 2_000
"""Cells that are judged by one child."""
MEMORY = 8 * 1024 * 1024
DEEP = 200
"""Groups within groups that a pattern may have."""
# What Python's \s means. RE2's own \s is ASCII only and lacks \x1c to \x1f.
SPACE = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
CLASSES: dict[Any, tuple[str, str]] = {
    sre.CATEGORY_DIGIT: (r"\p{Nd}", "0-9"),
    sre.CATEGORY_WORD: (r"\p{L}\p{N}_", "0-9A-Za-z_"),
    sre.CATEGORY_SPACE: (SPACE, r"\t-\r\x20"),
}
"""Inside of a class, for Python's Unicode patterns and for its ASCII patterns."""
NOT_CLASSES = {
    sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT,
    sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
    sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
}


class _NotLinear(ValueError):
    """RE2 has no words for it."""


@functools.lru_cache(1024)
def compile(pattern: str) -> Judge:
    """What judges texts by `pattern`, as `re.compile(pattern)` would. Raises re.error
    for a pattern that is none.
    """
    try:
        # Python says whether it is a pattern at all: RE2 refuses some that Python
        # takes.
        re.compile(pattern)
    except (RecursionError, OverflowError) as problem:
        raise re.error(str(problem), pattern) from None
    return Judge(pattern, linear(pattern))


@functools.lru_cache(1024)
def linear(pattern: str) -> Any:
    """The pattern for RE2, with the verdicts of Python's re; None where RE2 cannot
    express it.
    """
    options = re2.Options()
    # RE2 would write every pattern that it refuses to stderr.
    options.log_errors = False
    options.max_mem = MEMORY
    try:
        parsed = parser.parse(pattern)
        return re2.compile(_sequence(parsed, parsed.state.flags, 0, last=True), options)
    except (_NotLinear, re2.error, UnicodeEncodeError, RecursionError):
        return None


class Judge:
    """Stands for a compiled pattern where one is only asked whether it matches."""

    def __init__(self, pattern: str, engine: Any) -> None:
        self.pattern, self._engine = pattern, engine
        self._known: dict[str, bool] = {}

    def match(self, text: str) -> bool:
        """Whether the pattern matches at the start of the text. Raises NotJudged."""
        if self._engine is not None:
            try:
                return self._engine.match(text) is not None
            # RE2 reads UTF-8, which has no lone surrogates; Python judges such a text.
            except UnicodeEncodeError:
                pass
        if text not in self._known:
            self.prepare([text])
        return self._known[text]

    def prepare(self, texts: Iterable[str]) -> None:
        """Judge many texts at once, where each by itself would cost a message to a
        child. Raises NotJudged.
        """
        if self._engine is not None:
            return
        # A dict keeps the order and drops repeated texts.
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        # Verdicts are bounded, as a column may have as many different cells as rows.
        if len(self._known) > 100 * BLOCK:
            self._known.clear()
        for start in range(0, len(new), BLOCK):
            block = new[start : start + BLOCK]
            verdicts = in_child(
                f'the pattern "{self.pattern}"',
                f"{__name__}:matches",
                self.pattern,
                block,
            )
            self._known.update(zip(block, verdicts, strict=True))


def matches(pattern: str, texts: Sequence[str]) -> list[bool]:
    """Python's own verdict on each text. Runs in a child."""
    compiled = re.compile(pattern)
    return [compiled.match(text) is not None for text in texts]


def in_child(what: str, function: str, *arguments: Any) -> Any:
    """What `function` finds within LIMITS. Raises NotJudged that names `what` a
    stranger wrote.
    """
    # A batch of many columns asks many children, each of them almost within its limits.
    deadline.check()
    try:
        return child.run(function, *arguments, name=what[:100], limits=LIMITS)
    except BadFile as problem:
        why = (
            "takes too long"
            if problem.code == "reading-took-too-long"
            else f"cannot be run ({problem.code})"
        )
        raise NotJudged(
            f"{what[:300]} {why}, so that cells could not be judged by it"
        ) from None


def _sequence(items: Any, flags: int, depth: int, *, last: bool) -> str:
    """The items one after the other; `last` says that nothing of the pattern follows
    them.
    """
    if depth > DEEP:
        raise _NotLinear
    listed = list(items)
    # Several $ at the end are all at the end.
    ends = [
        all(op is sre.AT and where is sre.AT_END for op, where in listed[i + 1 :])
        for i in range(len(listed))
    ]
    return "".join(
        _item(op, given, flags, depth + 1, last=last and end)
        for (op, given), end in zip(listed, ends, strict=True)
    )


def _item(op: Any, given: Any, flags: int, depth: int, *, last: bool) -> str:
    """One item of Python's parse tree in RE2's syntax; raises _NotLinear."""
    if op in _SIMPLE:
        return _cased(_SIMPLE[op](given, flags), flags)
    if op is sre.AT:
        return _place(given, flags, last=last)
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        # Greedy and lazy repeats differ in what they take, not in whether they match.
        # Another round may follow the inside, so that nothing in it is last.
        low, high, inner = given
        times = f"{{{low},{'' if high is sre.MAXREPEAT else high}}}"
        return f"(?:{_sequence(inner, flags, depth, last=False)}){times}"
    if op is sre.SUBPATTERN:
        # Nobody asks for the groups, so that none is captured; a back reference to one
        # raises _NotLinear.
        _, added, removed, inner = given
        return f"(?:{_sequence(inner, (flags | added) & ~removed, depth, last=last)})"
    if op is sre.BRANCH:
        return f"(?:{'|'.join(_sequence(branch, flags, depth, last=last) for branch in given[1])})"
    raise _NotLinear


def _place(where: Any, flags: int, *, last: bool) -> str:
    """An anchor. Python's $ also stands before a last line end, which only the end of a
    pattern can be made to mean.
    """
    many = bool(flags & re.MULTILINE)
    if where is sre.AT_BEGINNING:
        return "(?m:^)" if many else r"\A"
    if where is sre.AT_END and many:
        return "(?m:$)"
    if where is sre.AT_END and last:
        return r"\n?\z"
    if where is sre.AT_BEGINNING_STRING:
        return r"\A"
    if where is sre.AT_END_STRING:
        return r"\z"
    if flags & re.ASCII and where in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY):
        return r"\b" if where is sre.AT_BOUNDARY else r"\B"
    raise _NotLinear


def _cased(written: str, flags: int) -> str:
    return f"(?i:{written})" if flags & re.IGNORECASE else written


def _letter(code: int) -> str:
    # Written as a number, no letter has a meaning of its own in RE2's syntax.
    return rf"\x{{{code:x}}}"


def _class(parts: Any, flags: int) -> str:
    """A class of letters in RE2's syntax; raises _NotLinear."""
    negated = bool(parts) and parts[0][0] is sre.NEGATE
    inside, others = "", []
    for op, given in parts[1:] if negated else parts:
        if op is sre.LITERAL:
            inside += _letter(given)
        elif op is sre.RANGE:
            inside += f"{_letter(given[0])}-{_letter(given[1])}"
        elif op is sre.CATEGORY and given in CLASSES:
            inside += _category(given, flags)
        elif op is sre.CATEGORY and given in NOT_CLASSES:
            # A negated class cannot stand inside of another: it becomes an alternative
            # beside it.
            others.append(f"[^{_category(NOT_CLASSES[given], flags)}]")
        else:
            raise _NotLinear
    if negated:
        # The negation of alternatives would be an intersection, which RE2 cannot write.
        if others:
            raise _NotLinear
        return f"[^{inside}]"
    return f"(?:{'|'.join([*([f'[{inside}]'] if inside else []), *others])})"


def _category(category: Any, flags: int) -> str:
    return CLASSES[category][1 if flags & re.ASCII else 0]


_SIMPLE: dict[Any, Any] = {
    sre.LITERAL: lambda code, flags: _letter(code),
    sre.NOT_LITERAL: lambda code, flags: f"[^{_letter(code)}]",
    sre.ANY: lambda _, flags: "(?s:.)" if flags & re.DOTALL else r"[^\n]",
    sre.IN: _class,
}
