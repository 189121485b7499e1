"""Merging and giving back: value moves whole, keeps its origin, and is never there twice."""

from datetime import timedelta
from uuid import UUID

import pytest

from core import ids
from core.db import statement, transaction
from core.idempotency import KeyReused
from rewards import checkouts
from rewards.baskets import Basket
from rewards.errors import VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.gift_cards import merging
from rewards.gift_cards.cards import account_of
from rewards.gift_cards.errors import (
    GiftCardGiven,
    GiftCardMoved,
    GiftCardPromised,
    GiftCardRefundTooLate,
    GiftCardsDiffer,
)
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from rewards.vouchers import holdings
from tests.rewards.conftest import line
from tests.rewards.gift_cards.conftest import LEAST, NOW, Cards, do, owed
from wallet import holds, standing
from wallet import refunds as wallet_refunds
from wallet.errors import AccountFrozen
from wallet.holds import Placing
from wallet.paying import gift_topups

DAY = timedelta(days=1)


def spend(cards: Cards, card_id: UUID, amount_minor: int) -> None:
    request = Request(
        till=cards.world.till,
        reference=_code(cards, card_id),
        basket=Basket((line(amount_minor),)),
        currency="USD",
        till_reference=str(ids.new()),
    )
    with statement() as connection:
        redeeming.redeem(connection, request, at=NOW)


def _code(cards: Cards, card_id: UUID) -> str:
    return str(do(holdings.code_of, cards.customer_id, card_id))


def promise(cards: Cards, card_id: UUID, amount_minor: int) -> UUID:
    """Hold something of a card, as a till does; the hold."""
    placing = Placing(
        principal="terminal",
        key=str(ids.new()),
        fingerprint=b"",
        kind="payment",
        customer_id=cards.customer_id,
        sources=[(account_of(card_id, "USD"), amount_minor)],
        currency="USD",
        expires_at=NOW + 2 * DAY,
        at=NOW,
    )
    return UUID(str(do(holds.place, placing).transfer_id))


def test_merged_card_holds_both_and_lasts_until_the_later_end(anna: Cards) -> None:
    old, new = anna.buy(2_000), anna.buy(1_000, now=NOW + DAY)

    assert anna.merge(new, old, now=NOW + DAY) == old

    assert (anna.value(old), anna.value(new), anna.cash) == (3_000, 0, 7_000)
    assert (anna.held(old).expires_at, anna.held(new).state) == (NOW + DAY + LEAST, "used_up")
    assert owed(NOW + DAY) == (7_000, 3_000, 0)
    assert anna.world.events("gift_card.merged") == [
        {"voucher_id": str(new), "into_id": str(old), "amount_minor": 1_000, "currency": "USD"}
    ]


def test_merged_value_is_still_what_was_paid_for(anna: Cards) -> None:
    one, other = anna.buy(2_000), anna.buy(1_000)
    anna.merge(one, other)

    named = {"principal": "p", "key": "k", "fingerprint": b"", "customer_id": anna.customer_id, "at": NOW}
    moved = do(gift_topups.take, voucher_id=other, amount_minor=None, **named)

    assert (moved.details["cash_minor"], anna.cash) == (3_000, 10_000)


def test_merge_of_a_partly_spent_card_moves_the_rest(anna: Cards) -> None:
    one, other = anna.buy(2_000), anna.buy(1_000)
    spend(anna, one, 1_500)

    anna.merge(one, other)

    assert (anna.value(one), anna.value(other)) == (0, 1_500)
    assert owed() == (7_000, 1_500, 0)


def test_refund_of_what_a_merged_card_paid_comes_back_onto_it(anna: Cards) -> None:
    one, other = anna.buy(2_000), anna.buy(1_000)
    request = anna.world.checkout(anna.customer_id, line(500), vouchers=(one,))
    payment = do(checkouts.take, request, now=NOW).transfer_id
    anna.merge(one, other)

    named = {"principal": "test", "key": str(ids.new()), "fingerprint": b"", "amount_minor": None, "at": NOW}
    do(wallet_refunds.refund, payment_id=payment, merchant_id=anna.world.till.merchant_id, **named)

    assert (anna.value(one), anna.held(one).state, owed()) == (500, "active", (7_000, 3_000, 0))
    anna.merge(one, other)
    assert anna.value(other) == 3_000


