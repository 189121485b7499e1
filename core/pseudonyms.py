"""Pseudonyms: whom the log means where nobody is known."""

from collections.abc import Callable

from core import crypto

_PURPOSE = "connect.anonymous_id"

#: What clients write where they have no id: whoever writes the same is not the same person.
_NOBODY = frozenset({"null", "none", "nil", "undefined", "unknown", "anonymous", "guest", "test", "user", "0", "-1"})
_FEWEST_CHARACTERS = 3


def of_anonymous(anonymous_id: str) -> str:
    """The pseudonym that the log holds for an anonymousId, the same from every source."""
    return _pseudonym(crypto.blind_index(_PURPOSE, anonymous_id))


def many_anonymous() -> Callable[[str], str]:
    """`of_anonymous` of many, at half the price."""
    index = crypto.indexer(_PURPOSE)
    return lambda anonymous_id: _pseudonym(index(anonymous_id))


def names_nobody(given_id: str) -> bool:
    """Whether an id is one that many write who have none, such as "null": nothing may be linked by it."""
    return len(given_id) < _FEWEST_CHARACTERS or is_reserved(given_id) or not given_id.strip("0-")


def is_reserved(given_id: str) -> bool:
    return given_id.strip().lower() in _NOBODY


def _pseudonym(index: bytes) -> str:
    return "anonymous:" + index.hex()[:32]
