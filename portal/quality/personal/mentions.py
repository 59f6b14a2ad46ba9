"""Personal data inside one text, a cell or a line: numbers, mail, and what is said of a
person whom it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from portal.quality.personal import kinds, names, numbers
from portal.quality.personal.folding import bare, letters
from portal.quality.personal.kinds import Evidence
from portal.quality.personal.numbers import Number

LONGEST = 20_000
"""Longer texts are looked at in pieces."""


VALUE = re.compile(
    r"[0-9]{6,}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{1,3}[.,][0-9]{3,}"
)
"""A long number, a day, a coordinate."""


class Hit(NamedTuple):
    """One mention: its kind, and why it is thought to be one."""

    kind: str
    evidence: Evidence


_PARTED = r"[\W_]{0,3}"


def _spoken(words: str) -> str:
    return words.replace(" ", _PARTED)


WORDS = {
    "identity": "cccd|cmnd|cmtnd|cmt|cmqd|cmnn|can cuoc|chung minh nhan dan|chung minh thu|so chung minh|"
    "dinh danh ca nhan|"
    "so dinh danh|dinh danh cong dan|giay to tuy than|gttt|citizen id|citizen number|citizen identification|"
    "national id|"
    "identity card|identity number|identity no|id card|id no|id number|personal id|identification",
    "passport": "ho chieu|passport",
    "licence": "gplx|giay phep lai xe|bang lai|driving licence|driving license|driver license|driver's license",
    "health-card": "bhyt|bao hiem y te|health insurance|the bao hiem",
    "social-insurance": "bhxh|bao hiem xa hoi|social insurance|so so bao hiem",
    "person-tax": "mst ca nhan|mst cn|mst tncn|ma so thue ca nhan|ma so thue tncn|personal tax code|personal tax",
    "tax": "mst|ma so thue|tax code|tax id|tax no",
    "office-line": "hotline|duong day nong|tong dai|fax|ban truc",
    "phone": "dien thoai|sdt|so dt|dtdd|di dong|zalo|phone|mobile|tel|viber|lien he|goi|lien lac|dt",
    "bank": "stk|so tai khoan|tai khoan|so tk|bank account|account number|account no",
    "plate": "bien so|bks|bien kiem soat|bien xe|number plate|license plate|licence plate|xe",
}
_WORDS = re.compile(
    "(?<![a-z])(?:"
    + "|".join(f"(?P<r{n}>{_spoken(words)})" for n, words in enumerate(WORDS.values()))
    + ")(?![a-z])"
)
_ROLES = tuple(WORDS)
BEFORE, AFTER = 70, 28
_NEAR = 12
_MAIL = re.compile(
    r"[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}", re.IGNORECASE
)
_MAIL_SPELT = re.compile(
    r"[a-z0-9][a-z0-9._%+-]{0,63}\s?[\[(]\s?(?:at|a còng)\s?[\])]\s?[a-z0-9-]{1,63}"
    r"(?:\s?(?:\.|[\[(]\s?(?:dot|chấm)\s?[\])])\s?[a-z0-9-]{2,24}){1,4}",
    re.IGNORECASE,
)
_OFFICES = re.compile(
    r"@(?:[a-z0-9-]+\.)*(?:gov|edu|mil)(?:\.[a-z]{2})?$", re.IGNORECASE
)
# The first two letters of a health card: the group of the insured.
_CARD_GROUPS = (
    "dn hx ch nn tk hc xk ht tb no ct xb tn cs qn ca cy xn ms cc ck cb kc hd te bt hn dt dk xd ts tc tq ta ty hg ls pv"
    " hs sv gb gd nd cn tl xv th nt tv td tu hk"
).replace(" ", "|")
_HEALTH_CARD = re.compile(
    rf"(?<![a-z0-9])(?:{_CARD_GROUPS})[\W_]{{0,2}}[1-5](?:[\W_]{{0,2}}[0-9]){{12}}(?![0-9])"
)
_PASSPORT = re.compile(
    r"(?<![a-z0-9])(?:[a-z]{1,2}[ .-]?[0-9]{6,8}|[a-z][0-9]{2}[a-z][0-9]{5}|[0-9]{8,9})(?![a-z0-9])"
)
_PASSPORT_WORDS = re.compile(rf"(?<![a-z])(?:{_spoken(WORDS['passport'])})(?![a-z])")
_LICENCE_WORDS = re.compile(rf"(?<![a-z])(?:{_spoken(WORDS['licence'])})(?![a-z])")
_OLD_LICENCE = re.compile(r"(?<![a-z0-9])[a-z]{1,2}[ .-]?[0-9]{6,8}(?![0-9])")
_PLATE = re.compile(
    r"(?<![A-Za-z0-9])[1-9][0-9][ .-]?[A-Z][A-Z0-9]?[ .-]{0,2}(?:[0-9]{3}[. -]?[0-9]{2}|[0-9]{4})(?![0-9])"
)

_BORN = re.compile(
    r"(?<![a-z])(?:sinh(?: ngay| nam| thang)?|ngay sinh|nam sinh|sn|ntns|born(?: on| in)?|dob|date of birth|"
    r"birth ?date)"
    r"[\W_]{0,3}(?:ngay|nam|thang|luc)?[\W_]{0,3}[0-9]"
)
ILL = (
    "hiv|aids|ung thu|tam than|khuyet tat|tieu duong|dai thao duong|viem gan|lao phoi|benh lao|duong tinh|"
    "mac benh|bi benh|"
    "benh nhan|chan doan|covid|nghien ma tuy|suy than|tim mach|dong kinh|tu ky|huyet ap|dot quy|bach cau|giang mai|"
    "da cam|nhiem hiv|tram cam|sa sut|bai liet|bai nao|tan tat|thai ky|mang thai|nhap vien|dieu tri|"
    "diagnos|cancer|diabet|hepatitis|tuberculosis|epilep|schizo|disabled|pregnan|hiv positive|depress"
)
_ILL = re.compile(rf"(?<![a-z])(?:{ILL})")
_HOME = re.compile(
    r"(?<![a-z])(?:thuong tru|tam tru|tru tai|tru quan|hktt|dktt|noi o|ho khau|cu tru|nha rieng|cho o|tru o|ngu tai|"
    r"resid(?:es?|ing) (?:at|in)|lives at|home address)(?![a-z])"
)


def hits(text: str, roles: frozenset[str] = frozenset()) -> list[Hit]:
    """What one text mentions; `roles` are the meanings of its label. A name alone is no
    hit.
    """
    clean = numbers.expand_number(bare(text[:LONGEST]).strip())
    if clean.isascii() and clean.isdigit():
        # Most cells with many digits are nothing but digits.
        hit = _judged(Number(clean, 0, len(clean), True), "", roles)
        return [hit] if hit else []
    # As long as `clean`, so that places found in one are places in the other.
    told = letters(clean)
    found = list(_numbered(clean, told, roles))
    found += _mails(clean)
    # Shorter texts have no room for a name and something said of it.
    if len(told) > _NEAR:
        found += _said(clean, told, bool(found))
    return found


def _said(clean: str, told: str, numbered: bool) -> list[Hit]:
    """What a sentence says of a person whom it names; numbers in it then stand beside a
    name.
    """
    said = [
        kind
        for kind, words in (
            (kinds.BIRTH, _BORN),
            (kinds.HEALTH, _ILL),
            (kinds.HOME, _HOME),
        )
        if words.search(told)
    ]
    if not (said or numbered) or not names.mentions_person(clean):
        return []
    beside = [Hit(kind, Evidence.BESIDE) for kind in said]
    return [*beside, Hit(kinds.NAME, Evidence.BESIDE)]


def _mails(clean: str) -> Iterator[Hit]:
    """Addresses of mail, also those spelt with "[at]" and "[dot]"."""
    # Most texts have none of these signs, and looking for a sign costs less than the
    # patterns.
    if "@" not in clean and "[" not in clean and "(" not in clean:
        return
    for match in _MAIL.finditer(clean):
        kind = kinds.OFFICE_EMAIL if _OFFICES.search(match[0]) else kinds.EMAIL
        yield Hit(kind, Evidence.SHAPE)
    for _ in _MAIL_SPELT.finditer(clean):
        yield Hit(kinds.EMAIL, Evidence.SHAPE)


def _numbered(clean: str, told: str, roles: frozenset[str]) -> Iterator[Hit]:
    """Papers whose numbers begin with letters, then all other numbers of a text."""
    if not any(map(str.isdigit, told)):
        return
    rounded = numbers.is_rounded(clean)
    papers = [(match, hit) for match, hit in _papers(clean, told, roles)]
    yield from (hit for _, hit in papers)
    # What was read as a paper becomes letters of the same length: its digits must not
    # be counted again, and places stay the same.
    rest = told
    for match, _ in papers:
        rest = rest[: match.start()] + "x" * len(match[0]) + rest[match.end() :]
    for number in numbers.numbers(_plain(rest, roles), papers="identity" in roles):
        role = _role(rest, number)
        hit = _judged(number, role, roles)
        # A rounded power of ten was some other number; only a label makes it anybody's.
        if hit and not (rounded and hit.evidence is Evidence.SHAPE):
            yield hit


def _plain(told: str, roles: frozenset[str]) -> str:
    """The text without its moments; under the label of a paper nothing is a moment."""
    return told if roles & {"identity"} else numbers.without_moments(told)


def _papers(
    clean: str, told: str, roles: frozenset[str]
) -> Iterator[tuple[re.Match[str], Hit]]:
    """Numbers that begin with letters: health cards, passports, licences, plates."""
    for match in _HEALTH_CARD.finditer(told):
        named = "health-card" in roles or bool(_near(told, match, "health-card"))
        yield match, Hit(kinds.HEALTH_CARD, Evidence.NAMED if named else Evidence.SHAPE)
    yield from _after_word(
        told, _PASSPORT_WORDS, _PASSPORT, kinds.PASSPORT, labelled="passport" in roles
    )
    yield from _after_word(
        told, _LICENCE_WORDS, _OLD_LICENCE, kinds.LICENCE, labelled="licence" in roles
    )
    # Elsewhere than under its label a plate needs capitals: "10 km 1234" is built like
    # one.
    for match in _PLATE.finditer(clean.upper() if "plate" in roles else clean):
        named = "plate" in roles or bool(_near(told, match, "plate"))
        yield match, Hit(kinds.PLATE, Evidence.NAMED if named else Evidence.SHAPE)


def _after_word(
    told: str,
    word: re.Pattern[str],
    value: re.Pattern[str],
    kind: str,
    *,
    labelled: bool,
) -> Iterator[tuple[re.Match[str], Hit]]:
    """Values that stand within BEFORE signs after a word; under their own label, all
    values.
    """
    if labelled:
        for match in value.finditer(told):
            yield match, Hit(kind, Evidence.NAMED)
        return
    for spoken in word.finditer(told):
        found = value.search(told, spoken.end(), spoken.end() + BEFORE)
        # Digits between are a number of their own, and the word speaks of that one.
        if found and not any(map(str.isdigit, told[spoken.end() : found.start()])):
            yield found, Hit(kind, Evidence.NAMED)


def _near(told: str, match: re.Match[str], role: str) -> bool:
    before = told[max(0, match.start() - BEFORE) : match.start()]
    return any(_role_of(word) == role for word in _WORDS.finditer(before))


def _role_of(word: re.Match[str]) -> str:
    return _ROLES[int(str(word.lastgroup)[1:])]


def _role(told: str, number: Number) -> str:
    """The word that names a number: the last one before it, or one right behind it."""
    start = max(0, number.start - BEFORE)
    before = told[start : number.start]
    spoken = list(_WORDS.finditer(before))
    last = spoken[-1] if spoken else None
    # Six digits or more between are a number of their own, which the word named.
    if last is not None and sum(map(str.isdigit, before[last.end() :])) < 6:
        return _role_of(last)
    after = _WORDS.search(told, number.end, number.end + AFTER)
    near = after is not None and after.start() - number.end <= _NEAR
    between = told[number.end : after.start()] if after is not None else ""
    # Behind a sign that ends the phrase the word names what comes after it.
    parted = any(sign in between for sign in ",;|\n\t.") or any(
        map(str.isdigit, between)
    )
    return _role_of(after) if after is not None and near and not parted else ""


def _judged(number: Number, role: str, roles: frozenset[str]) -> Hit | None:
    """What a number is by its digits, the word beside it and the label above it."""
    digits = number.digits
    # A word beside the number knows better than the label above the column.
    told = {role} if role else set(roles)
    named = Evidence.NAMED
    if told & {"identity", "paper"}:
        strong = "identity" in told
        kind = _identity(
            digits, strong=strong, labelled=not role, code="code" in told and not strong
        )
        return Hit(kind, named) if kind else _unnamed(number, roles)
    if "licence" in told and len(digits) in (11, 12):
        return Hit(kinds.LICENCE, named)
    if "passport" in told and len(digits) in (8, 9):
        return Hit(kinds.PASSPORT, named)
    if "health-card" in told and len(digits) in (10, 13, 15):
        return Hit(kinds.HEALTH_CARD, named)
    if "social-insurance" in told and len(digits) == 10:
        return Hit(kinds.SOCIAL_INSURANCE, named)
    return _of_money(number, told) or _unnamed(
        number, roles if not role else roles | {role}
    )


def _of_money(number: Number, told: set[str]) -> Hit | None:
    """Tax codes and bank accounts."""
    digits = number.digits
    if told & {"tax", "person-tax"}:
        # The tax code of a person may be the citizen number itself.
        citizen = numbers.is_citizen(digits) or (
            # Amounts, and telephones with the code of the country, have eleven digits
            # as well.
            len(digits) == 11 and numbers.is_lost(digits)
        )
        if citizen:
            return Hit(kinds.CITIZEN, Evidence.NAMED)
        # Tax codes that were made for persons begin with 8, those of organizations do
        # not.
        if len(digits) == 10 and digits[0] == "8":
            return Hit(
                kinds.PERSON_TAX,
                Evidence.NAMED if "person-tax" in told else Evidence.SHAPE,
            )
        if len(digits) == 10 and "person-tax" in told:
            return Hit(kinds.PERSON_TAX, Evidence.NAMED)
    if "bank" in told and 8 <= len(digits) <= 16 and not numbers.is_citizen(digits):
        return Hit(kinds.BANK, Evidence.NAMED)
    return None


def _identity(digits: str, *, strong: bool, labelled: bool, code: bool = False) -> str:
    """The kind of a number that its label or the word beside it calls an identity
    number; empty for none.
    """
    if len(digits) == 12:
        return kinds.CITIZEN if strong or numbers.is_citizen(digits) else ""
    if len(digits) == 11:
        return kinds.CITIZEN if strong or numbers.is_lost(digits) else ""
    # The provinces 001 to 008 have two zeros to lose.
    if len(digits) == 10:
        return kinds.CITIZEN if strong and digits[0] in "12468" else ""
    # Old numbers have nine digits; eight are one that lost its zero.
    if (len(digits) == 9 and not code) or (len(digits) == 8 and strong and labelled):
        return kinds.OLD_CITIZEN
    return ""


def _unnamed(number: Number, roles: frozenset[str]) -> Hit | None:
    """What the digits alone tell."""
    digits = number.digits
    if len(digits) == 12 and numbers.is_citizen(digits):
        return Hit(kinds.CITIZEN, Evidence.SHAPE)
    if (
        len(digits) == 11
        and numbers.is_lost(digits)
        and not number.money
        and not roles & {"amount", "phone", "office-line"}
    ):
        return Hit(kinds.CITIZEN, Evidence.SHAPE)
    return _telephone(number, roles)


def _telephone(number: Number, roles: frozenset[str]) -> Hit | None:
    """The telephone that a number is; None where it is none."""
    digits = number.digits
    called = roles & {"phone", "office-line"}
    # Ten digits under a label for codes or money are just that, unless somebody parted
    # them like a telephone.
    if numbers.is_mobile(digits) and (
        called or not roles & {"code", "tax", "amount", "bank"} or not number.whole
    ):
        office = "office-line" in roles
        return Hit(
            kinds.OFFICE_PHONE if office else kinds.PHONE,
            Evidence.NAMED if called else Evidence.SHAPE,
        )
    # Spreadsheets take the zero away.
    if called and len(digits) == 9 and numbers.is_mobile("0" + digits):
        return Hit(kinds.PHONE, Evidence.NAMED)
    if called and numbers.is_landline(digits):
        # An office's as a rule; beside a person's name it is at home.
        return Hit(kinds.OFFICE_PHONE, Evidence.SHAPE)
    return None
