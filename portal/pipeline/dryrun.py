"""A dry run: what a harvest job would change, found out without changing
anything.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from harvesters.base import ItemError, RemoteItem, SourceAdapter, SourceError
from portal.db import harvest as db
from portal.domain.harvest import (
    ADDED,
    DELETED,
    ERRORED,
    REFUSED,
    UNCHANGED,
    UPDATED,
    HarvestIdentity,
    HarvestSource,
)
from portal.pipeline import harvest, store, validate
from portal.pipeline.references import references
from portal.reading import ReadOptions
from portal.runtime import Portal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would become of one item, and why."""

    guid: str
    title: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a job would do: items, what a complete listing no longer names, and the
    error that broke it off.
    """

    items: tuple[Outcome, ...]
    vanished: tuple[str, ...] = ()
    error: str = ""


def dry_run(portal: Portal, source: HarvestSource) -> DryRun:
    """List, load and validate everything that the source has, and compare it with what
    is kept.
    """
    items: list[Outcome] = []
    try:
        adapter = harvest.open_adapter(portal, source)
    except SourceError as error:
        return DryRun((), error=error.message)
    try:
        for listed in adapter.items():
            items.append(_outcome(portal, source, adapter, listed))
    except SourceError as error:
        return DryRun(tuple(items), error=error.message)
    finally:
        adapter.close()
    guids = {item.guid for item in items}
    return DryRun(tuple(items), _vanished_ids(portal, source, guids))


def _outcome(
    portal: Portal,
    source: HarvestSource,
    adapter: SourceAdapter,
    listed: RemoteItem | ItemError,
) -> Outcome:
    """What would become of one listed item; bad ones are outcomes, never exceptions."""
    if isinstance(listed, ItemError):
        return Outcome(listed.item_id, "", ERRORED, listed.message)
    with portal.read() as uow:
        identity = db.find_identity(uow.session, source.id, listed.id)
    sign = identity.fingerprint if identity and identity.present else None
    # As a real job would: what the source itself calls unchanged is not fetched.
    if sign and sign == listed.fingerprint:
        return Outcome(listed.id, listed.title, UNCHANGED)
    # Where the sweep finds what a killed run leaves.
    work = portal.settings.data_dir / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dryrun-", dir=work) as folder:
        try:
            return _fetch_and_check(portal, adapter, listed, identity, Path(folder))
        except (ItemError, SourceError) as error:
            return Outcome(listed.id, listed.title, ERRORED, error.message)


def _fetch_and_check(
    portal: Portal,
    adapter: SourceAdapter,
    listed: RemoteItem,
    identity: HarvestIdentity | None,
    folder: Path,
) -> Outcome:
    """Fetch an item into `folder`, and say what storing it would come to. Raises
    ItemError, SourceError.
    """
    record = adapter.fetch(listed, folder)
    title = record.title or listed.title
    present = identity is not None and identity.present
    if record.state == "deleted":
        return Outcome(listed.id, title, DELETED if present else UNCHANGED)
    content_hash = identity.content_hash if present and identity else None
    if content_hash == store.content_hash(record):
        return Outcome(listed.id, title, UNCHANGED)
    verdict = validate.validate(
        record,
        references(portal),
        limit=portal.settings.validation_limit,
        options=ReadOptions.within(portal.settings),
    )
    if not verdict.valid:
        tables = [checked.report for checked in verdict.resources if checked.report]
        errors = sum(report.to_dict()["errors"] for report in [verdict.report, *tables])
        return Outcome(listed.id, title, REFUSED, f"{errors} errors")
    return Outcome(listed.id, title, UPDATED if present else ADDED)


def _vanished_ids(
    portal: Portal, source: HarvestSource, listed: set[str]
) -> tuple[str, ...]:
    """Ids of items that were there and are not among the listed."""
    with portal.read() as uow:
        present = db.list_present(uow.session, source.id)
    return tuple(sorted(set(present) - listed))
