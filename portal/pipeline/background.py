"""Indexing in the background: writes are gathered, and a search waits for those of
others a moment only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from portal.access.identity import Actor
from portal.db import outbox
from portal.domain.events import INDEX
from portal.pipeline import index
from portal.runtime import Portal

GATHERING_SECONDS = 0.3
"""How long a server gathers writes before it hands them to the index, if nobody
searches.
"""
OWN_SECONDS = 10.0
"""How long somebody waits to find what they wrote themselves."""
FIRST_LOOK, LONGEST_PAUSE = 0.002, 0.03
"""Seconds between two looks at what still waits."""
log = logging.getLogger(__name__)


class Background:
    """Drains in a thread of its own soon after each write, so that the one who writes
    does not wait for the index.

    It lets a moment pass first: a commit costs an index more than a write costs the
    database, and many writes in a row become one. Whoever searches meanwhile makes it
    begin at once. `also` does some of what else was left to be done after writes, and
    tells whether there may be more of it.
    """

    def __init__(self, also: Callable[[Portal], bool] = lambda _portal: False) -> None:
        self._also = also
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._hurry = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self, portal: Portal) -> None:
        """Drain soon; many writes in a row become few commits of the index."""
        self._wanted.set()
        with self._lock:
            # Begun when it is first needed: a process that only reads has no such
            # thread.
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(portal,), name="index", daemon=True
                )
                self._thread.start()

    def catch_up(self, portal: Portal, actor: Actor) -> None:
        """Wait until what was written is found, whoever indexes it: called before a
        search.

        Who wrote finds the own writes; for those of others nobody waits longer than
        PORTAL_SEARCH_WAIT_MS.
        """
        rows = outbox.list_eager(portal.engine, INDEX)
        if not rows:
            return
        # The portal itself writes as nobody, and so do strangers: what one stranger
        # wrote is not another's own.
        has_own = not actor.anonymous or actor.sysadmin
        own = {number for number, writer in rows if has_own and writer == actor.user_id}
        awaited = own or {number for number, _ in rows}
        seconds = OWN_SECONDS if own else portal.settings.search_wait_ms / 1000
        until = time.monotonic() + seconds
        self._hurry.set()
        self.wake(portal)
        pause = FIRST_LOOK
        while awaited and time.monotonic() < until:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            waiting = outbox.list_eager(portal.engine, INDEX)
            # Only those of before: a busy portal always has newer ones.
            awaited &= {number for number, _ in waiting}

    def stop(self) -> None:
        """Let the drain under way end, and begin no other; what still waits is left to
        the worker.
        """
        self._stopped.set()
        self._hurry.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, portal: Portal) -> None:
        """Drain after each gathering, until `stop`."""
        while True:
            self._wanted.wait()
            self._hurry.wait(GATHERING_SECONDS)
            if self._stopped.is_set():
                return
            # Cleared before the drain: what is written during it wakes it again.
            self._wanted.clear()
            self._hurry.clear()
            try:
                index.drain(portal, eager=True)
                if self._also(portal):
                    self._wanted.set()
            except Exception:
                log.exception(
                    "indexing failed; the worker and the next search try again"
                )
