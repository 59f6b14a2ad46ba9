"""The verdict of `portal validate` on every file of a folder, beside Frictionless' own:
one line each, with its reason.

    python -m benchmarks.verdicts FOLDER …

A `datapackage.json` is judged as a package, its tables by their own schemas; every
other file by its structure alone.
"""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
from click.testing import CliRunner

from portal import cli

ENDINGS = (
    ".csv",
    ".tsv",
    ".txt",
    ".xls",
    ".xlsx",
    ".ods",
    ".json",
    ".ndjson",
    ".geojson",
    ".parquet",
    ".gz",
    ".zip",
)
VERDICTS = ("valid", "invalid", "refused")
SECONDS = 30
Json = dict[str, Any]


def asked(path: Path, *options: str) -> tuple[int, Json, str]:
    """The command's exit code, its JSON ({} where it printed none), and its words."""
    done = CliRunner().invoke(
        cli.portal, ["validate", str(path), "--limit", "5", "--lang", "en", *options]
    )
    said = orjson.loads(done.stdout) if done.stdout.lstrip().startswith("{") else {}
    return done.exit_code, said, (done.output or repr(done.exception)).strip()


def ours(path: Path) -> tuple[str, str]:
    """Our verdict, and why."""
    code, said, trouble = asked(path, "--json")
    if not said:
        return VERDICTS[2], trouble
    reports = said.get("resources", [said])
    found = [each for report in reports for each in report["findings"]]
    first = next((each for each in found if each["severity"] == "error"), None) or next(
        iter(found), None
    )
    rows = sum(report["rows"] for report in reports)
    return VERDICTS[
        code
    ], f"{first['check']}: {first['message']['en']}" if first else f"{rows} rows"


def theirs(path: Path) -> tuple[str, str]:
    """Frictionless' verdict, and its first error."""
    _code, report, trouble = asked(path, "--report", "frictionless")
    if not report:
        return VERDICTS[2], trouble
    errors = [error for task in report["tasks"] for error in task["errors"]] + report[
        "errors"
    ]
    return (
        ("valid", "")
        if report["valid"]
        else ("invalid", f"{errors[0]['type']}: {errors[0]['note']}")
    )


def _late(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"took longer than {SECONDS} seconds")


def told(path: Path) -> list[str]:
    """Both verdicts with their reasons."""
    cells: list[str] = []
    for judge in (ours, theirs):
        signal.alarm(SECONDS)
        try:
            cells += judge(path)
        except TimeoutError as problem:
            cells += ["late", str(problem)]
        finally:
            signal.alarm(0)
    return cells


def main() -> None:
    """Print a Markdown table of all files below the given folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", nargs="*", type=Path, help="what to judge; nothing: an empty table"
    )
    signal.signal(signal.SIGALRM, _late)
    print("| file | ours | why | frictionless | why |\n|---|---|---|---|---|")
    for folder in parser.parse_args().folders:
        for path in sorted(
            p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in ENDINGS
        ):
            row = (str(path.relative_to(folder)), *told(path))
            print(
                "| "
                + " | ".join(
                    " ".join(cell.replace("|", "\\|").split())[:110] for cell in row
                )
                + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
