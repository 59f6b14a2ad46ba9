"""What Frictionless itself says of a schema, a header and a cell; only this and
frictionless_report import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from frictionless import FrictionlessException, Schema
from frictionless.schema import field as frictionless_field
from frictionless.table.header import Header
from frictionless.table.label_matching import deduplicate_names

from portal.quality.frictionless import jsonschemas, patterns, tableschema2

FIELD_KEYS = (
    "name",
    "type",
    "format",
    "title",
    "constraints",
    "missingValues",
    "trueValues",
    "falseValues",
    "bareNumber",
    "decimalChar",
    "groupChar",
    "floatNumber",
    "delimiter",
    "itemType",
    "arrayItem",
)
SCHEMA_KEYS = ("primaryKey", "missingValues", "fieldsMatch", "$schema")
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
CACHED = 200_000
"""Verdicts on distinct cells kept for one column."""

# Frictionless compiles the pattern of a field with Python's engine, for which a
# stranger can write a pattern that
# never ends; this is the one place where it looks that engine up.
frictionless_field.re = patterns  # type: ignore[attr-defined]

Cell = str | None
Errors = tuple[tuple[str, str], ...]
"""(code, note) of each error of a cell, in Frictionless' order."""


class SchemaProblem(ValueError):
    """A Table Schema that cannot be used; `notes` says what is wrong with it."""

    def __init__(self, notes: Iterable[str]) -> None:
        self.notes = tuple(notes)
        super().__init__("; ".join(self.notes))


class RepeatedLabel(SchemaProblem):
    """A header that no schema matching fields by their names can be laid upon."""

    def __init__(self, label: str, number: int, first: int) -> None:
        self.label, self.number = label, number
        super().__init__([f'at position "{first}"'])


@dataclass(slots=True)
class Column:
    """One expected column: the declared rule, and Frictionless' verdict on any cell of
    it.
    """

    number: int
    name: str
    rule: Any
    missing: tuple[str, ...]
    bounds: Mapping[str, Any] = field(default_factory=dict)
    enum: tuple[Any, ...] | None = None
    title: str = ""
    personal: bool = False
    declared: bool = True
    group: str = ""
    inside: jsonschemas.ValueSchema | None = None
    _read: Callable[[Any], tuple[Any, dict[str, str] | None]] | None = None
    _read_value: Callable[[Any], Any] | None = None
    _cache: dict[Cell, Errors] = field(default_factory=dict)

    def read(self, cell: Cell) -> tuple[Any, Errors]:
        """The typed value of a cell (None: missing or of a wrong type) and its
        errors.
        """
        if self._read is None:
            self._read = self.rule.create_cell_reader()
        # Frictionless takes groupChar for numbers only, so that an integer has it
        # removed here.
        if self.group and cell and cell not in self.missing:
            cell = cell.replace(self.group, "")
        value, notes = self._read(cell)
        if not notes:
            note = self.inside(value) if self.inside and value is not None else ""
            return value, (("constraint-error", note),) if note else ()
        kind = notes.pop("type", None)
        errors = [("type-error", kind)] if kind else []
        return value, (
            *errors,
            *(("constraint-error", note) for note in notes.values()),
        )

    def prepare(self, cells: Sequence[str]) -> None:
        """Judge together what would otherwise cost a message to a child for each cell.
        Raises NotJudged.
        """
        new = [
            cell
            for cell in cells
            if cell not in self._cache and cell not in self.missing
        ]
        pattern = self.rule.constraints.get("pattern")
        if pattern is not None and self.rule.type == "string":
            patterns.compile(f"^{pattern}$").prepare(new)
        if self.inside is not None:
            values = map(self.value, new)
            self.inside.prepare([value for value in values if value is not None])

    def value(self, cell: Any) -> Any:
        """The typed value of a cell, or of what a schema writes in place of one; None
        where it is none of the column's type. Constraints are not asked.
        """
        if self._read_value is None:
            self._read_value = self.rule.create_value_reader()
        if isinstance(cell, str) and self.group:
            cell = cell.replace(self.group, "")
        return self._read_value(cell)

    def errors(self, cell: Cell) -> Errors:
        """The errors of a cell, remembered for equal cells."""
        found = self._cache.get(cell)
        if found is None:
            # A column may have as many different cells as rows.
            if len(self._cache) >= CACHED:
                self._cache.clear()
            found = self._cache[cell] = self.read(cell)[1]
        return found

    def accepts(self, cell: Cell) -> bool:
        """Whether the cell has no error at all."""
        return not self.errors(cell)


@dataclass(frozen=True, slots=True)
class HeaderError:
    """One thing wrong with the header: Frictionless' code, note, field and label."""

    code: str
    note: str
    field: str
    number: int
    label: str


@dataclass(frozen=True, slots=True)
class Rules:
    """A schema compiled for one table: its columns in the order of the file, keys and
    header errors.
    """

    columns: tuple[Column, ...]
    header: tuple[HeaderError, ...]
    unique: tuple[int, ...]
    primary: tuple[int, ...]
    foreign: tuple[Mapping[str, Any], ...]
    more_unique: tuple[tuple[int, ...], ...] = ()

    def index(self, name: str) -> int | None:
        """Position of the column called `name`, None where the file lacks it."""
        return next(
            (i for i, column in enumerate(self.columns) if column.name == name), None
        )


def compile_rules(
    descriptor: Mapping[str, Any], labels: tuple[str, ...], *, named: bool = True
) -> Rules:
    """The rules for a table with these labels; `named` False means that its file has no
    header.

    Raises SchemaProblem where Frictionless refuses the schema, or could not judge cells
    by it; RepeatedLabel where it is the header that leaves no choice.
    """
    try:
        return _compiled(descriptor, labels, named=named)
    except SchemaProblem:
        raise
    # Frictionless meets shapes that its own profile does not foresee, or nested too
    # deep; they are no schema either.
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        raise SchemaProblem(["a part of the schema has a wrong shape"]) from None


