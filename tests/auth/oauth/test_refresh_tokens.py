"""How a refresh token is spelt: one way, by us alone."""

from hypothesis import given, settings
from hypothesis import strategies as st

from auth.oauth import refresh_tokens
from core import crypto, ids
from core.settings import Settings

crypto.load_keys(Settings())
_TOKEN = refresh_tokens.spell(ids.new(), 7, b"s" * 32)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_token_says_what_it_was_made_of() -> None:
    family_id, secret = ids.new(), refresh_tokens.new_secret()

    for generation in (0, 1, 2**32 - 1):
        presented = refresh_tokens.read(refresh_tokens.spell(family_id, generation, secret))
        assert presented == refresh_tokens.Presented(family_id, generation, secret)


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=0, max_value=len(_TOKEN) - 1), st.sampled_from(_ALPHABET))
def test_a_token_of_which_one_letter_is_another_is_none(at: int, letter: str) -> None:
    changed = _TOKEN[:at] + letter + _TOKEN[at + 1 :]

    assert (refresh_tokens.read(changed) is not None) == (changed == _TOKEN)


def test_what_is_nearly_a_token_is_none() -> None:
    for bent in ("", "pf_rt_", _TOKEN[:-1], _TOKEN + "A", _TOKEN + "=", _TOKEN + "\n", _TOKEN.upper(), f" {_TOKEN}"):
        assert refresh_tokens.read(bent) is None, bent


def test_the_successor_is_the_same_whenever_it_is_asked_for_and_tells_nothing_of_what_is_kept() -> None:
    secret = refresh_tokens.new_secret()

    assert refresh_tokens.successor(secret) == refresh_tokens.successor(secret) != secret
    assert refresh_tokens.kept(secret) not in (secret, refresh_tokens.successor(secret))
