"""Every setting of the portal: read once from the environment or one file, checked before anything starts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal.errors import SettingsError

PREFIX = "PORTAL_"
CONFIG_VARIABLE = "PORTAL_CONFIG"
SECRET_PREFIX = "PORTAL_SECRET_"  # noqa: S105 - the name of variables, not a secret


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its environment variable is PORTAL_ + `name`; `parse` raises ValueError saying what it takes."""

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    lowered = value.strip().lower()
    if lowered in {"on", "true", "yes", "1"}:
        return True
    if lowered in {"off", "false", "no", "0", ""}:
        return False
    raise ValueError("takes on or off")


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError(f"takes a whole number from {low} to {high}") from None
        if not low <= number <= high:
            raise ValueError(f"takes a whole number from {low} to {high}")
        return number

    return parse


def _words(value: str) -> tuple[str, ...]:
    return tuple(word for word in value.replace(",", " ").split() if word)


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"takes one of {', '.join(words)}")
        return value

    return parse


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("takes an address such as https://data.thanhhoa.gov.vn")
    return value.rstrip("/")


def _search_url(value: str) -> str:
    return ",".join(_http_url(part) for part in _words(value))


def _replicas(value: str) -> int | None:
    if value == "auto":
        return None
    if not value.isdigit() or int(value) > 20:
        raise ValueError("takes auto or a whole number from 0 to 20")
    return int(value)


def _files_url(value: str) -> str:
    if "://" in value and urlsplit(value).scheme not in {"file", "s3"}:
        raise ValueError("takes a folder, file:///folder or s3://bucket/prefix")
    return value


