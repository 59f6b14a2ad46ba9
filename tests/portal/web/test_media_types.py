"""Files of strangers run nowhere on the portal's address: every spelling of a type on
every way to set it.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.domain.datasets import Resource
from portal.errors import Invalid
from portal.runtime import Portal
from portal.settings import load as settings
from schemas import mediatypes
from schemas.record import Upload

PAGE = b"<script>document.title=document.domain</script>"
RUNNING = (
    "text/html", "TEXT/HTML", "text/html;charset=utf-8", " text/html ", "Text/HTML ; a=b", "application/xhtml+xml",
    "image/svg+xml", "IMAGE/SVG+XML; x=1", "text/xml", "application/rdf+xml", "application/atom+xml",
    "application/mathml+xml", "text/xsl", "application/javascript", "multipart/x-mixed-replace;boundary=x",
    "message/rfc822", "text/cache-manifest", "application/x-unknown", "text/vtt", "image/unknown", "text/css",
)  # fmt: skip
INERT = (
    "text/plain",
    "TEXT/CSV",
    "application/json",
    "application/pdf",
    "image/png",
    "application/zip; x=y",
)
INVALID = (
    "html",
    "text/html, text/plain",
    "text/html\r\nX-Other: 1",
    "text/html/x",
    "text/ html",
    "*/*",
    "t\x00/x",
)

Way = Callable[[Portal, str], str]
"""Stores PAGE under a media type; returns the id of the resource."""


def _file(name: str = "a.bin", kind: str = "") -> Upload:
    return Upload(name, io.BytesIO(PAGE), kind)


def _new(portal: Portal, **params: Any) -> str:
    made = registry.call(
        portal,
        SYSTEM,
        "resource_create",
        {"package_id": "xx", "upload": _file(), **params},
    )
    return str(made["id"])


def _by_sender(portal: Portal, kind: str) -> str:
    return _new(portal, upload=_file("file", kind))


def _by_patch(portal: Portal, kind: str) -> str:
    made = _new(portal)
    registry.call(portal, SYSTEM, "resource_patch", {"id": made, "mimetype": kind})
    return made


def _by_update(portal: Portal, kind: str) -> str:
    made = _new(portal)
    registry.call(
        portal, SYSTEM, "resource_update", {"id": made, "mimetype": kind, "name": "b"}
    )
    return made


def _by_dataset(portal: Portal, kind: str) -> str:
    made = _new(portal)
    described = orjson.loads(
        orjson.dumps(registry.call(portal, SYSTEM, "package_show", {"id": "xx"}))
    )
    resources = [
        {**each, "mimetype": kind} if each["id"] == made else each
        for each in described["resources"]
    ]
    registry.call(
        portal, SYSTEM, "package_update", {**described, "resources": resources}
    )
    return made


def _by_revision(portal: Portal, kind: str) -> str:
    made = _new(portal)
    change = {"match": {"name": "xx"}, f"update__resources__{made[:8]}__mimetype": kind}
    registry.call(portal, SYSTEM, "package_revise", change)
    return made


def _as_stored(portal: Portal, kind: str) -> str:
    """As an older release may have kept it, or a source said it."""
    made = _new(portal)
    with portal.work() as uow:
        resource = uow.session.get(Resource, made)
        assert resource is not None
        resource.mimetype = kind
        uow.commit()
    return made


CHECKED: Mapping[str, Way] = {
    "patch": _by_patch, "update": _by_update, "dataset": _by_dataset, "revision": _by_revision,
}  # fmt: skip
WAYS: Mapping[str, Way] = {**CHECKED, "sender": _by_sender, "stored": _as_stored}


@pytest.fixture(autouse=True)
def dataset(portal: Portal, token: str) -> None:
    registry.call(
        portal,
        SYSTEM,
        "package_create",
        {"name": "xx", "owner_org": "org", "private": True},
    )


def _download(client: FlaskClient, token: str, resource_id: str) -> Any:
    path = f"/dataset/xx/resource/{resource_id}/download/a.bin"
    return client.get(path, headers={"Authorization": token})


def _is_harmless(answer: Any) -> None:
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if not mediatypes.is_inert(answer.headers["Content-Type"]):
        assert answer.headers["Content-Security-Policy"].startswith(
            "sandbox; default-src 'none'"
        )
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert not answer.headers["Content-Type"].startswith(("multipart/", "message/"))


@pytest.mark.parametrize("way", WAYS)
def test_what_could_run_is_handed_over_as_a_file(
    portal: Portal, client: FlaskClient, token: str, way: str
) -> None:
    for kind in RUNNING:
        answer = _download(client, token, WAYS[way](portal, kind))
        _is_harmless(answer)
        assert answer.headers["Content-Disposition"].startswith("attachment"), kind
        assert answer.get_data() == PAGE


@pytest.mark.parametrize("way", CHECKED)
def test_what_is_inert_is_shown_in_place(
    portal: Portal, client: FlaskClient, token: str, way: str
) -> None:
    for kind in INERT:
        answer = _download(client, token, CHECKED[way](portal, kind))
        _is_harmless(answer)
        assert answer.headers["Content-Disposition"].startswith("inline"), kind
        assert answer.mimetype == mediatypes.essence(kind)


@pytest.mark.parametrize("way", CHECKED)
def test_what_is_no_media_type_is_refused_in_both_languages(
    portal: Portal, way: str
) -> None:
    for kind in INVALID:
        with pytest.raises(Invalid) as refused:
            CHECKED[way](portal, kind)
        told = (
            ("NUL character", "ký tự NUL")
            if "\x00" in kind
            else ("text/csv", "Phải là một kiểu nội dung")
        )
        assert all(words in str(refused.value) for words in told), kind


@pytest.mark.parametrize("way", ["sender", "stored"])
def test_what_came_past_the_check_is_bytes_of_an_unknown_kind(
    portal: Portal, client: FlaskClient, token: str, way: str
) -> None:
    for kind in INVALID:
        if "\x00" not in kind:  # PostgreSQL keeps none
            answer = _download(client, token, WAYS[way](portal, kind))
            _is_harmless(answer)
            assert answer.content_type == mediatypes.UNKNOWN


@pytest.mark.parametrize(
    "name",
    [
        "a.html",
        "a.SVG",
        "a.xhtml",
        "a.html.gz",
        "a.mhtml",
        "a.xml",
        "a.csv.html",
        "a.js",
    ],
)
def test_types_guessed_from_names_are_judged_alike(
    portal: Portal, client: FlaskClient, token: str, name: str
) -> None:
    answer = _download(client, token, _new(portal, upload=_file(name, "text/plain")))
    _is_harmless(answer)
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_server_in_front_is_told_the_same(
    portal: Portal, client: FlaskClient, token: str
) -> None:
    made = _by_patch(portal, "TEXT/HTML")
    values = {
        "PORTAL_DATA_DIR": str(portal.settings.data_dir),
        "PORTAL_ACCEL_REDIRECT": "/_files",
    }
    object.__setattr__(portal, "settings", settings(values))
    answer = _download(client, token, made)
    assert answer.headers["X-Accel-Redirect"].startswith("/_files/files/")
    _is_harmless(answer)


def test_the_portals_own_answers_of_such_types_are_locked_up_too(
    portal: Portal, client: FlaskClient
) -> None:
    for path in ("/feeds/dataset.atom", "/catalog.xml", "/catalog.rdf", "/catalog.ttl"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Security-Policy"].startswith("sandbox"), path
    for path in ("/dataset", "/api/docs"):
        assert "sandbox" not in client.get(path).headers["Content-Security-Policy"]
