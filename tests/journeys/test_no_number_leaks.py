"""A citizen number in any format and spelling: nobody without a role meets it on any
surface of the portal.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from html import escape

import openpyxl
import orjson
import pytest

from portal.pipeline import index, load, publish, score
from tests.journeys.conftest import opened
from tests.journeys.world import World

NUMBER = "038095012345"
SEPARATORS = re.compile(
    r"(?<=\d)(?:[\s.,\-–/\u00a0+]|%20|&nbsp;|\\u00a0|\\xa0|\\n)+(?=\d)"
)
Cell = str | int
Rows = list[list[Cell]]
SPELLINGS: dict[str, Cell] = {
    "plain": NUMBER,
    "blanks": "038 095 012 345",
    "dots": "038.095.012.345",
    "dashes": "038-095-012-345",
    "no-break": "038\u00a0095\u00a0012\u00a0345",
    "sentence": f"Công dân mang CCCD số {NUMBER} xin cấp lại",
    "words": f"CCCD:{NUMBER}",
    "number": 38095012345,
}
LABEL = "label"
"""The spelling in which the number stands in the name of a column."""


def rows_of(spelling: str) -> Rows:
    if spelling == LABEL:
        return [["ma", f"CCCD {NUMBER}"], ["a", "1"], ["b", "2"]]
    value = SPELLINGS[spelling]
    return [["ho_ten", "so_cccd"], ["Nguyễn Văn An", value], ["Lê Thị Bình", value]]


def lines(rows: Rows, sign: str) -> str:
    return "".join(sign.join(map(str, row)) + "\n" for row in rows)


def xlsx(rows: Rows) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(out)
    return out.getvalue()


def packed(**members: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return out.getvalue()


def ods(rows: Rows) -> bytes:
    def cell(value: Cell) -> str:
        if isinstance(value, int):
            return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
        return (
            "<table:table-cell "
            f'office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        )

    body = "".join(
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows
    )
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names} '
        'office:version="1.2"><office:body>'
        "<office:spreadsheet><table:table "
        f'table:name="a">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    return packed(
        mimetype="application/vnd.oasis.opendocument.spreadsheet",
        content_DOT_xml=content,
    )


def nested(rows: Rows) -> bytes:
    labels, *rest = rows
    return orjson.dumps(
        [
            {"ma": "a", "nguoi": {"giay_to": [dict(zip(labels, row, strict=True))]}}
            for row in rest
        ]
    )


def geojson(rows: Rows) -> bytes:
    labels, *rest = rows
    features = [
        {
            "type": "Feature",
            "properties": dict(zip(labels, row, strict=True)),
            "geometry": None,
        }
        for row in rest
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def docx(rows: Rows) -> bytes:
    said = "".join(
        f"<w:p><w:r><w:t>{escape(lines([row], ' '))}</w:t></w:r></w:p>" for row in rows
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = (
        '<?xml version="1.0"?><w:document '
        f'xmlns:w="{space}"><w:body>{said}</w:body></w:document>'
    )
    types = (
        '<?xml version="1.0"?><Types '
        'xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    )
    return packed(
        **{"[Content_Types]_DOT_xml": types, "word__document_DOT_xml": document}
    )


def pdf(rows: Rows) -> bytes:
    said = (
        " ".join(str(cell) for row in rows for cell in row)
        .encode("latin-1", "ignore")
        .decode("latin-1")
    )
    stream = f"BT /F1 12 Tf 72 720 Td ({said}) Tj ET"
    objects = (
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 "
        "R/Resources<</Font<</F1 4 0 R>>>>>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
    )  # fmt: skip
    body, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{each}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = (
        f"xref\n0 6\n0000000000 65535 f \n{table}trailer<</Size 6/Root 1 0 R>>\n"
        f"startxref\n{len(body)}\n%%EOF"
    )
    return (body + end).encode("latin-1")


def markup(rows: Rows) -> bytes:
    def row(cells: list[Cell]) -> str:
        return (
            "<tr>"
            + "".join(f"<td>{escape(str(each))}</td>" for each in cells)
            + "</tr>"
        )

    return (
        f"<html><body><table>{''.join(map(row, rows))}</table></body></html>".encode()
    )


FILES: dict[str, Callable[[Rows], bytes]] = {
    "csv": lambda rows: lines(rows, ";").encode(),
    "xlsx": xlsx,
    "ods": ods,
    "json": nested,
    "geojson": geojson,
    "docx": docx,
    "pdf": pdf,
    "zip": lambda rows: packed(a_DOT_csv="ma,so\na,1\n", b_DOT_txt=lines(rows, " | ")),
    "txt": lambda rows: lines(rows, " | ").encode(),
    "html": markup,
}
TABLES = {
    "csv": "CSV",
    "xlsx": "XLSX",
    "ods": "ODS",
    "json": "JSON",
    "geojson": "GeoJSON",
}

IN_TEXTS = ("plain", "blanks", "sentence", "number")
"""Spellings in files that are no tables; the others are tried on texts alone
elsewhere.
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Rights are the same rows on every database: one is enough."""
    with opened(
        tmp_path_factory.mktemp("numbers"), "sqlite", PORTAL_SQL_SEARCH="on"
    ) as world:
        yield world


@pytest.fixture(scope="module")
def planted(world: World) -> dict[str, dict[str, str]]:
    """A public dataset for each format with a file for each spelling; and a private one
    whose words hold the number.
    """
    made: dict[str, dict[str, str]] = {}
    for kind, write in FILES.items():
        package = world.dataset(
            title=f"Tập {kind}", license_id="cc-by", tags=[{"name": kind}]
        )["id"]
        made[package] = {}
        for spelling in (*SPELLINGS, LABEL) if kind in TABLES else IN_TEXTS:
            file = (f"a-{spelling}.{kind}", write(rows_of(spelling)))
            given = {
                "package_id": package,
                "name": spelling,
                "format": TABLES.get(kind, kind.upper()),
            }
            resource = world.send("resource_create", "edna", file, **given).result
            made[package][resource["id"]] = spelling
            assert not tells(str(resource)), (kind, spelling)
    said = [f"của {value}" for value in SPELLINGS.values()]
    words = {
        "title": said[0],
        "notes": said[1],
        "author": said[2],
        "tags": [{"name": f"cccd {NUMBER}"}],
    }
    refused = world.ask(
        "package_create", "edna", name=world.name(), owner_org="alpha", **words
    )
    assert (refused.status, tells(str(refused.body["error"]))) == (409, False)
    extras = [{"key": "ghi chu", "value": said[4]}]
    hidden = world.dataset(private=True, **words, extras=extras)["id"]
    for stage in (load.drain, score.drain, publish.drain, index.drain):
        stage(world.portal)
    made[hidden] = {}
    return made


def tells(text: str) -> bool:
    return NUMBER.lstrip("0") in SEPARATORS.sub("", text)


def of_resources(package: str, key: str) -> Iterator[str]:
    at = f"/dataset/{package}/resource/{key}"
    yield from (
        at,
        f"/vi{at}",
        f"{at}/download",
        f"{at}/download/x",
        f"{at}/validation.csv",
        f"{at}/schema.json",
    )
    yield from (
        f"/datastore/dump/{key}{more}"
        for more in ("", "?format=json", "?format=xlsx", "?version=1")
    )
    yield f"/datastore/diff/{key}?from=1&to=1"
    actions = ("datastore_search?resource_id", "datastore_info?id", "datastore_versions?id", "resource_show?id",
               "resource_validation_show?resource_id", "resource_view_list?id")  # fmt: skip
    yield from (f"/api/3/action/{each}={key}" for each in actions)
    yield f'/api/3/action/datastore_search_sql?sql=SELECT * FROM "{key}"'


def of_datasets(package: str) -> Iterator[str]:
    at = f"/dataset/{package}"
    yield from (
        at,
        f"/vi{at}",
        f"{at}/quality.csv",
        f"{at}/croissant.jsonld",
        f"{at}/schemaorg.jsonld",
    )
    yield from (
        f"{at}/datapackage.json",
        *(f"{at}.{kind}" for kind in ("rdf", "ttl", "jsonld")),
    )
    actions = (
        "package_show",
        "package_activity_list",
        "quality_show",
        "package_validation_list",
    )
    yield from (f"/api/3/action/{each}?id={package}" for each in actions)


EVERYWHERE = (
    "/", "/?q=cccd", "/feeds/dataset.atom", "/feeds/organization/alpha.atom", "/feeds/custom.atom?q=*:*",
    "/catalog.ttl", "/catalog.jsonld", "/catalog.rdf", "/data.json", "/dcat.json", "/quality.csv",
    "/api/3/action/package_search?q=*:*&rows=1000&facet.field=[\"tags\",\"res_format\",\"organization\",\"license_id\"]",
    "/api/3/action/package_search?q=so_cccd&rows=1000", "/api/3/action/tag_list", "/api/3/action/package_list",
    "/api/3/action/current_package_list_with_resources?limit=1000", "/api/3/action/resource_search?query=name:a",
    "/api/3/action/package_autocomplete?q=c", "/api/3/action/tag_autocomplete?q=cccd",
    "/api/3/action/search_suggest?q=cc",
    "/api/3/action/recently_changed_packages_activity_list", "/api/3/action/organization_activity_list?id=alpha",
    "/api/2/util/dataset/autocomplete?incomplete=c", "/api/3/action/quality_list?limit=1000",
    "/api/3/action/datastore_search?resource_id=_table_metadata&limit=1000", "/metrics", "/health",
)  # fmt: skip


def test_each_file_is_held(world: World, planted: dict[str, dict[str, str]]) -> None:
    states: dict[str, list[str]] = {}
    for package, files in planted.items():
        if files:
            shown = world.ask("package_show", None, id=package).result
            states |= {
                shown["title"]: [
                    each["name"]
                    for each in shown["resources"]
                    if each["check_state"] != "held"
                ]
            }
    assert {title: names for title, names in states.items() if names} == {}


@pytest.mark.parametrize("who", [None, "fora"])
def test_no_surface_tells_the_number(
    world: World, planted: dict[str, dict[str, str]], who: str | None
) -> None:
    paths = [*EVERYWHERE, "/sitemap.xml"]
    for package, files in planted.items():
        paths += of_datasets(package)
        # The others' rights are those of nobody here: a file of each format will do.
        paths += [
            path
            for key in (files if who is None else list(files)[:1])
            for path in of_resources(package, key)
        ]
    met = []
    for path in paths:
        answer = world.get(path, who)
        assert (
            answer.status_code == 200
            if path in EVERYWHERE
            else answer.status_code < 500
        ), path
        if tells(answer.get_data().decode("utf-8", "replace").replace(path, "")):
            met.append(path)
    assert met == []


def test_its_editors_do_meet_it(
    world: World, planted: dict[str, dict[str, str]]
) -> None:
    """The number is really there."""
    package = next(iter(planted))
    key = next(iter(planted[package]))
    assert tells(
        world.get(f"/dataset/{package}/resource/{key}/download/x", "edna").get_data(
            as_text=True
        )
    )
    hidden = list(planted)[-1]
    assert tells(str(world.ask("package_show", "edna", id=hidden).result))
