"""Accounts: opened idempotently, under ids that anyone can derive without a look-up."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.money import POINTS
from wallet.assets import exponent_of
from wallet.transfers import Leg

#: Never to change: every account's id hangs on it.
_NAMESPACE = UUID("6f0d1c56-9d0b-5f5e-9a54-7f6b1f6f3a11")

BRAND = "brand"

#: Where many transfers meet at once. They are locked last, so that they are held shortest.
HOT_PURPOSES = frozenset({"budget", "payable", "provider", "marketing", "fees", "breakage", "loyalty", "bank"})

#: Whose value is of an origin and can lapse: each gift of it is a lot of its own.
LOT_PURPOSES = frozenset({"promotional", "points"})

#: Over how many rows a hot account without a floor is spread, so that so many can post to it at once.
SHARDS = 16


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

    @property
    def is_hot(self) -> bool:
        return self.purpose in HOT_PURPOSES

    @property
    def has_lots(self) -> bool:
        return self.purpose in LOT_PURPOSES

    @property
    def shards(self) -> int:
        return SHARDS if self.is_hot and self.floor is None else 1

    def leg(self, amount: int) -> Leg:
        """What a transfer does to this account: a negative amount takes, a positive one gives."""
        return Leg(self.id, amount, asset=None if self.has_lots else self.asset, is_hot=self.is_hot, shards=self.shards)


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
    return of_brand("marketing", asset)


def of_brand(purpose: str, asset: str) -> Opening:
    """The brand's own: "fees" it earned, "breakage" of what lapsed, "loyalty" it gives, "bank" for payouts."""
    return Opening(BRAND, purpose, asset, None)


def promotional(customer_id: UUID, asset: str) -> Opening:
    """Value that the brand gave a customer, kept apart from what was paid in: it stands in lots, which can lapse."""
    return Opening(f"customer:{customer_id}", "promotional", asset, 0)


def points(customer_id: UUID) -> Opening:
    """A customer's points, in lots."""
    return Opening(f"customer:{customer_id}", "points", POINTS, 0)


def debt(customer_id: UUID, asset: str) -> Opening:
    """What a customer owes after a claw-back, at most zero: floors of other accounts are never lifted for it."""
    return Opening(f"customer:{customer_id}", "debt", asset, None)


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
            [opening.is_hot for opening in wanted],
            [opening.has_lots for opening in wanted],
            [opening.shards for opening in wanted],
        ],
    )


_OPEN = """
    WITH held AS (
        INSERT INTO wallet.asset (code, exponent)
        SELECT code, exponent FROM unnest(%s::text[], %s::smallint[]) AS a (code, exponent)
            ON CONFLICT DO NOTHING
    ), opened AS (
        INSERT INTO wallet.account (id, owner, purpose, asset, floor, hot, has_lots, shards)
        SELECT id, owner, purpose, asset, floor, hot, has_lots, shards
          FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::boolean[], %s::boolean[],
                      %s::smallint[])
               AS o (id, owner, purpose, asset, floor, hot, has_lots, shards)
            ON CONFLICT DO NOTHING
        RETURNING id, asset, status, hot, floor, has_lots, shards)
    INSERT INTO wallet.balance (account_id, shard, asset, status, hot, floor, has_lots)
    SELECT id, shard, asset, status, hot, floor, has_lots FROM opened, generate_series(0, shards - 1) shard
"""
