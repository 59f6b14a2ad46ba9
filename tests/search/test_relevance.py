"""The ranking of judged questions does not fall: a floor for all of them, and one for
every kind.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import fmean

from benchmarks.relevance.judged import measured, names_file, questions
from benchmarks.relevance.sample import TOPICS, entries
from search import open_backend
from search.text.lexicon import SHIPPED

FLOORS = {
    "accented": 0.92, "unaccented": 0.92, "abbreviation": 0.92, "question": 0.89, "typo": 0.95,
    "unfinished": 0.98, "synonym": 0.96, "english": 0.98,
    "renamed": 0.9,
}  # fmt: skip


def test_the_judged_set_is_whole() -> None:
    asked = questions()
    assert (
        len(entries()) >= 300
        and len(asked) >= 60
        and len({each.typed for each in asked}) == len(asked)
    )
    assert {each.topic for each in asked} <= TOPICS.keys()
    assert {kin for topic in TOPICS.values() for kin in topic.kin} <= TOPICS.keys()


def test_judged_questions_are_ranked_as_well_as_ever(tmp_path: Path) -> None:
    index = open_backend("", None, lexicon=(SHIPPED, names_file(tmp_path)))
    index.apply(entries())
    scores = measured(index)
    index.close()
    kinds = defaultdict(list)
    for question, score in scores.items():
        kinds[question.kind].append(score)
    means = {kind: round(fmean(found), 3) for kind, found in kinds.items()}
    assert fmean(scores.values()) >= 0.94, means
    assert all(mean >= FLOORS[kind] for kind, mean in means.items()), means
