"""Every setting of the portal: read once from the environment or one file, checked
before anything starts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.errors import SettingsError
from portal.settings import site
from portal.settings.declared import PREFIX, SETTINGS, Setting

__all__ = [
    "BINDING_SUFFIX",
    "PREFIX",
    "SECRET_PREFIX",
    "SETTINGS",
    "Setting",
    "Settings",
    "is_given",
    "load",
]

CONFIG_VARIABLE = "PORTAL_CONFIG"
SECRET_PREFIX = "PORTAL_SECRET_"  # noqa: S105 - the name of variables, not a secret
BINDING_SUFFIX = "_FOR"
ELSEWHERE = ("PORTAL_SHARED_DATA",)
"""Variables with our prefix that are read by something else than the portal."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. Built by `load`; never read from the environment anywhere
    else.
    """

    data_dir: Path
    database_url: str = field(repr=False)
    sqlite_synchronous: str
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
    search_wait_ms: int
    search_log_days: int
    files_url: str
    files_cache_mb: int
    site_url: str
    site_title: str
    site_description: str
    locale: str
    max_resource_size: int
    read_memory_mb: int
    read_seconds: int
    validation_seconds: int
    read_cells: int
    max_request_size: int
    sql_search: bool
    rows_max: int
    datastore_rows_max: int
    datastore_seconds: int
    hot_tables_mb: int
    cache_mb: int
    csv_escape_formulas: bool
    accel_redirect: str
    versions_keep: int
    versions_days: int
    links_hours: int
    token_header: str
    token_days: int
    rate_limit_anonymous: int
    rate_limit_token: int
    rate_limit_network: int
    rate_limit_downloads: int
    rate_limit_exempt: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    invitation_days: int
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
    harvest_index_seconds: int
    harvest_delete_percent: int
    harvest_memory_mb: int
    check_inline_mb: int
    validation_limit: int
    validation_policy: str
    outbox_tries: int
    worker_poll: int
    health_workers: int
    health_worker_seconds: int
    health_queue_seconds: int
    health_disk_mb: int
    metrics_allow: tuple[str, ...]
    metrics_token: str = field(repr=False)
    worker_jobs: int
    worker_stop: int
    serve_stop: int
    access_log: str
    log_level: str
    secrets: Mapping[str, str] = field(repr=False)
    secret_bindings: Mapping[str, str]


def load(environment: Mapping[str, str] | None = None, **overrides: str) -> Settings:
    """Read every setting; `overrides` (lower-case names) win over the environment,
    which wins over the file.

    The file is named by PORTAL_CONFIG: lines `PORTAL_NAME=value`, `#` begins a comment.
    Raises SettingsError that names the variable, its value's fault and what it takes.
    """
    given = dict(os.environ if environment is None else environment)
    # The file first, so that a variable of one process can go against what the
    # installation has set.
    values = {**_read_file(given.get(CONFIG_VARIABLE, "")), **given}
    values.update({PREFIX + name.upper(): value for name, value in overrides.items()})
    _refuse_unknown(values)
    parsed = {setting.name.lower(): _parse(setting, values) for setting in SETTINGS}
    secret_values, bindings = _secrets(values)
    filled = _fill_defaults(parsed)
    if site.VARIABLE not in values:
        # Commands beside a demo on another port than the default one say its address.
        noted = site.read_address(filled["data_dir"])
        filled["site_url"] = noted or filled["site_url"]
    return Settings(**filled, secrets=secret_values, secret_bindings=bindings)


def is_given(variable: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether somebody has set a variable, in the environment or in the file."""
    given = dict(os.environ if environment is None else environment)
    return variable in given or variable in _read_file(given.get(CONFIG_VARIABLE, ""))


def _read_file(name: str) -> dict[str, str]:
    """The variables of a settings file, empty without one. Raises SettingsError where
    it is not there.
    """
    if not name:
        return {}
    path = Path(name)
    if not path.is_file():
        raise SettingsError(
            f"{CONFIG_VARIABLE} names {name}, which is no readable file."
        )
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _refuse_unknown(values: Mapping[str, str]) -> None:
    """Raise SettingsError for a variable with our prefix that is none of ours."""
    # A misspelt setting that was passed over would silently leave the default.
    variables = {setting.variable for setting in SETTINGS}
    allowed = variables | {CONFIG_VARIABLE, *ELSEWHERE}
    ours = sorted(name for name in values if name.startswith(PREFIX))
    wrong = [
        name
        for name in ours
        if name not in allowed and not name.startswith(SECRET_PREFIX)
    ]
    if wrong:
        raise SettingsError(
            f"{wrong[0]} is no setting of the portal; docs/operate.md lists them all."
        )


def _secrets(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Secrets of harvest sources, and what each is bound to.

    PORTAL_SECRET_NAME=… is named NAME in a source's configuration;
    PORTAL_SECRET_NAME_FOR says for which hosts and organizations it is. Raises
    SettingsError for a binding without its secret.
    """
    named = {
        key.removeprefix(SECRET_PREFIX): value
        for key, value in values.items()
        if key.startswith(SECRET_PREFIX)
    }
    named.pop("KEY", None)  # the portal's own key is no secret of a source
    bindings = {
        name.removesuffix(BINDING_SUFFIX): value
        for name, value in named.items()
        if name.endswith(BINDING_SUFFIX)
    }
    secret_values = {
        name: value
        for name, value in named.items()
        if not name.endswith(BINDING_SUFFIX)
    }
    # A binding alone is a misspelt name: the secret it was meant for would be bound to
    # nothing.
    for name in sorted(bindings.keys() - secret_values.keys()):
        raise SettingsError(
            f"{SECRET_PREFIX}{name}{BINDING_SUFFIX} binds a secret that is not set: "
            f"{name}."
        )
    return secret_values, bindings


def _parse(setting: Setting, values: Mapping[str, str]) -> Any:
    """The value of one setting, its default where it is not given. Raises
    SettingsError.
    """
    text = values.get(setting.variable, setting.default)
    try:
        return setting.parse(text)
    except ValueError as error:
        raise SettingsError(f"{setting.variable} {error}. {setting.help}") from None


def _fill_defaults(parsed: dict[str, Any]) -> dict[str, Any]:
    """The settings, with what depends on the data folder; the folder is made."""
    # Made absolute once: processes that are started later may have another working
    # folder.
    folder = Path(parsed["data_dir"]).expanduser().resolve()
    parsed["data_dir"] = folder
    parsed["database_url"] = (
        parsed["database_url"] or f"sqlite:///{folder / 'portal.db'}"
    )
    parsed["files_url"] = parsed["files_url"] or str(folder / "files")
    _make_folder(folder)
    return parsed


def _make_folder(folder: Path) -> None:
    """Make the data folder. Raises SettingsError that says what it has to be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The folder {folder} cannot be used: {error.strerror}. PORTAL_DATA_DIR "
            "takes a folder on a disk with "
            "room, in which the portal's user may write."
        ) from None
