"""Parameters of package_search: exactly those of CKAN, everything else is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from schemas import bounds
from schemas.values import LARGEST_COUNT, Integer, whole


class SearchParams(Schema):
    """What package_search takes; the settings of Solr's own ranking are taken and
    change nothing.
    """

    q = fields.String(
        metadata={
            "help": 'words, or Lucene: title:"giá nông sản" AND organization:so-nnmt'
        }
    )
    fq = fields.String(metadata={"help": "filters in Lucene, joined by AND"})
    fq_list = fields.List(fields.String(), metadata={"help": "more filters"})
    rows = Integer(
        load_default=10,
        metadata={"help": "datasets in one answer, up to the portal's ROWS_MAX"},
    )
    start = Integer(load_default=0)
    sort = fields.String(
        metadata={"help": "score desc, metadata_modified desc unless given"}
    )
    fl = fields.List(
        fields.String(), metadata={"help": "only these fields of each dataset"}
    )
    facet = fields.Boolean(load_default=True)
    facet_field = fields.List(fields.String(), data_key="facet.field")
    facet_limit = Integer(
        load_default=50, data_key="facet.limit", metadata={"help": "-1: no limit"}
    )
    facet_mincount = Integer(load_default=1, data_key="facet.mincount")
    include_drafts = fields.Boolean(load_default=False)
    include_deleted = fields.Boolean(load_default=False)
    include_private = fields.Boolean(load_default=False)
    hl = fields.Boolean(
        load_default=False,
        metadata={"help": "answer `highlighting`: marked pieces of each dataset"},
    )
    hl_fl = fields.List(
        fields.String(),
        data_key="hl.fl",
        metadata={
            "help": (
                "of these: title, notes, tags, organization, resources, columns (all "
                "of them unless given)"
            )
        },
    )
    hl_simple_pre = fields.String(
        load_default="<mark>",
        data_key="hl.simple.pre",
        metadata={"help": "what stands before a find"},
    )
    hl_simple_post = fields.String(load_default="</mark>", data_key="hl.simple.post")
    hl_fragsize = Integer(
        load_default=180,
        data_key="hl.fragsize",
        metadata={"help": "characters of a long text; 0: all of it"},
    )
    hl_snippets = Integer(
        load_default=3,
        data_key="hl.snippets",
        metadata={"help": "pieces of each field"},
    )
    use_default_schema = fields.Boolean(load_default=False)
    extras = fields.Raw()
    wt = fields.String()
    qf = fields.String()
    bf = fields.String()
    boost = fields.String()
    tie = fields.String()
    mm = fields.String()
    df = fields.String()
    def_type = fields.String(data_key="defType")


ACCEPTED = frozenset(
    field.data_key or name for name, field in SearchParams._declared_fields.items()
)
TRUE = ("true", "yes", "t", "y", "1")


def unknown_parameters(data: Mapping[str, Any]) -> list[str]:
    """The parameters that no package_search takes; `ext_…` are for extensions and
    pass.
    """
    return sorted(
        key for key in data if key not in ACCEPTED and not key.startswith("ext_")
    )


def natural(value: Any) -> int | None:
    """A natural number, None when it is none, or more than there is of anything."""
    number = whole(value)
    return number if number is not None and 0 <= number <= LARGEST_COUNT else None


def flag(value: Any) -> bool:
    """CKAN's boolean."""
    return value is True or str(value).strip().lower() in TRUE


def words(value: Any) -> list[str] | None:
    """A list of texts: a list, or a JSON list in a text; None when it is neither."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        try:
            value = bounds.parse(value)
        except ValueError:
            return None
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return list(value) if good else None
