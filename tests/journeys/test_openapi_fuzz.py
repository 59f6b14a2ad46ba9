"""Requests made up from the portal's own OpenAPI description: whatever they say, the
portal does not fail.
"""

import random
import time
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from portal.web.app import create_app
from tests.journeys.world import World

IDS = (
    "id", "package_id", "resource_id", "subject", "object", "owner_org", "organization_id", "org_id", "group_id",
    "user", "user_id", "username", "vocabulary_id", "source_id", "object_id", "id2",
)  # fmt: skip
"""Parameters that mostly name something that exists, so that requests come further than
to a 404.
"""

LONGEST = 50
"""Seconds: a machine that is busy tries fewer actions, in an order that is always the
same.
"""


def known(world: World) -> list[str]:
    """Ids and names of what there is; made anew for each action, as sysadmins delete
    what they like.
    """
    for name in ("alpha", "beta"):
        world.ask("organization_create", "root", name=name)
    package = world.ask("package_create", "root", name=world.name(), owner_org="alpha", tag_string="word",
                        resources=[{"url": "http://x.vn/a.csv"}]).body.get("result") or {}  # fmt: skip
    resources = [resource["id"] for resource in package.get("resources", ())]
    return [
        "alpha",
        "theme",
        "edna",
        "word",
        *resources,
        *(package[key] for key in ("id", "name") if key in package),
    ]


class Asking:
    """Asks what was made up, as nobody and as a sysadmin, and keeps what failed."""

    def __init__(self, world: World) -> None:
        self.world, self.chance, self.tried = world, random.Random(4), 0
        self.failed: list[Any] = []
        self.targets: list[str] = []

    def aim(self, data: Any) -> None:
        """Let most ids name something that exists."""
        for key in IDS if isinstance(data, dict) else ():
            if key in data and self.chance.random() < 0.7:
                data[key] = self.chance.choice(self.targets)

    def ask(self, case: Any) -> None:
        """One request, twice."""
        self.aim(case.body)
        self.aim(case.query)
        for who in (None, "root"):
            self.tried += 1
            answer = case.call(headers=self.world.headers(who))
            if answer.status_code >= 500:
                self.failed.append(
                    (who, case.operation.label, case.query, case.body, answer.text)
                )


@pytest.mark.timeout(300)
def test_no_request_is_a_server_error(world: World) -> None:
    if world.portal.engine.dialect.name != "sqlite":
        pytest.skip("once is enough: the bodies are the same")
    described = schemathesis.openapi.from_wsgi(
        "/api/3/openapi.json", create_app(world.portal)
    )
    asking = Asking(world)
    few = settings(max_examples=2, deadline=None, database=None, phases=[Phase.generate],
                   suppress_health_check=list(HealthCheck))  # fmt: skip
    operations = list(described.get_all_operations())
    asking.chance.shuffle(operations)
    until = time.monotonic() + LONGEST
    for number, found in enumerate(operations):
        if time.monotonic() > until:
            break
        if number % 10 == 0:
            asking.targets = known(world)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            made_up = given(case=found.ok().as_strategy(generation_mode=mode))
            try:
                seed(4)(few(made_up(lambda case: asking.ask(case))))()
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, (
                    "an action without parameters cannot be asked wrongly"
                )
    assert not asking.failed
    assert asking.tried > 100
