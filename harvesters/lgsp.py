"""LGSP services of a province: WSO2-like tokens, JSON or Data-Service XML, and errors
inside an HTTP 200.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from marshmallow import fields, validate

from harvesters.base import ItemError, RemoteItem, SourceError
from harvesters.config import Config, DatasetConfig, dataset_record
from harvesters.http import GuardedClient, parse_json, safe_url
from harvesters.rows import RowsConfig, RowShaper, write_rows
from harvesters.secrets import Secrets
from schemas.record import DatasetRecord, ResourceRecord

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
EARLY_SECONDS = 60
"""A token is renewed so long before it expires."""
LOGIN_SECONDS = 29 * 60
"""How long the token of a login is used, in seconds."""
PERMANENT = {"100", "101", "106", "500"}
"""Codes of the axes' own errors: authentication, address, agency, data (as seen in
provincial services).
"""
CODE_KEYS = ("code", "errorCode", "status")
MESSAGE_KEYS = ("MSG", "message", "description")
"""Where an error inside an HTTP 200 says its code and its words, in this order."""
TOKEN_KINDS = ("oauth2_cc", "login_json")
AUTH_KINDS = ("none", "api_key", "basic", *TOKEN_KINDS)


class AuthConfig(Config):
    """How the gateway knows its callers; secrets are names of PORTAL_SECRET_…
    settings.
    """

    kind = fields.String(required=True, validate=validate.OneOf(AUTH_KINDS))
    token_url = fields.String(
        load_default="", metadata={"help": "address of /token or of the login"}
    )
    client_id = fields.String(load_default="")
    secret = fields.String(load_default="", metadata={"help": "name of the secret"})
    header = fields.String(
        load_default="apikey", metadata={"help": "header of an api_key"}
    )
    token_path = fields.String(
        load_default="token",
        metadata={"help": "where login_json's answer holds the token"},
    )


class ServiceConfig(RowsConfig):
    """One service: one dataset with one table."""

    path = fields.String(
        required=True, metadata={"help": "resource below context and version"}
    )
    kind = fields.String(load_default="json", validate=validate.OneOf(["json", "xml"]))
    rows = fields.String(
        load_default="",
        metadata={"help": "dotted path to the list in JSON; name of the XML entry"},
    )
    dataset = fields.Nested(DatasetConfig, required=True)
    resource = fields.String(load_default="", metadata={"help": "name of the resource"})
    schema_name = fields.String(load_default=None, allow_none=True)
    params = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=dict
    )
    max_rows = fields.Integer(load_default=1_000_000, validate=validate.Range(min=1))


class LgspConfig(Config):
    """A gateway and the services to harvest from it."""

    context = fields.String(
        load_default="", metadata={"help": "context of the API, e.g. dldc"}
    )
    version = fields.String(
        load_default="", metadata={"help": "version of the API, e.g. 1.0.0"}
    )
    auth = fields.Nested(AuthConfig, load_default=lambda: {"kind": "none"})
    services = fields.List(
        fields.Nested(ServiceConfig), required=True, validate=validate.Length(min=1)
    )


class LgspAdapter:
    """SourceAdapter over a gateway: each service is one item."""

    def __init__(
        self,
        url: str,
        config: Mapping[str, Any],
        client: GuardedClient,
        secrets: Secrets,
    ) -> None:
        self._client = client
        self._services = {service["path"]: service for service in config["services"]}
        context, version = config["context"].strip("/"), config["version"].strip("/")
        parts = (url.rstrip("/"), context, version)
        self._base = "/".join(part for part in parts if part)
        self._auth = Authority(self._base, url, config["auth"], client, secrets)

    def items(self) -> Iterator[RemoteItem | ItemError]:
        """The declared services."""
        for path, service in self._services.items():
            dataset = service["dataset"]
            yield RemoteItem(path, dataset["title"] or dataset["name"])

    def fetch(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """Call one service and keep the declared columns of its rows."""
        service = self._services.get(item.id)
        if service is None:
            raise ItemError(
                f"The service {item.id} is no longer configured.", item_id=item.id
            )
        rows = self._rows(service)
        shaper = RowShaper(service)
        _refuse_lacking_columns(rows, shaper, item.id)
        name = service["resource"] or service["dataset"]["name"]
        content = write_rows(
            list(shaper.names.values()),
            map(shaper.row, rows),
            folder / f"{name}.csv",
            most=service["max_rows"],
        )
        resource = ResourceRecord(
            name=name, format="CSV", schema_name=service["schema_name"], content=content
        )
        return dataset_record(service["dataset"], (resource,))

    def _rows(self, service: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The rows of a service; an error inside an HTTP 200 that may pass is asked
        again.
        """
        url = f"{self._base}/{service['path'].lstrip('/')}"
        read_rows = xml_rows if service["kind"] == "xml" else json_rows
        # The client repeats what fails as HTTP; an error inside a 200 is a success to
        # it.
        for left in (2, 1, 0):
            body = self._call(url, service["params"])
            try:
                return list(read_rows(body, service["rows"]))
            except SourceError as error:
                if not error.retry or not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _call(self, url: str, params: Mapping[str, str]) -> bytes:
        """The body that a service answers; a token that is refused is renewed once."""
        query = dict(params)
        try:
            return self._client.get_bytes(
                url, params=query, headers=self._auth.headers()
            )
        except SourceError as error:
            if error.code != "unauthorized":
                raise
        # A gateway may end a token before its time; a second refusal is meant.
        self._auth.forget()
        return self._client.get_bytes(url, params=query, headers=self._auth.headers())

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def _refuse_lacking_columns(
    rows: list[Mapping[str, Any]], shaper: RowShaper, item_id: str
) -> None:
    """A column that no row has is a misspelt or changed service, not an empty
    column.
    """
    present = {key for row in rows for key in row}
    lacking = [name for name in shaper.names if name not in present]
    if rows and lacking:
        given = ", ".join(sorted(present))
        raise ItemError(
            f"The service gives no column {', '.join(lacking)}; it gives {given}.",
            item_id=item_id,
        )


