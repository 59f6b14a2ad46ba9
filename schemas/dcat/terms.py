"""The terms of DCAT-AP 3 that the portal speaks: namespaces, the EU's authority tables,
licences, and the ways back.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from rdflib import Namespace
from rdflib.namespace import DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS, XSD

from schemas.vocabularies import LICENCE_BY_ID, MEDIA_TYPES

ADMS = Namespace("http://www.w3.org/ns/adms#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
"""Ours: rdflib's own list of terms ends before DCAT 3."""
DCATAP = Namespace("http://data.europa.eu/r5r/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
SCHEMA = Namespace("http://schema.org/")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
AUTHORITY = "http://publications.europa.eu/resource/authority/"
IANA = "https://www.iana.org/assignments/media-types/"
GEOJSON = IANA + "application/vnd.geo+json"
CUSTODIAN = (
    "http://inspire.ec.europa.eu/metadata-codelist/ResponsiblePartyRole/custodian"
)

PREFIXES: dict[str, Any] = {
    "adms": ADMS, "dcat": DCAT, "dcatap": DCATAP, "dct": DCTERMS, "eli": ELI,
    "foaf": FOAF, "hydra": HYDRA, "locn": LOCN, "owl": OWL, "prov": PROV, "rdf": RDF,
    "rdfs": RDFS, "schema": SCHEMA, "skos": SKOS, "spdx": SPDX, "vcard": VCARD,
    "xsd": XSD,
}  # fmt: skip

LANGUAGES = {
    "vi": "VIE", "en": "ENG", "fr": "FRA", "de": "DEU", "es": "SPA", "it": "ITA",
    "pt": "POR", "nl": "NLD", "ru": "RUS", "zh": "ZHO", "ja": "JPN", "ko": "KOR",
    "lo": "LAO", "th": "THA", "km": "KHM", "pl": "POL", "cs": "CES", "sv": "SWE",
    "da": "DAN", "fi": "FIN", "el": "ELL", "hu": "HUN", "ro": "RON", "uk": "UKR",
}  # fmt: skip
"""ISO 639-1 → code of the authority table of languages."""

FREQUENCIES = {
    "hourly": "HOURLY",
    "daily": "DAILY",
    "weekly": "WEEKLY",
    "monthly": "MONTHLY",
    "quarterly": "QUARTERLY",
    "half-yearly": "ANNUAL_2",
    "yearly": "ANNUAL",
    "school-year": "ANNUAL",
    "on-change": "IRREG",
    "irregular": "IRREG",
}
"""Our frequency → code of the authority table; the way back takes the first that says
the same.
"""
ISO_PERIODS = {
    "hourly": "R/PT1H",
    "daily": "R/P1D",
    "weekly": "R/P1W",
    "monthly": "R/P1M",
    "quarterly": "R/P3M",
    "half-yearly": "R/P6M",
    "yearly": "R/P1Y",
    "school-year": "R/P1Y",
    "on-change": "irregular",
    "irregular": "irregular",
}
"""Our frequency → ISO 8601, as DCAT-US writes it."""
_FREQUENCY_WORDS = {
    "annual": "yearly", "yearly": "yearly", "annually": "yearly", "p1y": "yearly",
    "ann": "yearly", "annual_2": "half-yearly", "semiannual": "half-yearly",
    "p6m": "half-yearly", "p0.5y": "half-yearly", "half-yearly": "half-yearly",
    "biannually": "half-yearly", "quarterly": "quarterly", "p3m": "quarterly",
    "monthly": "monthly", "p1m": "monthly", "weekly": "weekly", "p1w": "weekly",
    "p7d": "weekly", "daily": "daily", "p1d": "daily", "hourly": "hourly",
    "pt1h": "hourly", "irreg": "irregular", "irregular": "irregular",
}  # fmt: skip

ACCESS_RIGHTS = {"open": "PUBLIC", "shared": "RESTRICTED", "restricted": "NON_PUBLIC"}
ACCESS_LEVELS = {
    "open": "public",
    "shared": "restricted public",
    "restricted": "non-public",
}
"""Our access kind → the authority table of access rights, and DCAT-US's accessLevel."""

FILE_TYPES = {
    "CSV": "CSV", "TSV": "TSV", "JSON": "JSON", "GeoJSON": "GEOJSON", "XLSX": "XLSX",
    "XLS": "XLS", "ODS": "ODS", "XML": "XML", "PDF": "PDF", "ZIP": "ZIP",
    "HTML": "HTML", "TXT": "TXT", "Parquet": "PARQUET", "RDF": "RDF_XML",
    "TTL": "RDF_TURTLE", "KML": "KML", "KMZ": "KMZ", "WMS": "WMS_SRVC",
    "WFS": "WFS_SRVC", "SHP": "SHP", "DOCX": "DOCX", "DOC": "DOC", "PNG": "PNG",
    "JPEG": "JPEG", "GZ": "GZIP",
}  # fmt: skip
"""CKAN's name of a format → code of the authority table of file types."""

THEMES = {
    "nong-nghiep": "AGRI",
    "kinh-te-thuong-mai": "ECON",
    "giao-duc": "EDUC",
    "y-te": "HEAL",
    "lao-dong": "SOCI",
    "moi-truong": "ENVI",
    "tai-chinh": "ECON",
    "nang-luong": "ENER",
    "co-so-ha-tang": "TRAN",
    "xa-hoi": "SOCI",
    "cong-nghe": "TECH",
    "dia-phuong": "REGI",
}
"""Name of a national theme (a CKAN group) → code of the EU's data themes."""

RELATIONS = {
    "depends_on": DCTERMS.requires,
    "derives_from": PROV.wasDerivedFrom,
    "links_to": DCTERMS.relation,
    "child_of": DCTERMS.isPartOf,
}
CHECKSUMS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
"""Length of a hexadecimal digest → the algorithm that makes it."""

_LICENCE_ADDRESSES: tuple[tuple[str, str], ...] = (
    (
        r"creativecommons\.org/publicdomain/(zero|mark)/|authority/licence/CC0|licen[cs]es/cc-?(zero|0)",
        "cc-zero",
    ),
    (
        r"creativecommons\.org/licenses/by-sa/|authority/licence/CC_BYSA|licen[cs]es/cc-by-sa",
        "cc-by-sa",
    ),
    (r"creativecommons\.org/licenses/by-nc|authority/licence/CC_BYNC", "cc-nc"),
    (
        r"creativecommons\.org/licenses/by/|authority/licence/CC_BY_|licen[cs]es/cc-by(/|$|-\d)",
        "cc-by",
    ),
    (
        r"opendatacommons\.org/licenses/pddl|licenses/odc-pddl|authority/licence/ODC_PDDL",
        "odc-pddl",
    ),
    (
        r"opendatacommons\.org/licenses/by|licenses/odc-by|authority/licence/ODC_BY",
        "odc-by",
    ),
    (
        r"opendatacommons\.org/licenses/odbl|licenses/odc-odbl|authority/licence/ODC_BL",
        "odc-odbl",
    ),
    (r"open-government-licence|authority/licence/OGL", "uk-ogl"),
    (r"gnu\.org/(licenses|copyleft)/fdl", "gfdl"),
)
EXACT = "ckan:"
"""Prefix of the schema:propertyID of values that no term of DCAT carries whole."""
_SLUG = re.compile(r"[^a-z0-9_-]+")
_VIETNAMESE = re.compile("[ăâđêôơưĂÂĐÊÔƠƯ\u1ea0-\u1ef9]")
_MOMENT = re.compile(
    r"^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$"
)
_HEX = re.compile(r"^[0-9a-f]+$")


def authority(table: str, code: str) -> str:
    """The address of a code in one of the EU's authority tables."""
    return f"{AUTHORITY}{table}/{code}"


def _backwards(table: dict[str, str]) -> dict[str, str]:
    back: dict[str, str] = {}
    for ours, theirs in table.items():
        back.setdefault(theirs, ours)
    return back


LANGUAGE_OF, FORMAT_OF, ACCESS_OF = (
    _backwards(LANGUAGES),
    _backwards(FILE_TYPES),
    _backwards(ACCESS_RIGHTS),
)
LEVEL_OF, FORMAT_OF_MEDIA = _backwards(ACCESS_LEVELS), _backwards(MEDIA_TYPES)


def code_of(value: str) -> str:
    """The last part of an address: the code of an authority table, or the value
    itself.
    """
    return value.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]


