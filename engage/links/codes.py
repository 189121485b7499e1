"""Codes of links: twelve letters and digits (71 bits), found again from what they were drawn for.

An HMAC rather than chance, so that a letter can be written (and its length told) before anything is kept, and a
backtest writes the same one. Two letters never share a code: the table's key refuses the second, and its batch is
repeated with references of its own.
"""

import re
from uuid import UUID

from core import crypto

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: Among a hundred million links, a thousand guesses a second find somebody's voucher once in a thousand years; with ten
#: symbols, once in three months.
LENGTH = 12
CODE = re.compile(rf"[0-9A-Za-z]{{{LENGTH}}}\Z")

_PURPOSE = "engage.tracked_link"
_ALL = len(ALPHABET) ** LENGTH


def of(reference: UUID, position: int) -> str:
    """The code of one link of one letter. reference: what the letter is for, drawn for it alone."""
    number = int.from_bytes(crypto.blind_index(_PURPOSE, f"{reference.hex}{position}")[:16]) % _ALL
    symbols = []
    for _ in range(LENGTH):
        number, symbol = divmod(number, len(ALPHABET))
        symbols.append(ALPHABET[symbol])
    return "".join(symbols)
