"""The field table, and the way from a package dict to the flat document that both
indexes keep.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from search.backend import IndexEntry
from search.language.dates import stored_micros
from search.planning.table_columns import table_texts
from search.text.folding import exact, fold, sort_key, words

Value: TypeAlias = str | int | list[str]
Document: TypeAlias = dict[str, Value]


class Kind(Enum):
    """How a column is kept: whole values, words (made in Python, split at blanks),
    words of which only counts that they are there, numbers, or unsearched.
    """

    EXACT = "exact"
    WORDS = "words"
    PRESENT = "present"
    NUMBER = "number"
    STORED = "stored"


class QueryKind(Enum):
    """How a query on a field is read."""

    EXACT = "exact"
    WORDS = "words"
    NUMBER = "number"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Field:
    """One field as queries name it; `column` is where the index keeps it, `sort` the
    column to sort by ("" = none).
    """

    name: str
    queried_as: QueryKind
    column: str
    sort: str = ""


FIELDS: tuple[Field, ...] = (
    *(
        Field(name, QueryKind.EXACT, name, name)
        for name in ("id", "name", "state", "type", "capacity")
    ),
    *(
        Field(name, QueryKind.EXACT, name, name)
        for name in ("organization", "license_id", "version")
    ),
    *(
        Field(name, QueryKind.EXACT, name)
        for name in ("owner_org", "creator_user_id", "private", "entity_type")
    ),
    *(
        Field(name, QueryKind.EXACT, name)
        for name in ("tags", "groups", "res_format", "res_type", "res_url")
    ),
    Field("dataset_type", QueryKind.EXACT, "type", "type"),
    Field("title", QueryKind.WORDS, "title_f", "title_sort"),
    Field("title_string", QueryKind.EXACT, "title", "title_sort"),
    Field("author", QueryKind.WORDS, "author_f", "author"),
    Field("maintainer", QueryKind.WORDS, "maintainer_f", "maintainer"),
    *(
        Field(name, QueryKind.WORDS, f"{name}_f")
        for name in ("notes", "text", "url", "res_name", "res_description")
    ),
    *(
        Field(name, QueryKind.NUMBER, name, name)
        for name in ("num_resources", "num_tags", "views_recent")
    ),
    *(
        Field(name, QueryKind.MOMENT, name, name)
        for name in ("metadata_created", "metadata_modified")
    ),
)
"""What a query may name. Any other name is an extra (`<key>` exact, `extras_<key>`
words).
"""
BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}

COLUMNS: Mapping[str, Kind] = {
    **{
        field.column: Kind.EXACT
        for field in FIELDS
        if field.queried_as is QueryKind.EXACT
    },
    **dict.fromkeys(
        ("labels", "seen", "extras", "title_sort", "author", "maintainer"), Kind.EXACT
    ),
    **{
        field.column: Kind.WORDS
        for field in FIELDS
        if field.queried_as is QueryKind.WORDS
    },
    **dict.fromkeys(
        ("name_f", "tags_f", "groups_f", "extras_f", "fields_f", "title_x"), Kind.WORDS
    ),
    "text_x": Kind.PRESENT,
    **{
        field.column: Kind.NUMBER
        for field in FIELDS
        if field.queried_as in (QueryKind.NUMBER, QueryKind.MOMENT)
    },
    "entry_version": Kind.NUMBER,
    "payload": Kind.STORED,
}
"""What an index keeps: `_f` columns are folded, `_x` columns keep diacritics, `seen`
says in one value who sees it.
"""
HELD = frozenset({"id", "metadata_modified"})
"""Columns that a hit of the embedded index brings along: what ties are broken by,
unless another order is asked for.
"""
PARTS_OF_TEXT = ("name_f", "title_f", "tags_f", "groups_f")
"""Columns of which every word stands in text_f too (which is cut at `MOST_WORDS`; these
come first in it).
"""

LONGEST_VALUE = 2_000
"""Characters kept of an exact value (8,000 bytes at most: both engines refuse values
beyond 32 kB).
"""
LONGEST_WORD = 200
LONGEST_TOKEN = 250
LONGEST_KNOWN = 40
"""Characters of a piece of text whose words are kept in mind."""
MOST_KNOWN = 50_000
"""Pieces of text whose words are kept in mind."""
MOST_WORDS = 50_000
"""Words kept of each text of one dataset."""
_BETWEEN = " \u241f "
_UNSAFE = re.compile(r"[\s=%]")


def columns_format() -> str:
    """A fingerprint of the columns: an index of another format must be rebuilt."""
    shape = ";".join(f"{name}={kind.value}" for name, kind in sorted(COLUMNS.items()))
    # The number changes by hand where columns keep their names but are filled
    # otherwise.
    return hashlib.sha256(f"2;{shape}".encode()).hexdigest()[:12]


def key_token(key: str, value: str) -> str:
    """How the value of an extra is kept beside all others: `key=value`, with nothing in
    the key that misleads.
    """
    return f"{_safe(key)}={value}"


@lru_cache(maxsize=5_000)
def _safe(key: str) -> str:
    # A blank would part the token, and = would end the key too early. The dot ends the
    # code, so that no other key has the same text.
    return _UNSAFE.sub(lambda found: f"%{ord(found.group()):x}.", key)


def word_token(key: str, word: str) -> str:
    """How one word of an extra is kept: short enough for every engine's tokenizer."""
    # Elasticsearch's whitespace tokenizer cuts words at 255 characters into several.
    return key_token(key, word)[:LONGEST_TOKEN]


