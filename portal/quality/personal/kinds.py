"""The kinds of personal data, and what follows from each: by what stands beside it, and
by nothing that is claimed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from portal.quality.personal.findings import Level, Verdict

CITIZEN, OLD_CITIZEN = "citizen-id", "old-citizen-id"
PASSPORT, LICENCE = "passport", "driving-licence"
HEALTH_CARD, SOCIAL_INSURANCE = "health-insurance", "social-insurance"
PERSON_TAX, BANK, PLATE = "person-tax-code", "bank-account", "plate"
PHONE, OFFICE_PHONE, EMAIL, OFFICE_EMAIL = (
    "phone",
    "office-phone",
    "email",
    "office-email",
)
NAME, BIRTH, SEX, BIRTHPLACE, FAMILY = (
    "name",
    "birth-date-with-name",
    "sex-with-name",
    "birthplace-with-name",
    "family",
)
ORIGIN, HEALTH, FINANCE = "origin", "health", "finance"
HOME, HOME_PLACE, TAGGED = "home-address", "home-coordinates", "tagged"


class Evidence(IntEnum):
    """Why a cell is thought to be personal, the weakest reason first."""

    NONE = 0
    SHAPE = 1
    """It is built so, and nothing else tells."""
    BESIDE = 2
    """A person's name stands in its row or its text."""
    NAMED = 3
    """Its label, or a word beside it, says so."""


class Kind(NamedTuple):
    """One kind: its level by law, and the verdicts by shape alone, beside a name, and
    where it is named.
    """

    level: Level
    shape: Verdict | None
    beside: Verdict
    named: Verdict


KINDS: dict[str, Kind] = {
    CITIZEN: Kind("basic", "hold", "error", "error"),
    OLD_CITIZEN: Kind("basic", None, "hold", "error"),
    PASSPORT: Kind("basic", None, "hold", "error"),
    LICENCE: Kind("basic", "hold", "error", "error"),
    HEALTH_CARD: Kind("sensitive", "hold", "error", "error"),
    SOCIAL_INSURANCE: Kind("basic", None, "hold", "error"),
    PERSON_TAX: Kind("basic", None, "hold", "hold"),
    PHONE: Kind("basic", "hold", "hold", "hold"),
    OFFICE_PHONE: Kind("basic", None, "hold", "warn"),
    EMAIL: Kind("basic", "hold", "hold", "hold"),
    OFFICE_EMAIL: Kind("basic", "warn", "warn", "warn"),
    PLATE: Kind("basic", None, "hold", "warn"),
    BANK: Kind("sensitive", None, "hold", "hold"),
    NAME: Kind("basic", "warn", "warn", "warn"),
    BIRTH: Kind("basic", None, "hold", "hold"),
    SEX: Kind("basic", None, "hold", "hold"),
    BIRTHPLACE: Kind("basic", None, "hold", "hold"),
    FAMILY: Kind("basic", None, "hold", "hold"),
    ORIGIN: Kind("sensitive", None, "hold", "hold"),
    HEALTH: Kind("sensitive", None, "error", "error"),
    FINANCE: Kind("sensitive", None, "hold", "hold"),
    HOME: Kind("basic", None, "hold", "hold"),
    HOME_PLACE: Kind("sensitive", None, "hold", "hold"),
    TAGGED: Kind("basic", "hold", "hold", "hold"),
}
SOFTER_IN_OFFICES = frozenset({PHONE, EMAIL, BANK, PERSON_TAX})
"""Kinds that organizations have as well: a table of organizations without a person's
name is warned of only.
"""


def verdict(kind: str, evidence: Evidence, *, office: bool = False) -> Verdict | None:
    """What follows from cells of one kind; `office` says that they stand beside
    organizations and no person.

    None: nothing at all.
    """
    rules = KINDS[kind]
    if evidence is Evidence.NONE:
        return None
    # A name in the row makes a telephone that person's, whatever else the table is of.
    if office and kind in SOFTER_IN_OFFICES and evidence is not Evidence.BESIDE:
        return "warn"
    # SHAPE, BESIDE and NAMED are 1, 2 and 3.
    return (rules.shape, rules.beside, rules.named)[evidence - 1]
