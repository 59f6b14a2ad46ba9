"""Settings: defaults, sources in order, and errors that name the variable."""

from pathlib import Path

import pytest

from portal.bootstrap import build_portal
from portal.errors import SettingsError
from portal.settings import SETTINGS, load

GUARDS = (
    "portal.settings.declared",
    "portal.settings.declared.callers",
    "portal.settings.declared.engines",
    "portal.settings.declared.operation",
    "portal.settings.declared.setting",
    "portal.settings.declared.tables",
    "portal.settings.site",
    "portal.settings.values",
)


def test_defaults_keep_everything_below_the_data_folder(tmp_path: Path) -> None:
    settings = load({"PORTAL_DATA_DIR": str(tmp_path / "var")})
    assert settings.database_url == f"sqlite:///{tmp_path}/var/portal.db"
    assert settings.files_url == f"{tmp_path}/var/files"
    assert settings.search_url == ""


def test_the_data_folder_is_made_or_its_variable_is_named(tmp_path: Path) -> None:
    assert load({"PORTAL_DATA_DIR": str(tmp_path / "a" / "b")}).data_dir.is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="PORTAL_DATA_DIR"):
        load({"PORTAL_DATA_DIR": str(tmp_path / "file" / "b")})


def test_the_environment_wins_over_the_file_and_overrides_over_both(
    tmp_path: Path,
) -> None:
    file = tmp_path / "portal.conf"
    file.write_text(
        "# comment\nPORTAL_SITE_TITLE=from file\nPORTAL_ROWS_MAX=7\nPORTAL_LOCALE=en\n",
        encoding="utf-8",
    )
    given = {
        "PORTAL_CONFIG": str(file),
        "PORTAL_DATA_DIR": str(tmp_path),
        "PORTAL_ROWS_MAX": "8",
    }
    settings = load(given, locale="vi")
    assert (settings.site_title, settings.rows_max, settings.locale) == (
        "from file",
        8,
        "vi",
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORTAL_MAX_RESOURCE_SIZE", "ten"),
        ("PORTAL_MAX_RESOURCE_SIZE", "0"),
        ("PORTAL_SITE_URL", "data.example"),
        ("PORTAL_SEARCH_URL", "localhost:9200"),
        ("PORTAL_FILES_URL", "ftp://files"),
        ("PORTAL_SQL_SEARCH", "perhaps"),
        ("PORTAL_LOCALE", "fr"),
        ("PORTAL_CONFIG", "/no/such/file"),
        ("PORTAL_NO_SUCH_SETTING", "1"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        load({"PORTAL_DATA_DIR": str(tmp_path), variable: value})


def test_secrets_are_named_without_their_prefix_and_never_shown(tmp_path: Path) -> None:
    settings = load(
        {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_SECRET_LGSP": "hidden-word"}
    )
    assert settings.secrets == {"LGSP": "hidden-word"}
    assert "hidden-word" not in repr(settings)


def test_every_setting_says_what_it_is_for() -> None:
    assert all(
        len(setting.help) > 15 and setting.help.endswith(".") for setting in SETTINGS
    )
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_a_secret_is_bound_by_a_setting_of_its_own(tmp_path: Path) -> None:
    given = {
        "PORTAL_DATA_DIR": str(tmp_path),
        "PORTAL_SECRET_A": "x1",
        "PORTAL_SECRET_A_FOR": "h org:*",
    }
    settings = load(given)
    assert (settings.secrets, settings.secret_bindings) == (
        {"A": "x1"},
        {"A": "h org:*"},
    )
    with pytest.raises(
        SettingsError, match="PORTAL_SECRET_B_FOR binds a secret that is not set"
    ):
        load({"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_SECRET_B_FOR": "h org:*"})
    with pytest.raises(SettingsError, match="PORTAL_SECRET_A_FOR takes hosts"):
        build_portal(load({**given, "PORTAL_SECRET_A_FOR": "https://h org:*"}))
