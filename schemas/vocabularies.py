"""Closed lists: licences, access kinds, frequencies, formats, member roles and the
province's own fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence, in the shape that CKAN's license_list answers; `open` is Open
    Definition conformance.
    """

    id: str
    title: str
    title_vi: str
    url: str
    open: bool
    data: bool = True
    content: bool = False

    def describe(self) -> dict[str, Any]:
        """CKAN's dict: flags are the texts "True" and "False", as its clients
        expect.
        """
        return {
            "id": self.id,
            "title": self.title,
            "title_vi": self.title_vi,
            "url": self.url,
            "status": "active",
            "maintainer": "",
            "family": "",
            "is_generic": "False",
            "is_okd_compliant": str(self.open),
            "is_osi_compliant": "False",
            "od_conformance": "approved" if self.open else "not reviewed",
            "osd_conformance": "not reviewed",
            "domain_data": str(self.data),
            "domain_content": str(self.content),
            "domain_software": "False",
        }


_OD = "https://opendefinition.org/licenses/"
LICENCES: tuple[Licence, ...] = (
    Licence("notspecified", "License not specified", "Chưa nêu giấy phép", "", False),
    Licence(
        "odc-pddl",
        "Open Data Commons Public Domain Dedication and License (PDDL)",
        "Hiến tặng phạm vi công cộng (PDDL)",
        _OD + "odc-pddl",
        True,
    ),
    Licence(
        "odc-odbl",
        "Open Data Commons Open Database License (ODbL)",
        "Giấy phép CSDL mở (ODbL)",
        _OD + "odc-odbl",
        True,
    ),
    Licence(
        "odc-by",
        "Open Data Commons Attribution License",
        "Ghi công (ODC-BY)",
        _OD + "odc-by",
        True,
    ),
    Licence(
        "cc-zero",
        "Creative Commons CCZero",
        "Creative Commons CC0",
        _OD + "cc-zero",
        True,
        content=True,
    ),
    Licence(
        "cc-by",
        "Creative Commons Attribution",
        "Creative Commons Ghi công",
        _OD + "cc-by",
        True,
        content=True,
    ),
    Licence(
        "cc-by-sa",
        "Creative Commons Attribution Share-Alike",
        "Creative Commons Ghi công - Chia sẻ tương tự",
        _OD + "cc-by-sa",
        True,
        content=True,
    ),
    Licence(
        "gfdl",
        "GNU Free Documentation License",
        "Giấy phép tài liệu tự do GNU",
        _OD + "gfdl",
        True,
        False,
        content=True,
    ),
    Licence("other-open", "Other (Open)", "Khác (mở)", "", True),
    Licence("other-pd", "Other (Public Domain)", "Khác (phạm vi công cộng)", "", True),
    Licence("other-at", "Other (Attribution)", "Khác (ghi công)", "", True),
    Licence(
        "uk-ogl",
        "UK Open Government Licence (OGL)",
        "Giấy phép chính phủ mở Vương quốc Anh",
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/",
        True,
        content=True,
    ),
    Licence(
        "cc-nc",
        "Creative Commons Non-Commercial (Any)",
        "Creative Commons Phi thương mại",
        "https://creativecommons.org/licenses/by-nc/2.0/",
        False,
    ),
    Licence("other-nc", "Other (Non-Commercial)", "Khác (phi thương mại)", "", False),
    Licence("other-closed", "Other (Not Open)", "Khác (không mở)", "", False),
    Licence(
        "dlm-vn",
        "Viet Nam open-data terms of use",
        "Điều khoản sử dụng dữ liệu mở",
        "",
        False,  # its no-resale clause does not conform to the Open Definition
    ),
)
"""CKAN's fifteen licences in its own order, then the terms that Vietnamese portals
use.
"""

LICENCE_BY_ID = {licence.id: licence for licence in LICENCES}