def flatten(entry: IndexEntry) -> Document:
    """The columns of one dataset; empty ones are left out."""
    package = entry.package
    extras = list(_extras(package))
    document: Document = {
        **_exact_columns(package),
        **_word_columns(package, extras),
        **_number_columns(package),
        "id": entry.id,
        "labels": sorted(entry.labels),
        "extras": _distinct(clip(key_token(key, value)) for key, value in extras),
        "entry_version": entry.version,
        "payload": entry.payload.decode("utf-8"),
    }
    document["seen"] = [
        seen_token(str(document["capacity"]), str(document["state"]), label)
        for label in entry.labels
    ]
    return {name: value for name, value in document.items() if value not in ("", [])}


def seen_token(capacity: str, state: str, label: str) -> str:
    """Who sees what, in one value: nearly every search asks for capacity, state and
    label together.
    """
    return f"{capacity} {state} {label}"


def clip(value: str) -> str:
    """An exact value as it is kept and asked for."""
    return value[:LONGEST_VALUE]


def folded_words(text: str) -> list[str]:
    """The words that recall goes by."""
    return _folded(text).split()


def exact_words(text: str) -> list[str]:
    """The words with their diacritics, one for one beside `folded_words`."""
    return _marked(text).split()


class _Cut(dict[str, str]):
    """The words of a piece of text without blanks: a catalogue says the same few
    thousand again and again.
    """

    def __init__(self, spelled: Callable[[str], str]) -> None:
        super().__init__()
        self._spelled = spelled

    def __missing__(self, piece: str) -> str:
        found = " ".join(word[:LONGEST_WORD] for word in words(self._spelled(piece)))
        # Long pieces are addresses and the like: they hardly come again and would fill
        # the memory.
        if len(piece) <= LONGEST_KNOWN:
            if len(self) >= MOST_KNOWN:
                # Emptied at once instead of piece by piece: the common ones are back
                # after a few datasets, and no order of use has to be kept.
                self.clear()
            self[piece] = found
        return found


_FOLDED, _MARKED = _Cut(fold), _Cut(exact)


def _folded(text: str) -> str:
    return " ".join(filter(None, map(_FOLDED.__getitem__, text.split())))


def _marked(text: str) -> str:
    return " ".join(filter(None, map(_MARKED.__getitem__, text.split())))


def _marked_once(texts: Iterable[str]) -> str:
    """The words of several texts, repeated ones mostly left out, in no order that says
    anything.
    """
    # text_x only says that a word is there, so its order and its repeats are not
    # needed.
    pieces = dict.fromkeys(piece for text in texts for piece in text.split())
    return " ".join(filter(None, map(_MARKED.__getitem__, pieces)))


def texts_of(package: Mapping[str, object], name: str, *keys: str) -> Iterator[str]:
    """The texts of a field and of its translations, or those under `keys` of what
    stands in it.
    """
    if not keys:
        yield from (_text(package, name), *_translations(package, f"{name}_translated"))
        return
    holders: Iterable[Mapping[str, object]] = _dicts(package, name) or [
        _sub(package, name)
    ]
    for holder in holders:
        for key in keys:
            value = holder.get(key)
            yield from (
                text
                for text in (value if isinstance(value, list) else [value])
                if isinstance(text, str)
            )


def _exact_columns(package: Mapping[str, object]) -> Document:
    """The columns of whole values, each as it is asked for."""
    private = package.get("private") is True
    columns: Document = {name: clip(_text(package, name)) for name in _COPIED}
    return columns | {
        "state": _text(package, "state") or "active",
        "type": clip(_text(package, "type")) or "dataset",
        "entity_type": "package",
        "private": "true" if private else "false",
        "capacity": "private" if private else "public",
        "organization": clip(_text(_organization(package), "name")),
        "tags": _distinct(_each(package, "tags", "name")),
        "groups": _distinct(_each(package, "groups", "name")),
        "res_format": _distinct(_each(package, "resources", "format")),
        "res_type": _distinct(_each(package, "resources", "resource_type")),
        "res_url": _distinct(_each(package, "resources", "url")),
        "title_sort": sort_key(_text(package, "title") or _text(package, "name")),
    }


_COPIED = (
    "name",
    "title",
    "owner_org",
    "license_id",
    "version",
    "creator_user_id",
    "author",
    "maintainer",
)


