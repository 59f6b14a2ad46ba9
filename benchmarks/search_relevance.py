"""How well search ranks: nDCG@10 of judged Vietnamese questions, embedded and (with
--url) Elasticsearch.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import uuid
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from elasticsearch import Elasticsearch

from benchmarks.relevance.judged import Question, measured, names_file
from benchmarks.relevance.sample import entries
from search import open_backend
from search.text.lexicon import SHIPPED

POOR = 0.75


def scored(url: str, *names: Path) -> dict[Question, float]:
    """The scores of an index that is made for this and, on a server, dropped again."""
    alias = f"relevance-{uuid.uuid4().hex[:8]}"
    index = open_backend(url, None, alias=alias, lexicon=(SHIPPED, *names))
    try:
        index.apply(entries())
        return measured(index)
    finally:
        index.close()
        if url:
            _drop(url, alias)


def _drop(url: str, alias: str) -> None:
    with Elasticsearch(url) as client:
        for name in list(client.indices.get_alias(index=f"{alias}-v*").body):
            client.indices.delete(index=name)


def report(name: str, scores: dict[Question, float]) -> None:
    """The mean, the mean of each kind, and every question that went badly."""
    kinds = defaultdict(list)
    for question, score in scores.items():
        kinds[question.kind].append(score)
    print(
        f"{name}: nDCG@10 {fmean(scores.values()):.3f} over {len(scores)} questions, "
        f"{len(entries())} datasets"
    )
    print(
        "  " + ", ".join(f"{kind} {fmean(found):.3f}" for kind, found in kinds.items())
    )
    for question, score in sorted(scores.items(), key=lambda pair: pair[1]):
        if score < POOR:
            print(f"  {score:.2f}  {question.kind}: {question.typed}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--url",
        default=os.environ.get("ELASTICSEARCH_URL", ""),
        help="an Elasticsearch to compare",
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = names_file(Path(folder))
        report("embedded, without old and new names", scored(""))
        report("embedded", scored("", names))
        if chosen.url:
            report("Elasticsearch", scored(chosen.url, names))