def test_same_key_merges_once(anna: Cards) -> None:
    one, other, third = anna.buy(2_000), anna.buy(1_000), anna.buy(500)

    assert anna.merge(one, other, key="M") == anna.merge(one, other, key="M") == other
    assert anna.value(other) == 3_000
    anna.merge(third, other, key="N")
    assert anna.value(other) == 3_500


def test_given_cards_of_one_campaign_merge_until_the_earlier_end(anna: Cards) -> None:
    campaign = anna.world.gift_campaign(2_000, limit_per_customer=None, voucher_days=30)
    one, other = anna.given(campaign_id=campaign), anna.given(campaign_id=campaign)
    anna.world.rows(
        "UPDATE rewards.voucher SET expires_at = expires_at - interval '1 day' WHERE id = %s RETURNING id", one
    )

    anna.merge(one, other)

    assert (anna.value(other), anna.held(other).expires_at) == (4_000, NOW + timedelta(days=29))
    assert owed() == (10_000, 0, 4_000)


def test_cards_that_were_filled_otherwise_do_not_merge(anna: Cards) -> None:
    bought, given, of_another = anna.buy(), anna.given(), anna.given()

    for pair in ((bought, given), (given, bought), (given, of_another), (bought, bought)):
        with pytest.raises(GiftCardsDiffer):
            anna.merge(*pair)


def test_anothers_an_expired_an_empty_and_a_promised_card_do_not_merge(anna: Cards, ben: Cards) -> None:
    card, other, bens = anna.buy(), anna.buy(), ben.buy()

    for pair in ((card, bens), (bens, card)):
        with pytest.raises(VoucherUnknown):
            anna.merge(*pair)
    with pytest.raises(VoucherExpired):
        anna.merge(card, other, now=NOW + LEAST)
    anna.merge(card, other)
    with pytest.raises(VoucherUsedUp):
        anna.merge(card, other)


def test_what_is_promised_stays_behind_and_a_card_that_is_all_promised_does_not_merge(anna: Cards) -> None:
    card, other = anna.buy(2_000), anna.buy(1_000)
    promise(anna, card, 1_500)

    anna.merge(card, other)
    assert owed() == (7_000, 3_000, 0)
    with pytest.raises(GiftCardPromised):
        anna.merge(card, other)


def test_frozen_wallet_merges_nothing(anna: Cards) -> None:
    one, other = anna.buy(), anna.buy()
    do(standing.freeze, f"customer:{anna.customer_id}")

    with pytest.raises(AccountFrozen):
        anna.merge(one, other)


def test_untouched_card_is_given_back_whole(anna: Cards) -> None:
    card = anna.buy(2_000)
    anna.load(card, 500)

    anna.refund(card, now=NOW + 14 * DAY - timedelta(seconds=1))

    assert (anna.cash, anna.value(card), anna.held(card).state) == (10_000, 0, "used_up")
    assert owed(NOW + 14 * DAY) == (10_000, 0, 0)
    with pytest.raises(GiftCardMoved):
        anna.refund(card)


def test_card_is_not_given_back_after_two_weeks(anna: Cards) -> None:
    card = anna.buy(2_000)

    with pytest.raises(GiftCardRefundTooLate):
        anna.refund(card, now=NOW + 14 * DAY)


def test_card_that_was_used_or_merged_into_is_not_given_back(anna: Cards) -> None:
    spent, merged, into = anna.buy(), anna.buy(), anna.buy()
    spend(anna, spent, 1)
    anna.merge(merged, into)

    for card in (spent, merged, into):
        with pytest.raises(GiftCardMoved):
            anna.refund(card)


def test_given_card_anothers_and_a_promised_one_are_not_given_back(anna: Cards, ben: Cards) -> None:
    card = anna.buy()

    with pytest.raises(GiftCardGiven):
        anna.refund(anna.given())
    with pytest.raises(VoucherUnknown):
        ben.refund(card)
    promise(anna, card, 1)
    with pytest.raises(GiftCardPromised):
        anna.refund(card)


def test_key_of_a_merge_names_no_other(anna: Cards) -> None:
    one, other = anna.buy(key="B"), anna.buy()

    with pytest.raises(KeyReused), transaction() as session:
        merging.merge(
            session, principal=f"customer:{anna.customer_id}", key="B", fingerprint=b"other",
            customer_id=anna.customer_id, from_id=one, into_id=other, now=NOW,
        )  # fmt: skip