def _word_columns(
    package: Mapping[str, object], extras: list[tuple[str, str]]
) -> Document:
    """The columns of words: folded ones, and those with diacritics."""
    titles = [_text(package, "title"), *_translations(package, "title_translated")]
    groups = [
        text for name in ("name", "title") for text in _each(package, "groups", name)
    ]
    parts = {
        "name_f": [_text(package, "name")],
        "title_f": titles,
        "tags_f": _each(package, "tags", "name"),
        "groups_f": groups,
        "notes_f": [
            _text(package, "notes"),
            *_translations(package, "notes_translated"),
        ],
        "url_f": [_text(package, "url")],
        "author_f": [_text(package, "author")],
        "maintainer_f": [_text(package, "maintainer")],
        "res_name_f": _each(package, "resources", "name"),
        "res_description_f": _each(package, "resources", "description"),
    }
    organization = [
        _text(_organization(package), name)
        for name in ("name", "title", "former_names")
    ]
    everything = [
        *(text for texts in parts.values() for text in texts),
        *organization,
        *_each(package, "resources", "format"),
        *(value for _, value in extras),
    ]
    tables = list(table_texts(package))
    # Each text stands in several columns but is folded once.
    folded = {text: _folded(text) for text in (*everything, *tables)}
    columns: Document = {
        name: _joined(map(folded.__getitem__, texts)) for name, texts in parts.items()
    }
    return columns | {
        "title_x": _joined(map(_marked, titles)),
        "text_f": _joined(map(folded.__getitem__, everything)),
        "text_x": _joined([_marked_once((*everything, *tables))]),
        "fields_f": _joined(map(folded.__getitem__, tables)),
        "extras_f": _joined(_tokens(key, folded[value]) for key, value in extras),
    }


def _tokens(key: str, folded: str) -> str:
    return " ".join(word_token(key, word) for word in folded.split())


def _number_columns(package: Mapping[str, object]) -> Document:
    """The columns of numbers; moments are microseconds since 1970."""
    return {
        "num_resources": len(_dicts(package, "resources")),
        "num_tags": len(_dicts(package, "tags")),
        "views_recent": _whole(_sub(package, "tracking_summary").get("recent")),
        "metadata_created": stored_micros(_text(package, "metadata_created")),
        "metadata_modified": stored_micros(_text(package, "metadata_modified")),
    }


def _extras(package: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every extra, and every field of the package that no column keeps under its own
    name.
    """
    for extra in _dicts(package, "extras"):
        if extra.get("key") in package:
            # The same field, said a second time for clients that read extras alone.
            continue
        for value in _plain(extra.get("value")):
            yield str(extra.get("key", "")), value
    for tag in _dicts(package, "tags"):
        if tag.get("vocabulary_name"):
            yield f"vocab_{tag['vocabulary_name']}", _text(tag, "name")
    for key, held in package.items():
        if key not in BY_NAME and key not in _NOT_EXTRA:
            for value in _plain(held):
                yield key, value


_NOT_EXTRA = frozenset(
    {
        "extras",
        "resources",
        "relationships_as_subject",
        "relationships_as_object",
        "isopen",
    }
)


def _plain(value: object) -> Iterator[str]:
    """The texts that a value is searched by; none of what is nested deeper."""
    match value:
        # Before int, which bool is a kind of. The texts are those that JSON has.
        case bool():
            yield "true" if value else "false"
        case str() | int() | float():
            yield str(value)
        case list():
            yield from (item for item in value if isinstance(item, str))


def _joined(texts: Iterable[str]) -> str:
    """Words of several texts in one, with a gap that no phrase crosses."""
    joined = _BETWEEN.join(filter(None, texts))
    return (
        joined
        if len(joined) <= MOST_WORDS
        else " ".join(joined.split(" ", MOST_WORDS)[:MOST_WORDS])
    )


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(clip(value) for value in values if value))


def _text(holder: Mapping[str, object], name: str) -> str:
    value = holder.get(name)
    return "" if value is None else str(value)


def _sub(holder: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _organization(package: Mapping[str, object]) -> Mapping[str, object]:
    return _sub(package, "organization")


def _dicts(package: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """The dicts of a list in a package dict; none where there is no list."""
    held = package.get(name)
    # A dict, not a Mapping: what was JSON holds nothing else, and this is asked for
    # every part of every dataset.
    return (
        [item for item in held if isinstance(item, dict)]
        if isinstance(held, list)
        else []
    )


def _each(package: Mapping[str, object], listed: str, name: str) -> list[str]:
    return [text for item in _dicts(package, listed) if (text := _text(item, name))]


def _translations(package: Mapping[str, object], name: str) -> Iterator[str]:
    return (
        text for text in _sub(package, name).values() if isinstance(text, str) and text
    )


def _whole(value: object) -> int:
    # Both engines keep numbers in 64 bits, signed.
    return value if isinstance(value, int) and 0 <= value < 2**62 else 0
