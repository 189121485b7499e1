"""What made codes look like: a prefix that people recognise, then characters that nobody can guess."""

import math
import os
import re
from dataclasses import dataclass
from typing import Any

from core.notes import Notes
from rewards.vouchers import check_characters, codes
from rewards.vouchers.code_shapes import LONGEST_PREFIX, Shape
from rewards.vouchers.errors import PatternInvalid, PatternTooSmall

#: There are this many times as many codes as are made: so one guess in a hundred, at the very most, finds a code.
ROOM_FOR_EACH = 100

#: A gift card is money to whoever tries codes: so one guess in a million millions, at the very most, finds one.
ROOM_FOR_EACH_CARD = 10**12


def _table(symbols: str) -> tuple[bytes, bytes]:
    """How random bytes become symbols, and which bytes do not: those past the largest multiple of the symbols' number,
    since with them some symbols came up more often."""
    usable = 256 // len(symbols) * len(symbols)
    return bytes(ord(symbols[byte % len(symbols)]) for byte in range(256)), bytes(range(usable, 256))


_TABLES = {name: _table(symbols) for name, symbols in check_characters.ALPHABETS.items()}

_PREFIX = re.compile(rf"[0-9A-Z]{{0,{LONGEST_PREFIX}}}")
_MEMBERS = frozenset({"prefix", "length", "alphabet", "has_check"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """`SUN-4K7P-2X9M` has the prefix SUN and a length of 8.

    prefix    as it is shown, in capitals
    length    of what follows it, the check character included
    alphabet  "crockford" (digits and capitals without I, L, O and U) or "digits"
    """

    prefix: str = ""
    length: int = codes.LENGTH
    alphabet: str = "crockford"
    has_check: bool = True

    @property
    def shape(self) -> Shape:
        prefix = codes.normalise(self.prefix)
        return Shape(prefix, len(prefix) + self.length, self.alphabet, self.has_check)

    @property
    def is_usual(self) -> bool:
        """Whether its codes look like those that we draw for customers."""
        return self == USUAL

    @property
    def room(self) -> int:
        """How many different codes there are."""
        symbols = len(check_characters.ALPHABETS[self.alphabet])
        room: int = symbols ** (self.length - self.has_check)
        # Of Crockford's 37 check characters five are no letters, and such codes are drawn again.
        return room * 32 // 37 if self.has_check and self.alphabet == "crockford" else room

    def as_json(self) -> dict[str, Any]:
        return {
            "prefix": self.prefix,
            "length": self.length,
            "alphabet": self.alphabet,
            "has_check": self.has_check,
        }

    def draw_all(self, count: int) -> dict[str, str]:
        """So many codes, by how they are normalised how they are shown; fewer where what was drawn came up twice."""
        prefix = self.shape.prefix
        return {prefix + body: self._shown(body) for body in self._bodies(count)}

    def example(self) -> str:
        """What its codes look like, with # for what is drawn."""
        return self._shown("#" * self.length)

    def check_room(self, promised: int, *, for_each: int = ROOM_FOR_EACH) -> None:
        """raises  PatternTooSmall when so many codes, of all batches, leave less room than guessing needs"""
        if promised * for_each <= self.room:
            return
        symbols = len(check_characters.ALPHABETS[self.alphabet])
        more = math.ceil(math.log(promised * for_each / self.room, symbols))
        raise PatternTooSmall(
            f"There are {self.room:,} different codes like {self.example()}. For {promised:,} of them there must be at "
            f"least {promised * for_each:,}, or people would find codes by trying some. "
            f"Make the length {self.length + more} instead of {self.length}"
            + (", or use letters as well as digits." if self.alphabet == "digits" else "."),
            room=self.room,
            promised=promised,
            length_needed=self.length + more,
        )

    def _shown(self, body: str) -> str:
        if self.is_usual:
            return body
        return f"{self.prefix}-{codes.groups(body)}" if self.prefix else codes.groups(body)

    def _bodies(self, count: int) -> list[str]:
        """Symbols from one look at the system's randomness."""
        drawn = self.length - self.has_check
        table, unusable = _TABLES[self.alphabet]
        found: list[str] = []
        while len(found) < count:
            text = os.urandom(count * drawn).translate(table, unusable).decode()
            bodies = [text[start : start + drawn] for start in range(0, len(text) - drawn + 1, drawn)]
            if self.has_check:
                checks = check_characters.of_all(self.alphabet, text, drawn)
                bodies = [body + check for body, check in zip(bodies, checks, strict=True) if check]
            found += bodies
        return found[:count]


USUAL = Pattern()


def parse(raw: Any) -> Pattern:
    """A pattern as staff send it; None is the usual one.

    raises  PatternInvalid, naming each part that is wrong
    """
    if raw is None:
        return USUAL
    notes = Notes()
    given = notes.object_(raw, allowed=_MEMBERS, required=frozenset({"length"}))
    pattern = Pattern(
        prefix=_prefix(notes.at("prefix"), given.get("prefix", "")),
        length=_length(notes.at("length"), given.get("length", codes.LENGTH)),
        alphabet=_alphabet(notes.at("alphabet"), given.get("alphabet", "crockford")),
        has_check=_has_check(notes.at("has_check"), given.get("has_check", True)),
    )
    whole = pattern.shape.length
    if not notes.errors and whole > codes.LONGEST:
        notes.at("length").say(f"Prefix and length come to {whole} characters: {codes.LONGEST} are the most.")
    if not notes.errors and whole == codes.LENGTH and not pattern.is_usual:
        notes.at("length").say(
            f"Codes of {codes.LENGTH} characters are our usual ones; take one more or less, or leave the pattern out."
        )
    if notes.errors:
        raise PatternInvalid(errors=notes.errors)
    return pattern


def _prefix(notes: Notes, raw: Any) -> str:
    if isinstance(raw, str) and _PREFIX.fullmatch(raw.upper()):
        return raw.upper()
    notes.say(f"Must be up to {LONGEST_PREFIX} letters A to Z and digits; the hyphen after it is set for you.")
    return ""


def _length(notes: Notes, raw: Any) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and codes.SHORTEST <= raw <= codes.LONGEST:
        return raw
    notes.say(f"Must be a whole number from {codes.SHORTEST} to {codes.LONGEST}.")
    return codes.LENGTH


def _alphabet(notes: Notes, raw: Any) -> str:
    if isinstance(raw, str) and raw in check_characters.ALPHABETS:
        return raw
    notes.say("Must be crockford (digits and letters without I, L, O and U) or digits.")
    return "crockford"


def _has_check(notes: Notes, raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    notes.say("Must be true or false.")
    return True