ACCESS_KINDS = ("open", "shared", "restricted")
FREQUENCIES = (
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "half-yearly",
    "yearly",
    "school-year",
    "on-change",
    "irregular",
)
SHARING_CHANNELS = ("portal", "lgsp", "ndop")
ORGANIZATION_ROLES = ("admin", "editor", "member")
GROUP_ROLES = ("admin", "member")
PERSONAL_COLUMN, PERSONAL_DATA, CITIZEN_ID = (
    "personal-column",
    "personal-data",
    "citizen-id",
)
"""Checks that find personal data, and the kind of it that is never anything else."""
PERSONAL_TEXT, UNREAD_FILE, BESIDE_TABLE = "personal-text", "unread-file", "*"
"""The same of a file that is no table, that its text could not be read, and the name of
all that stands beside one.
"""
HARVEST_FREQUENCIES = (
    "MANUAL",
    "ALWAYS",
    "HOURLY",
    "DAILY",
    "WEEKLY",
    "BIWEEKLY",
    "MONTHLY",
)


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One of the province's own dataset fields: a key at the top level of the package
    dict.
    """

    name: str
    title_vi: str
    title_en: str
    choices: tuple[str, ...] = ()
    translated: bool = False


PROFILE_FIELDS: tuple[ProfileField, ...] = (
    ProfileField("access_kind", "Loại hình chia sẻ", "Access kind", ACCESS_KINDS),
    ProfileField("frequency", "Tần suất cập nhật", "Update frequency", FREQUENCIES),
    ProfileField("period", "Kỳ nhập liệu", "Reporting period"),
    ProfileField("sector", "Lĩnh vực", "Sector"),
    ProfileField(
        "annex",
        "Phụ lục danh mục",
        "Annex of the catalogue decision",
        ("PL1", "PL2", "PL3"),
    ),
    ProfileField(
        "annex_number", "Số thứ tự trong danh mục", "Number in the catalogue decision"
    ),
    ProfileField("source_database", "Nguồn cơ sở dữ liệu", "Source database"),
    ProfileField(
        "sharing_channel", "Kênh chia sẻ", "Sharing channel", SHARING_CHANNELS
    ),
    ProfileField("language", "Ngôn ngữ", "Language"),
    ProfileField(
        "title_translated",
        "Tiêu đề theo ngôn ngữ",
        "Title by language",
        translated=True,
    ),
    ProfileField(
        "notes_translated", "Mô tả theo ngôn ngữ", "Notes by language", translated=True
    ),
    ProfileField("contact_name", "Đầu mối liên hệ", "Contact point"),
    ProfileField("contact_email", "Thư điện tử liên hệ", "Contact e-mail"),
    ProfileField("spatial_unit", "Đơn vị hành chính", "Administrative unit"),
    ProfileField("legal_basis", "Căn cứ pháp lý", "Legal basis"),
    ProfileField("data_label", "Nhãn dữ liệu", "Data label"),
)
"""Annexes and channels as in the province's catalogue decision; all optional for
foreign CKAN clients.
"""
PROFILE_NAMES = frozenset(field.name for field in PROFILE_FIELDS)

FORMATS: dict[str, str] = {
    "text/csv": "CSV",
    "csv": "CSV",
    "text/tab-separated-values": "TSV",
    "tsv": "TSV",
    "application/json": "JSON",
    "json": "JSON",
    "application/x-ndjson": "NDJSON",
    "ndjson": "NDJSON",
    "jsonl": "NDJSON",
    "application/geo+json": "GeoJSON",
    "geojson": "GeoJSON",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "xlsx": "XLSX",
    "application/vnd.ms-excel": "XLS",
    "xls": "XLS",
    "ods": "ODS",
    "application/vnd.oasis.opendocument.spreadsheet": "ODS",
    "application/xml": "XML",
    "text/xml": "XML",
    "xml": "XML",
    "application/pdf": "PDF",
    "pdf": "PDF",
    "application/zip": "ZIP",
    "zip": "ZIP",
    "text/html": "HTML",
    "html": "HTML",
    "htm": "HTML",
    "text/plain": "TXT",
    "txt": "TXT",
    "parquet": "Parquet",
    "application/vnd.apache.parquet": "Parquet",
    "application/rdf+xml": "RDF",
    "rdf": "RDF",
    "text/turtle": "TTL",
    "ttl": "TTL",
    "kml": "KML",
    "kmz": "KMZ",
    "gtfs": "GTFS",
    "wms": "WMS",
    "wfs": "WFS",
    "shp": "SHP",
    "docx": "DOCX",
    "doc": "DOC",
    "png": "PNG",
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "gz": "GZ",
    "api": "API",
}
"""Lower-case media type or short name -> the name that CKAN shows."""

TABULAR = frozenset(
    {
        "CSV",
        "TSV",
        "XLSX",
        "XLS",
        "ODS",
        "JSON",
        "NDJSON",
        "GeoJSON",
        "Parquet",
        "ZIP",
        "GZ",
    }
)
"""Formats whose files are read as tables."""

MEDIA_TYPES: dict[str, str] = {
    "CSV": "text/csv",
    "TSV": "text/tab-separated-values",
    "JSON": "application/json",
    "NDJSON": "application/x-ndjson",
    "GeoJSON": "application/geo+json",
    "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "XLS": "application/vnd.ms-excel",
    "ODS": "application/vnd.oasis.opendocument.spreadsheet",
    "XML": "application/xml",
    "PDF": "application/pdf",
    "ZIP": "application/zip",
    "HTML": "text/html",
    "TXT": "text/plain",
    "Parquet": "application/vnd.apache.parquet",
    "PNG": "image/png",
    "JPEG": "image/jpeg",
}


def format_name(text: str, url: str = "") -> str:
    """CKAN's format rule: a known name is normalised, an unknown one kept, an empty one
    guessed from the path.
    """
    given = text.strip()
    if given:
        return FORMATS.get(given.lower().lstrip("."), given)
    if "?" in url:
        return ""
    last = url.rsplit("/", 1)[-1]
    return FORMATS.get(last.rsplit(".", 1)[-1].lower(), "") if "." in last else ""
