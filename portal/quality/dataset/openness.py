"""The ten openness checks OC1-OC10: what makes data open by law, each with its outcome
in both languages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from i18n import Message
from portal.quality.dataset.facts import MACHINE_READABLE, NON_PROPRIETARY, Facts
from schemas.vocabularies import LICENCE_BY_ID

Outcome = Literal["pass", "fail", "unknown"]
DOMESTIC = "dlm-vn"
"""The domestic terms for open data; they do not conform to the Open Definition and are
open data by law.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One openness check: what it asks, and how it is mended."""

    id: str
    title: Message
    mend: Message
    judge: Callable[[Facts], Outcome]


@dataclass(frozen=True, slots=True)
class JudgedCheck:
    """A check and its outcome."""

    check: Check
    outcome: Outcome


def _all(outcomes: Iterable[bool | None]) -> Outcome:
    """One outcome for several: fail before unknown before pass."""
    found = list(outcomes)
    # One failure decides; one unknown forbids only to say that all passed.
    if any(outcome is False for outcome in found):
        return "fail"
    return "pass" if any(found) and None not in found else "unknown"


def _yes(value: object) -> Outcome:
    return "pass" if value else "fail"


def _complete(facts: Facts) -> Outcome:
    # Resources without a table drop out; where none is left nothing is known.
    return _all(each.whole for each in facts.resources if each.whole is not None)


def _fresh(facts: Facts) -> Outcome:
    # None means that no frequency was promised: nothing can be broken.
    return "unknown" if facts.fresh is None else _yes(facts.fresh)


def _reachable(facts: Facts) -> Outcome:
    """Whether a public dataset has all of its resources in store."""
    if facts.package.get("private") or not facts.resources:
        return "fail"
    return _all(each.stored for each in facts.resources)


def _machine_readable(facts: Facts) -> Outcome:
    # One resource is enough: a PDF may stand beside it.
    return _yes(any(each.format in MACHINE_READABLE for each in facts.resources))


def _anonymous(facts: Facts) -> Outcome:
    return _yes(
        # A dataset that names no access kind counts as open.
        not facts.package.get("private") and facts.text("access_kind") in ("", "open")
    )


def _licensed(facts: Facts) -> Outcome:
    """An open licence, or the domestic terms, with a format that anyone can read."""
    licence = LICENCE_BY_ID.get(facts.text("license_id"))
    free = licence is not None and (licence.open or licence.id == DOMESTIC)
    return _yes(
        free and any(each.format in NON_PROPRIETARY for each in facts.resources)
    )


def _free(facts: Facts) -> Outcome:
    """No price among the extras; nothing else says what data costs."""
    priced = any(
        str(extra.get("key")) in ("price", "phi", "gia")
        for extra in facts.package.get("extras", ())
    )
    return _yes(not priced)


def _impersonal(facts: Facts) -> Outcome:
    return _yes(not any(each.personal for each in facts.resources))


def _described(facts: Facts) -> Outcome:
    """Whether each of the mandatory fields is filled in."""
    organization = facts.package.get("organization")
    publisher = organization["title"] if organization else ""
    mandatory = (
        facts.text("title"),
        facts.text("author", "maintainer") or publisher,
        facts.text("metadata_modified"),
        facts.text("notes"),
        publisher,
        facts.text("name"),
        facts.text("contact_email", "contact_name", "maintainer_email", "author_email"),
    )
    return _yes(all(mandatory))


def _listed(facts: Facts) -> Outcome:
    return _yes(facts.text("annex") and facts.text("annex_number"))


CHECKS: tuple[Check, ...] = (
    Check(
        "OC1",
        Message("Complete: as many rows are published as the source has"),
        Message("Mend the rows that were put aside and send the file again."),
        _complete,
    ),
    Check(
        "OC2",
        Message("Fresh: updated within the declared frequency"),
        Message("Update the data, or declare the true frequency."),
        _fresh,
    ),
    Check(
        "OC3",
        Message("Reachable on the network"),
        Message(
            "Make the dataset public and upload its files; links to "
            "elsewhere are not checked."
        ),
        _reachable,
    ),
    Check(
        "OC4",
        Message("Machine-readable"),
        Message("Add CSV, JSON or XLSX beside PDF or images."),
        _machine_readable,
    ),
    Check(
        "OC5",
        Message("No identification needed"),
        Message("Set the access kind to open, where the data may be open."),
        _anonymous,
    ),
    Check(
        "OC6",
        Message("Open format and an open licence"),
        Message("Choose an open licence and add an open format (CSV, JSON, ODS)."),
        _licensed,
    ),
    Check(
        "OC7",
        Message("Free of charge"),
        Message("Remove the price."),
        _free,
    ),
    Check(
        "OC8",
        Message("No personal data"),
        Message("Drop the columns that the validation report names."),
        _impersonal,
    ),
    Check(
        "OC9",
        Message(
            "Described: title, creator, date, description, publisher, "
            "identifier, contact"
        ),
        Message("Fill in the missing fields."),
        _described,
    ),
    Check(
        "OC10",
        Message("Listed in an approved catalogue decision"),
        Message("Enter annex and number of the catalogue decision."),
        _listed,
    ),
)


def judge(facts: Facts) -> tuple[JudgedCheck, ...]:
    """The outcome of every check, in order; "unknown" is what nothing here can tell."""
    return tuple(JudgedCheck(check, check.judge(facts)) for check in CHECKS)
