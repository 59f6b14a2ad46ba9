"""How well personal data is found: precision and recall of each kind on made-up tables,
innocents included.

python -m benchmarks.personal_data [--seed 7] [--each 40]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable

from benchmarks.personal_corpus import Made, corpus
from portal.quality.personal.files import of_rows

NUMBERED = {
    "citizen-id",
    "old-citizen-id",
    "passport",
    "driving-licence",
    "health-insurance",
    "social-insurance",
    "phone",
    "email",
    "plate",
    "bank-account",
    "person-tax-code",
}
ORDER = {"": 0, "warn": 1, "hold": 2, "error": 3}


class Score:
    """What was found of each kind, and what was found where it was not."""

    def __init__(self) -> None:
        self.planted: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.misjudged: list[tuple[Made, str, dict[str, str]]] = []

    def add(self, made: Made) -> None:
        """Look at one table."""
        mentions = {
            each.kind: str(each.verdict) for each in of_rows(made.labels, made.rows)
        }
        verdict = max(mentions.values(), key=ORDER.__getitem__, default="")
        held = {kind for kind, each in mentions.items() if each in ("hold", "error")}
        self.planted[made.kind] += 1
        if made.kind:
            self.found[made.kind] += made.kind in held
        good = verdict in made.right and (not made.kind or made.kind in held)
        self.right[made.kind] += good
        for kind in held - {made.kind}:
            self.wrong[kind] += not made.kind and "hold" not in made.right
        if not good:
            self.misjudged.append((made, verdict, mentions))

    def recall(self, kind: str) -> float:
        """Which part of the tables with a kind was found, with a right verdict."""
        return self.right[kind] / self.planted[kind]

    def precision(self, kind: str) -> float:
        """Which part of what was called this kind was no innocent."""
        called = self.found[kind] + self.wrong[kind]
        return self.found[kind] / called if called else 0.0


def scored(tables: Iterable[Made]) -> Score:
    """The score over these tables."""
    score = Score()
    for made in tables:
        score.add(made)
    return score


def main() -> None:
    """Print a table: tables, recall and precision of each kind; innocents last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument(
        "--missed", action="store_true", help="print the labels of what was misjudged"
    )
    given = parser.parse_args()
    began = time.perf_counter()
    score = scored(corpus(given.seed, given.each))
    print(f"{'kind':24}{'tables':>8}{'recall':>9}{'precision':>11}")
    for kind in sorted(
        filter(None, score.planted), key=lambda kind: (kind not in NUMBERED, kind)
    ):
        print(
            f"{kind:24}{score.planted[kind]:8}{score.recall(kind):9.3f}{score.precision(kind):11.3f}"
        )
    print(
        f"{'innocent':24}{score.planted['']:8}{score.right[''] / score.planted['']:9.3f}"
    )
    print(f"{time.perf_counter() - began:.1f} s")
    for made, verdict, mentions in score.misjudged if given.missed else ():
        print(made.kind or "innocent", made.labels, made.rows[0], verdict, mentions)


if __name__ == "__main__":
    main()
