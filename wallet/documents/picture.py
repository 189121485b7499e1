"""A picture as what it is made of, painted as SVG, as PNG and onto pages alike."""

from dataclasses import dataclass, field
from typing import Literal

from wallet.documents.letterhead import Colour


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Stroke:
    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Label:
    """y: the baseline; size: of the letters, in the picture's units; x: the end of the text where align is "R" """

    x: float
    y: float
    text: str
    size: float
    colour: Colour
    is_bold: bool = False
    align: Literal["L", "R"] = "L"


@dataclass(slots=True)
class Picture:
    """Painted in this order: boxes, strokes, labels.

    description  for who cannot see it
    """

    width: float
    height: float = 0
    description: str = ""
    boxes: list[Box] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def hatch(self, box: Box, *, every: float, width: float, colour: Colour) -> None:
        """Strokes from the lower left to the upper right, within the box.

        Each lies on x + y = c; where it would leave the box at a side, it begins or ends there, less its own width,
        since painters let a stroke's ends stick out.
        """
        left, right, top, bottom = box.x + width, box.x + box.width - width, box.y + width, box.y + box.height - width
        c = left + top + every / 2
        while c < right + bottom:
            x1, x2 = max(left, c - bottom), min(right, c - top)
            if x1 < x2:
                self.strokes.append(Stroke(x1, c - x1, x2, c - x2, width, colour))
            c += every
