"""User codes: what a device shows and a person types. They are short, so guessing is counted."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import tuple_, update
from sqlalchemy.orm import Session

from auth import limits, opaque
from auth.limits import Limit
from auth.models import LimitCounter
from core.web.addresses import network_of

#: No vowels, so that no code is a word, and nothing that is taken for something else (RFC 8628 section 6.1).
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8

#: Of 20^8 codes a few stand open: who may try ten an hour finds none in a life.
_WRONG = Limit("user_code", 10, timedelta(hours=1))
_WRONG_BY_ADDRESS = Limit("user_code_address", 60, timedelta(hours=1))


def new() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def shown(code: str) -> str:
    """WDJB-MJHT"""
    return f"{code[:4]}-{code[4:]}"


def normalised(text: str) -> str | None:
    """A code as it was typed, with or without its hyphen, in whatever case; None for what cannot be one."""
    code = "".join(letter for letter in text.upper() if letter not in " -\u2010\u2011\u2013")
    return code if len(code) == _LENGTH and set(code) <= set(_ALPHABET) else None


def kept(code: str) -> bytes:
    return opaque.kept("user_code", code)


def take(session: Session, *, who: str, address: str, now: datetime) -> int | None:
    """Count one try; the seconds to wait for who may make no more.

    effects  it counts before the code is looked up, so that tries at one moment are counted one after another
    """
    return limits.take(session, _limits(who, address), now=now)


def give_back(session: Session, *, who: str, address: str, now: datetime) -> None:
    """A right code was no guess."""
    keys = [limits.key_of(limit, subject, now=now) for limit, subject in _limits(who, address)]
    counted = tuple_(LimitCounter.subject, LimitCounter.ends_at).in_(keys)
    query = update(LimitCounter).where(counted).values(count=LimitCounter.count - 1)
    session.execute(query.execution_options(synchronize_session=False))


def _limits(who: str, address: str) -> list[tuple[Limit, str]]:
    return [(_WRONG, who), (_WRONG_BY_ADDRESS, network_of(address))]
