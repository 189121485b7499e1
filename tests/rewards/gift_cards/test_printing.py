"""Gift cards as printed codes: made in batches, sold at tills or filled by a budget, spent and claimed."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import statement, transaction
from core.errors import InvalidInput, NotFound
from rewards import campaigns
from rewards.baskets import Basket
from rewards.errors import BudgetExhausted, CampaignNotRunning, NotInAudience, VoucherUnknown, VoucherUsedUp
from rewards.gift_cards import activations, deactivations, liability, refunds
from rewards.gift_cards.activations import Activation, Sale
from rewards.gift_cards.errors import GiftCardActive, GiftCardCreditExhausted, GiftCardMoved, GiftCardValueDiffers
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from rewards.rollbacks import reversing
from rewards.rollbacks.errors import VoidTooLate
from rewards.vouchers import batches, blocking, claims, exports, work
from rewards.vouchers.errors import PatternTooSmall
from rewards.vouchers.models import CodeBatch
from tests.rewards.conftest import World, line
from tests.rewards.gift_cards.conftest import LEAST, NOW, Cards, do, owed
from wallet.paying import gift_topups
from wallet.paying.errors import PaymentReversed, ReversalTooLate, TillReferenceReused
from wallet.paying.tills import Till

DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)


def batch(campaign_id: UUID, count: int = 1, funding: str | None = "till", *, runs: bool = True, **more: Any) -> UUID:
    asked = {"pattern": None, "source": str(ids.new()), "actor": "staff:test", "now": NOW} | more
    found = do(batches.ask_for_codes, campaign_id=campaign_id, count=count, funding=funding, **asked)
    if runs:
        run()
    return UUID(str(found.id))


def run() -> None:
    while work.work_off(NOW):
        pass


def codes_of(batch_id: UUID) -> list[str]:
    text = b"".join(exports.parts(batch_id, now=NOW)).decode("utf-8-sig")
    return [row["code"] for row in csv.DictReader(io.StringIO(text))]


def statuses(batch_id: UUID) -> list[str]:
    text = b"".join(exports.parts(batch_id, now=NOW)).decode("utf-8-sig")
    return [row["status"] for row in csv.DictReader(io.StringIO(text))]


def printed(world: World, value_minor: int = 2_500, **changes: Any) -> str:
    """The code of a card that lies in a shop."""
    campaign_id = world.gift_campaign(value_minor, **({"budget_minor": 0} | changes))
    return codes_of(batch(campaign_id))[0]


def sale(world: World, code: str, **changes: Any) -> Sale:
    given = {
        "till": world.till, "till_reference": str(ids.new()), "code": code, "amount_minor": 2_500, "currency": "USD",
        "fingerprint": b"same", "lasts": LEAST, "owes_most_minor": 500_000,
    } | changes  # fmt: skip
    return Sale(**given)


def sell(world: World, code: str, *, now: Any = NOW, **changes: Any) -> Activation:
    made = do(activations.activate, sale(world, code, **changes), now=now)
    assert isinstance(made, Activation)
    return made


def spend(world: World, code: str, amount_minor: int) -> None:
    request = Request(
        till=world.till,
        reference=code,
        basket=Basket((line(amount_minor),)),
        currency="USD",
        till_reference=str(ids.new()),
    )
    with statement() as connection:
        redeeming.redeem(connection, request, at=NOW)


def value(world: World, made: Activation) -> int:
    return world.balance(f"voucher:{made.voucher_id}", "gift")


def claim(who: Cards, code: str) -> UUID:
    return UUID(str(do(claims.claim, code=code, customer_id=who.customer_id, now=NOW)))


def test_printed_card_is_worth_nothing_until_a_till_has_sold_it(anna: Cards, world: World) -> None:
    code = printed(world)

    with pytest.raises(VoucherUnknown):
        spend(world, code, 100)
    with pytest.raises(VoucherUnknown):
        claim(anna, code)
    assert owed() == (10_000, 0, 0)

    made = sell(world, code)

    assert (value(world, made), world.payable, owed()) == (2_500, -2_500, (10_000, 2_500, 0))
    spend(world, code, 1_000)
    assert (value(world, made), world.payable) == (1_500, -1_500)
    with transaction() as session:
        [found] = liability.of(session, as_of=NOW)
    assert (found.outstanding_minor, found.by_funder[0].funder, len(found.by_funder)) == (1_500, "customers", 1)
    assert len(world.events("gift_card.activated")) == 1


def test_claimed_card_is_loaded_merged_and_topped_up_like_a_bought_one(anna: Cards, world: World) -> None:
    card = claim(anna, sell_and(world, printed(world)))
    anna.load(card, 500)
    bought = anna.buy(1_000)
    anna.merge(card, bought)
    with pytest.raises(GiftCardMoved):
        anna.refund(card)
    named = {"principal": f"customer:{anna.customer_id}", "key": "T", "fingerprint": b"x"}
    do(gift_topups.take, **named, customer_id=anna.customer_id, voucher_id=bought, amount_minor=None, at=NOW)

    assert (anna.value(bought), anna.cash) == (0, 10_000 - 500 - 1_000 + 4_000)


def sell_and(world: World, code: str) -> str:
    sell(world, code)
    return code


def test_money_on_a_sold_card_is_its_holders_as_cash(anna: Cards, world: World) -> None:
    card = claim(anna, sell_and(world, printed(world)))

    named = {"principal": f"customer:{anna.customer_id}", "key": "T", "fingerprint": b"x"}
    do(gift_topups.take, **named, customer_id=anna.customer_id, voucher_id=card, amount_minor=None, at=NOW)

    assert (anna.cash, owed()) == (12_500, (12_500, 0, 0))


def test_sold_card_lasts_as_long_as_the_law_says(anna: Cards, world: World) -> None:
    short = claim(anna, sell_and(world, printed(world, voucher_days=10)))
    long = claim(anna, sell_and(world, printed(world, voucher_days=3_000)))

    assert anna.held(short).expires_at == NOW + LEAST
    assert anna.held(long).expires_at == NOW + 3_000 * DAY


def test_same_sale_twice_is_one_and_another_card_under_its_reference_none(anna: Cards, world: World) -> None:
    code, other = printed(world), printed(world)
    first = sell(world, code, till_reference="R")

    assert sell(world, code, till_reference="R") == first
    with pytest.raises(TillReferenceReused):
        sell(world, other, till_reference="R", fingerprint=b"other")
    with pytest.raises(GiftCardActive):
        sell(world, code)
    assert world.payable == -2_500


def test_sale_of_what_is_no_card_in_a_shop_is_refused(anna: Cards, world: World) -> None:
    code = printed(world)
    with pytest.raises(GiftCardValueDiffers):
        sell(world, code, amount_minor=2_499)
    with pytest.raises(VoucherUnknown) as mistyped:
        sell(world, code[:-1] + ("0" if code[-1] != "0" else "1"))
    assert mistyped.value.is_mistyped
    coupon = world.voucher(world.campaign(), None)
    given = world.voucher(world.gift_campaign(), anna.customer_id)
    for other in (coupon.code, given.code):
        with pytest.raises(VoucherUnknown):
            sell(world, other)
    paused = world.gift_campaign(2_500, budget_minor=0)
    [late] = codes_of(batch(paused))
    do(campaigns.pause, campaign_id=paused, actor="staff:test", now=NOW)
    with pytest.raises(CampaignNotRunning):
        sell(world, late)
    [(card_id,)] = world.rows("SELECT id FROM rewards.voucher WHERE state = 'inactive' ORDER BY id LIMIT 1")
    do(blocking.block, card_id, actor="staff:test", now=NOW)
    with pytest.raises(VoucherUnknown):
        sell(world, code)
    assert world.payable == 0


def test_sale_is_voided_within_minutes_and_the_card_sold_anew(anna: Cards, world: World) -> None:
    code = printed(world)
    made = sell(world, code, till_reference="R")
    elsewhere = Till(merchant_id=world.till.merchant_id, store_id=world.till.store_id, terminal_id=ids.new())

    with pytest.raises(NotFound):
        do(deactivations.void, made.id, elsewhere, now=NOW)
    for at in (NOW + 15 * MINUTE - SECOND, NOW + 15 * MINUTE):
        assert do(deactivations.void, made.id, world.till, now=at).voided_at == NOW + 15 * MINUTE - SECOND
    assert (value(world, made), world.payable, owed(NOW + 15 * MINUTE)) == (0, 0, (10_000, 0, 0))
    with pytest.raises(VoucherUnknown):
        spend(world, code, 100)
    with pytest.raises(PaymentReversed):
        sell(world, code, till_reference="R")

    again = sell(world, code, till_reference="S")
    assert (value(world, again), world.payable) == (2_500, -2_500)
    with pytest.raises(VoidTooLate):
        do(deactivations.void, again.id, world.till, now=NOW + 15 * MINUTE)


def test_sale_of_a_card_that_was_used_or_claimed_stands(anna: Cards, world: World) -> None:
    spent, claimed = printed(world), printed(world)
    first, second = sell(world, spent), sell(world, claimed, till_reference="C")
    spend(world, spent, 1)
    claim(anna, claimed)

    with pytest.raises(GiftCardMoved):
        do(deactivations.void, first.id, world.till, now=NOW)
    with pytest.raises(GiftCardMoved):
        do(reversing.reverse, world.till, "C", at=NOW)
    assert value(world, second) == 2_500


def test_reversal_takes_a_sale_back_whose_answer_was_lost(anna: Cards, world: World) -> None:
    code = printed(world)
    made = sell(world, code, till_reference="R")

    for _ in range(2):
        done = do(reversing.reverse, world.till, "R", at=NOW + DAY - SECOND).reversal
        assert (done.amount_minor, done.reversed_at) == (2_500, NOW + DAY - SECOND)
    assert (value(world, made), world.payable) == (0, 0)
    late = sell(world, code, till_reference="L")
    with pytest.raises(ReversalTooLate):
        do(reversing.reverse, world.till, "L", at=NOW + DAY)
    assert value(world, late) == 2_500


def test_sale_that_comes_after_its_reversal_is_refused(anna: Cards, world: World) -> None:
    code = printed(world)
    do(reversing.reverse, world.till, "R", at=NOW)

    with pytest.raises(PaymentReversed):
        sell(world, code, till_reference="R")
    assert sell(world, code).amount_minor == 2_500


def test_budget_fills_a_batch_of_cards_as_they_are_made(anna: Cards, world: World) -> None:
    campaign_id = world.gift_campaign(500, budget_minor=150 * 500, voucher_days=60)
    made = batch(campaign_id, 150, "budget")

    shown = codes_of(made)
    assert (len(set(shown)), world.budget(campaign_id), owed()) == (150, 0, (10_000, 0, 75_000))
    spend(world, shown[0], 200)
    card = claim(anna, shown[0])
    assert (anna.held(card).value_minor, anna.held(card).expires_at) == (300, NOW + 60 * DAY)
    assert statuses(made).count("claimed") == 1
    assert world.rows("SELECT count(*) FROM rewards.gift_card WHERE due_at IS NOT NULL") == [(150,)]


def test_budget_that_cannot_fill_all_cards_makes_none_and_one_that_runs_dry_waits(anna: Cards, world: World) -> None:
    campaign_id = world.gift_campaign(500, budget_minor=120 * 500, limit_per_customer=None)
    with pytest.raises(BudgetExhausted):
        batch(campaign_id, 121, "budget")
    made = batch(campaign_id, 120, "budget", runs=False)
    assert work.work_off(NOW)
    world.voucher(campaign_id, anna.customer_id)

    run()

    [(count, state, error)] = world.rows("SELECT made, state, last_error FROM rewards.code_batch WHERE id = %s", made)
    assert (count, state, error) == (100, "waiting", "InsufficientFunds")


def test_total_limit_counts_cards_that_a_budget_fills(anna: Cards, world: World) -> None:
    campaign_id = world.gift_campaign(500, budget_minor=10_000, limit_total=3)
    made = batch(campaign_id, 5, "budget")

    with transaction() as session:
        found = session.get_one(CodeBatch, made)
        assert (found.made, found.refused, found.faults) == (3, 2, [{"code": "limit_reached", "count": 2}])
    assert (len(codes_of(made)), world.budget(campaign_id)) == (3, 8_500)


def test_batch_that_its_campaign_ends_fills_no_more(anna: Cards, world: World) -> None:
    campaign_id = world.gift_campaign(500, budget_minor=10_000)
    made = batch(campaign_id, 5, "budget", runs=False)
    do(campaigns.end_, campaign_id=campaign_id, actor="staff:test", now=NOW)

    run()

    with transaction() as session:
        assert session.get_one(CodeBatch, made).faults == [{"code": "campaign_not_running", "count": 5}]


def test_batch_says_who_pays_for_cards_and_not_for_coupons(anna: Cards, world: World) -> None:
    card, coupon = world.gift_campaign(), world.campaign()
    for campaign_id, funding in ((card, None), (coupon, "till"), (coupon, "budget")):
        with pytest.raises(InvalidInput):
            batch(campaign_id, 1, funding)
    assert world.rows("SELECT count(*) FROM rewards.code_batch") == [(0,)]


def test_cards_codes_leave_no_room_for_guessing(anna: Cards, world: World) -> None:
    campaign_id = world.gift_campaign()
    look = {"prefix": "GIFT", "alphabet": "crockford", "has_check": True}

    with pytest.raises(PatternTooSmall) as refused:
        batch(campaign_id, 100, pattern={**look, "length": 9})
    enough = refused.value.facts["length_needed"]
    with pytest.raises(PatternTooSmall):
        batch(campaign_id, 100, pattern={**look, "length": enough - 1})
    [shown] = codes_of(batch(campaign_id, 1, pattern={**look, "length": enough}))
    assert shown.startswith("GIFT-")


def test_sold_card_is_claimed_by_whoever_holds_it_and_a_given_one_by_whom_it_is_meant_for(
    anna: Cards, world: World
) -> None:
    everybody_out = {"holdout_bps": 10_000}
    sold = sell_and(world, printed(world, **everybody_out))
    given = codes_of(batch(world.gift_campaign(500, **everybody_out), 1, "budget"))[0]

    assert anna.held(claim(anna, sold)).value_minor == 2_500
    with pytest.raises(NotInAudience):
        claim(anna, given)


def test_used_up_card_is_not_sold_again(anna: Cards, world: World) -> None:
    code = printed(world)
    sell(world, code)
    spend(world, code, 2_500)

    with pytest.raises(GiftCardActive):
        sell(world, code)
    with pytest.raises(VoucherUsedUp):
        spend(world, code, 1)


def test_merchant_sells_no_more_cards_than_it_may_owe_for(anna: Cards, world: World) -> None:
    first, second, third = (printed(world) for _ in range(3))
    for code in (first, second):
        sell(world, code, owes_most_minor=5_000)

    with pytest.raises(GiftCardCreditExhausted):
        sell(world, third, owes_most_minor=7_499)
    assert world.payable == -5_000
    spend(world, first, 2_500)
    with pytest.raises(GiftCardCreditExhausted):
        sell(world, third, owes_most_minor=4_999)
    sell(world, third, owes_most_minor=5_000)
    assert world.payable == -5_000


def test_staff_give_a_sold_card_back_to_nobody(anna: Cards, world: World) -> None:
    made = sell(world, printed(world))

    with pytest.raises(NotFound):
        do(refunds.refund_of_anybody, made.voucher_id, actor="staff:test", now=NOW)
