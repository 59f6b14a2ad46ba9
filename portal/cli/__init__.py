"""The command line: portal demo, serve, worker, db, harvest, validate, schema, index,
files, doctor, people.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from portal.cli.base import portal
from portal.errors import Invalid, PortalError
from search.backend import SearchUnavailable

__all__ = ["main", "portal"]


def main() -> None:
    """Run the command line; what a person can mend is said in one line, without a
    stack.
    """
    try:
        # In click's own mode it would end the process itself, and errors of ours would
        # come out with their stack.
        portal(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        # What a shell gives for Ctrl-C: 128 and the number of SIGINT.
        sys.exit(130)
    except Invalid as error:
        lines = (
            f"  {field}: {_plain(message)}" for field, message in error.errors.items()
        )
        sys.exit("portal: this cannot be done:\n" + "\n".join(lines))
    except (PortalError, SearchUnavailable) as error:
        sys.exit(f"portal: {error}")
    except Exception as error:
        # Read only now: what it knows of databases takes a second to import.
        outage = import_module("portal.outages").explain(error)
        if outage is not None:
            sys.exit(f"portal: {outage.message} ({outage.reason})")
        # A file that was named wrongly is the caller's to mend. Without a name it is a
        # fault of the program, whose stack is needed.
        if isinstance(error, OSError) and error.filename is not None:
            sys.exit(f"portal: {error.filename}: {error.strerror}")
        raise


def _plain(message: Any) -> str:
    return "; ".join(map(str, message)) if isinstance(message, list) else str(message)
