"""What made codes look like: what staff may ask for, and how typing errors are told from codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.db import connection_of, transaction
from rewards.vouchers import check_characters, code_shapes, codes, patterns
from rewards.vouchers.errors import PatternInvalid, PatternTooSmall
from rewards.vouchers.patterns import Pattern


def known(*promised: Pattern) -> None:
    with transaction() as session:
        for pattern in promised:
            code_shapes.promise(connection_of(session), pattern.shape, 1)


def test_usual_pattern_draws_what_vouchers_have() -> None:
    drawn = patterns.parse(None).draw_all(200)

    assert len(drawn) == 200
    assert all(len(code) == codes.LENGTH and not codes.is_mistyped(code) for code in drawn)
    assert all(code == shown for code, shown in drawn.items())


def test_pattern_has_a_prefix_and_groups_of_four() -> None:
    pattern = patterns.parse({"prefix": "sun", "length": 8})

    [(normal, code)] = pattern.draw_all(1).items()

    assert codes.normalise(code) == normal
    assert pattern.example() == "SUN-####-####"
    assert [len(part) for part in code.split("-")] == [3, 4, 4]
    assert check_characters.is_right("crockford", codes.normalise(code)[3:])


@given(st.sampled_from(["crockford", "digits"]), st.integers(4, 20), st.integers(0))
def test_each_wrong_character_and_each_swap_is_found(alphabet: str, length: int, place: int) -> None:
    pattern = Pattern(length=length, alphabet=alphabet)
    [code] = pattern.draw_all(1)
    symbols = check_characters.ALPHABETS[alphabet]
    at = place % len(code)
    wrong = symbols[(symbols.index(code[at]) + 1) % len(symbols)]
    following = at % (len(code) - 2)
    swapped = code[:following] + code[following + 1] + code[following] + code[following + 2 :]

    assert check_characters.is_right(alphabet, code)
    assert not check_characters.is_right(alphabet, code[:at] + wrong + code[at + 1 :])
    assert swapped == code or not check_characters.is_right(alphabet, swapped)


def test_damm_is_the_published_one() -> None:
    assert check_characters.of("digits", "572") == "4"


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({"length": 3}, "/length"),
        ({"length": 31}, "/length"),
        ({"length": True}, "/length"),
        ({"length": "8"}, "/length"),
        ({}, "/length"),
        ({"length": 8, "prefix": "TOOLONGAPREFIX"}, "/prefix"),
        ({"length": 8, "prefix": "S-"}, "/prefix"),
        ({"length": 8, "prefix": "É"}, "/prefix"),
        ({"length": 8, "prefix": 7}, "/prefix"),
        ({"length": 8, "alphabet": "emoji"}, "/alphabet"),
        ({"length": 8, "alphabet": ["digits"]}, "/alphabet"),
        ({"length": 8, "has_check": 1}, "/has_check"),
        ({"length": 8, "look": "nice"}, "/look"),
        ({"length": 25, "prefix": "SUMMER"}, "/length"),
        ({"length": 13, "prefix": "SUN"}, "/length"),
        ([8], ""),
    ],
)
def test_pattern_that_cannot_be_is_refused_by_name(raw: object, pointer: str) -> None:
    with pytest.raises(PatternInvalid) as refused:
        patterns.parse(raw)

    assert pointer in [error["pointer"] for error in refused.value.facts["errors"]]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.dictionaries(st.sampled_from(["prefix", "length", "alphabet", "has_check", "x"]), inner)
            | st.lists(inner)
        ),
        max_leaves=8,
    )
)
def test_no_json_makes_it_fail(raw: object) -> None:
    try:
        patterns.parse(raw)
    except PatternInvalid as refusal:
        assert refusal.facts["errors"]


def test_room_counts_what_can_be_drawn() -> None:
    assert Pattern(length=4, alphabet="digits", has_check=False).room == 10_000
    assert Pattern(length=4, alphabet="digits").room == 1_000
    assert Pattern(length=4, has_check=False).room == 32**4


def test_too_small_pattern_is_refused_in_words() -> None:
    pattern = Pattern(prefix="SUN", length=4, alphabet="digits", has_check=False)

    pattern.check_room(100)
    with pytest.raises(PatternTooSmall) as refused:
        pattern.check_room(101)

    assert refused.value.detail == (
        "There are 10,000 different codes like SUN-####. For 101 of them there must be at least 10,100, or people "
        "would find codes by trying some. Make the length 5 instead of 4, or use letters as well as digits."
    )
    Pattern(prefix="SUN", length=5, alphabet="digits", has_check=False).check_room(101)


@pytest.mark.usefixtures("database")
def test_typing_error_in_a_patterns_code_is_noticed() -> None:
    pattern = Pattern(prefix="SOLO", length=6, alphabet="digits")
    [right] = pattern.draw_all(1)
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    assert not codes.is_mistyped(wrong)  # nobody has asked for such codes

    known(pattern)

    assert right.startswith("S010")
    assert not codes.is_mistyped(right)
    assert codes.is_mistyped(wrong)
    assert codes.is_mistyped("S010ABCDEF")
    assert not codes.is_mistyped(wrong + "0")


@pytest.mark.usefixtures("database")
def test_chosen_code_that_looks_like_a_pattern_passes() -> None:
    known(Pattern(prefix="SUN", length=5))
    assert codes.is_mistyped("SUNSH1NE") or codes.is_mistyped("SUNSH1NF")

    with transaction() as session:
        code_shapes.note_free(connection_of(session), ["SUNSH1NE", "SUNSH1NF"])

    assert not codes.is_mistyped("SUNSH1NE")
    assert not codes.is_mistyped("SUNSH1NF")


@pytest.mark.usefixtures("database")
def test_pattern_without_a_check_character_lets_all_pass() -> None:
    known(Pattern(prefix="SUN", length=6, alphabet="digits", has_check=True))
    assert codes.is_mistyped("SUN123456") != codes.is_mistyped("SUN123457") or codes.is_mistyped("SUN123456")

    known(Pattern(prefix="SUN", length=6, alphabet="digits", has_check=False))

    assert not codes.is_mistyped("SUN123456")
    assert not codes.is_mistyped("SUN123457")
