"""The catalogues that translators edit, read when a language is first spoken."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files

NAME = "LC_MESSAGES/portal.po"


def translated(english: str, context: str, language: str) -> str:
    """The text of the catalogue, or the English one where it has none."""
    return _texts(language).get((context, english), english)


@functools.cache
def _texts(language: str) -> Mapping[tuple[str, str], str]:
    """Every translated text by context and English; empty for a language without a
    catalogue.
    """
    path = files("i18n").joinpath("locale", language, NAME)
    if not path.is_file():
        return {}
    # Babel takes longer to import than a short command takes: who speaks English only
    # never pays for it.
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with path.open("rb") as file:
        messages = read_po(file)
    return {
        (message.context or "", str(message.id)): str(message.string)
        for message in messages
        if message.id and message.string
    }
