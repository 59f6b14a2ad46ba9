"""The registry of the Table Schemas in schemas/tables: find one by name or code, read
its code list.
"""

from __future__ import annotations

import copy
import csv
import difflib
import functools
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("tables")
EXAMPLES = Path(__file__).with_name("examples")


class UnknownTable(KeyError):
    """No table schema, or more than one, answers to a name; the message lists near
    names.
    """

    def __init__(
        self, name: str, near: tuple[str, ...], *, ambiguous: bool = False
    ) -> None:
        super().__init__(name)
        self.name = name
        self.near = near
        what = (
            "names several table schemas"
            if ambiguous
            else "is not a known table schema"
        )
        self.message = f"'{name}' {what}" + (
            f"; did you mean {', '.join(near)}?" if near else ""
        )

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class WrongRow:
    """What is changed in the first right row to make it wrong, which check finds that
    in which field, and why.
    """

    change: Mapping[str, str]
    field: str | None
    check: str
    why: str
    why_en: str


@dataclass(frozen=True, slots=True)
class Examples:
    """Example rows of a table, as texts."""

    right: tuple[Mapping[str, str], ...]
    wrong: tuple[WrongRow, ...]


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table of one dataset: who publishes it, how it may be shared, and what its
    rows look like.

    `name` is "sector/dataset" or "sector/dataset/table" and is what foreign keys name
    as `reference.resource`; `code` is the dataset's number ("D01", "D13/so-lieu").
    """

    name: str
    code: str
    version: str
    title: str
    title_en: str
    description: str
    description_en: str
    sector: str
    access_kind: str
    frequency: str
    publisher: str
    publisher_en: str
    path: Path
    _descriptor: Mapping[str, Any]

    @property
    def descriptor(self) -> dict[str, Any]:
        """The whole Frictionless descriptor, our own keys included; a fresh copy each
        time.
        """
        return copy.deepcopy(dict(self._descriptor))

    @property
    def public(self) -> dict[str, Any]:
        """The descriptor of what may be stored and shown: without the fields whose
        treatment is "drop".

        `descriptor` lets those fields be absent ("fieldsMatch"); this one knows nothing
        of them.
        """
        descriptor = self.descriptor
        descriptor.pop("fieldsMatch", None)
        descriptor["fields"] = [
            field for field in descriptor["fields"] if field["treatment"] != "drop"
        ]
        return descriptor

    @property
    def checks(self) -> tuple[dict[str, Any], ...]:
        """The checks beyond Frictionless, each with an `id` that the quality engine
        knows.
        """
        return tuple(self.descriptor["checks"])

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the tables that its foreign keys point to, in order, each once."""
        keys = self._descriptor.get("foreignKeys", ())
        return tuple(dict.fromkeys(key["reference"]["resource"] for key in keys))

    @property
    def is_code_list(self) -> bool:
        """Whether its rows are shipped beside it."""
        return self._descriptor.get("kind") == "code-list"

    def rows(self) -> tuple[dict[str, str], ...]:
        """The rows of a code list, as texts; empty for every other table."""
        return _rows(self.path.with_suffix(".csv")) if self.is_code_list else ()

    @property
    def examples(self) -> Examples:
        """Rows that are right, and rows that are wrong with the check that finds it."""
        plain = json.loads((EXAMPLES / f"{self.name}.json").read_text(encoding="utf-8"))
        return Examples(
            tuple(plain["right"]), tuple(WrongRow(**wrong) for wrong in plain["wrong"])
        )


def tables() -> tuple[TableSchema, ...]:
    """Every table schema, in the order of the dataset codes."""
    return _load(FOLDER)


