"""Voucher codes: 15 random characters of Crockford's base 32 (75 bits) and a check character, or after a pattern.

A typing error is found by the check character, before anything is looked up and before it counts as guessing. Codes
whose check would be one of Crockford's five extra symbols (*~$=U) are drawn again: they are hard to say on the phone.
"""

import os
import re
from collections.abc import Callable

from core import crypto
from rewards.vouchers import check_characters, code_shapes

ALPHABET = check_characters.CROCKFORD
RANDOM_LENGTH = 15
LENGTH = RANDOM_LENGTH + 1
#: No code that may be shown is longer or shorter.
SHORTEST, LONGEST = 4, 30
#: A code that staff choose themselves ("SPRING10") is shorter, so it never looks like a drawn one with a typing error.
CHOSEN = re.compile(r"[0-9A-Z]{4,15}")

_PURPOSE = "voucher.code"
_TO_SYMBOL = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))
_LOOKALIKES = str.maketrans("OIL", "011", " -\u2010\u2011\u2013")


def draw() -> str:
    """A fresh code, in clear and without hyphens."""
    while True:
        body = os.urandom(RANDOM_LENGTH).translate(_TO_SYMBOL).decode()
        check = check_characters.of("crockford", body)
        if check:
            return body + check


def normalise(typed: str) -> str:
    """What was typed or scanned, as it is indexed: no blanks or hyphens, upper case, O as 0, I and L as 1."""
    return typed.upper().translate(_LOOKALIKES)


def is_mistyped(code: str) -> bool:
    """Whether a normalised code looks like one that we make, and cannot be right."""
    # Sixteen digits do not look like ours (of which one in 38 million has no letter), but like gift cards of others.
    if len(code) == LENGTH and not code.isdigit():
        return not check_characters.is_right("crockford", code)
    return code_shapes.is_mistyped(code)


def index(code: str) -> bytes:
    """The blind index that a normalised code is found by."""
    return crypto.blind_index(_PURPOSE, code)


def indexer() -> Callable[[str], bytes]:
    """`index` of many codes, at half the price."""
    return crypto.indexer(_PURPOSE)


def display(code: str) -> str:
    """ "ABCDEFGHJKMNPQRS" as "ABCD-EFGH-JKMN-PQRS"; a code that was chosen or has a pattern as it is."""
    return groups(code) if len(code) == LENGTH and code.isalnum() else code


def groups(symbols: str) -> str:
    """By fours, for people to read."""
    return "-".join(symbols[start : start + 4] for start in range(0, len(symbols), 4))
