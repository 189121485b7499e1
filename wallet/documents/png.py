"""A picture as PNG, at twice its size, in the documents' own fonts."""

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from wallet.documents.letterhead import BOLD, REGULAR, WHITE
from wallet.documents.picture import Label, Picture

CONTENT_TYPE = "image/png"

_SCALE = 2


def paint(picture: Picture, *, more_fonts: Sequence[Path] = ()) -> bytes:
    """more_fonts: for labels with letters that the house's font lacks, the first that has them all"""
    image = Image.new("RGB", (round(picture.width * _SCALE), round(picture.height * _SCALE)), WHITE)
    draw = ImageDraw.Draw(image)
    for box in picture.boxes:
        corners = [value * _SCALE for value in (box.x, box.y, box.x + box.width, box.y + box.height)]
        # The last pixel is drawn, too.
        draw.rectangle((corners[0], corners[1], corners[2] - 1, corners[3] - 1), fill=box.colour)
    for stroke in picture.strokes:
        ends = [value * _SCALE for value in (stroke.x1, stroke.y1, stroke.x2, stroke.y2)]
        draw.line(ends, fill=stroke.colour, width=max(1, round(stroke.width * _SCALE)))
    for label in picture.labels:
        font = ImageFont.truetype(_font_for(label, more_fonts), label.size * _SCALE)
        anchor = "rs" if label.align == "R" else "ls"
        draw.text((label.x * _SCALE, label.y * _SCALE), label.text, fill=label.colour, font=font, anchor=anchor)

    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def _font_for(label: Label, more_fonts: Sequence[Path]) -> Path:
    house = BOLD if label.is_bold else REGULAR
    if label.text.isascii():
        return house
    return next((font for font in (house, *more_fonts) if _letters(font).issuperset(map(ord, label.text))), house)


@lru_cache(maxsize=8)
def _letters(font: Path) -> frozenset[int]:
    # Deferred: it takes a tenth of a second, and most labels are plain.
    from fontTools.ttLib import TTFont

    return frozenset(TTFont(font, fontNumber=0, lazy=True).getBestCmap())
