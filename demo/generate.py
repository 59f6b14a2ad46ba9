"""Re-creates what the demo ships: D01 and the Data Packages from their sources, the
docs page from the schemas.
"""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import click

from demo.units import FIELDS, unit_rows
from portal.quality.checks import documented
from schemas import catalog

DATA = Path(__file__).with_name("data")
UNITS = Path("noi-vu", "don-vi-hanh-chinh.csv")
PAGE = Path("docs", "schemas.md")
GDP_SINCE = 2000
"""gdp.csv is cut to the years from here on, to keep the repository small; every other
file is copied whole.
"""


def units_csv(folder: Path) -> str:
    """D01 as CSV text (UTF-8 NFC, "\\n"), from the folder with the five source
    files.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(unit_rows(folder))
    return out.getvalue()


def copy_packages(folder: Path, target: Path) -> None:
    """Copy the packages gdp (PDDL) and cpi (CC BY 4.0) from `folder` to `target`; gdp
    since GDP_SINCE only.
    """
    for name in ("gdp", "cpi"):
        shutil.copytree(
            folder / name,
            target / name,
            dirs_exist_ok=True,
            # Content alone: rights and times of the source say nothing here.
            copy_function=shutil.copyfile,
        )
    table = target / "gdp" / "data" / "gdp.csv"
    # By lines and not by a CSV reader and writer: kept lines stay as their publisher
    # wrote them.
    header, *lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    year = header.strip().split(",").index("Year")
    kept = (line for line in lines if int(next(csv.reader([line]))[year]) >= GDP_SINCE)
    table.write_text(header + "".join(kept), encoding="utf-8")


@click.command()
@click.option(
    "--units",
    type=click.Path(path_type=Path, exists=True),
    help="Folder with the five unit tables.",
)
@click.option(
    "--packages",
    type=click.Path(path_type=Path, exists=True),
    help="Folder with the packages gdp and cpi.",
)
@click.option("--page", is_flag=True, help="Write docs/schemas.md again.")
def main(units: Path | None, packages: Path | None, page: bool) -> None:
    """Re-create shipped sample data. The illustrative tables need no file: they are
    made when the demo runs.
    """
    if units:
        target = DATA / UNITS
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(units_csv(units), encoding="utf-8", newline="\n")
    if packages:
        copy_packages(packages, DATA / "packages")
    if page:
        PAGE.write_text(
            catalog.markdown(documented.markdown()), encoding="utf-8", newline="\n"
        )


if __name__ == "__main__":
    main()
