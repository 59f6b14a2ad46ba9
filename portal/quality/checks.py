"""Our own checks beyond Frictionless, as one list: what they are, how grave, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.quality.collect import Collector
from portal.quality.exact import Rules
from portal.quality.keys import References
from schemas.texttable import TextBatch, TextTable


class Watch:
    """Runs the checks of our own over the batches of one table."""

    def __init__(self, table: TextTable, schema: Mapping[str, Any], rules: Rules, collector: Collector) -> None:
        self.table, self.schema, self.rules, self.collector = table, schema, rules, collector

    def batch(self, batch: TextBatch, part: int) -> None:
        """Look at one batch."""

    def finish(self, references: References) -> None:
        """Say what only the whole table shows."""
