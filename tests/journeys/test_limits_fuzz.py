"""Values at their limits for every action and every address: whatever is sent, the
portal refuses it or answers.

`FUZZ_REQUESTS=10000 pytest tests/journeys/test_limits_fuzz.py` asks as often as one has
time for.
"""

import io
import json
import logging
import os
import random
import time
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from werkzeug.datastructures import FileStorage

from portal.actions.registry import ACTIONS, Action
from portal.web.openapi_fields import parameter_name
from tests.journeys.world import ACTION, World

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "900"))
LONGEST = 60 if REQUESTS < 1000 else 1500
"""Seconds: a busy machine asks less, in the same order."""
SLOW = 20
"""Seconds that no single request may take, on however busy a machine."""
NUMBERS: tuple[Any, ...] = (
    -1,
    0,
    1,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -(2**63),
    10**12,
    10**30,
    1e308,
    -1e308,
    0.5,
    True,
    "-1",
    "9" * 19,
    "9" * 400,
    "1e400",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "٣",
    " 7 ",
    "",
)
MOMENTS: tuple[Any, ...] = (
    "9999-12-31",
    "0001-01-01",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+14:00",
    "2024-02-30",
    "10000-01-01",
    "-0001-01-01",
    "1970-01-01T00:00:00Z",
    "24:00",
    "2024-W60",
    "0000-00-00",
)
TEXTS: tuple[Any, ...] = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x7f",
    "\u202e",
    "\U0010ffff",
    "ạ" * 300,
    "a" * 70_000,
    "a " * 20_000,
    "*" * 5000,
    "(" * 3000,
    "a:" * 2000,
    "NOT " * 2000,
    '"',
    "'",
    "%",
    "_",
    "\\",
    "{!x}",
    "$" * 50,
    "../../etc/passwd",
    "//x",
    "a*b*c*" * 50,
    "name:" + "?" * 2000,
    "[* TO *]",
    "x:[" + "9" * 400 + " TO *]",
    "a~" + "9" * 30,
    "a^" + "9" * 30,
    "text/html",
    "{" * 500,
    "[" * 1500,
    "null",
    "true",
    "{}",
    "[]",
    '{"a":' * 300 + "1" + "}" * 300,
    "\r\nX-Other: 1",
    "\ud7ff",
    "e\u0301" * 100,
    "=1+1",
)


