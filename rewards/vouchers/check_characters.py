"""Check characters: the last one of a code hangs on all before it, so that typing errors are found without looking."""

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DIGITS = "0123456789"

ALPHABETS = {"crockford": CROCKFORD, "digits": DIGITS}

#: Crockford's 32 symbols as Python's own base 32 has them: int() reads a code many times faster than a loop.
_TO_PYTHON = str.maketrans(CROCKFORD, "0123456789ABCDEFGHIJKLMNOPQRSTUV")

#: Crockford's check characters by what is left of the number; none for its five extra symbols.
_OF_REST: list[str | None] = [*CROCKFORD, None, None, None, None, None]

#: An order-10 quasigroup without fixed swaps. source: H. M. Damm, "Total anti-symmetrische Quasigruppen", 2004
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def of(alphabet: str, body: str) -> str | None:
    """The check character of these symbols; None where Crockford's would be one of its five extra symbols.

    Crockford's is the number modulo 37, digits have Damm's: both find each single wrong character and each two
    neighbours that changed places.
    """
    return of_all(alphabet, body, len(body))[0]


def of_all(alphabet: str, text: str, width: int) -> list[str | None]:
    """The check character of each `width` symbols of the text."""
    places = range(0, len(text) - width + 1, width)
    if alphabet == "crockford":
        readable = text.translate(_TO_PYTHON)
        return [_OF_REST[int(readable[start : start + width], 32) % 37] for start in places]
    return [_damm(text[start : start + width]) for start in places]


def is_right(alphabet: str, symbols: str) -> bool:
    """Whether all are symbols of the alphabet and the last one is the check character of those before it."""
    known = ALPHABETS[alphabet]
    return all(symbol in known for symbol in symbols) and of(alphabet, symbols[:-1]) == symbols[-1]


def _damm(body: str) -> str:
    row = 0
    for digit in body:
        row = _DAMM[row][ord(digit) - 48]
    return DIGITS[row]
