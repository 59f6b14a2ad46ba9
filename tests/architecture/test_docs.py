"""What the documents say of the tree is there: files, folders and links between
documents.
"""

import re
from pathlib import Path

import pytest

from tests.architecture.documents import ROOT

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMED = re.compile(
    r"`((?:portal|harvesters|schemas|search|i18n|tests|demo|benchmarks|deploy)/[\w./-]*)`"
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_path_and_link_of_a_document_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [name for name in NAMED.findall(text) if not (ROOT / name).exists()]
    links = [
        link
        for link in LINK.findall(text)
        if "://" not in link and not link.startswith(("mailto:", "/"))
    ]
    missing += [link for link in links if not (document.parent / link).exists()]
    assert not missing, f"{document.name} names what is not there: {missing}"