class Authority:
    """Headers that open the gateway; a token is kept until shortly before it
    expires.
    """

    def __init__(
        self,
        base: str,
        url: str,
        config: Mapping[str, Any],
        client: GuardedClient,
        secrets: Secrets,
    ) -> None:
        self._config, self._client, self._secrets = config, client, secrets
        self._base = base
        self._token_url = config.get("token_url") or f"{url.rstrip('/')}/token"
        self._token, self._until = "", 0.0

    def headers(self) -> dict[str, str]:
        """The headers of the next call. Raises SourceError when no token can be had."""
        kind = self._config["kind"]
        if kind == "none":
            return {}
        # A token opens what its secret opens: both go only where the secret may go.
        places = (self._base, self._token_url) if kind in TOKEN_KINDS else (self._base,)
        secret = self._secrets.reveal(self._config["secret"], *places)
        if kind == "api_key":
            return {self._config["header"]: secret}
        if kind == "basic":
            return {"Authorization": _basic(self._config["client_id"], secret)}
        if time.monotonic() >= self._until:
            self._renew(kind, secret)
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """The token was refused: the next call asks for a new one."""
        self._until = 0.0

    def _renew(self, kind: str, secret: str) -> None:
        """Fetch a new token and note when it expires. Raises SourceError."""
        identity = self._config["client_id"]
        if kind == "oauth2_cc":
            answer = self._client.post_form(
                self._token_url,
                {"grant_type": "client_credentials"},
                headers={"Authorization": _basic(identity, secret)},
            )
            token, lasts = answer.get("access_token"), answer.get("expires_in", 3600)
        else:
            login = {"SystemId": identity, "SecretKey": secret}
            body = self._client.send("POST", self._token_url, json=login)
            answer = parse_json(self._token_url, body)
            # Such a login does not say how long its token lasts.
            token, lasts = dig(answer, self._config["token_path"]), LOGIN_SECONDS
        if not isinstance(token, str) or not token:
            where = safe_url(self._token_url)
            raise SourceError(
                "no-token",
                f"{where} gave no token; check the client id and its secret.",
            )
        self._token = token
        # A token that lasts less than a minute is used for a second at least.
        usable_seconds = max(1.0, float(lasts) - EARLY_SECONDS)
        self._until = time.monotonic() + usable_seconds


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def dig(value: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for key in filter(None, path.split(".")):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def json_rows(body: bytes, path: str) -> Iterable[Mapping[str, Any]]:
    """Rows of a JSON answer. Raises SourceError for a business error or an answer of
    another shape.
    """
    answer = parse_json("the service", body)
    refuse_business_error(answer)
    rows = dig(answer, path) if path else answer
    is_list = isinstance(rows, list)
    if not is_list or not all(isinstance(row, Mapping) for row in rows):
        where = f"at {path}" if path else "at the top"
        raise SourceError(
            "not-rows", f"The answer holds no list of objects {where}; check `rows`."
        )
    objects: list[Mapping[str, Any]] = rows
    return objects


def refuse_business_error(answer: Any) -> None:
    """Services say errors inside an HTTP 200: {"MSG": …, "Count": 0}, {"code": 100, …},
    {"success": false}.
    """
    if not isinstance(answer, Mapping):
        return
    codes = [answer[key] for key in CODE_KEYS if key in answer]
    code = str(codes[0]) if codes else ""
    messages = [answer[key] for key in MESSAGE_KEYS if answer.get(key)]
    message = str(messages[0])[:300] if messages else ""
    # "Done" is the axis's own word for a call that went well.
    says_error = answer.get("MSG") not in (None, "Done")
    if says_error or answer.get("success") is False or code in PERMANENT:
        text = f"The service answers an error: {code} {message}".strip()
        raise SourceError("service-error", text, retry=code not in PERMANENT)


def xml_rows(body: bytes, entry: str) -> Iterator[dict[str, str]]:
    """Rows of a WSO2 Data Service: entries by local name, xsi:nil as nothing, no
    entities, element by element.
    """
    if body.lstrip().startswith(b"{"):
        # Gateways say their errors in JSON all the same.
        refuse_business_error(parse_json("the service", body))
    try:
        depth = 0
        events = ElementTree.iterparse(
            io.BytesIO(body), events=("start", "end"), forbid_dtd=True
        )
        for event, element in events:
            depth += 1 if event == "start" else -1
            name = _local(element.tag)
            if event == "start" and depth == 1 and name.lower() in ("fault", "error"):
                raise SourceError(
                    "service-error", "The service answers a fault.", retry=True
                )
            is_entry = name == entry if entry else depth == 1
            if event == "end" and is_entry:
                yield {_local(cell.tag): _cell(cell) for cell in element}
                # A million entries are never in memory together.
                element.clear()
    except (ElementTree.ParseError, DefusedXmlException):
        raise SourceError(
            "not-xml",
            "The service did not answer the XML of a Data Service; check `kind`.",
        ) from None


def _cell(cell: Any) -> str:
    return "" if cell.get(NIL) == "true" else (cell.text or "").strip()


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]
