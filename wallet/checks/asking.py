"""Asks every question of the audit, one after the other."""

from dataclasses import dataclass

from core import consistency
from core.db import Connection
from wallet.assets import brand_time_zone
from wallet.checks import entries, holds, lots, movements, usage
from wallet.finance import settlement_checks
from wallet.paying import paying_checks

#: Each is answered by joins of whole tables, so that it takes as long as there are rows and not their square; each
#: gives a row only when something differs. Their parameters are `names()`.
QUESTIONS = (
    *entries.QUESTIONS,
    *lots.QUESTIONS,
    *holds.QUESTIONS,
    *movements.QUESTIONS,
    *usage.QUESTIONS,
    *settlement_checks.QUESTIONS,
    *paying_checks.QUESTIONS,
)


@dataclass(frozen=True, slots=True)
class Counted:
    accounts: int
    transfers: int
    entries: int


def first_difference(connection: Connection) -> str | None:
    """The first thing that does not add up, in one line that names it; None when the ledger is balanced.

    Run it in a REPEATABLE READ transaction where others may be posting.
    """
    return consistency.first_difference(connection, QUESTIONS, names())


def count(connection: Connection) -> Counted:
    """How much `first_difference` looks at; transfers: those that moved value."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM wallet.account),"
        " (SELECT count(*) FROM wallet.transfer WHERE state = 'posted'),"
        " (SELECT count(*) FROM wallet.entry)"
    ).fetchone()
    assert row, "counts always have a row"
    return Counted(*row)


def names() -> dict[str, str]:
    """What the questions have to be told."""
    return {"zone": brand_time_zone()}
