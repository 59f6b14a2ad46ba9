"""Declaring use cases and calling them: load, target, authorise, run, audit, commit;
nobody goes another way.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, Protocol, TypeVar, overload

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError

from portal.access import policy
from portal.access.identity import Actor
from portal.access.policy import Permission
from portal.db import outbox
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.events import INDEX, LOAD, RENDER
from portal.errors import Invalid
from portal.quality.personal import public_texts
from portal.runtime import Context, Portal
from portal.settings import Settings
from schemas import bounds

Params = dict[str, Any]
Unknown = Literal["exclude", "include", "raise"]
T = TypeVar("T")
R = TypeVar("R")
Find = Callable[[Context, Params], T]
Run = Callable[[Context, T, Params], R]
Over = Callable[[Context, T, Params], Params]
"""Lays what was sent over what the target says now."""
Steps = Generator[None, None, R]
"""What an action returns that does its work in several transactions: what was done up
to a `yield` is kept.
"""
STEP_SECONDS = 0.1
"""How long a step of many holds what it works on; SQLite has one writer at a time, and
the others wait that long.
"""


class Check(Enum):
    """When the parameters of an action are checked against its schema."""

    FIRST = "before anything is looked for: 409 comes before 403"
    AUTHORISED = "once the caller is authorised: 403 comes before 409"
    WITHIN = "by the action, which adds what only the database can tell"


@dataclass(frozen=True, slots=True)
class Action:
    """One use case of the Action API: what guards it, and the function behind the
    guard.

    `params` is the one declaration of its parameters: it checks them, gives the
    defaults and the messages, and OpenAPI is written from it. `check` says when; unless
    that is FIRST, `on` gets the parameters as they were sent. `over` completes what was
    sent with what there is, before it is checked, and `needs` names what must be sent
    all the same (None: what the schema requires).

    `safe` actions only read, answer GET as well, and never commit. `on` finds the
    target that the permission is judged on (None: the settings). `unknown` says what
    happens to undeclared parameters: marshmallow's EXCLUDE drops them, INCLUDE keeps
    them, RAISE refuses them; when it is not said, the schema's Meta decides, and
    without that they are dropped.
    """

    name: str
    params: Schema
    allow: Permission
    run: Run[Any, Any]
    on: Find[Any] | None
    safe: bool
    unknown: Unknown
    check: Check
    over: Over[Any] | None
    needs: tuple[str, ...] | None

    @property
    def help(self) -> str:
        """The text of help_show."""
        return inspect.cleandoc(self.run.__doc__ or "")


ACTIONS: dict[str, Action] = {}


class NoParams(Schema):
    """An action that takes nothing."""


class _Declare(Protocol):
    """A decorator that leaves an action as it is: one without `on` is about the
    portal's settings.
    """

    def __call__(self, run: Run[Settings, R], /) -> Run[Settings, R]: ...


class _DeclareOn(Protocol[T]):
    """A decorator that leaves an action as it is; what the action takes is what its
    `on` gives.
    """

    def __call__(self, run: Run[T, R], /) -> Run[T, R]: ...


@overload
def action(
    params: type[Schema] = NoParams,
    *,
    allow: Permission,
    on: None = None,
    safe: bool = False,
    unknown: Unknown | None = None,
    check: Check = Check.FIRST,
    over: None = None,
    needs: tuple[str, ...] | None = None,
) -> _Declare: ...


@overload
def action(
    params: type[Schema] = NoParams,
    *,
    allow: Permission,
    on: Find[T],
    safe: bool = False,
    unknown: Unknown | None = None,
    check: Check = Check.FIRST,
    over: Over[T] | None = None,
    needs: tuple[str, ...] | None = None,
) -> _DeclareOn[T]: ...


def action(
    params: type[Schema] = NoParams,
    *,
    allow: Permission,
    on: Find[Any] | None = None,
    safe: bool = False,
    unknown: Unknown | None = None,
    check: Check = Check.FIRST,
    over: Over[Any] | None = None,
    needs: tuple[str, ...] | None = None,
) -> Any:
    """Declare the function below as the action of its own name (a trailing underscore
    is dropped).
    """

    def declare(run: Run[Any, R]) -> Run[Any, R]:
        name = run.__name__.rstrip("_")
        if name in ACTIONS:
            raise RuntimeError(f"the action {name} is declared twice")
        if over is not None and check is not Check.AUTHORISED:
            raise RuntimeError(
                f"{name}: nothing is completed before it is known who asks"
            )
        what_of_unknown: Unknown = (
            unknown or getattr(params.Meta, "unknown", None) or EXCLUDE
        )
        ACTIONS[name] = Action(
            name=name,
            params=params(),
            allow=allow,
            run=run,
            on=on,
            safe=safe,
            unknown=what_of_unknown,
            check=check,
            over=over,
            needs=needs,
        )
        return run

    return declare


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to: its JSON-ready result, and the ids of the datasets that
    it changed.
    """

    result: Any
    changed: tuple[str, ...] = ()


def call(portal: Portal, actor: Actor, name: str, data: Mapping[str, Any]) -> Any:
    """Run one action for an actor and return its JSON-ready result.

    Raises KeyError for an unknown name and a PortalError for everything that a caller
    can mend.
    """
    return perform(portal, actor, name, data).result


