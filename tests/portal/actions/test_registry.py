"""When parameters are checked: before the target is looked for, or once it is known who
asks.
"""

from typing import Any

import pytest
from marshmallow import Schema

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.access.policy import Permission
from portal.actions import registry
from portal.actions.registry import ACTIONS, Check, Params, action
from portal.errors import Invalid, NotAuthorized
from portal.runtime import Context, Portal
from schemas.values import Integer, Text


class _Size(Schema):
    id = Text(required=True)
    size = Integer(load_default=3)


def _over_size(ctx: Context, target: object, given: Params) -> Params:
    return {"size": 7, **given}


def _declare(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """An action of this test alone."""
    monkeypatch.delitem(ACTIONS, "try_out", raising=False)

    @action(_Size, allow=Permission.SYSADMIN, safe=True, **options)
    def try_out(ctx: Context, target: object, params: Params) -> Params:
        """Return the parameters as the action gets them."""
        return params

    declared = ACTIONS.pop("try_out")
    monkeypatch.setitem(ACTIONS, "try_out", declared)


def _call(portal: Portal, actor: Actor, **params: Any) -> Any:
    return registry.call(portal, actor, "try_out", params)


def test_first_the_parameters_then_the_caller(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _declare(monkeypatch)
    with pytest.raises(Invalid):
        _call(portal, ANONYMOUS, id="x", size="wide")
    assert _call(portal, SYSTEM, id="x") == {"id": "x", "size": 3}


def test_once_authorised_the_whole_is_checked(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _declare(monkeypatch, check=Check.AUTHORISED, over=_over_size)
    with pytest.raises(NotAuthorized):
        _call(portal, ANONYMOUS, id="x", size="wide")
    with pytest.raises(Invalid):
        _call(portal, SYSTEM, id="x", size="wide")
    assert _call(portal, SYSTEM, id=5, other=1) == {"id": "5", "size": 7}


def test_an_action_that_checks_within_gets_what_was_sent(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _declare(monkeypatch, check=Check.WITHIN)
    assert _call(portal, SYSTEM, size="wide") == {"size": "wide"}


def test_nothing_is_completed_before_it_is_known_who_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RuntimeError):
        _declare(monkeypatch, over=_over_size)
