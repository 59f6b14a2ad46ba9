"""The settings of tables: how far files are read and checked, and how rows are
served.
"""

from __future__ import annotations

from portal.settings.declared.setting import Setting
from portal.settings.values import flag, number, one_of

TABLES: tuple[Setting, ...] = (
    Setting(
        "MAX_RESOURCE_SIZE",
        "100",
        number(1, 1_000_000),
        "Largest uploaded or harvested file, in MB.",
    ),
    Setting(
        # A small file can unpack to far more than its size: a workbook is a zip
        # archive.
        "READ_MEMORY_MB",
        "1024",
        number(64, 1_000_000),
        "Memory that reading one file may take, in MB; files are read in processes of "
        "their own, which end at it.",
    ),
    Setting(
        # Processor time and not time by the clock: a busy machine makes no file
        # unreadable.
        "READ_SECONDS",
        "30",
        number(1, 86_400),
        "Processor seconds that reading one file may take, for each walk through its "
        "table.",
    ),
    Setting(
        "VALIDATION_SECONDS",
        "900",
        number(1, 86_400),
        "Seconds that checking one table may take; one that takes longer is not "
        "valid, and its report says so.",
    ),
    Setting(
        "READ_CELLS",
        "500",
        number(1, 1_000_000),
        "Most cells (rows × columns) of one table, in millions.",
    ),
    Setting(
        "SQL_SEARCH",
        "off",
        flag,
        "Public SQL over rows (datastore_search_sql): on or off.",
    ),
    Setting(
        # CKAN's own default (ckan.datastore.search.rows_max).
        "DATASTORE_ROWS_MAX",
        "32000",
        number(1, 1_000_000),
        "Most rows in one datastore_search answer.",
    ),
    Setting(
        "DATASTORE_SECONDS",
        "15",
        number(0, 3600),
        "Seconds that one row query may take; 0: no limit.",
    ),
    Setting(
        "HOT_TABLES_MB",
        "4096",
        number(0, 10_000_000),
        "Most disk that unpacked copies of much-read tables may take; 0: none, and "
        "large tables answer slower.",
    ),
    Setting(
        "CACHE_MB",
        "128",
        number(0, 1_000_000),
        "Memory that each process may take to keep answers (of searches, of row "
        "queries, fragments of DCAT), in MB; 0: none are kept.",
    ),
    Setting(
        # Off by default: an apostrophe changes the value for everybody who reads the
        # file with a program.
        "CSV_ESCAPE_FORMULAS",
        "off",
        flag,
        "Whether texts in CSV and TSV that a spreadsheet would run as formulas begin "
        "with an apostrophe: on or off.",
    ),
    Setting(
        "VERSIONS_KEEP",
        "20",
        number(1, 1_000_000),
        "Versions of a table that are kept whatever their age.",
    ),
    Setting(
        "VERSIONS_DAYS",
        "90",
        number(0, 36_500),
        "Days for which every version of a table is kept.",
    ),
    Setting(
        "LINKS_HOURS",
        "24",
        number(0, 8760),
        "Hours after which a linked table is looked at again; 0: links are not loaded.",
    ),
    Setting(
        "CHECK_INLINE_MB",
        "10",
        number(0, 1_000_000),
        "Uploads up to this size (MB) are checked for personal data and loaded within "
        "their request; larger ones are "
        "closed to others until the worker has checked them. 0: all wait.",
    ),
    Setting(
        "VALIDATION_LIMIT",
        "1000",
        number(1, 1_000_000),
        "Findings listed for each check and column.",
    ),
    Setting(
        "VALIDATION_POLICY",
        "block",
        one_of("block", "warn", "quarantine"),
        "What becomes of a table that is not valid, where neither its dataset nor its "
        "organization says: held back, "
        "published with a warning, or published without its bad rows.",
    ),
)
