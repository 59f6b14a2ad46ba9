"""portal files: whether every stored file still is what it was, and whether every
version has its parts.
"""

from __future__ import annotations

import sys

import click

from portal.cli.base import portal
from portal.cli.opening import open_portal
from portal.db import datasets as db
from portal.tabular.store import Manifest


@portal.group("files")
def files() -> None:
    """Stored files: uploads, harvested files, and the parts of tables."""


@files.command("check")
def check() -> None:
    """Read every stored file again and name those that changed or are gone. Exit code 1
    when there are any.
    """
    with open_portal() as running:
        with running.read() as uow:
            manifests = [
                Manifest.from_dict(body) for body in db.list_manifests(uow.session)
            ]
            named = {
                *db.list_file_keys(uow.session),
                *(key for manifest in manifests for key in manifest.keys),
            }
        # Outside the transaction: every byte is read, which may take hours, and a
        # snapshot that stays open keeps SQLite's log from being written back.
        damaged = sorted(set(running.files.find_damaged()))
        missing = sorted(key for key in named if not running.files.exists(key))
    for key in damaged:
        # What nothing uses is swept anyway, so an operator need not look for its
        # backup.
        used = "in use" if key in named else "used by nothing"
        click.echo(
            f"damaged: {key} ({used}): its bytes no longer have their hash; restore "
            "it from a backup"
        )
    for key in missing:
        click.echo(f"missing: {key}: restore it from a backup")
    click.echo(
        f"{len(named)} files in use, {len(damaged)} damaged, {len(missing)} missing"
    )
    sys.exit(1 if damaged or missing else 0)
