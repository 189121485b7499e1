"""A gift card's value in the wallet: what was paid for is cash, what the brand gave is promotional value."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from core import ids
from core.db import transaction
from core.idempotency import KeyReused
from tests.wallet.conftest import NOW
from tests.wallet.paying.conftest import Shop
from wallet import accounts, limits
from wallet.accounts import Opening
from wallet.errors import InsufficientFunds, LimitExceeded
from wallet.paying import gift_topups
from wallet.paying.errors import GiftCardUnknown
from wallet.transfers import Posted

TopUp = Callable[..., Posted]


@pytest.fixture
def top_up(shop: Shop) -> TopUp:
    def take(customer_id: UUID, card: UUID, amount: int | None = None, *, key: str | None = None, at=NOW, body=b""):  # type: ignore[no-untyped-def]
        with transaction() as session:
            return gift_topups.take(
                session, principal=f"customer:{customer_id}", key=key or str(ids.new()), fingerprint=body,
                customer_id=customer_id, voucher_id=card, amount_minor=amount, at=at,
            )  # fmt: skip

    return take


def gift_of(card: UUID) -> Opening:
    return Opening(f"voucher:{card}", "gift", "USD", 0)


def test_what_the_brand_gave_is_promotional_and_lapses_with_the_card(shop: Shop, top_up: TopUp) -> None:
    customer_id = shop.customer(cash=10)
    card = shop.gift_card(customer_id, 300, days=5)

    top_up(customer_id, card)

    assert shop.held(customer_id) == {"cash": 10, "promotional": 300, "gift_card": 0}
    lots = shop.rows("SELECT source, remaining, expires_at FROM wallet.lot")
    assert lots == [("gift_card", 300, NOW + timedelta(days=5))]
    [event] = shop.events("topup.completed")
    assert event["amount_minor"] == 300
    shop.check()


def test_what_was_paid_for_is_cash(shop: Shop, top_up: TopUp) -> None:
    customer_id = shop.customer()
    card = shop.gift_card(customer_id, 300)
    shop.fill(gift_of(card), 200)

    first, rest = top_up(customer_id, card, 250), top_up(customer_id, card)

    assert (first.details["cash_minor"], rest.details["cash_minor"]) == (100, 100)
    assert shop.held(customer_id) == {"cash": 200, "promotional": 300, "gift_card": 0}


def test_what_the_brand_gave_does_not_become_cash_by_single_cents(shop: Shop, top_up: TopUp) -> None:
    customer_id = shop.customer()
    card = shop.gift_card(customer_id, 6)
    shop.fill(gift_of(card), 4)

    cash = [top_up(customer_id, card, 1).details["cash_minor"] for _ in range(10)]

    assert cash == [1, 0, 1, 0, 0, 1, 0, 1, 0, 0]
    assert shop.held(customer_id) == {"cash": 4, "promotional": 6, "gift_card": 0}
    shop.check()


def test_debt_is_paid_first(shop: Shop, top_up: TopUp) -> None:
    customer_id = shop.customer()
    card = shop.gift_card(customer_id, 1)
    shop.fill(gift_of(card), 99)
    debt, provider = accounts.debt(customer_id, "USD"), accounts.of_provider("USD")
    shop._post([debt, provider], [debt.leg(-40), provider.leg(40)])

    top_up(customer_id, card)

    assert shop.held(customer_id) == {"cash": 59, "debt": 0, "promotional": 1, "gift_card": 0}


def test_no_more_than_stands_on_the_card_and_not_after_its_end(shop: Shop, top_up: TopUp) -> None:
    customer_id, other = shop.customer(), shop.customer()
    card = shop.gift_card(customer_id, 300, days=5)

    with pytest.raises(InsufficientFunds):
        top_up(customer_id, card, 301)
    with pytest.raises(GiftCardUnknown):
        top_up(other, card)
    with pytest.raises(GiftCardUnknown):
        top_up(customer_id, card, at=NOW + timedelta(days=5))
    top_up(customer_id, card, 300, at=NOW + timedelta(days=5) - timedelta(microseconds=1))
    with pytest.raises(GiftCardUnknown):
        top_up(customer_id, card)


def test_same_key_moves_it_once(shop: Shop, top_up: TopUp) -> None:
    customer_id = shop.customer()
    card = shop.gift_card(customer_id, 300)

    first, again = (top_up(customer_id, card, 100, key="k") for _ in range(2))

    assert (again.transfer_id, again.replayed) == (first.transfer_id, True)
    with pytest.raises(KeyReused):
        top_up(customer_id, card, 101, key="k", body=b"other")
    assert shop.held(customer_id)["promotional"] == 100


def test_cash_counts_as_money_received(shop: Shop, top_up: TopUp) -> None:
    customer_id = shop.customer()
    card = shop.gift_card(customer_id, 1)
    shop.fill(gift_of(card), 999)
    with transaction() as session:
        limits.set_rule(session, tier="basic", scope="load", asset="USD", measures={"ceiling": 499}, now=NOW)

    with pytest.raises(LimitExceeded):
        top_up(customer_id, card, 501)
    top_up(customer_id, card, 499)
