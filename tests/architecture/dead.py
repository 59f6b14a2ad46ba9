"""Code that nothing uses: run this module for the list; what is found ends with 1.

What only tests use counts as unused. Frameworks find much by itself: actions, commands
and routes by their decorators, fields of schemas, columns of models and the names that
a migration must have by their classes and folder.
"""

import ast
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from vulture import Vulture
from vulture.core import Item

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("portal", "harvesters", "schemas", "search", "i18n", "demo", "benchmarks")
DECORATORS = (
    "@action", "@*.command", "@*.group", "@*.route", "@*.get", "@*.errorhandler", "@*.before_request",
    "@*.after_request", "@*.teardown_*", "@validates", "@validates_schema", "@post_load", "@pre_load", "@*.listens_for",
    "@compiles", "@atexit.register", "@overload",
)  # fmt: skip
"""Whoever is called by a framework says so in a line above."""
FIELDS_OF = (
    "Schema",
    "Versions",
    "Params",
    "Parameters",
    "Config",
    "Base",
    "Protocol",
    "Dict",
    "OfLoad",
)
"""How the names of classes end whose attributes a framework reads, or that only
describe others.
"""
EXPECTED = {
    "trace": "the third argument of __exit__",
    "initiator": "SQLAlchemy gives it to listeners",
    "final": "the argument of codecs.IncrementalDecoder.decode",
    "type_annotation_map": "SQLAlchemy reads it from the base of all models",
    "connect_unix_socket": "httpcore's NetworkBackend must have it",
    "CODES": "urllib3 reads it",
    "handle_starttag": "html.parser calls it",
    "handle_data": "html.parser calls it",
    "handle_comment": "html.parser calls it",
    "do_GET": "http.server calls it",
    "do_POST": "http.server calls it",
    "log_message": "http.server calls it",
    "protocol_version": "http.server reads it",
    "daemon_threads": "socketserver reads it",
    "format_commands": "click calls it",
    "isolation_level": "sqlite3 reads it",
    "log_errors": "RE2 reads it",
    "max_mem": "RE2 reads it",
    "list_commands": "click calls it",
    "default_error_messages": "marshmallow reads it",
    "make_error": "marshmallow calls it",
    "entity_type": "a column of CKAN's task_status that clients read",
    "tokens_given": "the demo's gateway counts for its tests",
    "_pool": "urllib3's own attribute, set to end a connection",
    "_TableResource__row_stream": "frictionless's own attribute",
    "_shd": "granian's own attribute",
    "_sso": "granian's own attribute",
    "_ssp": "granian's own attribute",
    "_ipc": "granian's own attribute",
}
"""Names that others ask for, and who does."""


def unused(rooms: Sequence[Path]) -> list[Item]:
    """Everything in these folders that nothing in them uses."""
    finder = Vulture(ignore_decorators=list(DECORATORS))
    finder.scavenge([str(room) for room in rooms], exclude=["*/migrations/*"])
    found = finder.get_unused_code(min_confidence=60)
    passed = {
        *EXPECTED,
        *(
            name
            for room in rooms
            for path in room.rglob("*.py")
            for name in _named_in_texts(path)
        ),
    }
    return [item for item in found if item.name not in passed and not _is_field(item)]


def _named_in_texts(path: Path) -> list[str]:
    """Functions that a module names as "package.module:function", for a child
    process.
    """
    return re.findall(r'"[\w.]+:(\w+)"', path.read_text(encoding="utf-8"))


def _is_field(item: Item) -> bool:
    """Whether an item is a member of a class that a framework reads."""
    tree = ast.parse(Path(item.filename).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.lineno <= item.first_lineno <= (
            node.end_lineno or 0
        ):
            bases = [
                ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases
            ]
            if any(
                base.endswith(FIELDS_OF) or base == "NamedTuple"
                for base in [*bases, node.name]
            ):
                return True
    return False


if __name__ == "__main__":
    items = unused([ROOT / room for room in ROOMS])
    for one in items:
        where = f"{Path(one.filename).relative_to(ROOT)}:{one.first_lineno}"
        sys.stdout.write(f"{where}: {one.typ} {one.name} is used by nothing\n")
    sys.exit(bool(items))
