"""The demo's sources: settings that the adapters accept, owners and themes that exist,
nothing personal kept.
"""

from pathlib import Path

import pytest

import harvesters
from demo import generate, places, sources
from schemas import catalog
from schemas.vocabularies import HARVEST_FREQUENCIES, LICENCE_BY_ID


@pytest.fixture
def found(tmp_path: Path) -> tuple[sources.DemoSource, ...]:
    sources.prepare(generate.DATA, tmp_path)
    return sources.demo_sources("http://127.0.0.1:9", generate.DATA, tmp_path)


def described(source: sources.DemoSource) -> list[dict]:
    """The datasets that a source describes; packages describe themselves."""
    services = [service["dataset"] for service in source.config.get("services", [])]
    return [
        *services,
        *([source.config["dataset"]] if "dataset" in source.config else []),
    ]


def test_the_five_shapes_are_there(found: tuple[sources.DemoSource, ...]) -> None:
    kinds = [source.kind for source in found]
    assert kinds == [
        "files",
        "lgsp",
        "lgsp",
        "files",
        "sql",
        "datapackage",
        "datapackage",
    ]
    assert len({source.name for source in found}) == 7


def test_owners_themes_and_frequencies_exist(
    found: tuple[sources.DemoSource, ...],
) -> None:
    assert {source.owner for source in found} <= {
        place.name for place in places.organizations()
    }
    assert {source.frequency for source in found} <= set(HARVEST_FREQUENCIES)
    themes = {group.name for group in places.groups()}
    for dataset in (dataset for source in found for dataset in described(source)):
        assert set(dataset.get("groups", [])) <= themes
        assert dataset["license_id"] in LICENCE_BY_ID


def test_illustrative_data_says_so(found: tuple[sources.DemoSource, ...]) -> None:
    for dataset in (dataset for source in found for dataset in described(source)):
        real = dataset["name"] == "don-vi-hanh-chinh"
        assert (sources.LABEL in dataset["notes"]) != real
        assert (sources.LABEL in dataset["tags"]) != real


def test_files_that_sources_name_are_there(
    found: tuple[sources.DemoSource, ...],
) -> None:
    for source in found:
        if source.kind in ("files", "datapackage"):
            assert Path(source.url).exists()


def test_kept_columns_are_the_public_fields_and_come_from_the_service() -> None:
    services = sources.gateway_services(generate.DATA)
    for path, code, columns in (
        ("/doanhnghiepso/1.0.0/danhsach", "D02", sources.ENTERPRISE_COLUMNS),
        ("/doanhnghiepso/1.0.0/quytruoc", "D02", sources.ENTERPRISE_COLUMNS),
        ("/gianongsan/1.0.0/hangngay", "D09", sources.PRICE_COLUMNS),
    ):
        assert list(columns.values()) == [
            field["name"] for field in catalog.get(code).public["fields"]
        ]
        assert set(columns) <= set(services[path].rows[0])
    assert not {"NguoiDaiDien", "DienThoai"} & set(sources.ENTERPRISE_COLUMNS)


def test_adapters_accept_the_settings(found: tuple[sources.DemoSource, ...]) -> None:
    for source in found:
        harvesters.check_config(source.kind, source.url, source.config)
