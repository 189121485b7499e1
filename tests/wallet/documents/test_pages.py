"""A document's pages: what is written stands on them, in any writing, and tables run on."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from core.errors import ConfigurationError
from core.settings import Settings
from wallet.documents import letterhead, png
from wallet.documents.letterhead import INK, WHITE, Letterhead
from wallet.documents.pdf import Column, Document
from wallet.documents.picture import Label

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
COLUMNS = [Column("Date", 2), Column("What", 5), Column("Amount", 2, "R")]


def document(brand_name: str = "Corner & Co") -> Document:
    house = Letterhead(brand_name, (31, 79, 163))
    return Document(house, title="Statement", subtitle="October 2026", footer="Made today", made_at=AT)


def pages(written: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(written)).pages]


def test_page_bears_the_letterhead_and_its_number() -> None:
    written = document()
    written.facts([("Wallet", "customer 7"), ("From", "1 October")])

    (page,) = pages(written.done())

    for told in ("Corner & Co", "Statement", "October 2026", "customer 7", "Made today", "1 / 1"):
        assert told in page


def test_table_of_1000_lines_runs_over_pages_under_its_titles() -> None:
    written = document()
    rows = [[f"day {line}", "Payment", f"{line}.00"] for line in range(1000)]
    written.table(COLUMNS, rows, totals=[["", "All", "7"]], name="Cash")

    told = pages(written.done())

    assert len(told) > 20
    assert all("Amount" in page and f"{number} / {len(told)}" in page for number, page in enumerate(told, 1))
    assert sum(page.count("Payment") for page in told) == 1000
    assert ["Cash, continued" in page for page in told] == [False] + [True] * (len(told) - 1)
    assert "All" in told[-1]


def test_an_amount_stays_on_one_line_however_large_it_is() -> None:
    largest = "−90,071,992,547,409.91"
    narrow = [Column("What", 9), Column("Amount", 1, "R")]
    written = document()
    written.table(narrow, [["Payment", largest]])

    (page,) = pages(written.done())

    assert largest in page


@pytest.mark.parametrize("words", ["{nb}", "\u2060pages\u2060", "%s {0}", "**bold** __it__"])
def test_words_that_look_like_commands_are_words(words: str) -> None:
    written = document()
    written.table(COLUMNS, [["today", words, "1.00"]])

    (page,) = pages(written.done())

    assert words.replace("\u2060", "") in page


def test_a_long_text_folds_and_none_of_it_is_lost() -> None:
    words = " ".join(f"word{number}" for number in range(20))
    written = document()
    written.table(COLUMNS, [["today", words, "1.00"], ["today", "x" * 140, "1.00"]])

    (page,) = pages(written.done())

    assert all(word in page.split() for word in words.split())
    assert page.count("x") == 140


@pytest.mark.parametrize("name", ["Ψάρι", "Оплата", "Şişli Çarşı", "Łódź", "თბილისი"])
def test_names_are_written_in_their_own_letters(name: str) -> None:
    written = document(name)
    written.table(COLUMNS, [["today", name, "1.00"]])

    (page,) = pages(written.done())

    assert page.count(name) == 2


@pytest.mark.parametrize("name", ["مقهى الزيتون", "בית קפה", "दुकान", "東京", "\u202e12.50\u202c\nline \x07two"])
def test_no_name_breaks_a_page(name: str) -> None:
    written = document(name)
    written.heading(name, name)
    written.table(COLUMNS, [["today", name, "1.00"]])

    (page,) = pages(written.done())

    assert "1.00" in page


@pytest.fixture
def font(tmp_path: Path) -> Path:
    """A font that has one letter, 東, as a square."""
    pen = TTGlyphPen(None)
    for number, corner in enumerate([(0, 0), (0, 700), (700, 700), (700, 0)]):
        (pen.lineTo if number else pen.moveTo)(corner)
    pen.closePath()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "east"])
    builder.setupCharacterMap({ord("東"): "east"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "east": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "east": (800, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2()
    builder.setupNameTable({"familyName": "East", "styleName": "Regular"})
    builder.setupPost()
    path = tmp_path / "East.ttf"
    builder.save(path)
    return path


def test_letters_that_the_house_lacks_come_out_of_the_brands_fonts(font: Path) -> None:
    house = Letterhead("Corner & Co", (31, 79, 163), (font,))
    written = Document(house, title="Statement", subtitle="東", footer="", made_at=AT)
    written.table(COLUMNS, [["today", "Café 東", "1.00"]])

    (page,) = pages(written.done())

    assert page.count("東") == 2
    assert "Café 東" in page
    assert png._font_for(Label(0, 0, "東", 10, INK), [font]) == font
    assert png._font_for(Label(0, 0, "Café", 10, INK), [font]) == letterhead.REGULAR


def test_the_same_content_makes_the_same_bytes() -> None:
    first, second = document(), document()
    for each in (first, second):
        each.table(COLUMNS, [["today", "Payment", "1.00"]])

    assert first.done() == second.done()


@pytest.mark.parametrize(("colour", "ink"), [("#FFE44D", INK), ("#1F4FA3", WHITE), ("#777777", WHITE)])
def test_ink_reads_on_the_brands_colour(colour: str, ink: tuple[int, int, int]) -> None:
    house = letterhead.of(Settings(brand_colour=colour))

    assert house.ink_on_colour == ink
    assert letterhead.contrast(ink, house.colour) >= 4.4


def test_colours_and_fonts_that_are_none_are_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_env({"BRAND_COLOUR": "blue", "DOCUMENT_FONTS": "/nowhere/Noto.ttf"})

    assert "BRAND_COLOUR" in str(refused.value)
    assert "/nowhere/Noto.ttf" in str(refused.value)
