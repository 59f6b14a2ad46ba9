"""A pytest plugin that writes down which functions of the packages a run of tests executes."""

import json
import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

import pytest

from tests.architecture.documents import PACKAGES, ROOT

TARGET = "PORTAL_TESTS_EXECUTION"
"""The variable of the environment that names the file to write."""
_PLACES = tuple(f"{ROOT / package}/" for package in PACKAGES)
_ran: set[CodeType] = set()


def _note(frame: FrameType, event: str, argument: object) -> None:
    """Called once for each call of a function, never for its lines."""
    _ran.add(frame.f_code)


def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on: what only importing executes is no evidence."""
    threading.settrace(_note)
    sys.settrace(_note)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes {module: [functions]}."""
    sys.settrace(None)
    by_module: dict[str, set[str]] = {}
    for code in list(_ran):
        if code.co_filename.startswith(_PLACES) and code.co_name != "<module>":
            module = name_of(Path(code.co_filename))
            by_module.setdefault(module, set()).add(code.co_qualname)
    listed = {name: sorted(functions) for name, functions in by_module.items()}
    Path(os.environ[TARGET]).write_text(json.dumps(listed), encoding="utf-8")


def name_of(path: Path) -> str:
    """The dotted name of a module of ours."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