def _compiled(
    descriptor: Mapping[str, Any], labels: tuple[str, ...], *, named: bool
) -> Rules:
    """Rules without regard to the shapes that a schema may have in error."""
    descriptor = _distinct(descriptor, labels)
    # Version 2 of Table Schema writes fieldsMatch as a list of one word.
    if named and str(descriptor.get("fieldsMatch") or "exact") not in (
        "exact",
        "['exact']",
    ):
        _once([label.strip() for label in labels])
    try:
        schema = Schema.from_descriptor(plain(descriptor))
        header = Header(
            [label.strip() for label in labels] if named else [],
            fields=schema.fields,
            row_numbers=[1],
            fields_match=schema.fields_match
            if schema.has_defined("fields_match")
            else "exact",
        )
        expected = header.get_expected_fields()
    except FrictionlessException as problem:
        raise SchemaProblem([error.note for error in problem.to_errors()]) from None
    tags = {str(entry.get("name")): entry for entry in descriptor.get("fields", ())}
    columns = tuple(
        _column(number, rule, schema, tags) for number, rule in enumerate(expected, 1)
    )
    names = [column.name for column in columns]
    primary = tuple(schema.primary_key)
    return Rules(
        columns,
        tuple(_header_error(error) for error in header.errors),
        tuple(
            i
            for i, column in enumerate(columns)
            if column.rule.constraints.get("unique")
        ),
        # A key with a column that the file lacks cannot be checked; the header's errors
        # tell of that column.
        tuple(names.index(name) for name in primary)
        if set(primary) <= set(names)
        else (),
        tuple(_foreign(descriptor.get("foreignKeys") or ())),
        tuple(
            tuple(map(names.index, key))
            for key in tableschema2.unique_keys(descriptor)
            if key and set(key) <= set(names)
        ),
    )


def _once(labels: list[str]) -> None:
    """Raise RepeatedLabel for the first label that stands there twice."""
    for number, label in enumerate(labels, 1):
        if labels.index(label) + 1 < number:
            raise RepeatedLabel(label, number, labels.index(label) + 1)


def _distinct(
    descriptor: Mapping[str, Any], labels: tuple[str, ...]
) -> Mapping[str, Any]:
    """A schema made from the labels themselves gets names for blank and repeated ones,
    as Frictionless infers them.

    The header is then blamed (blank-label, duplicate-label), not a schema that nobody
    wrote.
    """
    fields = list(descriptor.get("fields", ()))
    if [entry.get("name") for entry in fields] != list(labels) or (
        len(set(labels)) == len(labels) and all(labels)
    ):
        return descriptor
    names = deduplicate_names(
        [label.strip() or f"field{number}" for number, label in enumerate(labels, 1)]
    )
    return {
        **descriptor,
        "fields": [
            {**entry, "name": name} for entry, name in zip(fields, names, strict=True)
        ],
    }


def plain(descriptor: Mapping[str, Any]) -> dict[str, Any]:
    """Only what Table Schema defines: our own keys and examples are no matter of
    Frictionless.
    """
    entries = map(tableschema2.as_read, descriptor.get("fields", ()))
    fields = [
        {key: entry[key] for key in FIELD_KEYS if key in entry} for entry in entries
    ]
    return {
        **{key: descriptor[key] for key in SCHEMA_KEYS if key in descriptor},
        "fields": fields,
    }


def _column(
    number: int, rule: Any, schema: Schema, tags: Mapping[str, Mapping[str, Any]]
) -> Column:
    """One expected column, ready to read cells; raises SchemaProblem for what it cannot
    read by.
    """
    tag = tags.get(rule.name, {})
    # A field's own list takes the place of the schema's, it is not added to it.
    own = rule.has_defined("missing_values") or rule.schema is None
    missing = tuple(rule.missing_values if own else schema.missing_values)
    try:
        rule.create_cell_reader()
        read = rule.create_value_reader()
        bounds = {
            name: read(rule.constraints[name])
            for name in BOUNDS
            if rule.constraints.get(name) is not None
        }
        enum = rule.constraints.get("enum")
        typed = tuple(read(value) for value in enum) if enum is not None else None
        inside = tableschema2.json_schema(tag)
    # any engine error while compiling (a broken pattern, say) is a fault of the schema
    except Exception as problem:
        raise SchemaProblem([f'field "{rule.name}": {problem}']) from None
    if any(value is None for value in bounds.values()):
        raise SchemaProblem(
            [f'field "{rule.name}": a bound is not of type "{rule.type}"']
        )
    return Column(
        number,
        rule.name,
        rule,
        missing,
        bounds,
        typed,
        title=str(tag.get("title") or ""),
        personal=str(tag.get("pd") or "none") != "none",
        declared=rule.name in tags,
        group=tableschema2.group(tag),
        inside=inside,
    )


def _header_error(error: Any) -> HeaderError:
    """A header error of Frictionless in our shape."""
    # Errors of the whole header, such as a blank one, have no field and no label.
    return HeaderError(
        error.type,
        error.note,
        getattr(error, "field_name", "") or "",
        getattr(error, "field_number", 0) or 0,
        getattr(error, "label", "") or "",
    )


def _foreign(keys: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Foreign keys with both field lists as lists, whichever form the descriptor
    uses.
    """
    for key in keys:
        reference = key.get("reference") or {}
        yield {
            "fields": _listed(key.get("fields")),
            "resource": str(reference.get("resource") or ""),
            "reference": _listed(reference.get("fields")),
        }


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value or ()]
