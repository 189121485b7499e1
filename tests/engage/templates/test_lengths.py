"""In how many parts a text message is paid."""

import pytest

from engage.templates import lengths


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("ñ" * 160, "GSM-7", 160, 1),
        ("ж" * 70, "UCS-2", 70, 1),
        ("ж" * 71, "UCS-2", 71, 2),
        ("ж" * 134, "UCS-2", 134, 2),
        ("ж" * 135, "UCS-2", 135, 3),
        ("🎁" * 35, "UCS-2", 70, 1),
        ("🎁" * 36, "UCS-2", 72, 2),
        ("ж" * 66 + "🎁" + "ж" * 66, "UCS-2", 134, 3),
        ("a" * 70 + "’", "UCS-2", 71, 2),
    ],
)
def test_a_text_is_cut_as_networks_cut_it(text: str, encoding: str, units: int, parts: int) -> None:
    told = lengths.of_sms(text)

    assert (told.encoding, told.units, told.parts) == (encoding, units, parts)


def test_what_makes_a_text_dearer_is_told() -> None:
    assert lengths.of_sms("It’s yours — now").odd == "’—"
