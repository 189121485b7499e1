"""What our codes look like, as each process knows it: so a typing error is no guess, and costs no look-up.

A code is mistyped when it looks like codes of a pattern and its check character is wrong, unless codes without one look
like it too: those that staff choose or bring along. What is not known here yet lets a typing error pass as a guess.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from core.db import Connection, statement
from rewards.vouchers import check_characters

ANY = "any"
LONGEST_PREFIX = 10

#: So much of a code that was chosen or imported is its prefix: few shapes for many codes.
_FREE_PREFIX = 2

_KNOWN_SECONDS, _FRESH_SECONDS = 30.0, 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    prefix: str
    length: int
    alphabet: str
    has_check: bool

    def may_be(self, code: str) -> bool:
        return not self.has_check or check_characters.is_right(self.alphabet, code[len(self.prefix) :])


class _Known:
    """The shapes of the database, read again when they have grown old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._by_place: dict[tuple[str, int], list[Shape]] = {}

    def fitting(self, code: str, *, at_most_seconds: float) -> list[Shape]:
        if self._read_at is None or self._read_at + at_most_seconds < time.monotonic():
            self._read()
        places = [(code[:end], len(code)) for end in range(min(LONGEST_PREFIX, len(code)) + 1)]
        return [shape for place in places for shape in self._by_place.get(place, ())]

    def forget(self) -> None:
        self._read_at = None

    def _read(self) -> None:
        read_at = time.monotonic()
        with statement() as connection:
            rows = connection.execute("SELECT prefix, length, alphabet, has_check FROM rewards.code_shape").fetchall()
        found: dict[tuple[str, int], list[Shape]] = {}
        for row in rows:
            found.setdefault((row[0], row[1]), []).append(Shape(*row))
        with self._lock:
            self._by_place, self._read_at = found, read_at


_known = _Known()


def is_mistyped(code: str) -> bool:
    """Whether a normalised code looks like those of a pattern, and none of them can be it."""
    fitting = _known.fitting(code, at_most_seconds=_KNOWN_SECONDS)
    if not fitting or any(shape.may_be(code) for shape in fitting):
        return False
    # A code may have been chosen a moment ago that looks like this one: so before a no, look again.
    return not any(shape.may_be(code) for shape in _known.fitting(code, at_most_seconds=_FRESH_SECONDS))


def note_free(connection: Connection, codes: Iterable[str]) -> None:
    """Let codes that look like these pass, from the end of this transaction on: they were chosen, or come from
    elsewhere."""
    seen = sorted({(code[:_FREE_PREFIX], len(code)) for code in codes})
    if seen:
        connection.execute(_NOTE, [[prefix for prefix, _ in seen], [length for _, length in seen]])
        _known.forget()


def promise(connection: Connection, shape: Shape, count: int) -> int:
    """Note that so many codes of a shape are to be made; how many that are in all, with those of earlier batches."""
    row = connection.execute(_PROMISE, [shape.prefix, shape.length, shape.alphabet, shape.has_check, count]).fetchone()
    assert row is not None, "an upsert returns its row"
    _known.forget()
    return int(row[0])


def forget() -> None:
    """Read the shapes again when they are asked for next."""
    _known.forget()


_NOTE = """
    INSERT INTO rewards.code_shape (prefix, length, alphabet, has_check)
    SELECT prefix, length, 'any', false FROM unnest(%s::text[], %s::smallint[]) AS s (prefix, length)
        ON CONFLICT DO NOTHING
"""

# Where codes of the same shape have a check character and others have none, none can be told to be mistyped.
_PROMISE = """
    INSERT INTO rewards.code_shape AS s (prefix, length, alphabet, has_check, promised) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (prefix, length, alphabet) DO UPDATE
       SET promised = s.promised + excluded.promised, has_check = s.has_check AND excluded.has_check
    RETURNING promised
"""
