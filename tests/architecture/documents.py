"""Documents that are written from the code: run this module to write them anew, the
tests keep them equal.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

from portal import bootstrap
from portal.actions.registry import ACTIONS, Action
from portal.quality.checks.catalogue import CHECKS
from portal.quality.findings.messages import ERRORS, Check, Message
from portal.reading.refusals import TEXTS
from portal.settings import SETTINGS
from tests.architecture.settings_vi import SENTENCES
from tests.architecture.texts import PACKAGES, ROOT

assert bootstrap  # importing the composition root declares every action

ACTIONS_BEGIN = "<!-- actions: written by tests/architecture/documents.py -->"
ACTIONS_END = "<!-- end of actions -->"
CHECKS_BEGIN = "<!-- checks: written by tests/architecture/documents.py -->"
CHECKS_END = "<!-- end of checks -->"
BEGIN, END = (
    "<!-- settings: written by tests/architecture/documents.py -->",
    "<!-- end of settings -->",
)


def modules() -> list[Path]:
    """Every module of ours, the modules of a folder before the folders in it,
    migrations left out.
    """
    found = (
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"), key=_place)
    )
    return [
        path
        for path in found
        if path.parent.parts[-2:] != ("migrations", "versions")
        and path.name != "env.py"
    ]


def _place(path: Path) -> tuple[tuple[str, ...], str]:
    return path.parent.parts, path.name


def sentence(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def map_of_modules() -> str:
    """docs/map.md: one sentence for each module."""
    lines = [
        "# Map of every module",
        "",
        "Written from the first line of each module's docstring.",
        "",
    ]
    folder = None
    for path in modules():
        if path.parent != folder:
            folder = path.parent
            lines += ["", f"## {folder.relative_to(ROOT)}/", ""]
        if path.name == "__init__.py":
            lines += [sentence(path), ""]
        else:
            lines.append(f"* `{path.name}`: {sentence(path)}")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def settings_table() -> str:
    """The table of settings in docs/operate.md."""
    rows = [
        f"| `{s.variable}` | {f'`{s.default}`' if s.default else 'empty'} | {s.help} |"
        for s in SETTINGS
    ]
    return "\n".join(
        [
            BEGIN,
            "",
            "| variable | default | what it does |",
            "|---|---|---|",
            *rows,
            "",
            END,
        ]
    )


def settings_table_vi() -> str:
    """The table of settings in docs/operate.vi.md."""
    rows = [
        f"| `{s.variable}` | {f'`{s.default}`' if s.default else 'trống'} | "
        f"{SENTENCES.get(s.name, s.help)} |"
        for s in SETTINGS
    ]
    return "\n".join(
        [BEGIN, "", "| biến | mặc định | việc làm |", "|---|---|---|", *rows, "", END]
    )


def actions_table() -> str:
    """The tables of actions in docs/api.md, a table for each noun."""
    nouns: dict[str, list[Action]] = {}
    for declared in ACTIONS.values():
        nouns.setdefault(declared.run.__module__.rsplit(".", 1)[-1], []).append(
            declared
        )
    lines = [ACTIONS_BEGIN, ""]
    for noun in sorted(nouns):
        lines += [
            f"### {noun.capitalize()}",
            "",
            "| action | verb | who | what it does |",
            "|---|---|---|---|",
        ]
        for declared in sorted(nouns[noun], key=lambda action: action.name):
            verb = "GET, POST" if declared.safe else "POST"
            who = declared.allow.name.lower().replace("_", " ")
            lines.append(
                f"| `{declared.name}` | {verb} | {who} | "
                f"{' '.join(declared.help.split())} |"
            )
        lines.append("")
    return "\n".join([*lines, ACTIONS_END])


def checks_tables() -> str:
    """The tables of docs/validation.md: our own checks, the codes of Frictionless, and
    the refusals of a file.
    """
    theirs = (
        Check(code, "warning" if code.endswith("-unchecked") else "error", ERRORS[code])
        for code in ERRORS
    )
    lines = [CHECKS_BEGIN, "", "### Our own checks", "", *_checks(CHECKS)]
    lines += [
        "",
        "### The codes of Frictionless",
        "",
        *_checks(theirs),
        "",
        "### Files that are refused",
        "",
    ]
    lines += ["| code | tiếng Việt | English |", "|---|---|---|"]
    lines += [_row(f"`{code}`", text.vi, text.en) for code, text in TEXTS.items()]
    return "\n".join([*lines, "", CHECKS_END])


def _checks(checks: Iterable[Check]) -> list[str]:
    rows = [
        _row(f"`{each.id}`", each.severity, *_spoken(each.message)) for each in checks
    ]
    return [
        "| check | severity | tiếng Việt: what, and how to mend | English |",
        "|---|---|---|---|",
        *rows,
    ]


def _spoken(message: Message) -> tuple[str, str]:
    return f"{message.vi} *{message.hint_vi}*", f"{message.en} *{message.hint_en}*"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def with_checks(text: str) -> str:
    """A document with its tables of checks written anew."""
    before, _, rest = text.partition(CHECKS_BEGIN)
    return before + checks_tables() + rest.partition(CHECKS_END)[2]


def with_actions(text: str) -> str:
    """A document with its tables of actions written anew."""
    before, _, rest = text.partition(ACTIONS_BEGIN)
    return before + actions_table() + rest.partition(ACTIONS_END)[2]


def with_settings(text: str, table: str | None = None) -> str:
    """A document with its table of settings written anew."""
    before, _, rest = text.partition(BEGIN)
    return before + (table or settings_table()) + rest.partition(END)[2]


if __name__ == "__main__":
    (ROOT / "docs/map.md").write_text(map_of_modules(), encoding="utf-8")
    api = ROOT / "docs/api.md"
    api.write_text(with_actions(api.read_text(encoding="utf-8")), encoding="utf-8")
    operate = ROOT / "docs/operate.md"
    operate.write_text(
        with_settings(operate.read_text(encoding="utf-8")), encoding="utf-8"
    )
    vietnamese = ROOT / "docs/operate.vi.md"
    vietnamese.write_text(
        with_settings(vietnamese.read_text(encoding="utf-8"), settings_table_vi()),
        encoding="utf-8",
    )
    validation = ROOT / "docs/validation.md"
    validation.write_text(
        with_checks(validation.read_text(encoding="utf-8")), encoding="utf-8"
    )
