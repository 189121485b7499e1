"""Paper: an A4 page that is written and drawn on, in millimetres from its top left corner.

Drawn by fpdf2 (decision 0007). The fonts are embedded, cut down to the letters in use.
"""

import logging
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

from wallet.documents.letterhead import BOLD, INK, REGULAR, Colour
from wallet.documents.wording import one_line

Align = Literal["L", "R"]

MILLIMETRES_A_POINT = 25.4 / 72

#: Stands for the number of pages until that is known; `one_line` takes its invisible ends out of everybody's words.
_PAGES = "\N{WORD JOINER}pages\N{WORD JOINER}"

# It warns of letters that no font has, naming them: they are out of somebody's words.
logging.getLogger("fpdf").setLevel(logging.ERROR)


class Paper:
    """y  where the next thing is written; whoever writes moves it on"""

    def __init__(self, *, title: str, author: str, more_fonts: Sequence[Path], made_at: datetime) -> None:
        # Half a second and 30 MB, which a server that draws no documents is spared.
        from fpdf import FPDF

        self.y = 0.0
        self._pdf = FPDF(format="A4")
        self._pdf.set_margin(0)
        self._pdf.c_margin = 0
        self._pdf.set_auto_page_break(False)
        self._pdf.add_font("house", "", REGULAR)
        self._pdf.add_font("house", "B", BOLD)
        names = [f"more{number}" for number in range(len(more_fonts))]
        for name, font in zip(names, more_fonts, strict=True):
            self._pdf.add_font(name, "", font)
        self._pdf.set_fallback_fonts(names, exact_match=False)
        self._pdf.set_title(one_line(title))
        self._pdf.set_author(one_line(author))
        self._pdf.set_lang("en")
        self._pdf.set_creation_date(made_at)
        self._pdf.alias_nb_pages(_PAGES)

    def add_page(self) -> None:
        self._pdf.add_page()

    def fill(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(x, y, width, height, style="F")

    def line(self, x1: float, y1: float, x2: float, y2: float, *, width: float, colour: Colour) -> None:
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.line(x1, y1, x2, y2)

    def write(
        self, x: float, y: float, width: float, height: float, text: str, *, size: float, bold: bool = False,
        colour: Colour = INK, align: Align = "L", fit: bool = False, shrink: bool = False,
    ) -> None:  # fmt: skip
        """One line, in the middle of its height. size: points.

        fit     cut off with an ellipsis where it is too long
        shrink  written smaller there: for amounts, of which no figure may be lost or stand on another line
        """
        text = one_line(text)
        if not text:
            return
        self._set(text, size=size, bold=bold)
        if shrink and (needed := self._pdf.get_string_width(text)) > width:
            self._set(text, size=size * width / needed * 0.99, bold=bold)
        self._put(x, y, width, height, self._cut(text, width) if fit else text, colour=colour, align=align)

    def write_page_of_pages(
        self, x: float, y: float, width: float, height: float, *, size: float, colour: Colour
    ) -> None:
        """ "2 / 5", as it will read once all pages are there."""
        self._set("", size=size, bold=False)
        self._put(x, y, width, height, f"{self._pdf.page_no()} / {_PAGES}", colour=colour, align="L")

    def folded(self, text: str, width: float, *, size: float, bold: bool = False) -> list[str]:
        """The lines that a text takes in this width."""
        text = one_line(text)
        self._set(text, size=size, bold=bold)
        if self._pdf.get_string_width(text) <= width:
            return [text]
        lines = self._pdf.multi_cell(width, 1, text, dry_run=True, output="LINES", align="L")
        return cast(list[str], lines)

    def done(self) -> bytes:
        return bytes(self._pdf.output())

    def _set(self, text: str, *, size: float, bold: bool) -> None:
        self._pdf.set_font("house", "B" if bold else "", size)
        # Shaping takes eight times as long, so it is for writings that need it.
        self._pdf.set_text_shaping(use_shaping_engine=not text.isascii() and any(map(_needs_shaping, text)))

    def _put(
        self, x: float, y: float, width: float, height: float, text: str, *, colour: Colour, align: Align
    ) -> None:  # fmt: skip
        self._pdf.set_text_color(*colour)
        self._pdf.set_xy(x, y)
        self._pdf.cell(width, height, text, align=align)

    def _cut(self, text: str, width: float) -> str:
        if self._pdf.get_string_width(text) <= width:
            return text
        while text and self._pdf.get_string_width(text + "…") > width:
            text = text[:-1]
        return text.rstrip() + "…"


def _needs_shaping(letter: str) -> bool:
    """Right to left, or a writing whose letters join or stack (Indic, Thai and their neighbours; combining marks)."""
    is_stacked = 0x0900 <= ord(letter) <= 0x109F or 0x1780 <= ord(letter) <= 0x18AF
    return is_stacked or unicodedata.bidirectional(letter) in ("R", "AL", "AN", "NSM")
