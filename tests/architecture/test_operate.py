"""docs/operate.md and its Vietnamese twin are both complete: the same sections, every
setting in both.
"""

import re

from portal.settings import SETTINGS
from tests.architecture import documents
from tests.architecture.documents import ROOT
from tests.architecture.settings_vi import SENTENCES

ENGLISH, VIETNAMESE = (
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operate.md", "operate.vi.md")
)  # fmt: skip


def sections(text: str) -> list[tuple[int, str]]:
    """(level, title) of every section; a Vietnamese title ends with the English one,
    behind a point.
    """
    titles = re.findall(
        r"^(#+) (.+)$", re.sub(r"^    .*$", "", text, flags=re.M), flags=re.M
    )
    return [(len(marks), title.rsplit(" · ", 1)[-1]) for marks, title in titles]


def test_both_have_the_same_sections_in_the_same_order() -> None:
    assert sections(VIETNAMESE) == sections(ENGLISH), (
        "docs/operate.vi.md needs each section of docs/operate.md"
    )
    assert len(sections(ENGLISH)) > 20


def test_every_setting_is_named_in_both_with_a_sentence_in_both_languages() -> None:
    missing = [setting.name for setting in SETTINGS if setting.name not in SENTENCES]
    assert not missing, f"tests/architecture/settings_vi.py says nothing of {missing}"
    for setting in SETTINGS:
        for text in (ENGLISH, VIETNAMESE):
            assert f"| `{setting.variable}` |" in text
    assert (
        documents.with_settings(VIETNAMESE, documents.settings_table_vi()) == VIETNAMESE
    )


def test_both_name_the_same_commands_and_settings() -> None:
    """A command or setting that one of them explains is explained by the other."""
    for pattern in (
        r"`(PORTAL_[A-Z_]+)",
        r"`(portal [a-z]+(?: [a-z]+)?)",
        r"/health/[a-z]+|/metrics",
    ):
        assert set(re.findall(pattern, ENGLISH)) == set(
            re.findall(pattern, VIETNAMESE)
        ), pattern


def test_an_operator_finds_what_he_needs() -> None:
    titles = {title for _, title in sections(ENGLISH)}
    assert {
        "Backups",
        "Restore",
        "Upgrade",
        "Rotation",
        "What to alert on",
        "Free disk",
        "Dependencies",
    } <= titles
