"""Quality: openness checks, MQA points and freshness of datasets, by organization, by
sector, and over time.
"""

from __future__ import annotations

from typing import Any

from portal.access import policy
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets, people
from portal.db import scores as db
from portal.domain.base import stamp
from portal.domain.datasets import Dataset
from portal.errors import NotFound
from portal.runtime import Context
from schemas.datasets import ById
from schemas.validation import QualityHistoryParams, QualityList, QualitySummary

Json = dict[str, Any]


def shown_by_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    return datasets.get_dataset(ctx.uow.session, str(params["id"]))


@action(ById, allow=Permission.DATASET_READ, on=shown_by_id, safe=True)
def quality_show(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return the quality of the dataset `id`: the checks OC1-OC10, MQA's five
    dimensions, and freshness.
    """
    score = db.find(ctx.uow.session, dataset.id)
    if score is None:
        raise NotFound(
            "Not found: The quality of this dataset has not been computed yet."
        )
    return {
        "package_id": dataset.id,
        "name": dataset.name,
        "computed": stamp(score.computed),
        **score.body,
    }


@action(QualityHistoryParams, allow=Permission.DATASET_READ, on=shown_by_id, safe=True)
def quality_history(ctx: Context, dataset: Dataset, params: Params) -> list[Json]:
    """Return what the quality of the dataset `id` was, newest first: a row for each
    time that it changed.
    """
    rows = db.history(ctx.uow.session, dataset.id, params["limit"] + params["offset"])[
        params["offset"] :
    ]
    return [
        {
            "at": stamp(row.at),
            "mqa_points": row.points,
            "openness_passed": row.openness,
            "fresh": row.fresh,
            "failed": [
                each["id"]
                for each in row.body["openness"]["checks"]
                if each["outcome"] == "fail"
            ],
        }
        for row in rows
    ]


@action(QualityList, allow=Permission.ANYONE, safe=True)
def quality_list(ctx: Context, target: object, params: Params) -> Json:
    """Return the scores of datasets, of an `organization` or a `sector`, in the order
    of `sort` (points, name, …).
    """
    order, _, way = str(params["sort"]).partition(" ")
    organization = params["organization"]
    if organization:
        organization = people.get_group(
            ctx.uow.session, organization, organization=True
        ).id
    total, found = db.page(
        ctx.uow.session,
        policy.readable(ctx.actor),
        organization=organization or None,
        sector=params["sector"] or None,
        order=order,
        descending=way == "desc",
        limit=params["limit"],
        offset=params["offset"],
    )
    names = people.list_by_id(
        ctx.uow.session, [score.owner_org for score, _ in found if score.owner_org]
    )
    results = [
        {
            "package_id": dataset.id,
            "name": dataset.name,
            "title": dataset.title,
            "organization": names[score.owner_org].name
            if score.owner_org in names
            else None,
            "sector": score.sector,
            "mqa_points": score.points,
            "rating": score.body["mqa"]["rating"],
            "openness_passed": score.openness,
            "fresh": score.fresh,
            "failed": [
                each["id"]
                for each in score.body["openness"]["checks"]
                if each["outcome"] == "fail"
            ],
            "computed": stamp(score.computed),
        }
        for score, dataset in found
    ]
    return {"count": total, "results": results}


@action(QualitySummary, allow=Permission.ANYONE, safe=True)
def quality_summary(ctx: Context, target: object, params: Params) -> list[Json]:
    """Return how many datasets each organization or sector (`by`) has, their mean
    scores, and how many are late.
    """
    rows = db.summary(ctx.uow.session, policy.readable(ctx.actor), params["by"])
    names = people.list_by_id(
        ctx.uow.session, [row["key"] for row in rows if row["key"]]
    )
    shown = {key: (group.name, group.title) for key, group in names.items()}
    return [
        {
            params["by"]: shown[row["key"]][0] if row["key"] in shown else row["key"],
            "title": shown[row["key"]][1] if row["key"] in shown else row["key"],
            "datasets": row["datasets"],
            "mqa_points": round(float(row["points"]), 1),
            "openness_passed": round(float(row["openness"]), 1),
            "fresh": row["fresh"],
            "late": row["late"],
        }
        for row in rows
    ]
