"""Declaring use cases and calling them: load, target, authorise, run, audit, commit; nobody goes another way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError

from portal.access import policy
from portal.access.identity import Actor
from portal.access.policy import Permission
from portal.db.uow import UnitOfWork
from portal.domain.events import INDEX, LOAD
from portal.errors import Invalid
from portal.quality import public_texts
from portal.runtime import Context, Portal

Params = dict[str, Any]
Unknown = Literal["exclude", "include", "raise"]
Find = Callable[[Context, Params], Any]
Run = Callable[[Context, Any, Params], Any]


@dataclass(frozen=True, slots=True)
class Action:
    """One use case of the Action API: what guards it, and the function behind the guard.

    `safe` actions only read, answer GET as well, and never commit. `on` finds the target that the
    permission is judged on (None: the settings). `unknown` says what happens to undeclared
    parameters: marshmallow's EXCLUDE drops them, INCLUDE keeps them, RAISE refuses them; when it is
    not said, the schema's Meta decides, and without that they are dropped. Where an action checks its
    parameters itself, once it is known who asks, `shape` is the schema that it checks them with, and
    `needs` names what must be given; both are there for the documentation.
    """

    name: str
    params: Schema
    allow: Permission
    run: Run
    on: Find | None
    safe: bool
    unknown: Unknown
    shape: Schema
    needs: tuple[str, ...] | None

    @property
    def help(self) -> str:
        """The text of help_show."""
        return self.run.__doc__ or ""


ACTIONS: dict[str, Action] = {}


class NoParams(Schema):
    """An action that takes nothing."""


def action(
    params: type[Schema] = NoParams,
    *,
    allow: Permission,
    on: Find | None = None,
    safe: bool = False,
    unknown: Unknown | None = None,
    shape: type[Schema] | None = None,
    needs: tuple[str, ...] | None = None,
) -> Callable[[Run], Run]:
    """Declare the function below as the action of its own name (a trailing underscore is dropped)."""

    def declare(run: Run) -> Run:
        name = run.__name__.rstrip("_")
        if name in ACTIONS:
            raise RuntimeError(f"the action {name} is declared twice")
        what_of_unknown: Unknown = unknown or getattr(params.Meta, "unknown", None) or EXCLUDE
        told = (shape or params)()
        ACTIONS[name] = Action(name, params(), allow, run, on, safe, what_of_unknown, told, needs)
        return run

    return declare


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to: its JSON-ready result, and the ids of the datasets that it changed."""

    result: Any
    changed: tuple[str, ...] = ()


def call(portal: Portal, actor: Actor, name: str, data: Mapping[str, Any]) -> Any:
    """Run one action for an actor and return its JSON-ready result.

    Raises KeyError for an unknown name and a PortalError for everything that a caller can mend.
    """
    return perform(portal, actor, name, data).result


def perform(portal: Portal, actor: Actor, name: str, data: Mapping[str, Any]) -> Outcome:
    """As `call`, and tell which datasets were changed."""
    declared = ACTIONS[name]
    params = load(declared, data)
    with portal.read() if declared.safe else portal.work(actor.user_id, eager=True) as uow:
        ctx = Context(portal, uow, actor)
        target = declared.on(ctx, params) if declared.on else portal.settings
        policy.authorise(actor, declared.allow, target)
        if not declared.safe and name.startswith(PUBLIC_WORDS):
            _refuse_persons(params)
        result = declared.run(ctx, target, params)
        if not declared.safe:
            uow.audit(actor.user_id, name, type(target).__name__, getattr(target, "id", None))
            uow.commit()
    if not declared.safe and uow.has_consequences:
        result = _looked_at(portal, uow, result)
        portal.after_write(portal)
    return Outcome(result, tuple(uow.asked_for(INDEX)))


PUBLIC_WORDS = (
    "organization_", "group_", "vocabulary_", "tag_", "resource_view_", "package_relationship_", "user_create",
    "user_update", "user_patch", "term_translation_", "config_option_",
)  # fmt: skip
"""Actions whose texts everybody reads; what is said of datasets and resources is looked at where it is saved."""


def _refuse_persons(params: Params) -> None:
    """Raise Invalid for citizen numbers in what an action would say in public."""
    wrong = public_texts.errors(params)
    if wrong:
        raise Invalid(wrong)


def _looked_at(portal: Portal, uow: UnitOfWork, result: Any) -> Any:
    """The result, once what was just stored is looked at; a resource's dict says what came of it."""
    waiting = uow.asked_for(LOAD)
    states = portal.look(portal, waiting) if waiting else {}
    if isinstance(result, dict) and result.get("id") in states and "check_state" in result:
        return {**result, "check_state": states[result["id"]]}
    return result


def load(declared: Action, data: Mapping[str, Any]) -> Params:
    """Check parameters against the action's schema. Raises Invalid with CKAN's shape of errors."""
    return checked(declared.params, data, declared.unknown)


def checked(schema: Schema, data: Mapping[str, Any], unknown: Unknown = EXCLUDE) -> Params:
    """Check data against a schema. Raises Invalid with CKAN's shape of errors."""
    try:
        loaded: Params = schema.load(data, unknown=unknown)
    except ValidationError as error:
        raise Invalid(_shape(error.messages_dict, unknown)) from None
    return loaded


def _shape(messages: Mapping[Any, Any], unknown: Unknown) -> dict[str, Any]:
    """CKAN's shape: lists keep positions, unknown parameters come together under `__extras`."""
    shaped = {str(key): positions(value) for key, value in messages.items()}
    if unknown != RAISE:
        return shaped
    strangers = [key for key, value in shaped.items() if value == ["Unknown field."]]
    kept: dict[str, Any] = {key: value for key, value in shaped.items() if key not in strangers}
    if strangers:
        kept["__extras"] = [f'invalid value "{key}"' for key in strangers]
    return kept


def positions(value: Any) -> Any:
    """Messages by place become CKAN's: {1: {...}} of a list becomes [{}, {...}]."""
    if not isinstance(value, Mapping):
        return value
    if value and all(isinstance(key, int) for key in value):
        return [positions(value.get(index, {})) for index in range(max(value) + 1)]
    return {str(key): positions(inner) for key, inner in value.items()}
