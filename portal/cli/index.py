"""portal index: compare the search index with the database, or fill it anew."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.cli.base import portal, show
from portal.cli.opening import open_portal
from portal.pipeline import index, names
from search.text.lexicon import SHIPPED, read


@portal.group("index")
def index_group() -> None:
    """The search index."""


@index_group.command("rebuild")
def index_rebuild() -> None:
    """Fill a new index from the database and swap it in, without a gap in service."""
    with open_portal() as running:
        click.echo(f"The index holds {index.rebuild(running)} datasets.")


@index_group.command("check")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
@click.option(
    "--repair", is_flag=True, help="Mend every difference, then compare again."
)
def index_check(as_json: bool, repair: bool) -> None:
    """Compare index and database, and name every difference. Exit code 1 when there is
    one.
    """
    with open_portal() as running:
        drift = index.compare(running)
        # On stderr, so that --json stays one document; compared again, as the exit code
        # should tell how it stands now.
        if repair and not drift.none:
            click.echo(f"{index.repair(running, drift)} differences mended.", err=True)
            drift = index.compare(running)
    if as_json:
        show(asdict(drift))
    else:
        click.echo(f"{drift.compared} datasets compared.")
        for title, ids in (
            ("missing", drift.missing),
            ("surplus", drift.surplus),
            ("stale", drift.stale),
        ):
            if ids:
                click.echo(f"{len(ids)} {title} in the index: {', '.join(ids[:20])}")
    sys.exit(0 if drift.none else 1)


@index_group.command("searches")
@click.option(
    "--week",
    "days",
    flag_value=7,
    type=int,
    default=7,
    help="Of the last seven days (the default).",
)
@click.option("--days", "days", type=click.IntRange(1, 3660), help="Of so many days.")
@click.option("--empty", "only_empty", is_flag=True, help="Only what found nothing.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def index_searches(days: int | None, only_empty: bool, as_json: bool) -> None:
    """List what was searched for, and how often it found nothing or only something like
    it.
    """
    asked = {"days": days or 7, "only_empty": only_empty}
    with open_portal() as running:
        found = registry.call(running, SYSTEM, "search_log_list", asked)
    if as_json:
        show(found)
        return
    for each in found:
        click.echo(
            f"{each['searches']:6} asked {each['empty']:6} empty {each['relaxed']:6} "
            f"relaxed  {each['query']}"
        )


@index_group.command("names")
def index_names() -> None:
    """Write the old and new names of communes and agencies into the lexicon now; the
    worker does so by itself.
    """
    with open_portal() as running:
        click.echo(f"{names.write(running)} lines of old and new names.")


@index_group.command("words")
@click.argument(
    "files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def index_words(files: tuple[Path, ...]) -> None:
    """Check files of synonyms (without any: the one that ships), naming each line that
    cannot be used.
    """
    # No portal is opened: a file can be checked on any machine, and while the portal
    # runs.
    lexicon, problems = read(files or (SHIPPED,))
    for problem in problems:
        click.echo(str(problem))
    click.echo(
        f"{len(lexicon.others)} words with synonyms, {len(lexicon.spares)} to spare, "
        f"{len(problems)} problems."
    )
    sys.exit(1 if problems else 0)
