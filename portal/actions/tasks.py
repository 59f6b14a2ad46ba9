"""States of tasks, options of the portal and translated terms: what programs and
sysadmins note at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, validates_schema

from portal.access.policy import Permission
from portal.actions.registry import Check, NoParams, Params, action, load
from portal.db import site as db
from portal.domain.base import new_id, now, stamp
from portal.domain.site import OPTIONS, TaskStatus, TermTranslation
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import ById
from schemas.social import (
    ManyRows,
    OptionShow,
    TaskParams,
    TaskShow,
    TermList,
    TermParams,
)
from schemas.values import MISSING, Text

Json = dict[str, Any]
MOST_TERMS = 1000
_TASK, _TERM = TaskParams(), TermParams()


class OptionParams(Schema):
    """Options of the portal, each by its name."""

    class Meta:
        unknown = EXCLUDE

    # In a Python name, and in the loaded parameters, a dot would mean something else.
    vars().update(
        {
            option.replace(".", "_"): Text(data_key=option, allow_none=True)
            for option in OPTIONS
        }
    )

    @validates_schema(pass_original=True)
    def check_names(
        self, data: Json, original: Mapping[str, Any], **kwargs: Any
    ) -> None:
        """Nothing else is an option."""
        errors = {
            name: [f"Configuration option '{name}' can not be updated"]
            for name in sorted(original)
            if name not in OPTIONS
        }
        if errors:
            raise ValidationError(dict(errors))


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


@action(ManyRows, allow=Permission.SYSADMIN, check=Check.AUTHORISED)
def task_status_update_many(ctx: Context, target: object, params: Params) -> Json:
    """Note the states of many tasks: `data` is a list of them; all are noted, or
    none.
    """
    # Each is checked as task_status_update checks it, and told of with its messages.
    tasks = [load(_TASK, row) for row in params["data"]]
    return {"results": [_describe(_note(ctx, task)) for task in tasks]}


@action(ById, allow=Permission.SYSADMIN)
def task_status_delete(ctx: Context, target: object, params: Params) -> None:
    """Forget the state of the task `id`."""
    task = ctx.uow.session.get(TaskStatus, params["id"])
    if task is None:
        raise NotFound("Not found")
    ctx.uow.session.delete(task)


def _note(ctx: Context, params: Params) -> TaskStatus:
    """The task of that entity, type and key, or a new one, with its new state."""
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
    """The task in CKAN's shape."""
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


@action(NoParams, allow=Permission.SYSADMIN, safe=True)
def config_option_list(ctx: Context, target: object, params: Params) -> list[str]:
    """Return the names of the options that may be changed at run time."""
    return list(OPTIONS)


@action(OptionShow, allow=Permission.SYSADMIN, safe=True, check=Check.AUTHORISED)
def config_option_show(ctx: Context, target: object, params: Params) -> str:
    """Return the value of the option `key`."""
    key = params["key"]
    if key not in OPTIONS:
        raise Invalid({"key": [f"Configuration option '{key}' can not be shown"]})
    defaults = {
        "ckan.site_title": ctx.portal.settings.site_title,
        "ckan.site_description": ctx.portal.settings.site_description,
    }
    return db.options(ctx.uow.session).get(key, defaults.get(key, ""))


@action(OptionParams, allow=Permission.SYSADMIN, check=Check.AUTHORISED)
def config_option_update(ctx: Context, target: object, params: Params) -> Json:
    """Change options of the portal at run time: {"ckan.site_title": …}; returns what
    was changed.
    """
    by_field = {option.replace(".", "_"): option for option in OPTIONS}
    changed = {by_field[field]: value or "" for field, value in params.items()}
    for key, value in changed.items():
        db.set_option(ctx.uow.session, key, value)
    return changed


@action(TermList, allow=Permission.ANYONE, safe=True)
def term_translation_show(ctx: Context, target: object, params: Params) -> list[Json]:
    """Return the translations of `terms` (a text or a list), in `lang_codes` or in all
    languages.
    """
    translations = db.list_translations(
        ctx.uow.session, params["terms"][:MOST_TERMS], params["lang_codes"]
    )
    return [
        {
            "term": each.term,
            "term_translation": each.term_translation,
            "lang_code": each.lang_code,
        }
        for each in translations
    ]


@action(TermParams, allow=Permission.SYSADMIN)
def term_translation_update(ctx: Context, target: object, params: Params) -> Json:
    """Keep the translation `term_translation` of `term` into `lang_code`, and return
    it.
    """
    return _translate(ctx, params)


@action(ManyRows, allow=Permission.SYSADMIN, check=Check.AUTHORISED)
def term_translation_update_many(ctx: Context, target: object, params: Params) -> Json:
    """Keep many translations: `data` is a list of them; all are kept, or none."""
    # All are checked before one is kept.
    terms = [load(_TERM, row) for row in params["data"]]
    for term in terms:
        _translate(ctx, term)
    return {"success": f"{len(terms)} rows updated"}


def _translate(ctx: Context, params: Params) -> Json:
    """Keep one translation and return it; raises Invalid for a text too long."""
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
