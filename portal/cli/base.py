"""The root of the command line, and what every command needs: an open portal, JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import orjson

from portal.bootstrap import build_portal
from portal.runtime import Portal
from portal.settings import load


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="thanhhoa-data-portal")
def portal() -> None:
    """The data portal of Thanh Hóa province. Settings: PORTAL_… variables, see docs/operate.md."""


@contextmanager
def opened(**overrides: str) -> Iterator[Portal]:
    """The portal of the environment, closed at the end."""
    running = build_portal(load(None, **overrides))
    try:
        yield running
    finally:
        running.close()


def show(value: Any) -> None:
    """Print JSON for a machine."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
