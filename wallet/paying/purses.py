"""Purses: what a customer can pay with just now, in the order in which it shall pay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import Connection
from wallet import accounts, answers, standing
from wallet.accounts import Opening
from wallet.answers import GiftCard
from wallet.assets import brand_currency
from wallet.paying.errors import GiftCardUnknown
from wallet.paying.splits import Kind, Rate, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """available: what stands there, in points or minor units; most_minor: the most that it shall give of an amount"""

    kind: Kind
    account: Opening
    available: int
    most_minor: int | None = None
    voucher_id: UUID | None = None
    rate: Rate | None = None

    def gives(self, amount_minor: int) -> tuple[int, int]:
        """What is to be taken from it towards an amount, in its own units, and what that pays in minor units."""
        wanted = amount_minor if self.most_minor is None else min(amount_minor, self.most_minor)
        available = max(self.available, 0)
        if self.kind == "points":
            return self.rate.payable(available, wanted) if self.rate else (0, 0)
        return min(available, wanted), min(available, wanted)


def of_customer(
    connection: Connection, customer_id: UUID, currency: str, sources: Sequence[Source], *, at: datetime
) -> list[Purse]:
    """The customer's purses for these sources, each once: the second time that one is named it is left out.

    raises  GiftCardUnknown for a gift card that is named and is not one of those that the customer can spend now
    """
    named = {
        "cash": accounts.of_customer(customer_id, currency),
        "promotional": accounts.promotional(customer_id, currency),
        "points": accounts.points(customer_id),
    }
    kinds = {source.kind for source in sources}
    wanted = {kind: account for kind, account in named.items() if kind in kinds}
    available = _available(connection, wanted.values(), at=at) if wanted else {}
    cards = answers.gift_cards_of(connection, customer_id, currency, at) if "gift_card" in kinds else ()
    if cards:  # their accounts bear the cards' names, so freezing the customer does not freeze them
        standing.check_may_leave(connection, named["cash"].owner)

    found: dict[UUID, Purse] = {}
    for source in sources:
        if source.kind == "gift_card":
            purses = [
                Purse(
                    kind="gift_card",
                    account=card.account,
                    available=card.available_minor,
                    most_minor=source.most_minor,
                    voucher_id=card.voucher_id,
                )
                for card in _named(cards, source)
            ]
        else:
            account = wanted[source.kind]
            rate = rate_for(currency) if source.kind == "points" else None
            left = available.get(account.id, 0)
            purses = [Purse(kind=source.kind, account=account, available=left, most_minor=source.most_minor, rate=rate)]
        for purse in purses:
            found.setdefault(purse.account.id, purse)
    return list(found.values())


def rate_for(currency: str) -> Rate | None:
    """What points are worth in this currency; None where they cannot pay: only the brand's own currency has a rate."""
    rate = answers.points_rate()
    return Rate(*rate) if rate is not None and currency == brand_currency() else None


def _named(cards: Sequence[GiftCard], source: Source) -> Sequence[GiftCard]:
    if source.voucher_id is None:
        return cards
    found = [card for card in cards if card.voucher_id == source.voucher_id]
    if not found:
        raise GiftCardUnknown
    return found


def _available(connection: Connection, wanted: Iterable[Opening], *, at: datetime) -> dict[UUID, int]:
    """What may be taken from each account now; of one with lots, what has not expired."""
    rows = connection.execute(_AVAILABLE, [at, [account.id for account in wanted]])
    return {row[0]: row[1] for row in rows}


_AVAILABLE = """
    SELECT b.account_id,
           CASE WHEN b.has_lots THEN least(b.posted - b.held,
                    (SELECT coalesce(sum(l.remaining - l.held), 0) FROM wallet.lot l
                      WHERE l.account_id = b.account_id AND l.remaining > 0
                        AND (l.expires_at IS NULL OR l.expires_at > %s)))::bigint
                ELSE b.posted - b.held END
      FROM wallet.balance b WHERE b.account_id = ANY(%s)
"""
