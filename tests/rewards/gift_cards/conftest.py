"""Customers who buy gift cards, and short ways to ask what became of them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import connection_of, transaction
from core.events import readers
from rewards import checks
from rewards.gift_cards import buying, expiring, merging, of_customer, reactions, refunds
from rewards.gift_cards.buying import Purchase
from rewards.gifts.reactions import READERS as GIFT_READERS
from rewards.vouchers import holdings
from rewards.vouchers.holdings import Holding
from tests.core.log import still_behind
from tests.rewards.conftest import NOW, World, fill
from tests.wallet.peers import conftest as peers
from wallet import answers, limits
from wallet.answers import Answers
from wallet.checks import first_difference
from wallet.finance import safeguarding_figures

__all__ = ["ANNA", "BEN", "CLARA", "LEAST", "NOW", "Cards", "World", "customer", "do"]

ANNA, BEN, CLARA = "+12125550142", "+12125550143", "+12125550144"
LEAST = timedelta(days=1827)

READERS = [*reactions.READERS, *GIFT_READERS]


def do(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Call a public function in a transaction of its own."""
    with transaction() as session:
        return work(session, *given, **named)


def customer(phone: str, cash_minor: int = 0) -> UUID:
    found = peers.customer(phone, now=NOW)
    with transaction() as session:
        fill(session, found, cash_minor)
    return found


class Cards:
    """Short words for what one customer does with gift cards; each opens its own transaction."""

    def __init__(self, world: World, customer_id: UUID) -> None:
        self.world, self.customer_id = world, customer_id

    def purchase(self, amount_minor: int, **changes: Any) -> Purchase:
        given = {"key": str(ids.new()), "currency": "USD", "lasts": LEAST, "fingerprint": b"same"} | changes
        principal = f"customer:{self.customer_id}"
        return Purchase(principal=principal, customer_id=self.customer_id, amount_minor=amount_minor, **given)

    def buy(self, amount_minor: int = 2_000, *, now: datetime = NOW, **changes: Any) -> UUID:
        return do(buying.buy, self.purchase(amount_minor, **changes), now=now)

    def load(self, card_id: UUID, amount_minor: int = 500, *, now: datetime = NOW, **changes: Any) -> UUID:
        return do(buying.load, card_id, self.purchase(amount_minor, **changes), now=now)

    def merge(self, from_id: UUID, into_id: UUID, *, now: datetime = NOW, key: str | None = None) -> UUID:
        named = {"principal": f"customer:{self.customer_id}", "key": key or str(ids.new()), "fingerprint": b"same"}
        return do(merging.merge, customer_id=self.customer_id, from_id=from_id, into_id=into_id, now=now, **named)

    def refund(self, card_id: UUID, *, now: datetime = NOW) -> UUID:
        return do(refunds.refund, card_id, customer_id=self.customer_id, now=now)

    def held(self, card_id: UUID, *, now: datetime = NOW) -> Holding:
        return do(holdings.find, self.customer_id, card_id, now=now)

    def given(self, value_minor: int = 2_000, *, campaign_id: UUID | None = None, **changes: Any) -> UUID:
        """A card that the brand gives."""
        campaign_id = campaign_id or self.world.gift_campaign(value_minor, limit_per_customer=None, **changes)
        return self.world.voucher(campaign_id, self.customer_id).id

    @property
    def cash(self) -> int:
        return self.world.cash(self.customer_id)

    def value(self, card_id: UUID) -> int:
        return self.world.balance(f"voucher:{card_id}", "gift")


@pytest.fixture
def anna(world: World) -> Iterator[Cards]:
    """A customer with $100.00."""
    answers.register(Answers(gift_cards_of=of_customer))
    with transaction() as session:
        limits.ensure_defaults(session, now=NOW)
    readers.register(READERS)
    yield Cards(world, customer(ANNA, 10_000))
    answers.register(Answers())


@pytest.fixture
def ben(world: World, anna: Cards) -> Cards:
    return Cards(world, customer(BEN, 5_000))


@pytest.fixture(autouse=True)
def _books_stay_clean(database: None) -> Any:
    """After every test the ledger adds up, and what is owed to customers is what they paid and nobody spent."""
    yield
    check_books()


def check_books() -> None:
    """The ledger adds up, and what rewards keep beside it agrees."""
    with transaction() as session:
        assert first_difference(connection_of(session)) is None
        assert checks.first_difference(connection_of(session)) is None


def owed(at: datetime = NOW) -> tuple[int, int, int]:
    """Of the safeguarding figures: customers' cash, gift cards that were paid for, and what was given."""
    with transaction() as session:
        [found] = safeguarding_figures.at_instant(connection_of(session), at)
    return found.cash, found.gift_cards, found.promotional


def settle(*, now: datetime = NOW) -> None:
    """Let the reader read all there is and the cards that are due be looked after."""
    for reader in READERS:
        while readers.run_batch(reader, now=now) or still_behind(reader):
            pass
    while expiring.watch_due(now):
        pass
