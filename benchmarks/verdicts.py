"""The verdict on every file of a folder, beside Frictionless' own: one line each, with its reason."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from types import FrameType

from portal.errors import BadFile
from portal.quality import peer
from portal.quality.tables import check_table
from portal.reading import read_table

ENDINGS = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods", ".json", ".ndjson", ".geojson", ".gz", ".zip")


def ours(path: Path) -> tuple[str, str]:
    """Our verdict on the structure of a file (every column a text), and why."""
    try:
        table = read_table(path)
        schema = {"fields": [{"name": label, "type": "string"} for label in table.labels]}
        report = check_table(table, schema, limit=5)
    except BadFile as problem:
        return "refused", f"{problem.code}: {problem.en}"
    first = next((f for f in report.findings if f.severity == "error"), None) or next(iter(report.findings), None)
    why = f"{first.check}: {first.message.en}" if first else f"{report.rows} rows"
    return "valid" if report.valid else "invalid", why


def theirs(path: Path) -> tuple[str, str]:
    """Frictionless' verdict, types inferred, and its first error."""
    report = peer.judge(path.parent, path.name, limit=5)
    errors = [error for task in report["tasks"] for error in task["errors"]] + report["errors"]
    return ("valid", "") if report["valid"] else ("invalid", f"{errors[0]['type']}: {errors[0]['note']}")


def _late(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError("took longer than 20 seconds")


def main() -> None:
    """Print a Markdown table of all files below the given folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    signal.signal(signal.SIGALRM, _late)
    print("| file | ours | why | frictionless | why |\n|---|---|---|---|---|")
    for folder in parser.parse_args().folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in ENDINGS):
            told = []
            for judge in (ours, theirs):
                signal.alarm(20)
                try:
                    told += judge(path)
                except TimeoutError as problem:
                    told += ["late", str(problem)]
                finally:
                    signal.alarm(0)
            cells = [
                " ".join(cell.replace("|", "\\|").split())[:110] for cell in (str(path.relative_to(folder)), *told)
            ]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
