"""package_revise: change what a match, a filter and an update say, in one step, files
included.
"""

from __future__ import annotations

from typing import Any

import orjson
from marshmallow import ValidationError, fields

from portal.access.policy import Permission
from portal.actions._shared.dataset_writes import write_dataset
from portal.actions.registry import Check, Params, action
from portal.db.holding import HeldDataset, held_dataset
from portal.domain import nested
from portal.errors import Invalid
from portal.runtime import Context
from schemas.datasets import Revision

STAYS = ("name", "title", "owner_org", "private", "state")
"""What a filter cannot take away: an update that does not name these keeps them,
too.
"""


_MATCH: fields.Field[Any] = Revision().fields["match"]


def held_by_match(ctx: Context, params: Params) -> HeldDataset:
    """The dataset that `match` names by its id or name, held."""
    match = _match(params)
    key = (
        match.get("id")
        or match.get("name")
        or params.get("match__id")
        or params.get("match__name")
    )
    if not key:
        raise Invalid({"match__id": ["At least one of id or name is required"]})
    return held_dataset(ctx.uow, str(key))


@action(
    Revision,
    allow=Permission.DATASET_UPDATE,
    on=held_by_match,
    check=Check.AUTHORISED,
)
def package_revise(
    ctx: Context, dataset: HeldDataset, params: Params
) -> dict[str, Any]:
    """Change a dataset in one step and return {"package": …}.

    `match` (or `match__…`) must hold, else nothing is changed. `filter` is a list of
    globs such as "+resources__0", "-resources__*" that keep or remove what they name.
    `update` is merged in, and `update__resources__<position or first letters of an
    id>__<field>` changes one place, `update__resources__extend` appends. Files come as
    `update__resources__<…>__upload`. `include` chooses what the answer shows.
    """
    current: dict[str, Any] = orjson.loads(dataset.rendered)
    _check(current, params)
    patterns = _patterns(params, "filter")
    revised = {
        **nested.filtered(current, patterns),
        # Whatever filter and update say: it stays this dataset, of this type.
        "id": dataset.id,
        "type": dataset.type,
    }
    nested.merge(revised, params["update"])
    for key, value in nested.by_prefix(params, "update__"):
        try:
            nested.assign(revised, key, value)
        except nested.Unmatched as unmatched:
            raise Invalid({key: [f"Unmatched key {unmatched}"]}) from None
    whole = {**_emptied(current, revised), **revised}
    # What is revised shares its lists with `current`, which is changed by now.
    write_dataset(ctx, dataset, whole, orjson.loads(dataset.rendered))
    answer = {"package": orjson.loads(dataset.rendered)}
    if params["include"] is None:
        return answer
    # Patterns keep what none of them names: the last one, put behind them, takes it
    # away.
    included = _patterns(params, "include")
    return dict(
        nested.filtered(answer, [*included, nested.Pattern(keep=False, parts=("*",))])
    )


def _check(current: dict[str, Any], params: Params) -> None:
    """Everything that is to be matched is so. Raises Invalid with the places where it
    is not.
    """
    wrong = list(nested.mismatches(current, params["match"]))
    for key, value in nested.by_prefix(params, "match__"):
        try:
            same = nested.find(current, key) == value
        except nested.Unmatched:
            same = False
        wrong += [] if same else [key]
    if wrong:
        raise Invalid({"match": wrong})


def _emptied(current: dict[str, Any], revised: dict[str, Any]) -> dict[str, Any]:
    """What the filter took away altogether must be said to be empty, or it would be
    kept; what STAYS does so.
    """
    gone: dict[str, Any] = {
        key: [] if isinstance(current[key], list) else None
        for key in current
        if key not in revised
    }
    return {**gone, **{key: current[key] for key in STAYS if key in gone}}


def _match(given: Params) -> dict[str, Any]:
    """What `match` says, before it is known who asks: it names the dataset."""
    try:
        return dict(_MATCH.deserialize(given.get("match")) or {})
    except ValidationError as error:
        raise Invalid({"match": error.messages}) from None


def _patterns(params: Params, name: str) -> list[nested.Pattern]:
    """The globs of a parameter, compiled; raises Invalid for one that is none."""
    try:
        return [nested.Pattern.of(glob) for glob in params[name] or ()]
    except ValueError as error:
        raise Invalid({name: [str(error)]}) from None