def get(name: str) -> TableSchema:
    """The schema called `name`: a whole name, its tail ("don-vi-hanh-chinh") or a code
    ("D13/so-lieu"), in any case.

    Raises UnknownTable (a KeyError) with near names when none or several answer.
    """
    wanted = unicodedata.normalize("NFC", name).strip().strip("/").casefold()
    exact = [
        table
        for table in tables()
        if wanted in (table.name.casefold(), table.code.casefold())
    ]
    found = exact or [
        table
        for table in tables()
        if wanted and table.name.casefold().endswith("/" + wanted)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownTable(name, tuple(table.name for table in found), ambiguous=True)
    raise UnknownTable(name, _near(wanted))


def code_list(name: str) -> dict[str, list[str]] | None:
    """The columns of the code list that ships with a table schema; None where it has
    none.
    """
    try:
        rows = get(name).rows()
    except UnknownTable:
        return None
    return {label: [row[label] for row in rows] for label in rows[0]} if rows else None


def _near(wanted: str) -> tuple[str, ...]:
    inside = [
        table.name
        for table in tables()
        if wanted and table.code.casefold().startswith(wanted + "/")
    ]
    if inside:
        return tuple(inside)
    known = {
        alias.casefold(): table.name
        for table in tables()
        for alias in (table.code, table.name, _tail(table))
    }
    return tuple(
        dict.fromkeys(
            known[alias]
            for alias in difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
        )
    )


def _tail(table: TableSchema) -> str:
    return table.name.rsplit("/", 1)[-1]


@functools.cache
def _load(folder: Path) -> tuple[TableSchema, ...]:
    read = [_table(path) for path in folder.rglob("*.json")]
    return tuple(sorted(read, key=lambda table: (table.code, table.name)))


def _table(path: Path) -> TableSchema:
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    own = [
        name
        for name in TableSchema.__dataclass_fields__
        if name not in ("path", "_descriptor")
    ]
    return TableSchema(
        **{name: descriptor[name] for name in own}, path=path, _descriptor=descriptor
    )


@functools.cache
def _rows(path: Path) -> tuple[dict[str, str], ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


ACCESS = {
    "open": "mở / open",
    "shared": "chia sẻ / shared",
    "restricted": "hạn chế / restricted",
}


def markdown(rules: str) -> str:
    """The catalogue page of every table schema, in Vietnamese and English
    (docs/schemas.md); `rules` is its section of the checks that a schema may ask for.
    """
    intro = (
        "# Danh mục lược đồ bảng / Catalogue of table schemas\n\n"
        "Trang này được sinh từ `schemas/tables/` (`python -m demo.generate --page`); "
        "đừng sửa tay.\n"
        "This page is generated from `schemas/tables/` (`python -m demo.generate "
        "--page`); do not edit it.\n\n"
        "Mọi mã là chuỗi ký tự có mẫu kiểm tra; số 0 đầu được giữ. "
        "Every code is a text with a pattern; leading zeros stay.\n\nGiá trị trống / "
        "Missing values: "
        + " ".join(
            f"`{text}`" for text in tables()[0].descriptor["missingValues"] if text
        )
        + ".\n\n| Mã / Code | Lược đồ / Schema | Tên | Title "
        "| Chia sẻ / Access | Kỳ / Frequency |\n"
        "|---|---|---|---|---|---|\n"
    )
    index = "".join(
        f"| {t.code} | [`{t.name}`](#{_anchor(t)}) | {t.title} | {t.title_en} "
        f"| {t.access_kind} | {t.frequency} |\n"
        for t in tables()
    )
    return intro + index + rules + "".join(_section(table) for table in tables())


def _section(table: TableSchema) -> str:
    descriptor = table.descriptor
    key = descriptor["primaryKey"]
    keys = [key] if isinstance(key, str) else key
    lines = [
        f'\n<a id="{_anchor(table)}"></a>\n\n'
        f"## {table.code} · {table.title} / {table.title_en}\n",
        f"{table.description}\n{table.description_en}\n",
        f"`{table.name}` {table.version} · {table.publisher} / {table.publisher_en} "
        f"· {ACCESS[table.access_kind]} · {table.frequency} "
        f"· khóa / key: `{', '.join(keys)}`\n",
        "| Trường / Field | Kiểu / Type | Tên / Title | Ràng buộc / Constraints "
        "| DLCN / Personal |",
        "|---|---|---|---|---|",
        *(_line(field) for field in descriptor["fields"]),
    ]
    if table.references:
        lines.append(
            "\nKhóa ngoại / Foreign keys: "
            + "; ".join(map(_foreign_key, descriptor["foreignKeys"]))
        )
    if table.checks:
        lines.append(
            "\nKiểm tra thêm / Further checks: " + "; ".join(map(_check, table.checks))
        )
    return "\n".join([*lines, *_examples(table), *_listed(table)]) + "\n"


def _check(check: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in check.items() if key not in ("id", "units")}
    told = ", ".join(f"{key} {_told(value)}" for key, value in rest.items())
    return f"`{check['id']}`" + (f" ({told})" if told else "")


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_told(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value) or "∅"


def _examples(table: TableSchema) -> list[str]:
    """A right row, and what makes it wrong."""
    right = table.examples.right[0]
    row = ", ".join(f"{name}={value}" for name, value in right.items() if value)
    lines = [
        f"\nDòng đúng / A right row: `{row}`\n",
        "| Sai khi / Wrong when | Kiểm tra / Check | Vì sao | Why |",
        "|---|---|---|---|",
    ]
    for wrong in table.examples.wrong:
        changed = ", ".join(
            f"`{name}` = `{value or '∅'}`" for name, value in wrong.change.items()
        )
        lines.append(f"| {changed} | `{wrong.check}` | {wrong.why} | {wrong.why_en} |")
    return lines


def _listed(table: TableSchema) -> list[str]:
    """The rows of a code list."""
    rows = table.rows()
    if not rows:
        return []
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    body = [
        "| " + " | ".join(row[name].replace("|", "\\|") for name in names) + " |"
        for row in rows
    ]
    return [
        f"\n{len(rows)} mã / codes:\n",
        "| " + " | ".join(names) + " |",
        "|---" * len(names) + "|",
        *body,
    ]


def _line(field: Mapping[str, Any]) -> str:
    kind = field["type"] + (f" ({field['format']})" if "format" in field else "")
    personal = "" if field["pd"] == "none" else f"{field['pd']}: {field['treatment']}"
    limits = "; ".join(
        _limit(name, value) for name, value in field.get("constraints", {}).items()
    )
    titles = f"{field['title']} / {field['title_en']}"
    return f"| `{field['name']}` | {kind} | {titles} | {limits} | {personal} |"


def _limit(name: str, value: Any) -> str:
    if name == "enum":
        return "enum " + ", ".join(f"`{choice}`" for choice in value)
    if value is True:
        return name
    text = str(value).replace("|", "\\|")
    return f"{name} `{text}`"


def _foreign_key(key: Mapping[str, Any]) -> str:
    reference = key["reference"]
    here, there = ", ".join(key["fields"]), ", ".join(reference["fields"])
    return f"`{here}` → `{reference['resource']}`.`{there}`"


def _anchor(table: TableSchema) -> str:
    return table.name.replace("/", "-")
