"""Answers cached while the index is as it was: the front page, the facets of a
question's next page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class AnswerCache(Generic[Answer]):
    """The answers used last, by what was asked; a key must name the state of the index
    that it was asked of.
    """

    def __init__(self, most: int, worth: Callable[[Answer], bool]) -> None:
        """`most` answers are kept, of those that are `worth` it."""
        self._most = most
        self._worth = worth
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Answer] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer that is held, or the one that is made now."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = make()
        if self._worth(made):
            with self._lock:
                self._held[key] = made
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
        return made
