"""The Flask application over an open portal: routes, request ids, locale prefixes,
headers, limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    MethodNotAllowed,
    RequestEntityTooLarge,
)

from i18n import Message
from portal.actions.registry import ACTIONS
from portal.health.report import Health
from portal.runtime import Portal
from portal.web import callers, errors
from portal.web.action_api import api, failure, the_portal
from portal.web.counters import Counters
from portal.web.dcat import dcat
from portal.web.descriptions import descriptions
from portal.web.downloads import downloads
from portal.web.envelope import EVERY_ANSWER, OWN, SANDBOX, id_of
from portal.web.environ import ACTION, PART, ROUTE
from portal.web.express import Express
from portal.web.feeds import feeds
from portal.web.health import health_pages
from portal.web.metrics import metrics
from portal.web.observed import Observed, open_log
from portal.web.pages import pages, problem
from portal.web.ratelimits import RateLimits
from portal.web.reference import reference
from portal.web.reports import reports
from portal.web.util import util
from schemas import mediatypes
from schemas.cache import Room
from schemas.units import BYTES_PER_MB

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Pages run no script at all, and load nothing but their style."""
HOLDS_NUL = Message("An address cannot hold a NUL character.")
FOR_PROGRAMS = "/api/"
"""How addresses begin that programs ask: they are never answered with a page."""
_SAYS_WHO_KEEPS = re.compile(r"public|private|no-store")
_PREFIX = re.compile(
    r"^/([a-z]{2})(?=/(?:api|dataset|organization|datastore|feeds|catalog)(?:[/.]|$)|/(?:data|dcat)\.json$)"
)


def create_app(portal: Portal) -> Flask:
    """Build the application; of its own it opens the file of its counters and the
    access log.
    """
    app = Flask("portal.web", static_folder=None)
    app.extensions["portal"] = portal
    fragments: Room[bytes] = portal.cache.room("fragments", len)
    app.extensions["fragments"] = fragments
    app.extensions["health"] = Health(portal)
    counters = Counters(portal.settings.data_dir / "metrics")
    portal.cache.count_in(counters.caches)
    app.extensions["counters"] = counters
    # Room beyond the largest file: the form around it has fields and boundaries, and a
    # file of just the allowed size must pass.
    app.config["MAX_CONTENT_LENGTH"] = (
        portal.settings.max_resource_size * BYTES_PER_MB + BYTES_PER_MB
    )
    # Of a multipart body only files go to the disk. What else it holds lies in memory,
    # so that it gets the smaller bound of bodies without files.
    app.config["MAX_FORM_MEMORY_SIZE"] = portal.settings.max_request_size * BYTES_PER_MB
    for blueprint in (
        api,
        util,
        reference,
        downloads,
        feeds,
        dcat,
        descriptions,
        reports,
        health_pages,
        metrics,
        pages,
    ):
        app.register_blueprint(blueprint)
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(Exception, _problem)
    # From the outside inwards: all is counted, refusals too; then the locale is taken
    # off, as the layers behind match addresses without it; then rates are judged,
    # before anything costs.
    # Flask's own way of adding middleware:
    lanes = LocalePrefix(RateLimits(portal, Express(portal, app.wsgi_app)))
    access_log = open_log(portal.settings.access_log)
    app.wsgi_app = Observed(lanes, counters, access_log)  # type: ignore[method-assign]
    return app


class LocalePrefix:
    """Takes a two-letter language off the front of an address, as CKAN's clients may
    put it there.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve the address without its prefix, which is remembered in the
        environment.
        """
        # Here and not by a rule of Flask: the rates and the express lane look at the
        # address as well, and would have to know prefixes.
        found = _PREFIX.match(environ.get("PATH_INFO", ""))
        if found:
            environ["portal.locale"] = found.group(1)
            environ["PATH_INFO"] = environ["PATH_INFO"][found.end() :]
        return self._application(environ, start_response)


