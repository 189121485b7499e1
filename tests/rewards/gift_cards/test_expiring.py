"""Gift cards that lapse: never before their time, after a warning, and what is left then is the brand's."""

from datetime import timedelta

from app import worker
from core import ids
from core.db import transaction
from core.events import readers
from rewards import checkouts
from rewards import reactions as rewards_reactions
from rewards.gift_cards import expiring
from tests.rewards.conftest import line
from tests.rewards.gift_cards.conftest import LEAST, NOW, Cards, do, owed, settle
from tests.rewards.gift_cards.test_merging import promise
from wallet import accounts, balances, holds, standing
from wallet import refunds as wallet_refunds
from wallet.lots import REVIVED_FOR

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def breakage() -> int:
    with transaction() as session:
        return sum(each.posted for each in balances.of(session, "brand") if each.purpose == "breakage")


def warned(cards: Cards) -> list[object]:
    return [event["voucher_id"] for event in cards.world.events("gift_card.expiring")]


def test_given_card_lapses_when_it_expires_and_not_a_second_before(anna: Cards) -> None:
    card = anna.given(voucher_days=30)

    settle(now=NOW + 30 * DAY - SECOND)
    assert (anna.value(card), breakage()) == (2_000, 0)

    settle(now=NOW + 30 * DAY)
    assert (anna.value(card), breakage()) == (0, 2_000)
    assert owed(NOW + 30 * DAY) == (10_000, 0, 0)
    assert anna.world.events("gift_card.lapsed") == [
        {"voucher_id": str(card), "amount_minor": 2_000, "currency": "USD"}
    ]
    assert anna.held(card, now=NOW + 31 * DAY).state == "expired"


def test_holder_is_warned_once_thirty_days_before(anna: Cards) -> None:
    card = anna.given(voucher_days=100)

    settle(now=NOW + 70 * DAY - SECOND)
    assert warned(anna) == []
    for _ in range(2):
        settle(now=NOW + 70 * DAY)
    settle(now=NOW + 99 * DAY)

    assert warned(anna) == [str(card)]


def test_empty_card_warns_nobody(anna: Cards) -> None:
    card, other = anna.buy(), anna.buy()
    anna.merge(card, other)

    settle(now=NOW + LEAST - DAY)

    assert warned(anna) == [str(other)]


def test_given_card_without_an_end_never_lapses(anna: Cards) -> None:
    card = anna.given()

    settle(now=NOW + 4 * LEAST)

    assert anna.value(card) == 2_000


def test_bought_card_lapses_five_years_after_the_last_load(anna: Cards) -> None:
    card = anna.buy(2_000)
    anna.load(card, 500, now=NOW + DAY)

    settle(now=NOW + LEAST + DAY - SECOND)
    assert anna.value(card) == 2_500
    settle(now=NOW + LEAST + DAY)

    assert (anna.value(card), breakage(), owed(NOW + LEAST + DAY)) == (0, 2_500, (7_500, 0, 0))


def test_bought_value_keeps_its_time_whatever_its_voucher_says(anna: Cards) -> None:
    card = anna.buy(2_000)
    anna.world.rows("UPDATE rewards.voucher SET expires_at = %s WHERE id = %s RETURNING id", NOW + DAY, card)

    settle(now=NOW + LEAST - SECOND)

    assert anna.value(card) == 2_000


def test_load_puts_the_warning_off(anna: Cards) -> None:
    card = anna.buy(2_000)
    soon = NOW + LEAST - DAY
    settle(now=soon)
    anna.load(card, 500, now=soon)

    settle(now=soon + LEAST - 31 * DAY)
    assert warned(anna) == [str(card)]
    settle(now=soon + LEAST - 30 * DAY)
    assert warned(anna) == [str(card)] * 2


def test_what_is_held_lapses_when_its_hold_is_over(anna: Cards) -> None:
    card = anna.given(voucher_days=1)
    hold = promise(anna, card, 1_500)

    settle(now=NOW + DAY)
    assert (anna.value(card), breakage()) == (0, 500)

    named = {"principal": "t", "key": str(ids.new()), "fingerprint": b"", "at": NOW + DAY}
    do(holds.void, hold, **named)
    settle(now=NOW + DAY + expiring.RETRY_AFTER)
    assert breakage() == 2_000


def test_card_of_a_frozen_wallet_waits(anna: Cards) -> None:
    card = anna.given(voucher_days=1)
    do(standing.freeze, f"customer:{anna.customer_id}")

    settle(now=NOW + DAY)
    assert anna.value(card) == 2_000
    do(standing.unfreeze, f"customer:{anna.customer_id}")
    settle(now=NOW + DAY + expiring.RETRY_AFTER)

    assert anna.value(card) == 0


def test_card_that_a_refund_fills_after_it_lapsed_lapses_again(anna: Cards) -> None:
    readers.register(rewards_reactions.READERS)
    card = anna.given(voucher_days=5)
    request = anna.world.checkout(anna.customer_id, line(1_500), vouchers=(card,))
    payment = do(checkouts.take, request, now=NOW).transfer_id
    settle(now=NOW + 5 * DAY)
    late = NOW + 6 * DAY
    named = {"principal": "test", "key": str(ids.new()), "fingerprint": b"", "amount_minor": None, "at": late}
    do(wallet_refunds.refund, payment_id=payment, merchant_id=anna.world.till.merchant_id, **named)
    worker.drain([*rewards_reactions.READERS], [], now=late)

    settle(now=late + REVIVED_FOR - SECOND)
    assert (anna.value(card), breakage()) == (1_500, 500)
    settle(now=late + REVIVED_FOR)
    assert (anna.value(card), breakage()) == (0, 2_000)


def test_many_cards_lapse_in_one_posting(anna: Cards) -> None:
    campaign = anna.world.gift_campaign(100, limit_per_customer=None, voucher_days=1)
    for _ in range(5):
        anna.given(campaign_id=campaign)

    settle(now=NOW + DAY)

    assert breakage() == 500
    assert accounts.of_brand("breakage", "USD").shards > 1
