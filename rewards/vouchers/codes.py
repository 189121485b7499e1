"""Voucher codes: 15 random characters of Crockford's base 32 (75 bits) and a check character.

The check character is Crockford's own, the number modulo 37: it finds every single wrong character and every two
neighbours that changed places, before anything is looked up and before it counts as guessing. Codes whose check would
be one of the five extra symbols (*~$=U) are drawn again, since those are hard to say on the phone.
"""

import os
import re

from core import crypto

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_LENGTH = 15
LENGTH = RANDOM_LENGTH + 1
#: A code that staff choose themselves ("SPRING10") is shorter, so it never looks like a drawn one with a typing error.
CHOSEN = re.compile(r"[0-9A-Z]{4,15}")

_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
_TO_SYMBOL = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))
_LOOKALIKES = str.maketrans("OIL", "011", " -\u2010\u2011\u2013")


def draw() -> str:
    """A fresh code, in clear and without hyphens."""
    while True:
        body = os.urandom(RANDOM_LENGTH).translate(_TO_SYMBOL).decode()
        check = _check(body)
        if check < len(ALPHABET):
            return body + ALPHABET[check]


def normalise(typed: str) -> str:
    """What was typed or scanned, as it is indexed: no blanks or hyphens, upper case, O as 0, I and L as 1."""
    return typed.upper().translate(_LOOKALIKES)


def is_mistyped(code: str) -> bool:
    """Whether a normalised code of a drawn one's length cannot be right."""
    if len(code) != LENGTH:
        return False
    body, check = code[:-1], code[-1]
    if any(symbol not in _VALUES for symbol in code):
        return True
    return _check(body) != _VALUES[check]


def index(code: str) -> bytes:
    """The blind index that a normalised code is found by."""
    return crypto.blind_index("voucher.code", code)


def display(code: str) -> str:
    """ "ABCDEFGHJKMNPQRS" as "ABCD-EFGH-JKMN-PQRS"; a chosen code as it is."""
    return "-".join(code[start : start + 4] for start in range(0, LENGTH, 4)) if len(code) == LENGTH else code


def _check(body: str) -> int:
    number = 0
    for symbol in body:
        number = number * 32 + _VALUES[symbol]
    return number % 37
