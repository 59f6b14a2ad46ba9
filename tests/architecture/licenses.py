"""Licences of every locked dependency: run this module for the list; a licence that
nobody has judged ends with 1.
"""

import importlib.metadata
import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
"""What runs, and what only tests and builds."""
ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "PSF-2.0", "Zlib",
        "LGPL-3.0-only", "Artistic",
    }
)  # fmt: skip
"""Free licences under which a dependency may be used unchanged beside the portal's own
code; LGPL as a library only.
"""
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "Artistic License": "Artistic",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What older packages say, as SPDX identifiers."""
ONLY_ELSEWHERE = {"colorama": "BSD-3-Clause", "tzdata": "Apache-2.0"}
"""Locked for other systems and not installed here: their licences as the packages say
them.
"""
ONLY_TESTS = {
    "unidecode": (
        "GPL-2.0-or-later: a tool of frictionless[ckan] in tests, never shipped with "
        "the portal"
    )
}
"""Judged one by one: may be used to test, may not be shipped."""


class Locked(NamedTuple):
    """A dependency as a lock file names it."""

    name: str
    version: str
    hashes: int
    shipped: bool


def locked() -> list[Locked]:
    """Every dependency of both lock files, once; what runs counts as shipped."""
    found: dict[str, Locked] = {}
    for lock in LOCKS:
        text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            pin = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^\s;]+)", line)
            if pin:
                one = Locked(
                    pin.group(1),
                    pin.group(2),
                    line.count("--hash=sha256:"),
                    lock == LOCKS[0],
                )
                found.setdefault(one.name, one)
    return sorted(found.values())


def license_of(name: str) -> str:
    """The licence of an installed package as an SPDX expression, as far as it says one;
    empty otherwise.
    """
    if name in ONLY_ELSEWHERE:
        return ONLY_ELSEWHERE[name]
    about = importlib.metadata.metadata(name)
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    said = [
        each.rsplit(" :: ", 1)[-1]
        for each in about.get_all("Classifier") or []
        if each.startswith("License ::")
    ]
    known = [CLASSIFIERS[each] for each in said if each in CLASSIFIERS]
    return " OR ".join(known) or "; ".join(said) or (about.get("License") or "").strip()


def allowed(expression: str) -> bool:
    """Whether a licence may be used: of alternatives one suffices, of what is joined
    all are needed.
    """
    bare = expression.replace("(", "").replace(")", "")
    groups = [group.split(" OR ") for group in bare.split(" AND ")]
    return bool(expression) and all(
        any(each.strip() in ALLOWED for each in group) for group in groups
    )


def refusals() -> list[str]:
    """What is wrong, in words: a licence that is not judged, or one that may only be
    used in tests and is shipped.
    """
    wrong = []
    for one in locked():
        if one.name in ONLY_TESTS:
            if one.shipped:
                wrong.append(
                    f"{one.name} is shipped, but only allowed in tests: "
                    f"{ONLY_TESTS[one.name]}"
                )
        elif not allowed(license_of(one.name)):
            wrong.append(
                f"{one.name} {one.version}: "
                f"{license_of(one.name) or 'no licence is said'}"
            )
    return wrong


def main() -> None:
    """Print the list, then what is wrong."""
    for one in locked():
        where = "runs " if one.shipped else "tests"
        sys.stdout.write(
            f"{where} {one.name:32} {one.version:14} "
            f"{ONLY_TESTS.get(one.name) or license_of(one.name)}\n"
        )
    wrong = refusals()
    sys.exit("\n".join(["licences that nobody has judged:", *wrong]) if wrong else 0)


if __name__ == "__main__":
    main()
