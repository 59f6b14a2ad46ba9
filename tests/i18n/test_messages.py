"""A message speaks both languages, and its values speak the language of the whole."""

import pickle

from i18n import Message
from i18n.catalogue import translated

GUARDS = (
    "i18n",
    "i18n.catalogue",
)
FULL = Message("over {max_bytes} bytes come out")
REFUSED = Message("The archive {name} is refused: {what}. Send the file uncompressed.")


def test_a_message_is_said_in_both_languages() -> None:
    message = FULL.filled(max_bytes=7)
    assert message.both() == {
        "vi": "giải nén ra hơn 7 byte",
        "en": "over 7 bytes come out",
    }
    assert (message.vi, message.en) == (message.in_("vi"), message.in_("en"))


def test_a_value_that_is_a_message_speaks_the_same_language() -> None:
    message = REFUSED.filled(name="x.zip", what=FULL.filled(max_bytes=7))
    assert "bị từ chối: giải nén ra hơn 7 byte." in message.vi
    assert "is refused: over 7 bytes come out." in message.en


def test_values_are_added_to_those_that_are_there() -> None:
    message = REFUSED.filled(name="x.zip").filled(what="y")
    assert message.en.startswith("The archive x.zip is refused: y.")


def test_a_message_without_values_keeps_its_braces() -> None:
    assert Message('{"id": …}').en == '{"id": …}'


def test_a_language_that_nobody_translated_is_said_in_english() -> None:
    assert FULL.filled(max_bytes=7).in_("fr") == "over 7 bytes come out"


def test_a_text_that_is_in_no_catalogue_is_said_in_english() -> None:
    assert translated("nobody says this", "", "vi") == "nobody says this"


def test_messages_are_compared_hashed_and_sent_to_other_processes() -> None:
    message = FULL.filled(max_bytes=7)
    assert pickle.loads(pickle.dumps(message)) == message
    assert len({message, FULL.filled(max_bytes=7), REFUSED}) == 2