def _begin() -> None:
    """Before a request: its id and its route are noted; what no view could answer is
    refused.
    """
    g.request_id = id_of(request.environ)
    _note_route(request.environ)
    g.locale_prefix = request.environ.get("portal.locale", "")
    # PostgreSQL's texts hold no NUL; without this an address with one would be an error
    # of the database. Actions refuse it in their own envelope.
    if "\x00" in request.path or (
        b"%00" in request.query_string and request.blueprint != "api"
    ):
        raise BadRequest(f"{HOLDS_NUL.en} / {HOLDS_NUL.vi}")
    # Only a file may be as large as MAX_CONTENT_LENGTH; any other body is read into
    # memory whole.
    upload = request.mimetype == "multipart/form-data"
    portal = the_portal()
    most = portal.settings.max_request_size * BYTES_PER_MB
    if not upload and (request.content_length or 0) > most:
        raise RequestEntityTooLarge(
            f"The body is larger than {portal.settings.max_request_size} MB."
        )


def _note_route(environ: dict[str, Any]) -> None:
    """What is asked, for the access log: an action by its name, anything else by the
    pattern of its address.
    """
    name = (request.view_args or {}).get("name")
    if request.endpoint == "api.act" and name in ACTIONS:
        environ[ACTION] = name
    elif request.url_rule is not None:
        environ[ROUTE], environ[PART] = request.url_rule.rule, request.blueprint


def _finish(response: Response) -> Response:
    """After a request: headers that every answer carries, and redirects on our own
    address.
    """
    response.headers["X-Request-Id"] = g.get("request_id", "")
    for name, value in EVERY_ANSWER:
        response.headers.setdefault(name, value)
    kept = response.headers.get("Cache-Control", "")
    # Whoever gives a token may have got what others may not see: no shared cache may
    # keep it, whatever view made it, unless that view has decided itself.
    if callers.token_in(
        the_portal().settings, request.headers.get
    ) and not _SAYS_WHO_KEEPS.search(kept):
        response.headers["Cache-Control"] = OWN
    location = response.headers.get("Location", "")
    # One of our own, whatever host the client named.
    if location.startswith(("/", request.host_url)):
        # The Host header is the client's word; a cache would hand the redirect on to
        # others. The page that werkzeug puts into a redirect names the same host, so it
        # is emptied.
        response.headers["Location"] = the_portal().settings.site_url + _path_of(
            location
        )
        response.set_data(b"")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    elif not mediatypes.is_inert(response.mimetype):
        # RDF, feeds, scripts: texts of strangers stand in them, so that none of them
        # may act as a page.
        response.headers.setdefault("Content-Security-Policy", SANDBOX)
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, X-CKAN-API-Key"
        )
        # Seconds: browsers ask once a day, where they allow that much.
        response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _path_of(location: str) -> str:
    """Where a redirect leads on this portal, the language in front as it was asked."""
    parts = urlsplit(location)
    prefix = f"/{g.locale_prefix}" if g.get("locale_prefix") else ""
    return (
        f"{prefix}/{parts.path.lstrip('/')}{f'?{parts.query}' if parts.query else ''}"
    )


def _problem(error: Exception) -> Response | tuple[str, int, list[tuple[str, str]]]:
    """Errors outside actions: envelopes for programs, pages for people.

    An exception that carries an answer of its own (a redirect) is that answer.
    """
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        answer = error.get_response(request.environ)
        return Response(
            "", answer.status_code, {"Location": answer.headers.get("Location", "/")}
        )
    # A method that no action knows is a page in CKAN, too.
    if request.path.startswith(FOR_PROGRAMS) and not isinstance(
        error, MethodNotAllowed
    ):
        return failure(request.path.rsplit("/", 1)[-1], error)
    status, described = errors.describe(error, g.get("request_id", ""))
    page, _ = problem(status, str(described.get("message", "")))
    return page, status, errors.retry_after(status)
