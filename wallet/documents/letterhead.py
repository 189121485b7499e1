"""The letterhead: whose document it is, in which colour and fonts."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.settings import Settings

Colour = tuple[int, int, int]

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = FONTS / "DejaVuSansCondensed.ttf", FONTS / "DejaVuSansCondensed-Bold.ttf"

WHITE: Colour = (255, 255, 255)
INK: Colour = (24, 28, 36)
GREY: Colour = (98, 106, 120)
HAIRLINE: Colour = (222, 226, 232)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """more_fonts  TrueType files for letters that the house's own font lacks (Chinese, Thai, Devanagari …)"""

    brand_name: str
    colour: Colour
    more_fonts: tuple[Path, ...] = ()

    @property
    def ink_on_colour(self) -> Colour:
        """White or nearly black, whichever reads better on the brand's colour."""
        return max(WHITE, INK, key=lambda ink: contrast(ink, self.colour))


@lru_cache(maxsize=8)
def of(settings: Settings) -> Letterhead:
    fonts = tuple(Path(name.strip()) for name in settings.document_fonts.split(",") if name.strip())
    return Letterhead(settings.brand_name, _parsed(settings.brand_colour), fonts)


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white).

    source  WCAG 2.2, contrast ratio
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parsed(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue
