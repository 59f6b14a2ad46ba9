"""An index that understands people: it reads the lexicon and, where too little is
found, takes the relaxed steps.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace

from search.backend import (
    Health,
    IndexEntry,
    SearchBackend,
    SearchRequest,
    SearchResult,
    Source,
)
from search.planning.highlight import wanted_of
from search.planning.plan import relaxed_steps
from search.steps import Step
from search.text.lexicon import LexiconFiles


class RelaxingIndex:
    """SearchBackend around another one: what it finds is widened step by step, in the
    same way for every engine.
    """

    def __init__(self, index: SearchBackend, lexicon: LexiconFiles) -> None:
        self._index = index
        self._lexicon = lexicon

    def search(self, request: SearchRequest) -> SearchResult:
        """Answer with all words or, below `relax_below` hits, with the first relaxed
        step that finds enough.

        Where no step does, the one that finds most answers, the strictest of equals.
        The number of hits decides, not the page, so every page of a question is of the
        same step.
        """
        # Taken once: all steps of a question must read the same words, even if the
        # files change meanwhile.
        asked = replace(request, lexicon=self._lexicon.current())
        found = self._widened(asked)
        return (
            replace(found, wanted=wanted_of(asked, found.step))
            if asked.tell_wanted
            else found
        )

    def _widened(self, asked: SearchRequest) -> SearchResult:
        """The answer of the first step that finds enough, or of the one that finds
        most.
        """
        best = self._index.search(asked)
        # What is begun has a clause of its own, which forgives the unfinished word
        # already.
        if best.count >= asked.relax_below or asked.begun:
            return best
        # Steps that found nothing would only make the next questions longer.
        above = (Step.ALL_WORDS,) if best.count else ()
        for step in relaxed_steps(asked):
            found = self._index.search(replace(asked, step=step, above=above))
            if found.count > best.count:
                best, above = replace(found, step=step), (*above, step)
            if best.count >= asked.relax_below:
                break
        return best

    def state(self) -> Hashable | None:
        """Of the index behind it and of the lexicon."""
        state = self._index.state()
        return None if state is None else (state, self._lexicon.state())

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        """As the index behind it."""
        self._index.apply(entries, deleted)

    def rebuild(self, entries: Source) -> int:
        """As the index behind it."""
        return self._index.rebuild(entries)

    def stamps(self) -> Iterator[tuple[str, int]]:
        """As the index behind it."""
        return self._index.stamps()

    def health(self) -> Health:
        """As the index behind it."""
        return self._index.health()

    def close(self) -> None:
        """As the index behind it."""
        self._index.close()
