"""The settings that there are: name, default, what is taken, and what it does, as
docs/operate.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.settings.values import (
    files_url,
    flag,
    http_url,
    internal_path,
    networks,
    number,
    one_of,
    replicas,
    search_url,
    text,
    words,
)

PREFIX = "PORTAL_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its environment variable is PORTAL_ + `name`; `parse` raises
    ValueError saying what it takes.
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name


SETTINGS: tuple[Setting, ...] = (
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
    Setting(
        "SITE_URL",
        "http://127.0.0.1:5000",
        http_url,
        "Public address; every link in an answer begins with it. Not set: the address "
        "and port of `portal serve`.",
    ),
    Setting(
        "SITE_TITLE",
        "Cổng dữ liệu mở tỉnh Thanh Hóa",
        text,
        "Name of the portal, as status_show says it.",
    ),
    Setting(
        "SITE_DESCRIPTION",
        "",
        text,
        "One sentence about the portal, as status_show says it.",
    ),
    Setting(
        "LOCALE",
        "vi",
        one_of("vi", "en"),
        "Language of messages when a caller asks for none.",
    ),
    Setting(
        "MAX_RESOURCE_SIZE",
        "100",
        number(1, 1_000_000),
        "Largest uploaded or harvested file, in MB.",
    ),
    Setting(
        "READ_MEMORY_MB",
        "1024",
        number(64, 1_000_000),
        "Memory that reading one file may take, in MB; files are read in processes of "
        "their own, which end at it.",
    ),
    Setting(
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
        "MAX_REQUEST_SIZE",
        "10",
        number(1, 10_000),
        "Largest request body besides uploads, in MB.",
    ),
    Setting(
        "SQL_SEARCH",
        "off",
        flag,
        "Public SQL over rows (datastore_search_sql): on or off.",
    ),
    Setting(
        "ROWS_MAX",
        "1000",
        number(1, 100_000),
        "Most datasets in one package_search answer.",
    ),
    Setting(
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
        "CSV_ESCAPE_FORMULAS",
        "off",
        flag,
        "Whether texts in CSV and TSV that a spreadsheet would run as formulas begin "
        "with an apostrophe: on or off.",
    ),
    Setting(
        "ACCEL_REDIRECT",
        "",
        internal_path,
        "Path under which nginx serves the data folder internally (X-Accel-Redirect), "
        "such as /_files; empty: no.",
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
        "TOKEN_HEADER",
        "Authorization",
        text,
        "Request header that carries an API token.",
    ),
    Setting(
        "TOKEN_DAYS",
        "0",
        number(0, 3650),
        "Days until a new API token expires; 0: never.",
    ),
    Setting(
        "RATE_LIMIT_ANONYMOUS",
        "3000",
        number(0, 10_000_000),
        "Requests a minute of a network without a token; 0: any.",
    ),
    Setting(
        "RATE_LIMIT_TOKEN",
        "6000",
        number(0, 10_000_000),
        "Requests a minute with one token; 0: any.",
    ),
    Setting(
        "RATE_LIMIT_NETWORK",
        "30000",
        number(0, 10_000_000),
        "Requests a minute of one network with all its tokens together; 0: any.",
    ),
    Setting(
        "RATE_LIMIT_DOWNLOADS",
        "3000",
        number(0, 10_000_000),
        "Downloads a minute of one network, with or without a token; 0: any.",
    ),
    Setting(
        "RATE_LIMIT_EXEMPT",
        "127.0.0.0/8,::1",
        networks,
        "Networks that are never refused, such as one's own machines; empty: none.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        "",
        networks,
        "Networks of the proxies in front, whose X-Forwarded-For tells the sender; "
        "empty: none is asked.",
    ),
    Setting(
        "INVITATION_DAYS",
        "7",
        number(1, 365),
        "Days for which an invitation opens its account.",
    ),
    Setting(
        "CREATE_UNOWNED_DATASET",
        "off",
        flag,
        "Whether a dataset may have no organization: on or off.",
    ),
    Setting(
        "USER_CREATE_ORGANIZATIONS",
        "off",
        flag,
        "Whether any user may create organizations: on or off.",
    ),
    Setting(
        "USER_CREATE_GROUPS",
        "off",
        flag,
        "Whether any user may create groups: on or off.",
    ),
    Setting(
        "DATASET_COLLABORATORS",
        "off",
        flag,
        "Whether users may be given roles in single datasets: on or off.",
    ),
    Setting(
        "ACTIVITY_DAYS",
        "0",
        number(0, 36_500),
        "Days for which activities are kept; 0: for ever.",
    ),
    Setting(
        "PROVINCE_CODE",
        "H56",
        text,
        "The province's part of electronic identifiers (QCVN 102:2016).",
    ),
    Setting(
        "PUBLIC_USER_DETAILS",
        "on",
        flag,
        "Whether user_list and user_show answer without a token: on or off.",
    ),
    Setting(
        "HARVEST_ALLOW",
        "",
        words,
        "Host names or networks (10.1.0.0/16) that sources may use although they are "
        "private or loopback.",
    ),
    Setting(
        "HARVEST_ROOTS",
        "",
        words,
        "Folders below which `files`, `datapackage` and SQLite sources may read.",
    ),
    Setting(
        "HARVEST_CA_FILE",
        "",
        text,
        "Certificate authority (PEM file) of sources on the state network.",
    ),
    Setting(
        "HARVEST_TIMEOUT",
        "60",
        number(1, 86_400),
        "Longest wait for one answer of a source, in seconds.",
    ),
    Setting(
        "HARVEST_LEASE",
        "60",
        number(2, 3600),
        "Seconds after which a worker that fell silent loses its job.",
    ),
    Setting(
        "HARVEST_TRIES",
        "5",
        number(1, 100),
        "How often a dataset or a job is tried before it is given up.",
    ),
    Setting(
        "HARVEST_INDEX_SECONDS",
        "30",
        number(0, 3600),
        "Seconds that a harvest job waits, before it is finished, for its datasets to "
        "be found; then it says that they "
        "are not yet.",
    ),
    Setting(
        "HARVEST_DELETE_PERCENT",
        "10",
        number(0, 100),
        "Deletions are withheld when more than this share (and more than 10) of a "
        "source vanished at once.",
    ),
    Setting(
        "HARVEST_MEMORY_MB",
        "2048",
        number(256, 1_000_000),
        "Most memory of the process that reads a sector database, in MB.",
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
    Setting(
        "OUTBOX_TRIES",
        "5",
        number(3, 100),
        "How often a consequence of a write (indexing, loading, scoring, downloads, "
        "validation) is tried before it is "
        "given up and told by `portal doctor`; a worker that died with it counts as a "
        "try.",
    ),
    Setting(
        "WORKER_POLL", "1", number(1, 3600), "Seconds between two looks at the queue."
    ),
    Setting(
        "HEALTH_WORKERS",
        "1",
        number(0, 1000),
        "Workers that must live for /health/ready to be content; 0: none.",
    ),
    Setting(
        "HEALTH_WORKER_SECONDS",
        "60",
        number(15, 86_400),
        "Seconds without a sign of life after which a worker counts as missing.",
    ),
    Setting(
        "HEALTH_QUEUE_SECONDS",
        "1800",
        number(1, 1_000_000),
        "Seconds for which the oldest item of a queue may wait before the queue "
        "counts as stuck.",
    ),
    Setting(
        "HEALTH_DISK_MB",
        "500",
        number(0, 10_000_000),
        "Least free disk for /health/ready to be content, in MB.",
    ),
    Setting(
        "METRICS_ALLOW",
        "127.0.0.0/8,::1/128",
        networks,
        "Networks that may read /metrics and the details of /health/ready without a "
        "token; "
        "what came through a proxy counts as from whom a trusted proxy "
        "(PORTAL_TRUSTED_PROXIES) names.",
    ),
    Setting(
        "METRICS_TOKEN",
        "",
        text,
        "A token with which /metrics and those details may be read from everywhere "
        "(Authorization: Bearer …).",
    ),
    Setting(
        "WORKER_JOBS",
        "4",
        number(1, 64),
        "Harvest jobs that one worker walks side by side, one a source.",
    ),
    Setting(
        "WORKER_STOP",
        "8",
        number(0, 3600),
        "Seconds that a worker which is told to end may take for the dataset or table "
        "under way; what is not done by "
        "then is handed back to the next worker.",
    ),
    Setting(
        "SERVE_STOP",
        "25",
        number(0, 3600),
        "Seconds that a server which is told to end may take for the requests under "
        "way.",
    ),
    Setting(
        "ACCESS_LOG",
        "stderr",
        text,
        "Where a line of JSON is written for each request: off, stderr, or a file "
        "(rotate it by copytruncate).",
    ),
    Setting(
        "LOG_LEVEL",
        "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "How much is logged.",
    ),
)
