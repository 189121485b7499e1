"""What a text means: only the whole of it counts."""

import pytest

from engage.incoming import words


@pytest.mark.parametrize(
    ("body", "intent"),
    [
        ("STOP", "stop"), ("stop", "stop"), (" Stop. \n", "stop"), ("STOP!", "stop"), ("“stop”", "stop"),
        ("StopAll", "stop"), ("stop all", "stop"), ("opt-out", "stop"), ("OPT OUT", "stop"), ("unsubscribe", "stop"),
        ("cancel", "stop"), ("END", "stop"), ("quit", "stop"), ("REVOKE", "stop"),
        ("start", "start"), ("UNSTOP", "start"), ("Yes", "start"), ("help", "help"), ("INFO", "help"),
        ("please do not stop", None), ("stop it", None), ("stopp", None), ("the end", None), ("", None), ("  ", None),
        ("yes please", None), ("🛑", None), ("STOP " * 500, None),
    ],
)  # fmt: skip
def test_the_whole_text_must_be_the_word(body: str, intent: str | None) -> None:
    assert words.intent_of(body) == intent


@pytest.mark.parametrize(("given", "intent"), [("STOP", "stop"), ("start", "start"), ("HELP", "help"), ("ELSE", None)])
def test_the_providers_own_reading_goes_first(given: str, intent: str | None) -> None:
    assert words.intent_of("arrêt", opt_out_type=given) == intent
    assert words.intent_of("stop", opt_out_type="START") == "start"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("pizza", "PIZZA"), (" Pizza! ", "PIZZA"), ("pizza  4U", "PIZZA 4U"), ("WIN2026", "WIN2026"), ("ab", "AB"),
        ("a", None), ("I want pizza", None), ("x" * 21, None), ("2125550142", None), ("+12125550142", None),
        ("555 0142", "555 0142"), ("card 41111", None), ("ada@example.com", None), ("grüße", None), ("", None),
        ("10.0.0.1", None),
    ],
)  # fmt: skip
def test_a_keyword_is_one_or_two_short_words_that_tell_nobody(body: str, word: str | None) -> None:
    assert words.keyword_of(body) == word
