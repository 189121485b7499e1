"""Guessing: who shows codes that there are not is stopped, by terminal, by customer and by address.

A typing error is none: its check character tells it before anything is looked up. Only what was refused counts, so a
till that scans all day is never stopped.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import limits
from auth.limits import Limit
from core import ids
from core.db import Connection
from core.errors import Refusal
from rewards.errors import CodeGuessesExceeded, VoucherUnknown
from wallet.arrays import array_literal

OF_TERMINAL = Limit("voucher_guess.terminal", 30, timedelta(minutes=10))
OF_CUSTOMER = Limit("voucher_guess.customer", 10, timedelta(hours=1))
OF_ADDRESS = Limit("voucher_guess.address", 60, timedelta(minutes=10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesser:
    """Who shows a code. address: of the network; None where nobody is asked over it. A sandbox's till counts by itself
    alone, since the shop's real ones may share its address."""

    terminal_id: UUID | None = None
    customer_id: UUID | None = None
    address: str | None = None

    @property
    def limits(self) -> Sequence[tuple[Limit, str]]:
        address = None if ids.is_sandbox(self.terminal_id) else self.address
        found = ((OF_TERMINAL, self.terminal_id), (OF_CUSTOMER, self.customer_id), (OF_ADDRESS, address))
        return [(limit, str(subject)) for limit, subject in found if subject]


def note(session: Session, guesser: Guesser, refusal: Refusal, *, now: datetime) -> None:
    """Count a refusal that was a guess."""
    if not isinstance(refusal, VoucherUnknown) or refusal.is_mistyped:
        return
    for each in guesser.limits:  # each by itself: one that is used up must not spare the next
        limits.take(session, [each], now=now)


def refuse_when_locked(connection: Connection, guesser: Guesser, *, now: datetime) -> None:
    """raises  CodeGuessesExceeded after too many wrong codes of one of them"""
    columns = columns_of(guesser, now=now)
    row = connection.execute(f"SELECT ({LOCKED_UNTIL})", columns).fetchone()
    refuse_until(row[0] if row else None, now=now)


def refuse_until(until: datetime | None, *, now: datetime) -> None:
    """raises  CodeGuessesExceeded"""
    if until is not None:
        refusal = CodeGuessesExceeded()
        refusal.retry_after_seconds = max(1, math.ceil((until - now).total_seconds()))
        raise refusal


def columns_of(guesser: Guesser, *, now: datetime) -> list[str]:
    """What LOCKED_UNTIL takes."""
    rows = [(*limits.key_of(limit, subject, now=now), limit.most) for limit, subject in guesser.limits]
    return [array_literal([row[at] for row in rows]) for at in range(3)]


#: SQL: until when codes are not looked up, for a statement that asks for other things as well.
LOCKED_UNTIL = """
    SELECT max(l.ends_at) FROM unnest(%s::bytea[], %s::timestamptz[], %s::int[]) AS w (subject, ends_at, most)
      JOIN auth.limit_counter l ON l.subject = w.subject AND l.ends_at = w.ends_at AND l.count >= w.most
"""