def _nested(depth: int, *, listed: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if listed else {"$or": [value]}
    return value


STRUCTURES: tuple[Any, ...] = (
    None,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": ""},
    {"a": None},
    [1] * 5000,
    [{}] * 5000,
    {f"k{i}": i for i in range(3000)},
    _nested(30, listed=True),
    _nested(60, listed=False),
    _nested(300, listed=True),
    _nested(300, listed=False),
    [{"key": "k", "value": _nested(40, listed=True)}],
    [{"key": "k", "value": "v" * 70_000}],
    {"fields": [{}] * 600},
    {
        "fields": [
            {"name": "a", "type": "integer", "constraints": {"minimum": 10**18}}
        ],
        "primaryKey": ["a"] * 600,
    },
    {"a": {"in": ["x"] * 400}},
    {"$or": [{"a": 1}] * 400},
    {"a": {"gt": 10**30}},
    {"_id": {"gt": -(10**18)}},
    {"a": [{"eq": "1"}] * 200},
    {"a": "x\x00"},
    {"a\x00": 1},
    {"q": "a " * 500, "fq": ["x"] * 200},
    [{"name": "a" * 300}],
    [{"id": "a", "type": "int"}] * 3,
    [{"id": "c", "type": "numeric"}],
    [{"a": 10**18, "c": 1e308}],
    ["a"] * 2000,
)
VALUES = (*NUMBERS, *MOMENTS, *TEXTS, *STRUCTURES)
DESTRUCTIVE = ("purge", "delete", "_clear", "dashboard_mark", "revoke")
"""Words of actions that take away what the others are asked about; they are asked about
what there is not.
"""
ADDRESSES = (
    "/api/{v}",
    "/api/action/{v}",
    "/dataset/{v}.ttl",
    "/catalog?page={v}",
    "/catalog.xml?page={v}",
    "/data.json?page={v}",
    "/dcat.json?page={v}&modified_since={v}",
    "/catalog.ttl?modified_since={v}",
    "/dataset/{v}/croissant.jsonld",
    "/dataset/{v}/schemaorg.jsonld",
    "/dataset/{v}/datapackage.json",
    "/dataset/{d}/resource/{v}/schema.json",
    "/dataset/{d}/resource/{r}/download/{v}",
    "/dataset/{d}/resource/{r}/download/a.csv?version={v}",
    "/datastore/dump/{v}",
    "/datastore/dump/{r}?version={v}",
    "/datastore/dump/{r}?limit={v}",
    "/datastore/dump/{r}?offset={v}",
    "/datastore/dump/{r}?filters={v}",
    "/datastore/dump/{r}?q={v}",
    "/datastore/dump/{r}?q={v}&plain=false",
    "/datastore/dump/{r}?sort={v}",
    "/datastore/dump/{r}?fields={v}",
    "/datastore/dump/{r}?full_text={v}",
    "/datastore/dump/{r}?format={v}",
    "/datastore/diff/{r}?from={v}",
    "/datastore/diff/{r}?to={v}&key={v}",
    "/feeds/dataset.atom?page={v}",
    "/feeds/organization/{v}.atom",
    "/feeds/tag/{v}.atom",
    "/feeds/custom.atom?q={v}",
    "/feeds/custom.atom?fq={v}&sort={v}",
    "/?q={v}",
    "/dataset/?q={v}&page={v}",
    "/dataset/?organization={v}",
    "/dataset/{v}",
    "/organization/{v}",
    "/dataset/{d}/resource/{v}",
    "/dataset/{d}/resource/{r}/validation.csv?report_id={v}",
    "/dataset/{v}/resource/{r}/quarantine.csv",
    "/quality.csv?organization={v}",
    "/quality.csv?sort={v}",
    "/quality/{v}.csv",
    "/dataset/{v}/quality.csv",
    "/api/util/dataset/autocomplete?incomplete={v}&limit={v}",
    "/api/util/{v}/autocomplete?q={v}",
    "/api/util/resource/format_autocomplete?incomplete={v}&limit={v}",
    "/api/i18n/{v}",
    "/api/docs/{v}",
    "/{v}",
)


class Fuzz:
    """Asks, and keeps what failed and what took too long."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        self.failed: list[Any] = []
        self.asked = 0
        table = {"package_id": self._dataset()["id"], "name": "rows"}
        rows = [
            {"a": str(number), "b": number, "c": number / 2} for number in range(50)
        ]
        fields = [
            {"id": "a", "type": "text"},
            {"id": "b", "type": "int"},
            {"id": "c", "type": "numeric"},
        ]
        made = world.ask(
            "datastore_create",
            "root",
            resource=table,
            fields=fields,
            records=rows,
            primary_key=["a"],
        )
        self.resource = made.result["resource_id"]
        self.dataset = table["package_id"]
        self.targets = ("alpha", "theme", "edna", "word", self.resource, self.dataset)

    def _dataset(self) -> dict[str, Any]:
        return self.world.dataset(
            "root", tag_string="word", resources=[{"url": "http://x.vn/a.csv"}]
        )

    def value(self) -> Any:
        return self.chance.choice(VALUES)

    def parameters(self, declared: Action) -> dict[str, Any]:
        """Mostly what the action knows, one or two of it at a limit, the rest
        plausible.
        """
        fields = [
            parameter_name(name, field)
            for name, field in declared.params.fields.items()
        ]
        fields += [
            name for name in ("id", *(declared.needs or ())) if name not in fields
        ]
        away = any(word in declared.name for word in DESTRUCTIVE)
        data = {
            name: "none-such" if away else self.aim(name)
            for name in fields
            if self.chance.random() < 0.5
        }
        for name in self.chance.sample(
            fields, min(len(fields), self.chance.choice((1, 1, 2)))
        ):
            data[name] = self.value()
        return data

    def aim(self, name: str) -> Any:
        """Something that exists, most of the time of the right kind."""
        if "resource" in name:
            return self.resource
        return self.chance.choice((*self.targets, "x", 1, True))

    def act(self, declared: Action) -> None:
        data, who = (
            self.parameters(declared),
            self.chance.choice((None, "edna", "root", "root")),
        )
        path, headers = ACTION + declared.name, self.world.headers(who)
        way = self.chance.random()
        if declared.safe and way < 0.3:
            query = {key: _written(value) for key, value in data.items()}
            self.judge(
                (declared.name, who, data),
                "get",
                path,
                query_string=query,
                headers=headers,
            )
        elif way < 0.4:
            form = {key: _written(value) for key, value in data.items()}
            form[self.chance.choice(("upload", "", "id"))] = FileStorage(
                io.BytesIO(b"a,b\n1,2\n"), "a.csv"
            )
            self.judge(
                (declared.name, who, data), "post", path, data=form, headers=headers
            )
        else:
            body = (
                orjson.dumps(data, default=str) if _is_small(data) else _by_hand(data)
            )
            self.judge(
                (declared.name, who, data), "post", path, data=body, headers=headers
            )

    def visit(self, address: str) -> None:
        said = quote(_written(self.value())[:4000], safe=self.chance.choice(("", "/")))
        path = (
            address.replace("{v}", said)
            .replace("{d}", self.dataset)
            .replace("{r}", self.resource)
        )
        self.judge(
            path,
            "get",
            path,
            headers=self.world.headers(self.chance.choice((None, "root"))),
        )

    def judge(self, what: Any, method: str, path: str, **request: Any) -> None:
        """One request: it is answered or refused, with JSON where an action was asked,
        and in time.
        """
        self.asked += 1
        began = time.monotonic()
        answer = getattr(self.world.client, method)(path, **request)
        took = time.monotonic() - began
        if answer.status_code >= 500 or took > SLOW:
            self.failed.append(
                (
                    answer.status_code,
                    round(took, 1),
                    str(what)[:300],
                    answer.get_data()[:300],
                )
            )


def _written(value: Any) -> str:
    return value if isinstance(value, str) else _by_hand(value).decode()


def _by_hand(value: Any) -> bytes:
    """As other clients write JSON, which orjson does not: whole numbers of any
    length.
    """
    return json.dumps(value).encode()


def _is_small(data: Any) -> bool:
    try:
        orjson.dumps(data)
    except TypeError:
        return False
    return True


@pytest.mark.timeout(LONGEST + 240)
def test_nothing_at_its_limit_is_a_server_error(world: World) -> None:
    if world.portal.engine.dialect.name != "sqlite" and REQUESTS < 1000:
        pytest.skip("once is enough for every run of all tests")
    fuzz = Fuzz(world, 14)
    actions = [ACTIONS[name] for name in sorted(ACTIONS)]
    until = time.monotonic() + LONGEST
    while fuzz.asked < REQUESTS and time.monotonic() < until:
        if fuzz.chance.random() < 0.3:
            fuzz.visit(fuzz.chance.choice(ADDRESSES))
        else:
            fuzz.act(fuzz.chance.choice(actions))
    logging.getLogger(__name__).warning(
        "%d requests, %d failed", fuzz.asked, len(fuzz.failed)
    )
    assert not fuzz.failed, fuzz.failed[:20]
    assert fuzz.asked > 100
