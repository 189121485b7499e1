"""Words that a text consists of: STOP and its like, and the keywords that journeys listen for.

Only the whole text counts, as with the carriers: "please do not stop" stops nothing.
source  https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out, read 2026-11
"""

import re
from typing import Literal

from core import personal

Intent = Literal["stop", "start", "help"]

_STOP = frozenset("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT".split())  # noqa: SIM905
_START = frozenset("START UNSTOP YES".split())  # noqa: SIM905
_HELP = frozenset("HELP INFO".split())  # noqa: SIM905
_OPT_OUT_TYPES: dict[str, Intent] = {"STOP": "stop", "START": "start", "HELP": "help"}

_EDGES = " \t\r\n.,!?;:'\"()[]*_-\u00a0\u200b\u2019\u201c\u201d\ufeff"
_KEYWORD = re.compile(r"[A-Z0-9]{2,20}( [A-Z0-9]{2,20})?\Z")
#: A longer run of digits is a number of somebody's: a telephone's, a card's, a date.
_LONG_NUMBER = re.compile(r"\d{5}")


def intent_of(body: str, *, opt_out_type: str = "") -> Intent | None:
    """What the text means to every sender of messages.

    opt_out_type  Twilio's own reading, which knows the words that the account was set to take; it goes first
    """
    if opt_out_type.upper() in _OPT_OUT_TYPES:
        return _OPT_OUT_TYPES[opt_out_type.upper()]
    word = re.sub(r"[\s-]+", "", body.strip(_EDGES)).upper()
    if word in _STOP:
        return "stop"
    if word in _START:
        return "start"
    return "help" if word in _HELP else None


def keyword_of(body: str) -> str | None:
    """The text as a keyword; None for anything longer, or that might tell who somebody is."""
    word = re.sub(r"\s+", " ", body.strip(_EDGES)).upper()
    if not _KEYWORD.match(word) or _LONG_NUMBER.search(word) or personal.tells(word):
        return None
    return word
