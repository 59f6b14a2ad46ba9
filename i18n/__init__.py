"""Texts for people: English in the code, Vietnamese in a gettext catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from i18n import catalogue

LANGUAGES = ("vi", "en")


@dataclass(frozen=True, slots=True)
class Message:
    """A text in every language of the portal; named placeholders as in `str.format`.

    `english` is its key in the catalogue, so it stands in the code as one literal.
    `context` tells two messages apart that are the same in English only. A text that
    never gets values is no template: its braces are braces.
    """

    english: str
    context: str = ""
    values: Mapping[str, object] | None = field(default=None, hash=False)

    def filled(self, **values: object) -> Message:
        """The same message with values; one that is a message itself speaks the
        language of the whole.
        """
        return replace(self, values={**(self.values or {}), **values})

    def template(self, language: str) -> str:
        """The text before its values are filled in."""
        if language == "en":
            return self.english
        return catalogue.translated(self.english, self.context, language)

    def in_(self, language: str) -> str:
        """The text; English in a language that the portal does not speak."""
        template = self.template(language)
        if not self.values:
            return template
        spoken = {
            name: value.in_(language) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return template.format_map(spoken)

    @property
    def vi(self) -> str:
        """The text in Vietnamese."""
        return self.in_("vi")

    @property
    def en(self) -> str:
        """The text in English."""
        return self.in_("en")

    def both(self) -> dict[str, str]:
        """The text by language, as answers of the API show it."""
        return {language: self.in_(language) for language in LANGUAGES}
