"""The settings of the engines: data folder, database, search and files."""

from __future__ import annotations

from portal.settings.declared.setting import Setting
from portal.settings.values import (
    files_url,
    flag,
    number,
    one_of,
    replicas,
    search_url,
    text,
)

ENGINES: tuple[Setting, ...] = (
    Setting(
        "DATA_DIR",
        "var",
        text,
        "Folder of everything embedded: SQLite, index, files, row versions.",
    ),
    Setting(
        "DATABASE_URL",
        "",
        text,
        "SQLAlchemy address of the database; empty: SQLite in the data folder. "
        "PostgreSQL: postgresql+psycopg://user:password@host/name.",
    ),
    Setting(
        "SQLITE_SYNCHRONOUS",
        "FULL",
        # FULL by default: in WAL mode NORMAL acknowledges commits that a power cut
        # takes back. It costs one sync a write, 1 to 3 ms.
        one_of("FULL", "EXTRA", "NORMAL"),
        "When SQLite waits for the disk. FULL: at every commit, so that a power cut "
        "loses nothing that was "
        "acknowledged; EXTRA: also for its folder; NORMAL: faster writes, and a power "
        "cut may take the last of them.",
    ),
    Setting(
        "SEARCH_URL",
        "",
        search_url,
        "Empty: the embedded index in the data folder. Otherwise Elasticsearch, "
        "several addresses by comma.",
    ),
    Setting(
        "SEARCH_INDEX", "portal", text, "Name of the index (an alias in Elasticsearch)."
    ),
    Setting(
        # Beside the address, where a password would have to be escaped.
        "SEARCH_USER",
        "",
        text,
        "User of Elasticsearch; goes before the login in its address.",
    ),
    Setting(
        "SEARCH_PASSWORD",
        "",
        text,
        "Password of that user (without SEARCH_USER: of elastic), as it is.",
    ),
    Setting(
        "SEARCH_CA_FILE",
        "",
        text,
        "Certificate authority (PEM file) of an https Elasticsearch.",
    ),
    Setting(
        "SEARCH_API_KEY",
        "",
        text,
        "API key for Elasticsearch (base64, as it was created), instead of user and "
        "password.",
    ),
    Setting(
        "FILES_URL",
        "",
        files_url,
        "Where uploaded and harvested files and the rows of tables lie; empty: files/ "
        "in the data folder. "
        "S3: s3://bucket/prefix?endpoint=https://host&region=name, with the keys in "
        "AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY.",
    ),
    Setting(
        "FILES_CACHE_MB",
        "10240",
        number(1, 10_000_000),
        "Most disk for copies of files that lie on S3.",
    ),
    Setting(
        "SEARCH_TIMEOUT",
        "10",
        number(1, 600),
        "Seconds that Elasticsearch may take for one try.",
    ),
    Setting(
        "SEARCH_RETRIES",
        "3",
        number(0, 20),
        "How often a request to Elasticsearch is tried again, on another node or "
        "after a pause; after a time-out once.",
    ),
    Setting(
        "SEARCH_PAUSE",
        "5",
        number(1, 600),
        "Seconds for which an Elasticsearch that fails is left alone.",
    ),
    Setting(
        "SEARCH_SNIFF",
        "off",
        flag,
        "Whether Elasticsearch's nodes are asked for their neighbours, so that not "
        "all need be named: on or off.",
    ),
    Setting(
        "SEARCH_SHARDS",
        "1",
        number(1, 1024),
        "Shards of an index that is made from now on, in Elasticsearch.",
    ),
    Setting(
        # One on a single node could never be placed, and Elasticsearch would call
        # itself yellow for ever.
        "SEARCH_REPLICAS",
        "auto",
        replicas,
        "Copies beside the first of an index that is made from now on: a number, or "
        "auto (one on two nodes and more).",
    ),
    Setting(
        "SEARCH_FALLBACK",
        "off",
        flag,
        "Whether an embedded index is kept beside Elasticsearch and answers while "
        "that is down: on or off.",
    ),
    Setting(
        "SEARCH_WORDS",
        "",
        text,
        "File of the province's own synonyms, read again when it changes.",
    ),
    Setting(
        "SEARCH_RELAX_BELOW",
        "1",
        number(0, 1000),
        "Free text that finds fewer datasets than this is asked again in relaxed "
        "steps; 0: never.",
    ),
    Setting(
        # A bound, as the index of a slow disk may take a minute for what a harvest has
        # left.
        "SEARCH_WAIT_MS",
        "300",
        number(0, 60_000),
        "Milliseconds for which a search waits at most for what others have just "
        "written; who wrote finds the own "
        "writes in any case.",
    ),
    Setting(
        "SEARCH_LOG_DAYS",
        "90",
        number(0, 3660),
        "Days for which counts of questions are kept; 0: none.",
    ),
)
