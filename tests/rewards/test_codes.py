"""Voucher codes: what typing errors and look-alikes do to them."""

import pytest

from rewards.vouchers import codes


def test_drawn_codes_are_right_and_differ() -> None:
    drawn = {codes.draw() for _ in range(500)}

    assert len(drawn) == 500
    assert all(len(code) == 16 and set(code) <= set(codes.ALPHABET) for code in drawn)
    assert not any(codes.is_mistyped(code) for code in drawn)


def test_every_single_wrong_character_is_noticed() -> None:
    code = codes.draw()

    for place, right in enumerate(code):
        for wrong in set(codes.ALPHABET) - {right}:
            assert codes.is_mistyped(code[:place] + wrong + code[place + 1 :])


def test_neighbours_that_changed_places_are_noticed() -> None:
    code = codes.draw()

    for place in range(len(code) - 2):  # the check character has its own weight
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert swapped == code or codes.is_mistyped(swapped)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("abcd-efgh-jkmn-pqrs", "ABCDEFGHJKMNPQRS"), (" solo il ", "S01011"), ("SPRING10", "SPR1NG10")],
)
def test_look_alikes_blanks_and_hyphens_do_not_matter(typed: str, meant: str) -> None:
    assert codes.normalise(typed) == meant


def test_codes_are_shown_in_groups_of_four() -> None:
    assert codes.display("ABCDEFGHJKMNPQRS") == "ABCD-EFGH-JKMN-PQRS"
    assert codes.display("SPRING10") == "SPRING10"
