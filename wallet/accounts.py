"""Accounts: opened idempotently, under ids that anyone can derive without a look-up."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from wallet.assets import exponent_of

#: Never to change: every account's id hangs on it.
_NAMESPACE = UUID("6f0d1c56-9d0b-5f5e-9a54-7f6b1f6f3a11")

BRAND = "brand"

#: Where many transfers meet at once. They are locked last, so that they are held shortest.
HOT_PURPOSES = frozenset({"budget", "payable", "provider", "marketing"})


@dataclass(frozen=True, slots=True)
class Opening:
    """An account to open. floor: the least that may stand on it; None for no limit."""

    owner: str
    purpose: str
    asset: str
    floor: int | None

    @property
    def id(self) -> UUID:
        return id_of(self.owner, self.purpose, self.asset)


@lru_cache(maxsize=50_000)
def id_of(owner: str, purpose: str, asset: str) -> UUID:
    """The account's id: a UUIDv5 of whose it is ("customer:<uuid>"), what for ("cash") and what it holds ("USD")."""
    return uuid5(_NAMESPACE, f"{owner}|{purpose}|{asset}")


def of_customer(customer_id: UUID, asset: str) -> Opening:
    """A customer's cash."""
    return Opening(f"customer:{customer_id}", "cash", asset, 0)


def of_merchant(merchant_id: UUID, asset: str) -> Opening:
    """What the brand owes a merchant; below nothing after refunds of what was settled."""
    return Opening(f"merchant:{merchant_id}", "payable", asset, None)


def of_provider(asset: str) -> Opening:
    """Money that the payment provider holds for us: it falls as customers bring money in."""
    return Opening(BRAND, "provider", asset, None)


def of_marketing(asset: str) -> Opening:
    """The brand's fund, out of which campaigns get their budgets."""
    return Opening(BRAND, "marketing", asset, None)


def open_all(where: Session | Connection, openings: Iterable[Opening]) -> None:
    """Open what is not open yet; the floors of those that are stay as they are.

    raises  CurrencyUnknown
    """
    connection = connection_of(where) if isinstance(where, Session) else where
    # In id order, so that two who open the same accounts wait for each other rather than deadlock.
    wanted = sorted(set(openings), key=lambda opening: opening.id)
    exponents = {opening.asset: exponent_of(opening.asset) for opening in wanted}
    connection.execute(
        _OPEN,
        [
            sorted(exponents),
            [exponents[asset] for asset in sorted(exponents)],
            [opening.id for opening in wanted],
            [opening.owner for opening in wanted],
            [opening.purpose for opening in wanted],
            [opening.asset for opening in wanted],
            [opening.floor for opening in wanted],
            [opening.purpose in HOT_PURPOSES for opening in wanted],
        ],
    )


def close(where: Session | Connection, account_id: UUID) -> None:
    """Let nothing more be posted to an account; postings under way end first."""
    connection = connection_of(where) if isinstance(where, Session) else where
    connection.execute("UPDATE wallet.account SET status = 'closed' WHERE id = %s", [account_id])


_OPEN = """
    WITH held AS (
        INSERT INTO wallet.asset (code, exponent)
        SELECT code, exponent FROM unnest(%s::text[], %s::smallint[]) AS a (code, exponent)
            ON CONFLICT DO NOTHING
    ), opened AS (
        INSERT INTO wallet.account (id, owner, purpose, asset, floor, hot)
        SELECT id, owner, purpose, asset, floor, hot
          FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::boolean[])
               AS o (id, owner, purpose, asset, floor, hot)
            ON CONFLICT DO NOTHING
        RETURNING id, asset, status, hot, floor)
    INSERT INTO wallet.balance (account_id, asset, status, hot, floor)
    SELECT id, asset, status, hot, floor FROM opened
"""
