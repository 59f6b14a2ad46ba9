"""portal doctor and sweep: what was acknowledged and nobody is about to do, and what
nobody needs any more.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from portal.cli.base import portal, show
from portal.cli.opening import open_portal
from portal.domain.base import now, stamp
from portal.pipeline import doctor as examination
from portal.pipeline import sweep as sweeping
from portal.pipeline.doctor import Examination

SHOWN = 20


@portal.command()
@click.option(
    "--mend",
    is_flag=True,
    help="Hand everything that is found to the workers again, given up or not.",
)
@click.option("--retry", is_flag=True, help="Have tried again only what was given up.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def doctor(mend: bool, retry: bool, as_json: bool) -> None:
    """Find uploads, datasets, index entries, scores, downloads and runs that nobody
    holds; exit code 1 if any is left.

    May be run beside everything else, as often as you like.
    """
    with open_portal() as running:
        found = examination.examine(running, mend=mend, retry=retry)
    if as_json:
        show(_plain(found))
    else:
        _tell(found)
    # After `--mend` 0 means that all was handed on, not that it is done.
    sys.exit(0 if found.healthy else 1)


@portal.command()
def sweep() -> None:
    """Remove now what nobody needs any more, as the worker does every hour: old
    versions, copies, leftovers.
    """
    with open_portal() as running:
        click.echo(f"{sweeping.sweep(running)} things removed.")


def _plain(found: Examination) -> dict[str, Any]:
    """The examination as a dict for JSON; ages in seconds, moments as stamps."""
    moment = now()
    backlog = {
        topic: {
            "waiting": state.waiting,
            "oldest": stamp(state.oldest),
            "oldest_seconds": round(state.age(moment), 1),
            "given_up": state.given_up,
        }
        for topic, state in found.backlog.items()
    }
    return {
        "healthy": found.healthy,
        "findings": [asdict(each) for each in found.findings],
        "outbox": backlog,
    }


def _tell(found: Examination) -> None:
    """Print the examination for a person: findings, what to do, what waits."""
    for each in found.findings:
        end = "mended" if each.mended else f"mend it: {each.cure}"
        click.echo(f"{each.kind}: {len(each.ids)} {each.says} ({end})")
        # After a restored backup there may be thousands, which would push the summary
        # out of the window.
        for line in each.ids[:SHOWN]:
            click.echo(f"  {line}")
        if len(each.ids) > SHOWN:
            click.echo(f"  … and {len(each.ids) - SHOWN} more; --json lists all")
    moment = now()
    for topic, state in sorted(found.backlog.items()):
        if state.waiting:
            click.echo(
                f"{topic}: {state.waiting} wait, the oldest for "
                f"{state.age(moment):.0f} s"
            )
    if not found.findings:
        click.echo(
            "Nothing is lost: everything that is to be done has somebody who does it."
        )
