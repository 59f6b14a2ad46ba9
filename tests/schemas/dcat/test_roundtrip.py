"""What goes out comes back equal: random package dicts through every notation and our
own reader.
"""

import json
import os
import string
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rdflib import URIRef

from schemas.dcat.documents import dataset_fragment, document, fragment
from schemas.dcat.notations import BY_SUFFIX, read_graph
from schemas.dcat.pen import Pen
from schemas.dcat.read import dataset_nodes, read_dataset
from schemas.dcat.terms import Site
from schemas.dcat.us import read_entry, write_entry
from schemas.dcat.write import add_catalog
from schemas.packages import clean, record_of
from schemas.vocabularies import ACCESS_KINDS, FREQUENCIES, LICENCE_BY_ID

GUARDS = (
    "schemas.dcat.addresses",
    "schemas.dcat.distribution",
    "schemas.dcat.distributions",
    "schemas.dcat.documents",
    "schemas.dcat.notations",
    "schemas.dcat.read",
    "schemas.dcat.serial",
    "schemas.dcat.us",
    "schemas.dcat.view",
    "schemas.packages",
)
Json = dict[str, Any]
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Examples are large: shrinking one takes minutes, and its failing field is told
anyway.
"""
SHARED = Path(
    os.environ.get(
        "PORTAL_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"
    )
)
SITE = Site("https://du-lieu.example.vn", "Cổng dữ liệu")

words = st.text(
    st.sampled_from(
        "aàbcdđêơ ỹ<>&\"'\\{}^`|%\n\t\r\x01é漢😀.,:/[]#?=@-_" + string.digits
    ),
    max_size=30,
)
names = st.text(string.ascii_lowercase + string.digits + "-_", min_size=2, max_size=20)
maybe = st.none() | words
addresses = st.sampled_from(
    [
        "",
        "http://a.vn/x",
        "https://a.vn/có dấu?q=a b#<x>",
        "/dataset/x",
        "không phải",
        "http://[bad",
        "mailto:a@b.vn",
    ]
)
mails = st.none() | st.sampled_from(["a@b.vn", "nguyễn@b.vn", "a b@c"])
periods = st.sampled_from(
    ["2025", "2025-Q1", "2021 - 2025", "2025-01/2025-06", "quý I", "2025-13-99"]
)
languages = st.sampled_from(["vi", "en", "vi,en", "tiếng Việt", "VI"])
translations = st.dictionaries(
    st.sampled_from(["vi", "en", "fr", "en-GB", "??"]), words, max_size=3
)
identifiers = st.uuids().map(str)
digests = st.sampled_from(["", "ab" * 16, "0f" * 32, "AB" * 32, "md5:abc"])
values = (
    st.none() | st.booleans() | st.integers(-5, 5) | words | st.lists(words, max_size=2)
)

profiles = st.fixed_dictionaries(
    {},
    optional={
        "access_kind": st.sampled_from(ACCESS_KINDS), "frequency": st.sampled_from([*FREQUENCIES, "khi cần"]),
        "period": periods, "sector": words, "annex": st.just("PL1"), "annex_number": words, "source_database": words,
        "sharing_channel": st.just("lgsp"), "language": languages, "title_translated": translations,
        "notes_translated": translations, "contact_name": words, "contact_email": mails, "spatial_unit": words,
        "legal_basis": words | addresses, "data_label": words,
    },
)  # fmt: skip
resources = st.fixed_dictionaries(
    {
        "id": identifiers, "name": maybe, "url": addresses, "description": maybe, "hash": digests,
        "format": st.sampled_from(["", "CSV", "csv", "XLSX", "Parquet", "lạ <x>"]),
        "mimetype": st.sampled_from([None, "text/csv", "không", "application/geo+json"]),
        "size": st.none() | st.integers(-1, 2**62), "url_type": st.sampled_from([None, "upload", "harvest"]),
        "datastore_active": st.booleans(), "created": st.just("2026-01-02T03:04:05.000006"),
        "last_modified": st.none(), "metadata_modified": st.just("2026-01-02T03:04:05.000006"),
    },
    optional={
        "schema": st.just("d02/x") | st.just({"fields": [{"name": "a", "type": "string"}], "title": "Bảng"}),
        "own key": values, "rights": words,
    },
)  # fmt: skip
in_vocabulary = names.map(
    lambda name: {"name": name, "vocabulary_id": "v", "vocabulary_name": "từ vựng"}
)
vocabulary_tags = st.lists(in_vocabulary, max_size=2, unique_by=lambda tag: tag["name"])


def body(name: str) -> Json:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "name": name,
        "title": "Sở <Y tế>",
    }


@st.composite
def packages(draw: st.DrawFn) -> Json:
    tags = sorted(
        draw(st.sets(st.text("aăđé _.-1", min_size=2, max_size=8), max_size=3))
    )
    groups = sorted(
        draw(st.sets(names | st.sampled_from(["y-te", "giao-duc"]), max_size=2))
    )
    extras = draw(
        st.dictionaries(
            st.text(string.ascii_letters + "đ _", min_size=1, max_size=8),
            words,
            max_size=3,
        )
    )
    licence = draw(st.none() | st.sampled_from([*LICENCE_BY_ID, "riêng"]))
    url = LICENCE_BY_ID[licence].url if licence in LICENCE_BY_ID else ""
    organization = draw(st.none() | names)
    return {
        **draw(st.fixed_dictionaries({"title": words, "notes": maybe, "url": addresses, "version": maybe})),
        **draw(st.fixed_dictionaries(dict.fromkeys(("author", "maintainer"), maybe))),
        **draw(st.fixed_dictionaries({f"{key}_email": mails for key in ("author", "maintainer")})),
        "id": draw(identifiers), "name": draw(names), "license_id": licence, "license_url": url,
        "private": draw(st.booleans()), "state": "active", "type": draw(st.sampled_from(["dataset", "showcase"])),
        "metadata_created": "2026-01-02T03:04:05.000006", "metadata_modified": "2026-02-03T04:05:06.000007",
        "organization": organization and body(organization),
        "groups": [{"name": name, "title": f"Nhóm {name}"} for name in groups],
        "tags": [{"name": name} for name in tags] + draw(vocabulary_tags),
        "extras": [{"key": key, "value": value} for key, value in extras.items()],
        "resources": draw(st.lists(resources, max_size=3, unique_by=lambda resource: resource["id"])),
        "relationships_as_subject": [], **draw(profiles),
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["ttl", "rdf", "n3", "jsonld"])
@settings(
    max_examples=12,
    deadline=None,
    phases=QUICK,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    listed=st.lists(
        packages(), min_size=1, max_size=2, unique_by=lambda package: package["id"]
    )
)
def test_what_goes_out_comes_back_equal(suffix: str, listed: list[Json]) -> None:
    pen, form = Pen(SITE), BY_SUFFIX[suffix]
    add_catalog(pen, listed)
    parts = [dataset_fragment(package, SITE, form) for package in listed]
    body = document([fragment(pen, form), *parts], form)
    graph = read_graph(body, BY_SUFFIX["ttl" if suffix == "n3" else suffix])
    assert len(dataset_nodes(graph)) == len(listed)
    for package in listed:
        assert read_dataset(
            graph, URIRef(f"{SITE.url}/dataset/{package['id']}")
        ) == record_of(clean(package))


@settings(
    max_examples=40,
    deadline=None,
    phases=QUICK,
    suppress_health_check=list(HealthCheck),
)
@given(package=packages())
def test_a_data_json_comes_back_with_what_dcat_us_carries(package: Json) -> None:
    package = {**package, "title": f"Bộ {package['title']}"}
    wanted, found = (
        record_of(clean(package)),
        read_entry(json.loads(json.dumps(write_entry(package, SITE.url)))),
    )
    assert found.title == wanted.title.strip()
    assert found.notes == (wanted.notes or wanted.title).strip()
    assert found.tags == tuple(
        sorted(
            {
                " ".join(tag.split())
                for tag in wanted.tags
                if len(" ".join(tag.split())) > 1
            }
        )
    )
    assert found.license_id == (
        wanted.license_id if wanted.license_id in LICENCE_BY_ID else None
    )
    assert (
        found.profile.get("spatial_unit", "")
        == wanted.profile.get("spatial_unit", "").strip()
    )
    assert found.profile["access_kind"] == wanted.profile.get("access_kind", "open")
    for theirs, ours in zip(found.resources, wanted.resources, strict=True):
        assert (theirs.name, theirs.description) == (
            ours.name.strip(),
            ours.description.strip(),
        )
        assert theirs.format.lower() == (ours.format or theirs.format).lower()
        assert ours.url not in ("http://a.vn/x",) or theirs.url == ours.url


def real(path: str) -> list[Json]:
    """Package dicts of another portal, as far as they are complete."""
    if not (SHARED / path).exists():
        pytest.skip("the shared data is not here")
    dump = json.loads((SHARED / path).read_text(encoding="utf-8"))
    listed = dump if isinstance(dump, list) else dump.get("result", dump)["results"]
    return [
        {"metadata_created": "2026-01-01", "metadata_modified": "2026-01-01", **package}
        for package in listed
    ]


@pytest.mark.parametrize(
    "path",
    ["ckan-dumps/hdx_datasets_10.json", "ckan-dumps/birmingham_package_search.json"],
)
def test_real_package_dicts_come_back_equal(path: str) -> None:
    for number, package in enumerate(real(path)[:40]):
        form = BY_SUFFIX[("ttl", "rdf", "jsonld")[number % 3]]
        graph = read_graph(
            document([dataset_fragment(package, SITE, form)], form), form
        )
        assert read_dataset(
            graph, URIRef(f"{SITE.url}/dataset/{package['id']}")
        ) == record_of(clean(package))
