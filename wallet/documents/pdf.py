"""A document's pages: letterhead, facts, tables that run over pages, pictures, page numbers; A4, in the house's style.

DejaVu's figures are all of one width, so amounts stand below each other. The same content makes the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wallet.documents.letterhead import GREY, HAIRLINE, Colour, Letterhead
from wallet.documents.paper import MILLIMETRES_A_POINT, Align, Paper
from wallet.documents.picture import Picture

#: Millimetres.
MARGIN, WIDTH, BOTTOM, PAGE_WIDTH = 18.0, 174.0, 274.0, 210.0
_BAND, _THIN_BAND, _LINE, _PADDING, _GUTTER = 24.0, 3.0, 4.2, 0.9, 3.0


@dataclass(frozen=True, slots=True)
class Column:
    """width  in shares of the page's: the columns divide it in proportion"""

    title: str
    width: float
    align: Align = "L"


@dataclass(frozen=True, slots=True)
class _Place:
    """A column on the page."""

    column: Column
    x: float
    width: float


class Document:
    """Pages that are written from top to bottom.

    made_at  stands in the file's properties; for the same bytes again, hand in the same instant
    """

    def __init__(self, letterhead: Letterhead, *, title: str, subtitle: str, footer: str, made_at: datetime) -> None:
        self._letterhead, self._title, self._subtitle, self._footer = letterhead, title, subtitle, footer
        self._paper = Paper(
            title=f"{letterhead.brand_name} · {title} · {subtitle}",
            author=letterhead.brand_name,
            more_fonts=letterhead.more_fonts,
            made_at=made_at,
        )
        self._first_page()

    def facts(self, facts: Sequence[tuple[str, str]], *, columns: int = 3) -> None:
        """Small titles with what they name below them, `columns` beside each other."""
        width = WIDTH / columns
        for start in range(0, len(facts), columns):
            row = facts[start : start + columns]
            folded = [self._paper.folded(text, width - _GUTTER, size=9.5) for _, text in row]
            height = 4.3 + max(map(len, folded)) * 5
            self._need(height)
            for place, ((name, _), lines) in enumerate(zip(row, folded, strict=True)):
                left, top = MARGIN + place * width, self._paper.y
                self._paper.write(left, top, width - _GUTTER, 4, name, size=7.5, colour=GREY)
                for number, line in enumerate(lines):
                    self._paper.write(left, top + 4.3 + number * 5, width - _GUTTER, 5, line, size=9.5)
            self._paper.y += height + 2.5

    def heading(self, text: str, aside: str = "") -> None:
        """A heading, kept on one page with what begins below it; `aside` stands at the right."""
        self._need(30)
        self._paper.y += 3
        self._paper.write(MARGIN, self._paper.y, WIDTH, 6, text, size=11.5, bold=True)
        self._paper.write(MARGIN, self._paper.y, WIDTH, 6, aside, size=9, colour=GREY, align="R")
        self._paper.y += 8

    def note(self, text: str) -> None:
        for line in self._paper.folded(text, WIDTH, size=8):
            self._need(4)
            self._paper.write(MARGIN, self._paper.y, WIDTH, 4, line, size=8, colour=GREY)
            self._paper.y += 4
        self._paper.y += 2

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        *,
        totals: Iterable[Sequence[str]] = (),
        name: str = "",
    ) -> None:
        """Rows below their columns' titles, which stand on each page anew, below `name`; `totals` stand out.

        Long texts fold, except at the right, where amounts stand: they get smaller.
        """
        places = _placed(columns)
        self._need(18)
        self._titles(places)
        for row in rows:
            self._row(places, row, name)
        for row in totals:
            self._row(places, row, name, is_total=True)
        self._paper.y += 4

    def picture(self, picture: Picture) -> None:
        """As wide as the page's text."""
        scale = WIDTH / picture.width
        self._need(picture.height * scale)
        left, top = MARGIN, self._paper.y
        for box in picture.boxes:
            self._paper.fill(
                left + box.x * scale, top + box.y * scale, box.width * scale, box.height * scale, box.colour
            )
        for stroke in picture.strokes:
            start, end = (
                (left + stroke.x1 * scale, top + stroke.y1 * scale),
                (left + stroke.x2 * scale, top + stroke.y2 * scale),
            )
            self._paper.line(*start, *end, width=stroke.width * scale, colour=stroke.colour)
        for label in picture.labels:
            # A label's y is its baseline, which in a cell of 1.2 times the letters' size is at nine tenths... of it.
            height = label.size * scale * 1.2
            x = left + label.x * scale - (WIDTH if label.align == "R" else 0)
            y = top + label.y * scale - height * 0.75
            self._paper.write(
                x, y, WIDTH, height, label.text, size=label.size * scale / MILLIMETRES_A_POINT, bold=label.is_bold,
                colour=label.colour, align=label.align,
            )  # fmt: skip
        self._paper.y = top + picture.height * scale + 4

    def done(self) -> bytes:
        return self._paper.done()

    def _first_page(self) -> None:
        half, middle, ink = WIDTH / 2, MARGIN + WIDTH / 2, self._letterhead.ink_on_colour
        self._paper.add_page()
        self._paper.fill(0, 0, PAGE_WIDTH, _BAND, self._letterhead.colour)
        brand = self._letterhead.brand_name
        self._paper.write(MARGIN, 8, half, 8, brand, size=17, bold=True, colour=ink, fit=True)
        self._paper.write(middle, 6.5, half, 6, self._title, size=11, bold=True, colour=ink, align="R", fit=True)
        self._paper.write(middle, 12.5, half, 6, self._subtitle, size=9.5, colour=ink, align="R", fit=True)
        self._foot()
        self._paper.y = _BAND + 8

    def _next_page(self) -> None:
        half, middle, told = WIDTH / 2, MARGIN + WIDTH / 2, f"{self._title} · {self._subtitle}"
        self._paper.add_page()
        self._paper.fill(0, 0, PAGE_WIDTH, _THIN_BAND, self._letterhead.colour)
        self._paper.write(MARGIN, 8, half, 5, self._letterhead.brand_name, size=8.5, bold=True, fit=True)
        self._paper.write(middle, 8, half, 5, told, size=8.5, colour=GREY, align="R", fit=True)
        self._foot()
        self._paper.y = 18

    def _foot(self) -> None:
        self._rule(BOTTOM + 6, HAIRLINE)
        # The numbers stand at the left: how wide the last page's will be is not known yet.
        self._paper.write_page_of_pages(MARGIN, BOTTOM + 8, 40, 4, size=7.5, colour=GREY)
        width = WIDTH - 40
        self._paper.write(MARGIN + 40, BOTTOM + 8, width, 4, self._footer, size=7.5, colour=GREY, align="R", fit=True)

    def _need(self, height: float) -> bool:
        """Go on to the next page where so much is not left on this one; True when it did."""
        if self._paper.y + height <= BOTTOM:
            return False
        self._next_page()
        return True

    def _titles(self, places: Sequence[_Place]) -> None:
        for at in places:
            title, align = at.column.title, at.column.align
            self._paper.write(
                at.x, self._paper.y, at.width, 5, title, size=7.5, bold=True, colour=GREY, align=align, fit=True
            )
        self._paper.y += 5.6
        self._rule(self._paper.y, self._letterhead.colour, 0.35)

    def _row(self, places: Sequence[_Place], row: Sequence[str], name: str, *, is_total: bool = False) -> None:
        folded = [
            [text] if at.column.align == "R" else self._paper.folded(text, at.width, size=8.5, bold=is_total)
            for text, at in zip(row, places, strict=True)
        ]
        height = max(map(len, folded)) * _LINE + 2 * _PADDING
        if self._need(height):
            if name:
                self._paper.write(MARGIN, self._paper.y, WIDTH, 5, f"{name}, continued", size=9, bold=True)
                self._paper.y += 6
            self._titles(places)
        for at, lines in zip(places, folded, strict=True):
            for number, line in enumerate(lines):
                y = self._paper.y + _PADDING + number * _LINE
                align = at.column.align
                self._paper.write(
                    at.x, y, at.width, _LINE, line, size=8.5, bold=is_total, align=align, shrink=align == "R"
                )
        self._paper.y += height
        self._rule(self._paper.y, HAIRLINE)

    def _rule(self, y: float, colour: Colour, thickness: float = 0.15) -> None:
        self._paper.line(MARGIN, y, MARGIN + WIDTH, y, width=thickness, colour=colour)


def _placed(columns: Sequence[Column]) -> list[_Place]:
    """Columns beside each other with gutters between, the first and the last flush with the margins."""
    free = WIDTH - _GUTTER * (len(columns) - 1)
    whole = sum(column.width for column in columns)
    places, x = [], MARGIN
    for column in columns:
        width = free * column.width / whole
        places.append(_Place(column, x, width))
        x += width + _GUTTER
    return places
