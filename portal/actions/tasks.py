"""States of tasks, options of the portal and translated terms: what programs and
sysadmins note at run time.
"""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions.registry import NoParams, Params, action, checked
from portal.db import site as db
from portal.domain.base import new_id, now, stamp
from portal.domain.site import OPTIONS, TaskStatus, TermTranslation
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import AnyParams, ById
from schemas.search import words
from schemas.social import TaskParams, TaskShow, TermParams
from schemas.values import MISSING

Json = dict[str, Any]
MOST_AT_ONCE = 1000


@action(TaskShow, allow=Permission.ANYONE, safe=True)
def task_status_show(ctx: Context, target: object, params: Params) -> Json:
    """Return the state of a task: by `id`, or by `entity_id`, `task_type` and `key`."""
    if params["id"]:
        task = ctx.uow.session.get(TaskStatus, params["id"])
    else:
        wrong = {
            name: [MISSING]
            for name in ("entity_id", "task_type", "key")
            if not params[name]
        }
        if wrong:
            raise Invalid(wrong)
        task = db.find_task(
            ctx.uow.session, params["entity_id"], params["task_type"], params["key"]
        )
    if task is None:
        raise NotFound("Not found")
    return _describe(task)


@action(TaskParams, allow=Permission.SYSADMIN)
def task_status_update(ctx: Context, target: object, params: Params) -> Json:
    """Note the state of a task: `entity_id`, `entity_type`, `task_type`, `key`,
    `value`, `state`, `error`.
    """
    return _describe(_note(ctx, params))


@action(AnyParams, allow=Permission.SYSADMIN, needs=("data",))
def task_status_update_many(ctx: Context, target: object, params: Params) -> Json:
    """Note the states of many tasks: `data` is a list of them; all are noted, or
    none.
    """
    rows = _rows(params, TaskParams())
    return {"results": [_describe(_note(ctx, row)) for row in rows]}


@action(ById, allow=Permission.SYSADMIN)
def task_status_delete(ctx: Context, target: object, params: Params) -> None:
    """Forget the state of the task `id`."""
    task = ctx.uow.session.get(TaskStatus, params["id"])
    if task is None:
        raise NotFound("Not found")
    ctx.uow.session.delete(task)


def _note(ctx: Context, params: Params) -> TaskStatus:
    task = db.find_task(
        ctx.uow.session, params["entity_id"], params["task_type"], params["key"]
    )
    if task is None:
        task = TaskStatus(
            id=new_id(),
            entity_id=params["entity_id"],
            task_type=params["task_type"],
            key=params["key"],
        )
        ctx.uow.session.add(task)
    task.entity_type, task.value = params["entity_type"], params["value"] or ""
    task.state, task.error, task.last_updated = params["state"], params["error"], now()
    ctx.uow.session.flush()
    return task


def _describe(task: TaskStatus) -> Json:
    names = (
        "id",
        "entity_id",
        "entity_type",
        "task_type",
        "key",
        "value",
        "state",
        "error",
    )
    return {
        **{name: getattr(task, name) for name in names},
        "last_updated": stamp(task.last_updated),
    }


def _rows(params: Params, schema: Any) -> list[Params]:
    rows = params.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Invalid({"data": ["Must be a list of objects"]})
    if len(rows) > MOST_AT_ONCE:
        raise Invalid({"data": [f"Must hold at most {MOST_AT_ONCE} objects"]})
    return [checked(schema, row) for row in rows]


@action(NoParams, allow=Permission.SYSADMIN, safe=True)
def config_option_list(ctx: Context, target: object, params: Params) -> list[str]:
    """Return the names of the options that may be changed at run time."""
    return list(OPTIONS)


@action(AnyParams, allow=Permission.SYSADMIN, safe=True, needs=("key",))
def config_option_show(ctx: Context, target: object, params: Params) -> str:
    """Return the value of the option `key`."""
    key = str(params.get("key") or "")
    if not key:
        raise Invalid({"key": [MISSING]})
    if key not in OPTIONS:
        raise Invalid({"key": [f"Configuration option '{key}' can not be shown"]})
    defaults = {
        "ckan.site_title": ctx.portal.settings.site_title,
        "ckan.site_description": ctx.portal.settings.site_description,
    }
    return db.options(ctx.uow.session).get(key, defaults.get(key, ""))


@action(AnyParams, allow=Permission.SYSADMIN)
def config_option_update(ctx: Context, target: object, params: Params) -> Json:
    """Change options of the portal at run time: {"ckan.site_title": …}; returns what
    was changed.
    """
    strangers = sorted(key for key in params if key not in OPTIONS)
    if strangers:
        raise Invalid(
            {
                key: [f"Configuration option '{key}' can not be updated"]
                for key in strangers
            }
        )
    changed = {
        key: "" if value is None else str(value) for key, value in params.items()
    }
    for key, value in changed.items():
        db.set_option(ctx.uow.session, key, value)
    return changed


@action(AnyParams, allow=Permission.ANYONE, safe=True, needs=("terms",))
def term_translation_show(ctx: Context, target: object, params: Params) -> list[Json]:
    """Return the translations of `terms` (a text or a list), in `lang_codes` or in all
    languages.
    """
    terms = _listed(params.get("terms"))
    if not terms:
        raise Invalid({"terms": [MISSING]})
    found = db.list_translations(
        ctx.uow.session, terms[:MOST_AT_ONCE], _listed(params.get("lang_codes"))
    )
    return [
        {
            "term": t.term,
            "term_translation": t.term_translation,
            "lang_code": t.lang_code,
        }
        for t in found
    ]


@action(TermParams, allow=Permission.SYSADMIN)
def term_translation_update(ctx: Context, target: object, params: Params) -> Json:
    """Keep the translation `term_translation` of `term` into `lang_code`, and return
    it.
    """
    return _translate(ctx, params)


@action(AnyParams, allow=Permission.SYSADMIN, needs=("data",))
def term_translation_update_many(ctx: Context, target: object, params: Params) -> Json:
    """Keep many translations: `data` is a list of them; all are kept, or none."""
    rows = [_translate(ctx, row) for row in _rows(params, TermParams())]
    return {"success": f"{len(rows)} rows updated"}


def _translate(ctx: Context, params: Params) -> Json:
    row = {name: params[name] for name in ("term", "term_translation", "lang_code")}
    wrong = {
        name: [f"Must be at most {most} characters long"]
        for name, most in (("term", 500), ("lang_code", 10))
        if len(row[name]) > most
    }
    if wrong:
        raise Invalid(wrong)
    ctx.uow.session.merge(TermTranslation(**row))
    return row


def _listed(value: Any) -> list[str]:
    listed = words(value)
    return [str(value)] if listed is None else listed
