"""What is personal in tables and texts: which columns, how many cells, how grave; never
a value.
"""

from portal.quality.personal.findings import (
    Level,
    PersonalColumn,
    PersonalMention,
    Verdict,
    strictest,
)
from portal.quality.personal.folding import fold
from portal.quality.personal.scan import Scan, scan
from portal.quality.personal.tags import fields_to_drop
from portal.quality.personal.texts import (
    is_value,
    mentions_anything,
    scan_text,
    scan_value,
)

__all__ = [
    "Level",
    "PersonalColumn",
    "PersonalMention",
    "Scan",
    "Verdict",
    "fields_to_drop",
    "fold",
    "is_value",
    "mentions_anything",
    "scan",
    "scan_text",
    "scan_value",
    "strictest",
]
