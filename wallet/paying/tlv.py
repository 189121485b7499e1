"""Objects of tag, length and value, of which an EMVCo code is made, and the check sum that closes it.

source  EMV QR Code Specification for Payment Systems, Merchant-Presented Mode, version 1.1, section 3
"""

import re
from collections.abc import Mapping

from wallet.paying.errors import CodeUnreadable

#: Section 3.3: what a code may hold at most.
MAX_LENGTH = 512
_HEAD = re.compile("[0-9]{4}")


def written(parts: Mapping[str, str | None]) -> str:
    """The parts that there are, each at most 99 characters (else ValueError)."""
    return "".join(_object(tag, value) for tag, value in parts.items() if value)


def parts_of(text: str) -> dict[str, str]:
    """The objects of a text or of a template by tag, in their order, each there once.

    raises  CodeUnreadable
    """
    if len(text) > MAX_LENGTH:
        raise CodeUnreadable
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        head = _HEAD.match(text, position)
        if head is None:
            raise CodeUnreadable
        tag, length = head[0][:2], int(head[0][2:])
        value = text[position + 4 : position + 4 + length]
        if length == 0 or len(value) < length or tag in found:
            raise CodeUnreadable
        found[tag] = value
        position += 4 + length
    return found


def check_sum(text: str) -> int:
    """CRC-16/CCITT-FALSE of the text's UTF-8: polynomial 0x1021, begun at 0xFFFF; of "123456789" it is 0x29B1."""
    crc = 0xFFFF
    for byte in text.encode(errors="surrogatepass"):
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _object(tag: str, value: str) -> str:
    if len(value) > 99:
        raise ValueError(f"Part {tag} is longer than 99 characters")
    return f"{tag}{len(value):02}{value}"
