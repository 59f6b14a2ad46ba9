"""The settings of operation: harvests, the worker, health, metrics and logs."""

from __future__ import annotations

from portal.settings.declared.setting import Setting
from portal.settings.values import networks, number, one_of, text, words

OPERATION: tuple[Setting, ...] = (
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
        # A source that is ill lists half of what it has; what it leaves out must not
        # vanish here.
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
        "OUTBOX_TRIES",
        "5",
        # At least three: a batch that ends its worker is tried in smaller ones, and
        # only a row alone shows that it is the one.
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
        # Workers give a sign every 10 seconds; below that every one of them would seem
        # to be missing now and then.
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
        # The machine itself: a Prometheus beside the portal needs no token.
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
