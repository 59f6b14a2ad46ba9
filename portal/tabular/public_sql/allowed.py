"""What public SQL may say: exactly one SELECT, of listed parts and functions; and which
tables it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LONGEST = 20_000
"""Bytes of a statement."""
_EXPRESSIONS = (
    "BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION "
    "OPERATOR STAR SUBQUERY TYPE WINDOW"
)
EXPRESSIONS = frozenset(_EXPRESSIONS.split())
_NODES = (
    "SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE BASE_TABLE SUBQUERY "
    "JOIN EMPTY EXPRESSION_LIST "
    "TABLE_FUNCTION LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER ORDER_MODIFIER "
    "DISTINCT_MODIFIER ORDER_DEFAULT ASCENDING "
    "DESCENDING"
)
NODES = frozenset(_NODES.split())
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
_FUNCTIONS = (
    # signs
    "+ - * / // % ** ^ || & | ~ << >> ~~ !~~ ~~* !~~* ~~~ -> ->> @ "
    # aggregates and windows
    "count count_star count_if sum avg mean min max median mode stddev stddev_samp "
    "stddev_pop variance var_samp "
    "var_pop quantile quantile_cont quantile_disc corr covar_samp covar_pop "
    "regr_slope regr_intercept regr_r2 "
    "regr_count string_agg group_concat listagg bool_and bool_or any_value first last "
    "arg_min arg_max min_by max_by "
    "approx_count_distinct product skewness kurtosis entropy mad row_number rank "
    "dense_rank percent_rank cume_dist "
    "ntile lag lead first_value last_value nth_value grouping grouping_id "
    # numbers
    "abs ceil ceiling floor round round_even trunc sqrt cbrt power pow exp ln log "
    "log10 log2 mod sign greatest least "
    "pi radians degrees sin cos tan cot asin acos atan atan2 divide multiply add "
    "subtract fdiv fmod even isnan isinf "
    "isfinite width_bucket "
    # texts
    "lower upper lcase ucase length len char_length character_length strlen substr "
    "substring left right trim ltrim "
    "rtrim replace concat concat_ws strpos instr position starts_with ends_with "
    "prefix suffix contains split_part "
    "strip_accents regexp_matches regexp_replace regexp_extract regexp_full_match "
    "like_escape ilike_escape "
    "not_like_escape not_ilike_escape ascii chr unicode initcap nfc_normalize "
    "translate reverse "
    # choices
    "nullif ifnull coalesce if "
    # times
    "year month day quarter week weekofyear isodow isoyear dayofweek dayofmonth "
    "dayofyear decade century hour minute "
    "second date_part datepart date_trunc datetrunc date_diff datediff date_sub "
    "date_add strftime strptime "
    "try_strptime make_date make_time make_timestamp last_day current_date today now "
    "age epoch epoch_ms to_timestamp "
    "dayname monthname to_days to_months to_years to_hours to_minutes to_seconds "
    "to_weeks time_bucket "
    # JSON
    "json_extract json_extract_string json_extract_path json_extract_path_text "
    "json_array_length json_valid "
    "json_type json_exists json_contains"
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Functions that compute from what they are given and nothing else; none that builds
large values or tells of the server."""


class Refused(ValueError):
    """A statement that may not run; `forbidden` when it asks for what it has no right
    to.
    """

    def __init__(self, message: str, *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.forbidden = forbidden


def tables_named(tree: dict[str, Any]) -> set[str]:
    """The names of tables in a statement's tree as `json_serialize_sql` writes it,
    without those that a WITH gives.

    A name is judged in the scope where it stands: a WITH of that name elsewhere, or
    around the very WITH that reads it, gives nothing. Raises Refused for everything
    that is not in the lists.
    """
    tables: set[str] = set()
    for node, given in _walk(tree.get("statements")):
        kind = node.get("type")
        if "class" in node:
            _expression(node)
        elif isinstance(kind, str):
            if kind not in NODES:
                raise Refused("Invalid query AST element")
            if (
                kind != "BASE_TABLE"
                or str(node.get("table_name", "")).lower() not in given
                or _has_place(node)
            ):
                tables |= _table(node, kind)
    return tables


def _walk(tree: Any) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Every object of the tree with the names that a WITH gives there, without
    recursion: a tree may be deep.
    """
    waiting: list[tuple[Any, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        node, given = waiting.pop()
        if isinstance(node, list):
            waiting.extend((each, given) for each in node)
        elif isinstance(node, dict):
            yield node, given
            inner = given
            for entry in (node.get("cte_map") or {}).get("map", ()):
                name = str(entry.get("key", "")).lower()
                # Each WITH sees those before it, and not itself.
                waiting.append((entry.get("value"), inner))
                inner |= {name}
            again = (
                inner | {str(node.get("cte_name", "")).lower()}
                if _is_recursive(node)
                else inner
            )
            parts = ((key, value) for key, value in node.items() if key != "cte_map")
            waiting.extend(
                (value, again if key == "right" else inner) for key, value in parts
            )


def _is_recursive(node: dict[str, Any]) -> bool:
    """Whether the node's right side reads what the node itself gives."""
    return node.get("type") == "RECURSIVE_CTE_NODE"


def _has_place(node: dict[str, Any]) -> bool:
    return bool(
        node.get("schema_name") or node.get("catalog_name") or node.get("at_clause")
    )


def _expression(node: dict[str, Any]) -> None:
    """Refuse an unknown kind of expression and a function that is not allowed."""
    if node["class"] not in EXPRESSIONS:
        raise Refused("Invalid query AST element")
    name = str(node.get("function_name") or "")
    if not name:
        return
    if node.get("schema") not in (None, "", "main") or node.get("catalog") not in (
        None,
        "",
        "system",
    ):
        raise Refused(
            "Not authorized to call function of another schema", forbidden=True
        )
    allowed = FUNCTIONS | TABLE_FUNCTIONS
    if name.lower() not in allowed:
        raise Refused(f"Not authorized to call function {name[:60]}", forbidden=True)


def _table(node: dict[str, Any], kind: str) -> set[str]:
    """The table that a node names, if it names one; refuses what is not the asker's."""
    if kind == "TABLE_FUNCTION":
        name = str((node.get("function") or {}).get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise Refused(
                f"Not authorized to call function {name[:60]}", forbidden=True
            )
    if kind != "BASE_TABLE":
        return set()
    if _has_place(node):
        raise Refused("Not authorized to read tables of another schema", forbidden=True)
    name = str(node.get("table_name", ""))
    # DuckDB finds its system views by their bare names too, without a schema.
    if name.lower().startswith(
        ("pg_", "duckdb_", "sqlite_", "pragma_", "information_schema")
    ):
        raise Refused("Not authorized to read this table", forbidden=True)
    return {name}
