"""Gift cards that customers buy: their money stays theirs, once for each key and within their limits."""

from datetime import timedelta

import pytest

from core import ids
from core.db import connection_of, transaction
from core.events import readers
from core.idempotency import KeyReused
from rewards import campaigns
from rewards.errors import CurrencyMismatch, VoucherExpired, VoucherUnknown
from rewards.gift_cards import buying, of_customer, sales
from rewards.gift_cards.errors import GiftCardGiven, GiftCardsNotSold
from tests.core.log import still_behind
from tests.rewards.gift_cards.conftest import LEAST, NOW, Cards, World, do, owed
from tests.wallet.peers.conftest import set_limits
from wallet import accounts, ledger, standing
from wallet.errors import AccountFrozen, CurrencyUnknown, InsufficientFunds, LimitExceeded
from wallet.topups import reactions as topup_reactions
from wallet.transfers import Transfer


def test_bought_card_holds_what_left_the_cash_and_lasts_five_years(anna: Cards) -> None:
    card = anna.buy(2_000)

    held = anna.held(card)
    assert (held.value_minor, held.state, held.expires_at) == (2_000, "active", NOW + LEAST)
    assert (anna.cash, owed()) == (8_000, (8_000, 2_000, 0))
    assert anna.world.events("gift_card.bought") == [
        {"voucher_id": str(card), "amount_minor": 2_000, "currency": "USD"}
    ]


def test_bought_card_pays_like_any_other(anna: Cards) -> None:
    card = anna.buy(2_000)

    with transaction() as session:
        found = of_customer(connection_of(session), anna.customer_id, "USD", NOW)

    assert [(each.voucher_id, each.available_minor) for each in found] == [(card, 2_000)]


def test_blocked_card_pays_nothing_and_takes_nothing(anna: Cards) -> None:
    card = anna.buy(2_000)
    anna.world.rows("UPDATE rewards.voucher SET state = 'blocked' RETURNING id")

    with transaction() as session:
        assert of_customer(connection_of(session), anna.customer_id, "USD", NOW) == []
    with pytest.raises(VoucherUnknown):
        anna.load(card)


def test_same_key_buys_once(anna: Cards) -> None:
    first = anna.buy(key="K")

    assert anna.buy(key="K") == first
    assert anna.cash == 8_000
    with pytest.raises(KeyReused):
        anna.buy(key="K", fingerprint=b"other")


def test_whole_cash_buys_a_card_and_a_cent_more_does_not(anna: Cards) -> None:
    with pytest.raises(InsufficientFunds):
        anna.buy(10_001)
    anna.buy(10_000)

    assert (anna.cash, anna.world.rows("SELECT count(*) FROM rewards.voucher")) == (0, [(1,)])


def test_buying_counts_against_what_a_customer_may_pay(anna: Cards) -> None:
    set_limits("pay", {"per_day": 2_500})
    card = anna.buy(2_000)

    with pytest.raises(LimitExceeded):
        anna.load(card, 501)
    anna.load(card, 500)
    with pytest.raises(LimitExceeded):
        anna.buy(1)


def test_frozen_wallet_buys_nothing(anna: Cards) -> None:
    do(standing.freeze, f"customer:{anna.customer_id}")

    for amount_minor in (1, 10_000, 10_001):  # enough or not: a top-up would not help
        with pytest.raises(AccountFrozen):
            anna.buy(amount_minor)


def test_unknown_currency_buys_nothing(anna: Cards) -> None:
    with pytest.raises(CurrencyUnknown):
        anna.buy(currency="EUR")


def test_paused_sale_sells_nothing_and_what_was_sold_goes_on(anna: Cards) -> None:
    card = anna.buy()
    do(campaigns.set_state, campaign_id=sales.campaign_id_of("USD"), state="paused", actor="staff:test", now=NOW)

    with pytest.raises(GiftCardsNotSold):
        anna.buy()
    anna.load(card, 500)
    assert anna.value(card) == 2_500


def test_load_puts_the_end_of_all_of_it_off(anna: Cards) -> None:
    card = anna.buy(2_000)
    next_year = NOW + timedelta(days=365)

    anna.load(card, 500, key="L", now=next_year)
    anna.load(card, 500, key="L", now=next_year)

    held = anna.held(card)
    assert (held.value_minor, held.expires_at, anna.cash) == (2_500, next_year + LEAST, 7_500)
    assert owed(next_year) == (7_500, 2_500, 0)


def test_load_never_brings_the_end_nearer(anna: Cards) -> None:
    card = anna.buy(2_000)

    anna.load(card, 500, now=NOW + timedelta(days=1), lasts=timedelta(days=1))

    assert anna.held(card).expires_at == NOW + LEAST


def test_spent_card_can_be_loaded_again(anna: Cards) -> None:
    card = anna.buy(2_000)
    anna.world.rows("UPDATE rewards.voucher SET state = 'used_up' RETURNING id")

    anna.load(card, 500)

    assert anna.world.rows("SELECT state FROM rewards.voucher") == [("active",)]


def test_card_that_was_given_takes_no_money(anna: Cards) -> None:
    card = anna.given()

    with pytest.raises(GiftCardGiven):
        anna.load(card)


def test_card_of_another_currency_another_customer_or_another_time_takes_no_money(anna: Cards, ben: Cards) -> None:
    card = anna.buy()

    with pytest.raises(VoucherUnknown):
        ben.load(card)
    with pytest.raises(CurrencyMismatch):
        anna.load(card, currency="EUR")
    with pytest.raises(VoucherExpired):
        anna.load(card, now=NOW + LEAST)
    assert (anna.value(card), anna.cash, ben.cash) == (2_000, 8_000, 5_000)


def test_coupon_takes_no_money(anna: Cards) -> None:
    coupon = anna.world.voucher(anna.world.campaign(), anna.customer_id)

    with pytest.raises(VoucherUnknown):
        anna.load(coupon.id)


def test_campaign_of_sold_cards_is_made_once(anna: Cards, ben: Cards) -> None:
    anna.buy()
    ben.buy()

    assert anna.world.rows("SELECT id FROM rewards.campaign") == [(sales.campaign_id_of("USD"),)]
    assert anna.world.rows("SELECT kind, count(*) FROM wallet.transfer GROUP BY 1 HAVING kind = %s", buying.KIND) == [
        (buying.KIND, 2)
    ]


def test_cash_of_a_refunded_card_pays_what_its_buyer_owes(anna: Cards, world: World) -> None:
    card = anna.buy(2_000)
    made, debt, provider = ids.new(), accounts.debt(anna.customer_id, "USD"), accounts.of_provider("USD")
    with transaction() as session:
        accounts.open_all(session, [debt, provider])
        ledger.post(
            connection_of(session),
            Transfer(
                id=made, principal="test", key=str(made), fingerprint=made.bytes, kind="test",
                legs=(debt.leg(-500), provider.leg(500)), effective_at=NOW,
            ),
        )  # fmt: skip
    for reader in topup_reactions.READERS:
        readers.register([reader])

    anna.refund(card)
    for reader in topup_reactions.READERS:
        while readers.run_batch(reader, now=NOW) or still_behind(reader):
            pass

    assert (anna.cash, world.balance(f"customer:{anna.customer_id}", "debt")) == (9_500, 0)
