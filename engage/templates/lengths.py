"""Lengths: in how many parts a text message is sent, and so how often it is paid.

GSM 7-bit takes 160 characters, or 153 a part of several; one character outside its alphabet makes all of it UCS-2,
which takes 70, or 67 a part.

source  3GPP TS 23.038 section 6.2.1 (alphabet and extension) and TS 23.040 section 9.2.3.24.1 (concatenation)
"""

from dataclasses import dataclass
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: They take two places each: an escape and themselves.
_EXTENDED = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class Parts:
    """units: septets of GSM-7, or 16-bit units of UCS-2; odd: what keeps the text out of GSM-7, as it stands in it"""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: int
    odd: str


def of_sms(text: str) -> Parts:
    """How a text message is cut."""
    odd = "".join(dict.fromkeys(each for each in text if each not in _BASIC and each not in _EXTENDED))
    if odd:
        widths = [2 if ord(each) > 0xFFFF else 1 for each in text]
        return Parts("UCS-2", sum(widths), _cut(widths, one=70, each=67), odd)
    widths = [2 if each in _EXTENDED else 1 for each in text]
    return Parts("GSM-7", sum(widths), _cut(widths, one=160, each=153), "")


def _cut(widths: list[int], *, one: int, each: int) -> int:
    """The number of parts; a character of two units is never cut in half."""
    if sum(widths) <= one:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > each:
            parts, used = parts + 1, 0
        used += width
    return parts