def _internal_path(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("takes a path that begins with /, such as /_files")
    return value.rstrip("/")


SETTINGS: tuple[Setting, ...] = (
    Setting("DATA_DIR", "var", _text, "Folder of everything embedded: SQLite, index, files, row versions."),
    Setting(
        "DATABASE_URL",
        "",
        _text,
        "SQLAlchemy address of the database; empty: SQLite in the data folder. "
        "PostgreSQL: postgresql+psycopg://user:password@host/name.",
    ),
    Setting(
        "SEARCH_URL",
        "",
        _search_url,
        "Empty: the embedded index in the data folder. Otherwise Elasticsearch, several addresses by comma.",
    ),
    Setting("SEARCH_INDEX", "portal", _text, "Name of the index (an alias in Elasticsearch)."),
    Setting("SEARCH_USER", "", _text, "User of Elasticsearch; goes before the login in its address."),
    Setting("SEARCH_PASSWORD", "", _text, "Password of that user (without SEARCH_USER: of elastic), as it is."),
    Setting("SEARCH_CA_FILE", "", _text, "Certificate authority (PEM file) of an https Elasticsearch."),
    Setting(
        "SEARCH_API_KEY",
        "",
        _text,
        "API key for Elasticsearch (base64, as it was created), instead of user and password.",
    ),
    Setting(
        "FILES_URL",
        "",
        _files_url,
        "Where uploaded and harvested files and the rows of tables lie; empty: files/ in the data folder. "
        "S3: s3://bucket/prefix?endpoint=https://host&region=name, with the keys in AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY.",
    ),
    Setting("FILES_CACHE_MB", "10240", _number(1, 10_000_000), "Most disk for copies of files that lie on S3."),
    Setting("SEARCH_TIMEOUT", "10", _number(1, 600), "Seconds that Elasticsearch may take for one try."),
    Setting(
        "SEARCH_RETRIES",
        "3",
        _number(0, 20),
        "How often a request to Elasticsearch is tried again, on another node or after a pause; after a time-out once.",
    ),
    Setting("SEARCH_PAUSE", "5", _number(1, 600), "Seconds for which an Elasticsearch that fails is left alone."),
    Setting(
        "SEARCH_SNIFF",
        "off",
        _flag,
        "Whether Elasticsearch's nodes are asked for their neighbours, so that not all need be named: on or off.",
    ),
    Setting("SEARCH_SHARDS", "1", _number(1, 1024), "Shards of an index that is made from now on, in Elasticsearch."),
    Setting(
        "SEARCH_REPLICAS",
        "auto",
        _replicas,
        "Copies beside the first of an index that is made from now on: a number, or auto (one on two nodes and more).",
    ),
    Setting(
        "SEARCH_FALLBACK",
        "off",
        _flag,
        "Whether an embedded index is kept beside Elasticsearch and answers while that is down: on or off.",
    ),
    Setting("SEARCH_WORDS", "", _text, "File of the province's own synonyms, read again when it changes."),
    Setting(
        "SEARCH_RELAX_BELOW",
        "1",
        _number(0, 1000),
        "Free text that finds fewer datasets than this is asked again in relaxed steps; 0: never.",
    ),
    Setting("SEARCH_LOG_DAYS", "90", _number(0, 3660), "Days for which counts of questions are kept; 0: none."),
    Setting("SITE_URL", "http://127.0.0.1:5000", _http_url, "Public address; every link in an answer begins with it."),
    Setting("SITE_TITLE", "Cổng dữ liệu mở tỉnh Thanh Hóa", _text, "Name of the portal, as status_show says it."),
    Setting("SITE_DESCRIPTION", "", _text, "One sentence about the portal, as status_show says it."),
    Setting("LOCALE", "vi", _one_of("vi", "en"), "Language of messages when a caller asks for none."),
    Setting(
        "SECRET_KEY",
        "",
        _text,
        "Key that signs and seals (32 characters or more); empty: one is made and kept in the data folder.",
    ),
    Setting("MAX_RESOURCE_SIZE", "100", _number(1, 1_000_000), "Largest uploaded or harvested file, in MB."),
    Setting("MAX_REQUEST_SIZE", "10", _number(1, 10_000), "Largest request body besides uploads, in MB."),
    Setting("SQL_SEARCH", "off", _flag, "Public SQL over rows (datastore_search_sql): on or off."),
    Setting("ROWS_MAX", "1000", _number(1, 100_000), "Most datasets in one package_search answer."),
    Setting("DATASTORE_ROWS_MAX", "32000", _number(1, 1_000_000), "Most rows in one datastore_search answer."),
    Setting(
        "HOT_TABLES_MB",
        "4096",
        _number(0, 10_000_000),
        "Most disk that unpacked copies of much-read tables may take; 0: none, and large tables answer slower.",
    ),
    Setting(
        "CSV_ESCAPE_FORMULAS",
        "off",
        _flag,
        "Whether texts in CSV and TSV that a spreadsheet would run as formulas begin with an apostrophe: on or off.",
    ),
    Setting(
        "ACCEL_REDIRECT",
        "",
        _internal_path,
        "Path under which nginx serves the data folder internally (X-Accel-Redirect), such as /_files; empty: no.",
    ),
    Setting("VERSIONS_KEEP", "20", _number(1, 1_000_000), "Versions of a table that are kept whatever their age."),
    Setting("VERSIONS_DAYS", "90", _number(0, 36_500), "Days for which every version of a table is kept."),
    Setting(
        "LINKS_HOURS",
        "24",
        _number(0, 8760),
        "Hours after which a linked table is looked at again; 0: links are not loaded.",
    ),
    Setting("TOKEN_HEADER", "Authorization", _text, "Request header that carries an API token."),
    Setting("TOKEN_DAYS", "0", _number(0, 3650), "Days until a new API token expires; 0: never."),
    Setting("CREATE_UNOWNED_DATASET", "off", _flag, "Whether a dataset may have no organization: on or off."),
    Setting("USER_CREATE_ORGANIZATIONS", "off", _flag, "Whether any user may create organizations: on or off."),
    Setting("USER_CREATE_GROUPS", "off", _flag, "Whether any user may create groups: on or off."),
    Setting("DATASET_COLLABORATORS", "off", _flag, "Whether users may be given roles in single datasets: on or off."),
    Setting("ACTIVITY_DAYS", "0", _number(0, 36_500), "Days for which activities are kept; 0: for ever."),
    Setting("PROVINCE_CODE", "H56", _text, "The province's part of electronic identifiers (QCVN 102:2016)."),
    Setting("PUBLIC_USER_DETAILS", "on", _flag, "Whether user_list and user_show answer without a token: on or off."),
    Setting(
        "HARVEST_ALLOW",
        "",
        _words,
        "Host names or networks (10.1.0.0/16) that sources may use although they are private or loopback.",
    ),
    Setting("HARVEST_ROOTS", "", _words, "Folders below which `files`, `datapackage` and SQLite sources may read."),
    Setting("HARVEST_CA_FILE", "", _text, "Certificate authority (PEM file) of sources on the state network."),
    Setting("HARVEST_TIMEOUT", "60", _number(1, 86_400), "Longest wait for one answer of a source, in seconds."),
    Setting("HARVEST_LEASE", "60", _number(2, 3600), "Seconds after which a worker that fell silent loses its job."),
    Setting("HARVEST_TRIES", "5", _number(1, 100), "How often a dataset or a job is tried before it is given up."),
    Setting(
        "HARVEST_DELETE_PERCENT",
        "10",
        _number(0, 100),
        "Deletions are withheld when more than this share (and more than 10) of a source vanished at once.",
    ),
    Setting("VALIDATION_LIMIT", "1000", _number(1, 1_000_000), "Findings listed for each check and column."),
    Setting(
        "VALIDATION_POLICY",
        "block",
        _one_of("block", "warn", "quarantine"),
        "What becomes of a table that is not valid, where neither its dataset nor its organization says: held back, "
        "published with a warning, or published without its bad rows.",
    ),
    Setting("WORKER_POLL", "1", _number(1, 3600), "Seconds between two looks at the queue."),
    Setting("LOG_LEVEL", "INFO", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "How much is logged."),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. Built by `load`; never read from the environment anywhere else."""

    data_dir: Path
    database_url: str = field(repr=False)
    search_url: str = field(repr=False)
    search_index: str
    search_user: str
    search_password: str = field(repr=False)
    search_ca_file: str
    search_api_key: str = field(repr=False)
    search_timeout: int
    search_retries: int
    search_pause: int
    search_sniff: bool
    search_shards: int
    search_replicas: int | None
    search_fallback: bool
    search_words: str
    search_relax_below: int
    search_log_days: int
    files_url: str
    files_cache_mb: int
    site_url: str
    site_title: str
    site_description: str
    locale: str
    secret_key: str = field(repr=False)
    max_resource_size: int
    max_request_size: int
    sql_search: bool
    rows_max: int
    datastore_rows_max: int
    hot_tables_mb: int
    csv_escape_formulas: bool
    accel_redirect: str
    versions_keep: int
    versions_days: int
    links_hours: int
    token_header: str
    token_days: int
    create_unowned_dataset: bool
    user_create_organizations: bool
    user_create_groups: bool
    dataset_collaborators: bool
    activity_days: int
    province_code: str
    public_user_details: bool
    harvest_allow: tuple[str, ...]
    harvest_roots: tuple[str, ...]
    harvest_ca_file: str
    harvest_timeout: int
    harvest_lease: int
    harvest_tries: int
    harvest_delete_percent: int
    validation_limit: int
    validation_policy: str
    worker_poll: int
    log_level: str
    secrets: Mapping[str, str] = field(repr=False)


def load(environment: Mapping[str, str] | None = None, **overrides: str) -> Settings:
    """Read every setting; `overrides` (lower-case names) win over the environment, which wins over the file.

    The file is named by PORTAL_CONFIG: lines `PORTAL_NAME=value`, `#` begins a comment.
    Raises SettingsError that names the variable, its value's fault and what it takes.
    """
    given = dict(os.environ if environment is None else environment)
    values = {**_read_file(given.get(CONFIG_VARIABLE, "")), **given}
    values.update({PREFIX + name.upper(): value for name, value in overrides.items()})
    _refuse_unknown(values)
    parsed = {setting.name.lower(): _parse(setting, values) for setting in SETTINGS}
    return Settings(**_fill_defaults(parsed), secrets=_secrets(values))


def _read_file(name: str) -> dict[str, str]:
    if not name:
        return {}
    path = Path(name)
    if not path.is_file():
        raise SettingsError(f"{CONFIG_VARIABLE} names {name}, which is no readable file.")
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _refuse_unknown(values: Mapping[str, str]) -> None:
    known = {setting.variable for setting in SETTINGS} | {CONFIG_VARIABLE}
    unknown = sorted(name for name in values if name.startswith(PREFIX) and name not in known)
    allowed_elsewhere = {"PORTAL_SHARED_DATA"}
    wrong = [name for name in unknown if name not in allowed_elsewhere and not name.startswith(SECRET_PREFIX)]
    if wrong:
        raise SettingsError(f"{wrong[0]} is no setting of the portal; docs/operate.md lists them all.")


def _secrets(values: Mapping[str, str]) -> dict[str, str]:
    """Secrets of harvest sources: PORTAL_SECRET_NAME=… is named NAME in a source's configuration."""
    named = {key.removeprefix(SECRET_PREFIX): value for key, value in values.items() if key.startswith(SECRET_PREFIX)}
    return {name: value for name, value in named.items() if name != "KEY"}


def _parse(setting: Setting, values: Mapping[str, str]) -> Any:
    text = values.get(setting.variable, setting.default)
    try:
        return setting.parse(text)
    except ValueError as error:
        raise SettingsError(f"{setting.variable} {error}. {setting.help}") from None


def _fill_defaults(parsed: dict[str, Any]) -> dict[str, Any]:
    folder = Path(parsed["data_dir"]).expanduser().resolve()
    parsed["data_dir"] = folder
    parsed["database_url"] = parsed["database_url"] or f"sqlite:///{folder / 'portal.db'}"
    parsed["files_url"] = parsed["files_url"] or str(folder / "files")
    if parsed["secret_key"] and len(parsed["secret_key"]) < 32:
        raise SettingsError("PORTAL_SECRET_KEY takes 32 characters or more, kept secret.")
    parsed["secret_key"] = parsed["secret_key"] or _kept_secret(folder / "secret.key")
    return parsed


def _kept_secret(path: Path) -> str:
    """Make a key once and keep it readable for the owner alone; two processes agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()
