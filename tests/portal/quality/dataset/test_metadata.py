"""Metadata: what is missing is a warning; only a name that cannot be used is an
error.
"""

from __future__ import annotations

from dataclasses import replace

from portal.quality.dataset.metadata import check_record
from schemas.record import DatasetRecord, ResourceRecord

GOOD = DatasetRecord(
    "gia-nong-san",
    title="Giá nông sản",
    notes="Giá hằng ngày.",
    author="Sở NN&MT",
    license_id="odc-pddl",
    extras={"issued": "2026-07-01"},
    resources=(ResourceRecord("a", "http://example.com/a.csv"),),
)


def codes(record: DatasetRecord) -> list[tuple[str, str]]:
    return [
        (finding.check, finding.field or "")
        for finding in check_record(record).findings
    ]


def test_a_well_described_dataset_has_no_findings() -> None:
    assert codes(GOOD) == []


def test_an_empty_record_lacks_the_mandatory_fields_and_may_still_be_published() -> (
    None
):
    report = check_record(DatasetRecord("ab"))
    missing = {
        finding.field
        for finding in report.findings
        if finding.check == "metadata-missing"
    }
    assert missing == {"title", "notes", "author", "date", "license_id"}
    assert report.valid


def test_names_that_cannot_be_addresses_are_errors() -> None:
    for name in ("", "a", "Giá", "A-B", "x" * 101, "a b"):
        assert not check_record(replace(GOOD, name=name)).valid


def test_damaged_text_and_unknown_licences() -> None:
    assert codes(replace(GOOD, title="Gi\ufffd n\ufffdng sản")) == [
        ("metadata-damaged", "title")
    ]
    assert codes(replace(GOOD, tags=("nÃ´ng sáº£n",))) == [("metadata-damaged", "tags")]
    assert codes(replace(GOOD, license_id="no-such")) == [
        ("licence-unknown", "license_id")
    ]
