"""Documents that are written from the code: run this module to write them anew, the tests keep them equal."""

import ast
from pathlib import Path

from portal import bootstrap
from portal.actions.registry import ACTIONS, Action
from portal.settings import SETTINGS

assert bootstrap  # importing the composition root declares every action

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "harvesters", "search", "portal", "demo")
ACTIONS_BEGIN = "<!-- actions: written by tests/architecture/documents.py -->"
ACTIONS_END = "<!-- end of actions -->"
BEGIN, END = "<!-- settings: written by tests/architecture/documents.py -->", "<!-- end of settings -->"


def modules() -> list[Path]:
    """Every module of ours, in the order of the tree, migrations left out."""
    found = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in found if "versions" not in path.parts and path.name != "env.py"]


def sentence(path: Path) -> str:
    """The first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]


def map_of_modules() -> str:
    """docs/map.md: one sentence for each module."""
    lines = ["# Map of every module", "", "Written from the first line of each module's docstring.", ""]
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
    rows = [f"| `{s.variable}` | {f'`{s.default}`' if s.default else 'empty'} | {s.help} |" for s in SETTINGS]
    return "\n".join([BEGIN, "", "| variable | default | what it does |", "|---|---|---|", *rows, "", END])


def actions_table() -> str:
    """The tables of actions in docs/api.md, a table for each noun."""
    nouns: dict[str, list[Action]] = {}
    for declared in ACTIONS.values():
        nouns.setdefault(declared.run.__module__.rsplit(".", 1)[-1], []).append(declared)
    lines = [ACTIONS_BEGIN, ""]
    for noun in sorted(nouns):
        lines += [f"### {noun.capitalize()}", "", "| action | verb | who | what it does |", "|---|---|---|---|"]
        for declared in sorted(nouns[noun], key=lambda action: action.name):
            verb = "GET, POST" if declared.safe else "POST"
            who = declared.allow.name.lower().replace("_", " ")
            lines.append(f"| `{declared.name}` | {verb} | {who} | {' '.join(declared.help.split())} |")
        lines.append("")
    return "\n".join([*lines, ACTIONS_END])


def with_actions(text: str) -> str:
    """A document with its tables of actions written anew."""
    before, _, rest = text.partition(ACTIONS_BEGIN)
    return before + actions_table() + rest.partition(ACTIONS_END)[2]


def with_settings(text: str) -> str:
    """A document with its table of settings written anew."""
    before, _, rest = text.partition(BEGIN)
    return before + settings_table() + rest.partition(END)[2]


if __name__ == "__main__":
    (ROOT / "docs/map.md").write_text(map_of_modules(), encoding="utf-8")
    api = ROOT / "docs/api.md"
    api.write_text(with_actions(api.read_text(encoding="utf-8")), encoding="utf-8")
    operate = ROOT / "docs/operate.md"
    operate.write_text(with_settings(operate.read_text(encoding="utf-8")), encoding="utf-8")
