"""A picture as SVG 1.1: plain elements with every text escaped, so that a name in it stays a name."""

from html import escape

from wallet.documents.letterhead import WHITE, Colour
from wallet.documents.picture import Box, Label, Picture, Stroke

CONTENT_TYPE = "image/svg+xml"

_FONTS = "DejaVu Sans Condensed, system-ui, -apple-system, Segoe UI, Roboto, sans-serif"


def paint(picture: Picture) -> bytes:
    """It scales to where it is shown; read out, it is its description."""
    size = f"{_number(picture.width)} {_number(picture.height)}"
    everything = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" font-family="{_FONTS}">',
        f"<title>{escape(picture.description)}</title>",
        _box(Box(0, 0, picture.width, picture.height, WHITE)),
        *map(_box, picture.boxes),
        *map(_stroke, picture.strokes),
        *map(_label, picture.labels),
        "</svg>",
    ]
    return "\n".join(everything).encode()


def _box(box: Box) -> str:
    place = f'x="{_number(box.x)}" y="{_number(box.y)}"'
    return f'<rect {place} width="{_number(box.width)}" height="{_number(box.height)}" fill="{_hex(box.colour)}"/>'


def _stroke(stroke: Stroke) -> str:
    start = f'x1="{_number(stroke.x1)}" y1="{_number(stroke.y1)}"'
    end = f'x2="{_number(stroke.x2)}" y2="{_number(stroke.y2)}"'
    return f'<line {start} {end} stroke="{_hex(stroke.colour)}" stroke-width="{_number(stroke.width)}"/>'


def _label(label: Label) -> str:
    place = f'x="{_number(label.x)}" y="{_number(label.y)}" font-size="{_number(label.size)}"'
    style = f'fill="{_hex(label.colour)}" font-variant-numeric="tabular-nums"'
    weight = ' font-weight="bold"' if label.is_bold else ""
    anchor = ' text-anchor="end"' if label.align == "R" else ""
    return f"<text {place} {style}{weight}{anchor}>{escape(label.text)}</text>"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _hex(colour: Colour) -> str:
    return "#" + bytes(colour).hex()
