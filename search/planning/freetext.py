"""Free text as people type it: what must match at each step of a search, and what comes
first among the matches.

A search first asks for all words. Where that finds too little, the steps below are
tried one after the other; each finds whatever the steps before it find, and more. Both
indexes are given the same clauses.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence

from search.language import tree
from search.language.tree import Node
from search.planning.clauses import (
    All,
    Any,
    AtLeast,
    Best,
    Clause,
    Flat,
    InOrder,
    Is,
    Like,
    Near,
    Nothing,
    Preferring,
    Tiered,
    Weighted,
)
from search.planning.document import exact_words, folded_words
from search.steps import Step
from search.text.folding import fold
from search.text.lexicon import Lexicon, Unit

FREE_WEIGHTS = (
    ("name_f", 4.0),
    ("title_f", 4.0),
    ("tags_f", 2.0),
    ("groups_f", 2.0),
    ("text_f", 1.0),
    ("fields_f", 0.5),
)
"""CKAN's qf, and the columns of tables: where a free word may stand, and what that is
worth.
"""
TITLED = 4.0
"""What titles weigh against the text among hits whose titles hold every word."""
HELPING = (("title_f", 4.0), ("tags_f", 2.0), ("groups_f", 2.0))
"""What a word weighs more by where it stands, among hits of which no title holds every
word.
"""
MARKED = ("title_x", "text_x")
"""Columns of words with their diacritics."""
PHRASE_WEIGHTS = (("title_f", 4.0), ("text_f", 1.0))
WORD_CEILING = 500.0
"""More than one word can add to a BM25 score: (k1+1) × ln(10⁷ datasets) × the weights
above, with its phrase.
"""
SHARES = {Step.MOST_WORDS: 0.75, Step.SIMILAR_WORDS: 1.0, Step.HALF_OF_THE_WORDS: 0.5}
"""How much of the words must match; at least two, where there are two."""
SHORTEST_MISSPELT, SHORTEST_BEGINNING = 3, 2
"""Letters of a word that may have one wrong, and of one that may be unfinished."""
MOST_UNITS = 40
"""Words of one question that relaxed steps look at."""
MOST_PAIRS = 12
"""Neighbouring words that count more when they stand together."""
MOST_FREE_WORDS = 64
"""Words of q that phrases and exact spelling look at; recall looks at all."""


def steps_for(asked: Node, lexicon: Lexicon) -> tuple[Step, ...]:
    """The relaxed steps that ask for something new, in order; none where something else
    than words was asked for.
    """
    units = units_of(asked, lexicon)
    # Relaxed steps ask for every word in several ways; a pasted page would be thousands
    # of clauses.
    if not units or len(units) > MOST_UNITS:
        return ()
    told = content_units(units)
    found = [Step.STOP_WORDS] if len(told) < len(units) else []
    found += [Step.MOST_WORDS] if _least(Step.MOST_WORDS, len(told)) < len(told) else []
    # The order is from strict to loose: an answer is of the first step that finds
    # enough.
    found.append(Step.SIMILAR_WORDS)
    found += (
        [Step.HALF_OF_THE_WORDS]
        if _least(Step.HALF_OF_THE_WORDS, len(told)) < len(told)
        else []
    )
    return tuple(found)


def free_query(
    asked: Node, step: Step, above: Sequence[Step], lexicon: Lexicon, strict: Clause
) -> Clause:
    """The clause of free text at a step. What the steps in `above` find comes first,
    theirs before others'.

    `strict` is what the tree says as it stands; it is used where it holds more than
    words.
    """
    units = units_of(asked, lexicon)
    if not units or step is Step.ALL_WORDS:
        # Without another way of saying a word the tree alone decides, so that its own
        # operators and weights count.
        said_otherwise = any(unit.alternatives for unit in units)
        return _preferring(
            asked, _matching(units, step) if said_otherwise else strict, strict
        )
    told = content_units(units)
    wanted = _matching(units, step)
    earlier = [_matching(units, other) for other in above]
    spelled = [word for unit in told for word in unit.words]
    # More than all scores together: a bonus of this size orders hits before their
    # scores do.
    ceiling = WORD_CEILING * len(spelled)
    bonuses = [*_pairs(spelled), *_spelled_at(told, step, ceiling)]
    # Above both bonuses for spelling and all scores: what a stricter step finds never
    # falls behind what a looser one adds.
    bonuses += [Flat(clause, 4 * ceiling) for clause in earlier]
    return Preferring(wanted, tuple(bonuses)) if bonuses else wanted


def free(found: Sequence[str], slop: int) -> Clause:
    """Words in this order in any column of free text."""
    clauses = (
        with_weight(in_order(found, column, slop), weight)
        for column, weight in FREE_WEIGHTS
    )
    return Best(tuple(clauses)) if found else Nothing()


def in_order(found: Sequence[str], column: str, slop: int) -> Clause:
    """Words in this order in one column."""
    if not found:
        return Nothing()
    return (
        Is(column, found[0]) if len(found) == 1 else InOrder(column, tuple(found), slop)
    )


def with_weight(clause: Clause, weight: float) -> Clause:
    """The clause, worth `weight` times its score."""
    return clause if weight == 1.0 else Weighted(clause, weight)


def all_of(clauses: Iterable[Clause]) -> Clause:
    """All of them, each once; what says nothing (a word of punctuation only) is left
    out unless nothing else is there.

    A server has a limit on clauses, and a word that is typed a thousand times asks no
    more than once.
    """
    saying = [clause for clause in dict.fromkeys(clauses) if clause != Nothing()]
    if not saying:
        return Nothing()
    return saying[0] if len(saying) == 1 else All(tuple(saying))


def units_of(asked: Node, lexicon: Lexicon) -> list[Unit]:
    """The units of plain words; empty where a phrase, a refusal or a wildcard says more
    than words do.
    """
    terms = asked.children if isinstance(asked, tree.And) else (asked,)
    words: list[str] = []
    for term in terms:
        if not isinstance(term, tree.Term) or term.field is not None:
            return []
        # With diacritics: the lexicon tells a word typed with them from one without.
        words += exact_words(term.text)
    return list(lexicon.units(words))


def content_units(units: list[Unit]) -> list[Unit]:
    """The units without words to spare; all of them where nothing else was typed."""
    return [unit for unit in units if not unit.spare] or units


def _matching(units: list[Unit], step: Step) -> Clause:
    """What must match at a step."""
    told = content_units(units)
    if step is Step.ALL_WORDS:
        return all_of(_unit(unit) for unit in units)
    similar = step in (Step.SIMILAR_WORDS, Step.HALF_OF_THE_WORDS)
    clauses = [
        _similar(unit, last=unit is units[-1]) if similar else _unit(unit)
        for unit in told
    ]
    least = _least(step, len(told))
    return all_of(clauses) if least >= len(clauses) else AtLeast(tuple(clauses), least)


def _least(step: Step, count: int) -> int:
    # Rounded half up: Python's round takes a half to the even number, and would ask for
    # 2 of 3 words, but also for 2 of 5.
    return max(min(count, 2), math.floor(count * SHARES.get(step, 1.0) + 0.5))


def _unit(unit: Unit) -> Clause:
    """Every word of a unit, or another way of saying it."""
    folded = [word for said in unit.words for word in folded_words(said)]
    whole = all_of(free([word], 0) for word in folded)
    others = (_other(words) for words in unit.alternatives)
    return Best((whole, *others)) if unit.alternatives else whole


def _other(words: Sequence[str]) -> Clause:
    """Another way of saying a unit, worth a little less than what was typed."""
    clauses = (
        with_weight(in_order(words, column, 0), weight * 0.8)
        for column, weight in (*PHRASE_WEIGHTS, ("tags_f", 2.0))
    )
    return Best(tuple(clauses))


def _similar(unit: Unit, *, last: bool) -> Clause:
    """A unit, with one letter wrong or, at the end of what was typed, unfinished."""
    ways: list[Clause] = [_unit(unit)]
    if len(unit.words) == 1:
        folded = fold(unit.words[0])
        # Another digit is another year or number, no misspelling.
        if len(folded) >= SHORTEST_MISSPELT and not folded.isdigit():
            ways += [
                Flat(Near("title_f", folded, 1), 2.0),
                Flat(Near("text_f", folded, 1), 1.0),
            ]
        if last and len(folded) >= SHORTEST_BEGINNING:
            ways += [
                Flat(Like("title_f", folded + "*"), 3.0),
                Flat(Like("text_f", folded + "*"), 1.5),
            ]
    return Best(tuple(ways)) if len(ways) > 1 else ways[0]


def _pairs(spelled: list[str]) -> list[Clause]:
    """Neighbouring words that stand together count more: most Vietnamese words are two
    syllables.
    """
    folded = list(map(fold, spelled))
    pairs = list(itertools.pairwise(folded))[:MOST_PAIRS]
    return [
        with_weight(InOrder(column, pair), weight)
        for pair in pairs
        for column, weight in PHRASE_WEIGHTS
    ]


def _spelled_at(told: list[Unit], step: Step, ceiling: float) -> list[Clause]:
    """As many words spelled exactly as the step asks for come first."""
    marked = _marked(word for unit in told for word in unit.words)
    if not marked:
        return []
    # A step that forgives a wrong letter cannot ask for every word spelled exactly.
    share = Step.MOST_WORDS if step is Step.SIMILAR_WORDS else step
    least = _least(share, len(marked))
    tiers = (
        AtLeast(tuple(Is(column, word) for word in marked), least) for column in MARKED
    )
    return [Flat(tier, ceiling) for tier in tiers]


def _preferring(asked: Node, clause: Clause, strict: Clause) -> Clause:
    """The clause of all words, in tiers. Where more was asked for than words (fields,
    choices, weights), that alone ranks, but what is spelled exactly as typed still
    comes first.
    """
    spelled = [word for text in _free_texts(asked) for word in exact_words(text)]
    step = WORD_CEILING * len(spelled) * _highest_boost(asked)
    # Cut only after the step was computed: recall still scores every word, and the step
    # must exceed that.
    spelled = spelled[:MOST_FREE_WORDS]
    if not spelled:
        return clause
    folded = list(map(fold, spelled))
    # Plain words and nothing else: only then do the tiers below find all that was asked
    # for.
    if all_of(free([word], 0) for word in folded) == strict:
        quick, tiers = _tiers(spelled, folded)
        return Tiered((*map(all_of, tiers), clause), step, quick)
    if len(folded) > 1:
        together = (
            with_weight(InOrder(column, tuple(folded)), weight)
            for column, weight in PHRASE_WEIGHTS
        )
        # Only a bonus: the words may stand apart.
        clause = Preferring(clause, tuple(together))
    marked = _marked(spelled)
    exact = (
        in_order(spelled, "title_x", 0),
        *(all_of(Is(column, word) for word in marked) for column in MARKED),
    )
    return (
        # The tier decides by its place alone; the clause gives the scores within it.
        Tiered((*(All((Flat(tier, 0.0), clause)) for tier in exact), clause), step)
        if marked
        else clause
    )


def _marked(words: Iterable[str]) -> list[str]:
    """The words that were typed with diacritics."""
    return [word for word in words if fold(word) != word]


def _tiers(
    spelled: Sequence[str], folded: Sequence[str]
) -> tuple[int, list[tuple[Clause, ...]]]:
    """What comes first, best first: spelled exactly so in the title in a row, in the
    title, anywhere; then, with other diacritics, in the title in a row, in the title,
    anywhere but in the columns of tables.

    What is found is no choice between columns: engines walk from one word to the next
    and skip the rest. The number is of the tiers that rank without choices, too.
    """
    marked = _marked(spelled)
    said: list[Clause] = [Is("text_f", word) for word in folded]
    titled = [*(Weighted(Is("title_f", word), TITLED) for word in folded), *said]
    several = len(folded) > 1
    helping = [
        Weighted(Is(column, word), weight)
        for word in folded
        for column, weight in HELPING
    ]
    together = [InOrder("text_f", tuple(folded))] if several else []
    anywhere = Preferring(all_of(said), (*helping, *together))
    exact: list[tuple[Clause, ...]] = [
        (Weighted(in_order(spelled, "title_x", 0), TITLED), *said)
    ]
    bare: list[tuple[Clause, ...]] = [tuple(titled)]
    if several:
        exact.append((*(Flat(Is("title_x", word), 0.0) for word in marked), *titled))
        # One word alone is always in a row with itself, so that tier is only there for
        # several.
        bare.insert(0, (Weighted(in_order(folded, "title_f", 0), TITLED), *said))
    if not marked:
        return len(bare), [*bare, (anywhere,)]
    spelled_so: tuple[Clause, ...] = (
        *(Flat(Is("text_x", word), 0.0) for word in marked),
        anywhere,
    )
    return len(exact), [*exact, spelled_so, *bare, (anywhere,)]


def _free_texts(node: Node) -> Iterable[str]:
    """The texts of a tree that titles or the whole text are asked for."""
    match node:
        case tree.And(children) | tree.Or(children):
            for child in children:
                yield from _free_texts(child)
        case tree.Boost(child, _):
            yield from _free_texts(child)
        case tree.Term(None | "text" | "title", text) | tree.Phrase(
            None | "text" | "title", text, _
        ):
            yield text


def _highest_boost(node: Node) -> float:
    """The largest factor by which weights in the tree can raise a score; at least 1."""
    match node:
        case tree.And(children) | tree.Or(children):
            return max(map(_highest_boost, children))
        case tree.Boost(child, factor):
            # A factor below 1 lowers scores: the step between tiers may stay as it is.
            return max(1.0, factor) * _highest_boost(child)
        case _:
            return 1.0


def prefix_query(text: str) -> Clause:
    """Titles or names that hold the words, the last perhaps unfinished: what a list
    under a search field asks for.
    """
    folded = folded_words(text)
    if not folded:
        return Nothing()
    *whole, last = folded
    columns = ("title_f", "name_f")
    # Names hold running numbers: "2" may begin as many words of them as there are
    # datasets.
    growing = columns[:1] if last.isdigit() else columns
    ending = Best(
        (
            *(Is(column, last) for column in columns),
            *(Flat(Like(column, last + "*"), 1.0) for column in growing),
        )
    )
    wanted = all_of(
        [
            *(Best(tuple(Is(column, word) for column in columns)) for word in whole),
            ending,
        ]
    )
    # A piece of a name, as CKAN completes it.
    if re.fullmatch(r"[\w-]*[-_][\w-]*", text.strip()):
        wanted = Any((wanted, Flat(Like("name", f"*{text.strip().lower()}*"), 1.0)))
    # Only the words before the last are known to be whole.
    *spelled, unfinished = exact_words(text)
    marked = _marked(spelled)
    bonuses: list[Clause] = (
        [Flat(all_of(Is("title_x", word) for word in marked), WORD_CEILING)]
        if marked
        else []
    )
    if fold(unfinished) != unfinished:
        bonuses.append(Flat(Like("title_x", unfinished + "*"), WORD_CEILING))
    return Preferring(wanted, tuple(bonuses)) if bonuses else wanted