def perform(
    portal: Portal, actor: Actor, name: str, data: Mapping[str, Any]
) -> Outcome:
    """As `call`, and tell which datasets were changed."""
    declared = ACTIONS[name]
    if wrong := bounds.problems(data):
        raise Invalid(wrong)
    given = _first(declared, data)
    if declared.safe:  # nothing can follow from what only reads
        with portal.read() as reading:
            return Outcome(_run(Context(portal, reading, actor), declared, given), ())
    uow = portal.work(actor.user_id, eager=True, claims=OWN_WORK)
    try:
        try:
            with uow:
                result = _run(Context(portal, uow, actor), declared, given)
        except Exception:
            _leave(portal, uow)
            raise
        result = _loaded(portal, uow, result)
    finally:
        # Of what is committed: an action of several steps may fail after some.
        if uow.has_consequences:
            _see_to(portal, uow)
    return Outcome(result, tuple(uow.asked_for(INDEX)))


def _run(ctx: Context, declared: Action, given: Params) -> Any:
    """Find the target, authorise, check, run, write down who did it, commit."""
    target = declared.on(ctx, given) if declared.on else ctx.portal.settings
    policy.authorise(ctx.actor, declared.allow, target)
    if not declared.safe and declared.name.startswith(PUBLIC_WORDS):
        _refuse_persons(given)
    params = _authorised(ctx, declared, target, given)
    result = declared.run(ctx, target, params)
    if declared.safe:
        return result
    ctx.uow.audit(
        ctx.actor.user_id,
        declared.name,
        type(target).__name__,
        getattr(target, "id", None),
    )
    if isinstance(result, Generator):
        # The audit row was added before: it goes into the first step's transaction.
        result = _in_order(ctx, result)
    ctx.uow.commit()
    return result


def _in_order(ctx: Context, steps: Steps[R]) -> R:
    """Do the steps of an action, each in a transaction of its own but for the last,
    which the caller ends.
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: R = end.value
            return result
        try:
            ctx.uow.commit()
        except Exception as error:
            steps.throw(error)  # the action says how far it came
            raise
        ctx.uow.give_way()


def in_steps(items: Iterable[T], work: Callable[[T], object]) -> Steps[None]:
    """Work on one after the other; a step ends with the first item that is done after
    STEP_SECONDS.
    """
    began = time.monotonic()
    for item in items:
        work(item)
        if time.monotonic() - began >= STEP_SECONDS:
            yield
            began = time.monotonic()


def _see_to(portal: Portal, uow: UnitOfWork) -> None:
    """See to the consequences of what is committed: what the caller will look at first
    comes first.
    """
    if uow.asked_for(RENDER):
        portal.render_some(portal)
    portal.after_write(portal)


OWN_WORK = {LOAD: timedelta(seconds=60)}
"""What a request does itself after its commit; a worker takes it over when the server
ended before it was done.
"""
PUBLIC_WORDS = (
    "organization_",
    "group_",
    "vocabulary_",
    "tag_",
    "resource_view_",
    "package_relationship_",
    "user_create",
    "user_update",
    "user_patch",
    "term_translation_",
    "config_option_",
)
"""Actions whose texts everybody reads; what is said of datasets and resources is looked
at where it is saved.
"""


def _refuse_persons(params: Params) -> None:
    """Raise Invalid for citizen numbers in what an action would say in public."""
    wrong = public_texts.errors(params)
    if wrong:
        raise Invalid(wrong)


def _loaded(portal: Portal, uow: UnitOfWork, result: Any) -> Any:
    """The result, once small files that were just stored are loaded; a resource's dict
    says what came of it.
    """
    claimed = uow.claimed(LOAD)
    loaded = portal.look(portal, claimed) if claimed else {}
    if isinstance(result, dict) and result.get("id") in loaded and "url_type" in result:
        return {**result, **loaded[result["id"]], "position": result.get("position")}
    return result


def _leave(portal: Portal, uow: UnitOfWork) -> None:
    """Leave to the worker what the steps before a failure have asked for."""
    claimed = uow.claimed(LOAD)
    if claimed:
        with portal.work() as leaving:
            outbox.release(leaving.session, claimed, now())
            leaving.commit()


def _first(declared: Action, data: Mapping[str, Any]) -> Params:
    """The parameters as the finder of the target gets them."""
    if declared.check is Check.FIRST:
        return load(declared.params, data, declared.unknown)
    return dict(data)


def _authorised(ctx: Context, declared: Action, target: Any, given: Params) -> Params:
    """The parameters as the action gets them."""
    if declared.check is not Check.AUTHORISED:
        return given
    whole = declared.over(ctx, target, given) if declared.over else given
    return load(declared.params, whole, declared.unknown)


def load(schema: Schema, data: Mapping[str, Any], unknown: Unknown = EXCLUDE) -> Params:
    """Check data against a schema. Raises Invalid with CKAN's shape of errors."""
    try:
        loaded: Params = schema.load(data, unknown=unknown)
    except ValidationError as error:
        raise Invalid(_shape(error.messages_dict, unknown)) from None
    return loaded


def _shape(messages: Mapping[Any, Any], unknown: Unknown) -> dict[str, Any]:
    """CKAN's shape: lists keep positions, unknown parameters come together under
    `__extras`.
    """
    shaped = {str(key): positions(value) for key, value in messages.items()}
    if unknown != RAISE:
        return shaped
    unknown_keys = [key for key, value in shaped.items() if value == ["Unknown field."]]
    errors: dict[str, Any] = {
        # CKAN puts the names of unknown parameters together in one place.
        key: value
        for key, value in shaped.items()
        if key not in unknown_keys
    }
    if unknown_keys:
        errors["__extras"] = [f'invalid value "{key}"' for key in unknown_keys]
    return errors


def positions(value: Any) -> Any:
    """Messages by place become CKAN's: {1: {...}} of a list becomes [{}, {...}]."""
    if not isinstance(value, Mapping):
        return value
    if value and all(isinstance(key, int) for key in value):
        return [positions(value.get(index, {})) for index in range(max(value) + 1)]
    return {str(key): positions(inner) for key, inner in value.items()}
