"""Croissant 1.0: whatever a dataset lacks, its description has every property that the
specification demands.
"""

from typing import Any

from hypothesis import given, settings

from schemas import croissant
from tests.schemas.dcat.test_roundtrip import QUICK, SITE, Json, packages

GUARDS = ("schemas.schemaorg",)
DATASET = (
    "@context",
    "@type",
    "conformsTo",
    "description",
    "license",
    "name",
    "url",
    "creator",
    "datePublished",
)
FILE = ("@type", "@id", "name", "contentUrl", "encodingFormat")
RECORDS = ("@type", "@id", "name", "field")
FIELD = ("@type", "@id", "name", "dataType", "source")
COLUMNS = [
    {"name": "mã xã", "type": "string"},
    {"name": "n", "type": "integer"},
    {"name": "lạ", "type": "geopoint"},
]


def lacking(part: Json, wanted: tuple[str, ...]) -> list[str]:
    return [name for name in wanted if part.get(name) in (None, "", [], {})]


@settings(max_examples=60, deadline=None, phases=QUICK)
@given(package=packages())
def test_every_description_has_what_is_demanded(package: Json) -> None:
    linked = [
        {**each, "url": each["url"] or "http://a.vn/x"} for each in package["resources"]
    ]
    titled: dict[str, Any] = {
        **package,
        "title": package["title"].strip() or package["name"],
        "resources": linked,
    }
    columns = {each["id"]: COLUMNS for each in linked if each["datastore_active"]}
    described = croissant.describe(titled, columns, SITE.url)
    assert lacking(described, DATASET) == []
    assert described["creator"]["name"]
    ids = [each["@id"] for each in described.get("distribution", [])]
    for file in described.get("distribution", []):
        assert lacking(file, FILE) == []
        assert "sha256" in file or "md5" in file or described["isLiveDataset"]
    assert len(described.get("recordSet", [])) == len(columns)
    for records in described.get("recordSet", []):
        assert lacking(records, RECORDS) == []
        for field in records["field"]:
            assert lacking(field, FIELD) == []
            assert field["source"]["fileObject"]["@id"] in ids
            ids.append(field["@id"])
    assert len(ids) == len(set(ids))
