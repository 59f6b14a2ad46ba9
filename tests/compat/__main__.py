"""`make compat`: run every client against a fresh portal, print a table, and fail when
one of them fails.
"""

import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.compat import clients, sequences
from tests.compat.server import Missing, Place, serving

ROWS: tuple[tuple[str, Callable[[Place], str]], ...] = (
    ("ckanapi, Python", clients.ckanapi_python),
    ("ckanapi dump", clients.ckanapi_dump),
    ("ckanapi load", clients.ckanapi_load),
    ("ckanapi search", clients.ckanapi_search),
    ("frictionless Package", clients.frictionless_package),
    ("frictionless Catalog", clients.frictionless_catalog),
    ("frictionless publish", clients.frictionless_publish),
    ("CKAN harvester, recorded", sequences.harvester),
    ("datapusher, recorded", sequences.datapusher),
    ("ckanr, recorded", sequences.ckanr),
    ("QGIS CKAN Browser, recorded", sequences.qgis),
)
"""In order: later clients find what earlier ones made."""


def main() -> int:
    """The number of clients that failed."""
    failed = 0
    print(f"{'client':30}{'verdict':16}{'s':>6}  what")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as place:
        for name, run in ROWS:
            started = time.perf_counter()
            try:
                verdict, told = "works", run(place)
            except Missing as missing:
                verdict, told = "not available", str(missing)
            except Exception as error:
                verdict, told = "FAILS", f"{type(error).__name__}: {str(error)[:200]}"
                traceback.print_exc(limit=4)
                failed += 1
            print(
                f"{name:30}{verdict:16}{time.perf_counter() - started:6.1f}  {told}",
                flush=True,
            )
    return failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
