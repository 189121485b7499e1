"""In which language a customer reads a text that is written in several."""

import pytest

from engage.templates import locales


@pytest.mark.parametrize(
    ("wanted", "given", "found"),
    [
        ("fr-CA", {"en", "fr", "fr-CA"}, "fr-CA"),
        ("fr-CA", {"en", "fr", "fr-FR"}, "fr"),
        ("fr-CA", {"en", "fr-FR", "fr-BE"}, "fr-BE"),
        ("fr", {"en", "fr-CA"}, "fr-CA"),
        ("FR_ca", {"en", "fr-CA"}, "fr-CA"),
        ("es-419", {"en", "es"}, "es"),
        ("de", {"en-GB", "es"}, "en-GB"),
        ("de", {"pt", "es"}, "es"),
        (None, {"pt", "es", "en"}, "en"),
        ("", {"pt", "es"}, "es"),
        ("klingon!", {"pt", "es"}, "es"),
        ("frr", {"fr", "es"}, "es"),
    ],
)
def test_the_nearest_language_is_read_then_the_brands_then_the_texts_own(
    wanted: str | None, given: set[str], found: str
) -> None:
    assert locales.nearest(wanted, given, last=("en", "es")) == found


def test_without_any_of_them_there_is_none() -> None:
    assert locales.nearest("de", {"pt"}, last=("en", "es")) is None