def language_of(value: str) -> str:
    """A language as we write it: "vi" for VIE, vie, vi-VN or the address of any of
    them.
    """
    code = code_of(value.strip())
    return LANGUAGE_OF.get(code.upper()) or (
        code.split("-")[0].lower() if 2 <= len(code) <= 5 else code
    )


def frequency_of(value: str) -> str | None:
    """One of our frequencies, from an authority code, Dublin Core's, ISO 8601 or a
    word; None when unknown.
    """
    word = code_of(value.strip()).lower()
    return _FREQUENCY_WORDS.get(word.removeprefix("r/"))


def licence_of(value: str) -> str | None:
    """The id of a licence, from its id, its address or an authority code; None when
    unknown.
    """
    text = value.strip()
    if text in LICENCE_BY_ID:
        return text
    known = {
        licence.url: licence.id for licence in LICENCE_BY_ID.values() if licence.url
    }
    by_pattern = (
        name
        for pattern, name in _LICENCE_ADDRESSES
        if re.search(pattern, text, re.IGNORECASE)
    )
    return known.get(text) or next(by_pattern, None)


def media_type_of(value: str) -> str:
    """A media type without the address of IANA's register."""
    found = re.search(r"media-types?/([\w.+-]+/[\w.+-]+)$", value.strip())
    return found.group(1) if found else value.strip()


def format_of(value: str) -> str:
    """The name of a format from an authority code, an address of IANA's register, or a
    text.
    """
    text = value.strip()
    if text.startswith(("http://", "https://")):
        return (
            FORMAT_OF.get(code_of(text))
            or FORMAT_OF_MEDIA.get(media_type_of(text))
            or code_of(text)
        )
    return text


def tongue(text: str) -> str | None:
    """ "vi" for a text with letters that only Vietnamese has, None for any other."""
    return "vi" if _VIETNAMESE.search(text) else None


def is_moment(text: str) -> bool:
    """Whether a text is a year, month, day or time of ISO 8601."""
    return bool(_MOMENT.match(text))


def is_digest(text: str) -> bool:
    """Whether a text is a digest of a known length, in lower-case hexadecimal."""
    return len(text) in CHECKSUMS and bool(_HEX.match(text))


def exact_id(field: str) -> str:
    """The schema:propertyID under which a field's exact value is stated."""
    return EXACT + field


def slug(text: str) -> str:
    """A name that CKAN allows, made of any text."""
    letters = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    plain = _SLUG.sub("-", bare).strip("-_")
    return plain[:100].strip("-_")


@dataclass(frozen=True, slots=True)
class Site:
    """The catalogue as its graph names it."""

    url: str
    title: str
    description: str = ""
    language: str = "vi"
