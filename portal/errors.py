"""What can go wrong, without a word of HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from i18n import Message


class PortalError(Exception):
    """Base of every error that a person may read; its message holds no secret, SQL or
    path.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class NotFound(PortalError):
    """The thing does not exist, or the actor may not know that it does."""


class NotAuthorized(PortalError):
    """The actor may not do this."""


class NotOpen(NotAuthorized):
    """The thing is closed until it is looked at, or for what was found; `reason` says
    why, without a value.
    """

    def __init__(self, reason: Message) -> None:
        super().__init__(f"{reason.en} / {reason.vi}")
        self.reason = reason


class Invalid(PortalError):
    """Input that breaks a rule; `errors` maps each field to its messages, positions
    kept for lists.
    """

    def __init__(self, errors: Mapping[str, Any] | str) -> None:
        self.errors: dict[str, Any] = (
            {"message": errors} if isinstance(errors, str) else dict(errors)
        )
        super().__init__(
            "; ".join(f"{key}: {value}" for key, value in self.errors.items())
        )


class IntegrityProblem(PortalError):
    """Input of a wrong shape (CKAN's Integrity Error); `data` echoes it."""

    def __init__(self, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.data = data


class SearchQueryProblem(PortalError):
    """A search parameter that does not exist or a sort that cannot be."""


class SearchProblem(PortalError):
    """A q or fq that is refused or cannot be understood."""


class Unavailable(PortalError):
    """An engine (database, search, files, disk) cannot be used now; try again later.

    `reason` is what the engine itself said: for the log and the command line, never for
    a caller of the API.
    """

    def __init__(self, message: str = "", *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NoSpace(Unavailable):
    """There is no room on a disk for what was to be stored."""


class Unfinished(PortalError):
    """A change of many things that something stopped: `done` are changed, `left` are
    not; once more does the rest.
    """

    def __init__(
        self, problem: Exception, done: Sequence[str], left: Sequence[str]
    ) -> None:
        why = (
            problem.message
            if isinstance(problem, PortalError)
            else "the database did not answer in time"
        )
        message = (
            f"Stopped after {len(done)} of {len(done) + len(left)}: {why}. Do it "
            "again to change the others."
        )
        super().__init__(message)
        self.done, self.left = list(done), list(left)


class SettingsError(PortalError):
    """A setting is missing or wrong; the message names the variable and what it
    takes.
    """


class BadFile(PortalError):
    """A file cannot be read as what it claims to be.

    `code` is a stable machine word ("not-utf8", "zip-bomb", "not-xlsx", "empty",
    "no-header", …); `vi` and `en` say what is wrong and how to mend it.
    """

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.vi = vi
        self.en = en
