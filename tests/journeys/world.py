"""A small world behind the web application: organizations, a group, people with their
tokens, and a way to ask.
"""

import io
import itertools
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.runtime import Portal
from portal.web.app import create_app

ACTION = "/api/3/action/"
PASSWORD = "long enough"
PEOPLE = {
    "root": (None, None),
    "ada": ("alpha", "admin"),
    "edna": ("alpha", "editor"),
    "mem": ("alpha", "member"),
    "fora": ("beta", "editor"),
    "otto": (None, None),
}
"""Users, and their roles in an organization; root is a sysadmin."""
_NUMBERS = itertools.count(1)


class Client(FlaskClient):
    """Reads every answer to its end, as a client over a socket does, so that its file
    is closed.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["buffered"] = True
        return super().open(*args, **kwargs)


@dataclass(frozen=True)
class Answer:
    """What came back: the status and the parsed body."""

    status: int
    body: Any

    @property
    def result(self) -> Any:
        """The result of a success; anything else fails the test with what was said."""
        assert self.status == 200, self.body
        return self.body["result"]

    @property
    def error(self) -> Any:
        """The error of a failure, its kind left out."""
        assert self.status >= 400, self.body
        return {
            key: value for key, value in self.body["error"].items() if key != "__type"
        }

    @property
    def kind(self) -> str:
        """The kind of a failure."""
        return str(self.body["error"]["__type"])


@dataclass
class World:
    """A portal, a client of it, and the tokens of its people."""

    portal: Portal
    client: FlaskClient
    tokens: dict[str, str] = field(default_factory=dict)

    def headers(self, who: str | None) -> dict[str, str]:
        """The headers of one of the people, none for nobody."""
        return {"Authorization": self.tokens[who]} if who else {}

    def get(self, path: str, who: str | None = None, **query: Any) -> Any:
        """GET an address."""
        return self.client.get(
            path, query_string=query or None, headers=self.headers(who)
        )

    def ask(self, action: str, /, who: str | None = None, **params: Any) -> Answer:
        """POST an action as JSON."""
        answer = self.client.post(
            ACTION + action, json=params, headers=self.headers(who)
        )
        return Answer(answer.status_code, orjson.loads(answer.get_data()))

    def send(
        self,
        action: str,
        /,
        who: str | None = None,
        file: tuple[str, bytes] | None = None,
        **form: Any,
    ) -> Answer:
        """POST an action as a form, with a file under `upload` or the name that `form`
        gives it.
        """
        files = (
            {
                form.pop("file_field", "upload"): FileStorage(
                    io.BytesIO(file[1]), file[0]
                )
            }
            if file
            else {}
        )
        boundary, body = encode_multipart({**form, **files})
        kind = f"multipart/form-data; boundary={boundary}"
        answer = self.client.post(
            ACTION + action, data=body, headers=self.headers(who), content_type=kind
        )
        return Answer(answer.status_code, orjson.loads(answer.get_data()))

    def name(self, stem: str = "thing") -> str:
        """A name that nobody has yet."""
        return f"{stem}-{next(_NUMBERS)}"

    def dataset(self, who: str = "edna", /, **fields: Any) -> dict[str, Any]:
        """A new dataset of alpha."""
        return dict(
            self.ask(
                "package_create",
                who,
                **{"name": self.name(), "owner_org": "alpha", **fields},
            ).result
        )


def build(portal: Portal) -> World:
    """The world, once its people are there."""
    app = create_app(portal)
    app.test_client_class = Client
    world = World(portal, app.test_client())

    def system(action: str, /, **params: Any) -> Any:
        return registry.call(portal, SYSTEM, action, params)

    for organization in ("beta", "alpha"):
        system(
            "organization_create", name=organization, title=organization.capitalize()
        )
    system("group_create", name="theme", title="Theme")
    for name, (organization, role) in PEOPLE.items():
        person = {
            "name": name,
            "email": f"{name}@example.vn",
            "password": PASSWORD,
            "sysadmin": name == "root",
        }
        system("user_create", **person)
        if organization:
            system(
                "organization_member_create", id=organization, username=name, role=role
            )
        world.tokens[name] = system("api_token_create", user=name, name="t")["token"]
    return world
