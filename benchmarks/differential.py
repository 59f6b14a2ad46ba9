"""check_table against Frictionless for as long as asked: random schemas and cells,
counted, differences shown.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.portal.quality.table.test_differential import V2, _write, cases, ours, theirs


def compare(seconds: float, seed_rounds: int = 500) -> Counter[str]:
    """Compare tables until the time is over; how many tables, cells and errors were
    compared, and what differed.
    """
    seen: Counter[str] = Counter()
    end = time.monotonic() + seconds

    @settings(
        max_examples=seed_rounds,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def one(case: tuple[dict[str, Any], list[list[str]]]) -> None:
        schema, rows = case
        if time.monotonic() > end:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "t.csv"
            _write(path, [field["name"] for field in schema["fields"]], rows)
            found, wanted = ours(path, schema), theirs(path, schema)
        seen.update(
            tables=1,
            cells=sum(map(len, rows)),
            errors=len(wanted),
            newer=int(schema.get("$schema") == V2),
        )
        if found != wanted:
            seen["different"] += 1
            print(
                f"DIFFERENT {schema}\n  {rows}\n  ours {found}\n  frictionless "
                f"{wanted}",
                flush=True,
            )

    while time.monotonic() < end:
        one()
    return seen


def main() -> None:
    """Print one line of totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    seen = compare(parser.parse_args().seconds)
    print(
        f"{seen['tables']:,} tables ({seen['newer']:,} by version 2), "
        f"{seen['cells']:,} cells, "
        f"{seen['errors']:,} errors of Frictionless compared item by item: "
        f"{seen['different']} tables differ"
    )


if __name__ == "__main__":
    main()
