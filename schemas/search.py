"""Parameters of package_search: exactly those of CKAN, everything else is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing, pre_load

from schemas.lists import WordsOrNull, no_words
from schemas.values import LARGEST_COUNT, Flag, Text, Whole, whole

UNLIMITED = 100_000
"""Values of a facet that are counted when no limit is wanted."""


class Natural(Whole):
    """A natural number."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> int:
        number = natural(value)
        if number is None:
            raise ValidationError("Must be a natural number")
        return number


class NaturalOrAll(Natural):
    """A natural number, or -1 for no limit."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> int:
        if str(value).strip() == "-1":
            return UNLIMITED
        return super()._deserialize(value, attr, data, **kwargs)


class NaturalOrUsual(Natural):
    """A natural number; what is none, and zero, is the default."""

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """The number."""
        given = value if value and natural(value) is not None else missing
        return super().deserialize(given, attr, data, **kwargs)


class Written(Text):
    """A text; what is none is searched for as it is written."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> str:
        return str(value)


class Filters(fields.Field[Any]):
    """A text, or each of a list of them; what is none counts as it is written."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> list[str]:
        filters = value if isinstance(value, list) else [value]
        return [str(each) for each in filters]


class Unused(Text):
    """A setting of Solr's own ranking: taken, whatever it says, and not used."""


def _one_filter(value: Any) -> list[str]:
    """A text that is no list is one filter."""
    is_filter = isinstance(value, str) and not value.startswith("[")
    return [value] if is_filter else []


def _field_names(value: Any) -> list[str]:
    """Solr's own form of a list: names between commas or blanks."""
    return str(value).replace(",", " ").split()


class SearchParams(Schema):
    """What package_search takes; the settings of Solr's own ranking are taken and
    change nothing.
    """

    q = Written(
        load_default="*:*",
        metadata={
            "help": 'words, or Lucene: title:"giá nông sản" AND organization:so-nnmt'
        },
    )
    fq = Filters(
        load_default=list, metadata={"help": "filters in Lucene, joined by AND"}
    )
    fq_list = WordsOrNull(
        load_default=list, otherwise=_one_filter, metadata={"help": "more filters"}
    )
    rows = Natural(
        load_default=10,
        metadata={"help": "datasets in one answer, up to the portal's ROWS_MAX"},
    )
    start = Natural(load_default=0)
    sort = Written(
        load_default="",
        metadata={"help": "score desc, metadata_modified desc unless given"},
    )
    fl = WordsOrNull(
        load_default=list,
        otherwise=no_words,
        metadata={"help": "only these fields of each dataset"},
    )
    facet = Flag(load_default=True, allow_none=True)
    facet_field = WordsOrNull(load_default=list, data_key="facet.field")
    facet_limit = NaturalOrAll(
        load_default=50, data_key="facet.limit", metadata={"help": "-1: no limit"}
    )
    facet_mincount = Natural(load_default=1, data_key="facet.mincount")
    include_drafts = Flag(load_default=False, allow_none=True)
    include_deleted = Flag(load_default=False, allow_none=True)
    include_private = Flag(load_default=False, allow_none=True)
    hl = Flag(
        load_default=False,
        allow_none=True,
        metadata={"help": "answer `highlighting`: marked pieces of each dataset"},
    )
    hl_fl = WordsOrNull(
        load_default=list,
        otherwise=_field_names,
        data_key="hl.fl",
        metadata={
            "help": (
                "of these: title, notes, tags, organization, resources, columns (all "
                "of them unless given)"
            )
        },
    )
    hl_simple_pre = Written(
        load_default="<mark>",
        data_key="hl.simple.pre",
        metadata={"help": "what stands before a find"},
    )
    hl_simple_post = Written(load_default="</mark>", data_key="hl.simple.post")
    hl_fragsize = Natural(
        load_default=180,
        data_key="hl.fragsize",
        metadata={"help": "characters of a long text; 0: all of it"},
    )
    hl_snippets = Natural(
        load_default=3,
        data_key="hl.snippets",
        metadata={"help": "pieces of each field"},
    )
    use_default_schema = Flag(load_default=False, allow_none=True)
    extras = fields.Raw(allow_none=True)
    wt = Unused(load_default=None)
    qf = Unused(load_default=None)
    bf = Unused(load_default=None)
    boost = Unused(load_default=None)
    tie = Unused(load_default=None)
    mm = Unused(load_default=None)
    df = Unused(load_default=None)
    def_type = Unused(load_default=None, data_key="defType")

    @pre_load
    def _leave_out_nothing(
        self, data: Mapping[str, Any], **kwargs: Any
    ) -> dict[str, Any]:
        """Null is the default, and so is a number that is empty."""
        said = dict(data)
        for name, value in data.items():
            is_default = (
                name in _IGNORED
                or (value is None and name in _NULL_IS_DEFAULT)
                or (value == "" and name in _EMPTY_IS_DEFAULT)
            )
            if is_default:
                del said[name]
        return said


def _keys_of(*kinds: type[fields.Field[Any]]) -> frozenset[str]:
    """The names under which clients send the fields of these kinds."""
    return frozenset(
        field.data_key or name
        for name, field in SearchParams._declared_fields.items()
        if isinstance(field, kinds)
    )


_EMPTY_IS_DEFAULT = _keys_of(Natural)
_NULL_IS_DEFAULT = _keys_of(Natural, Written, Filters, WordsOrNull)
_IGNORED = _keys_of(Unused)


ACCEPTED = frozenset(
    field.data_key or name for name, field in SearchParams._declared_fields.items()
)
TRUE = ("true", "yes", "t", "y", "1")


def unknown_parameters(data: Mapping[str, Any]) -> list[str]:
    """The parameters that no package_search takes; `ext_…` are for extensions and
    pass.
    """
    others = data.keys() - ACCEPTED
    if not others:
        return []
    return sorted(key for key in others if not key.startswith("ext_"))


def natural(value: Any) -> int | None:
    """A natural number, None when it is none, or more than there is of anything."""
    number = whole(value)
    return number if number is not None and 0 <= number <= LARGEST_COUNT else None


def flag(value: Any) -> bool:
    """CKAN's boolean."""
    return value is True or str(value).strip().lower() in TRUE
