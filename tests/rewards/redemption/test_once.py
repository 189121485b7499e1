"""A till's redemption is made once, whatever stands under its reference and key and whatever changes meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core import ids
from core.db import connection_of, statement, transaction
from core.errors import Refusal
from core.idempotency import KeyReused
from rewards import campaigns, checkouts
from rewards.baskets import Basket
from rewards.errors import CampaignNotRunning, RedemptionReferenceReused, VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.redemption import redeeming
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from tests.core.locks import until_somebody_waits
from tests.rewards.conftest import NOW, World, line
from wallet import checks
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused


def asked(world: World, code: str, **changes: object) -> Request:
    given = {
        "till": world.till,
        "reference": code,
        "basket": Basket((line(),)),
        "currency": "USD",
        "till_reference": "R-1",
    } | changes
    return Request(**given)


def redeem(request: Request, *, at=NOW) -> Redemption:
    with statement() as connection:
        made = redeeming.redeem(connection, request, at=at)
    assert isinstance(made, Redemption)
    return made


def traces(world: World) -> tuple[object, ...]:
    """What a redemption writes: rows, uses, entries and events of it."""
    [found] = world.rows(
        """
        SELECT (SELECT count(*) FROM rewards.redemption), (SELECT coalesce(sum(used), 0) FROM rewards.counter),
               (SELECT coalesce(sum(used), 0) FROM rewards.voucher),
               (SELECT count(*) FROM wallet.transfer WHERE kind = 'redemption'),
               (SELECT count(*) FROM core.event WHERE name = 'voucher.redeemed')
        """
    )
    return found


def test_same_request_again_is_the_same_redemption(world: World) -> None:
    code = world.voucher(world.campaign(limit_per_customer=5), world.customer()).code
    request = asked(world, code, key="k-1")

    first, again, by_other_key = redeem(request), redeem(request), redeem(replace(request, key="k-2"))

    assert (first, first.replayed) == (again, False) == (by_other_key, False)
    assert (again.replayed, by_other_key.replayed) == (True, True)
    assert traces(world) == (1, 1, 1, 1, 1)


def test_other_basket_under_a_key_or_a_reference_is_refused(world: World) -> None:
    code = world.voucher(world.campaign(limit_per_customer=5), world.customer()).code
    request = asked(world, code, key="k-1")
    redeem(request)
    other = Basket((line(1_999),))

    with pytest.raises(KeyReused):
        redeem(replace(request, basket=other, till_reference="R-2"))
    with pytest.raises(RedemptionReferenceReused):
        redeem(replace(request, basket=other, key="k-2"))
    assert traces(world) == (1, 1, 1, 1, 1)


def test_redemption_keeps_what_it_counted_and_what_it_took_off_which_line(world: World) -> None:
    customer = world.customer()
    code = world.voucher(world.campaign(skus=["milk"], limit_total=9), customer).code
    basket = Basket((line(100), line(700, sku="tea"), line(200)))

    made = redeem(asked(world, code, basket=basket))

    assert made.lines == ((0, 100), (2, 200))
    assert set(made.counted) == {("total", "uses", "", 1), (f"customer:{customer}", "uses", "", 1)}
    assert redeem(asked(world, code, basket=basket)).counted == made.counted


def test_tombstone_refuses_the_redemption_that_comes_late(world: World) -> None:
    code = world.voucher(world.campaign(), world.customer()).code
    with transaction() as session:
        reversals.reverse(session, world.till, "R-1", at=NOW)

    with pytest.raises(PaymentReversed):
        redeem(asked(world, code))
    assert traces(world) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("coupon_minor", [0, 300])
def test_reference_of_a_payment_is_not_a_redemptions(world: World, coupon_minor: int) -> None:
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False}, limit_per_customer=2)
    customer = world.customer()
    code = world.voucher(campaign, customer).code
    basket = Basket((line(coupon_minor=coupon_minor),))
    with transaction() as session:
        checkouts.take(session, world.checkout(customer, till_reference="R-1"), now=NOW)

    with pytest.raises(TillReferenceReused):
        redeem(asked(world, code, basket=basket))
    assert traces(world) == (0, 0, 0, 0, 0)
    assert redeem(asked(world, code, basket=basket, till_reference="R-2")).amount_minor == coupon_minor


def test_coupon_that_takes_nothing_off_is_used_all_the_same(world: World) -> None:
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False})
    code = world.voucher(campaign, world.customer()).code

    made = redeem(asked(world, code))

    assert (made.amount_minor, made.transfer_id, made.lines) == (0, None, ())
    assert traces(world) == (1, 1, 1, 0, 1)
    [event] = world.events("voucher.redeemed")
    assert event == made.fact.payload()


def test_event_says_what_the_redemption_says(world: World) -> None:
    made = redeem(asked(world, world.voucher(world.campaign(), world.customer()).code))

    [event] = world.events("voucher.redeemed")
    assert event == made.fact.payload()


def test_first_redemption_at_a_merchant_opens_its_account(world: World) -> None:
    code = world.voucher(world.campaign(), world.customer()).code
    elsewhere = replace(world.till, merchant_id=ids.new())

    redeem(asked(world, code, till=elsewhere))

    assert world.balance(f"merchant:{elsewhere.merchant_id}", "payable") == 500
    with transaction() as session:
        assert checks.first_difference(connection_of(session)) is None


@contextmanager
def reference_taken(world: World) -> Iterator[None]:
    """Hold the till's reference as a twin in flight does, and let go of it without a redemption."""
    with transaction() as session:
        connection_of(session).execute(
            """
            INSERT INTO rewards.redemption (id, voucher_id, campaign_id, merchant_id, store_id, terminal_id,
                                            till_reference, amount_minor, currency, state, redeemed_at)
            SELECT gen_random_uuid(), id, campaign_id, %s, %s, %s, 'R-1', 0, 'USD', 'succeeded', now()
              FROM rewards.voucher LIMIT 1
            """,
            [world.till.merchant_id, world.till.store_id, world.till.terminal_id],
        )
        yield
        session.rollback()


def while_looked_up(world: World, request: Request, change: Callable[[], object], *, at=NOW) -> Redemption:
    """Redeem, and let something change between the look-up and the call."""
    with ThreadPoolExecutor(1) as pool:
        with reference_taken(world):
            redeemed: Future[Redemption] = pool.submit(redeem, request, at=at)
            until_somebody_waits()
            change()
        return redeemed.result(30)


def pause(campaign_id: UUID) -> None:
    with transaction() as session:
        campaigns.pause(session, campaign_id=campaign_id, actor="staff:test", now=NOW)


def test_campaign_paused_after_the_look_up_is_not_used_any_more(world: World) -> None:
    campaign = world.campaign()
    code = world.voucher(campaign, world.customer()).code

    with pytest.raises(CampaignNotRunning) as refusal:
        while_looked_up(world, asked(world, code), lambda: pause(campaign))

    assert refusal.value.facts["campaign_status"] == "paused"
    assert traces(world) == (0, 0, 0, 0, 0)


def test_coupon_used_elsewhere_after_the_look_up_is_used_up(world: World) -> None:
    code = world.voucher(world.campaign(), world.customer()).code
    elsewhere = asked(world, code, till_reference="R-2")

    with pytest.raises(VoucherUsedUp) as refusal:
        while_looked_up(world, asked(world, code), lambda: redeem(elsewhere))

    assert refusal.value.facts == {"used": 1, "limit": 1, "voucher": 0}
    assert traces(world) == (1, 1, 1, 1, 1)


def test_coupon_that_is_a_friends_by_now_is_not_used_for_who_had_it(world: World) -> None:
    given, friend = world.voucher(world.campaign(), world.customer()), world.customer()

    def hand_over() -> None:
        with transaction() as session:
            connection_of(session).execute(
                "UPDATE rewards.voucher SET customer_id = %s, code_index = '\\x00' WHERE id = %s", [friend, given.id]
            )

    with pytest.raises(VoucherUnknown):
        while_looked_up(world, asked(world, given.code), hand_over)
    assert traces(world) == (0, 0, 0, 0, 0)


def test_gift_card_partly_spent_after_the_look_up_gives_what_is_left(world: World) -> None:
    card = world.voucher(world.gift_campaign(2_500), world.customer())
    elsewhere = asked(world, card.code, till_reference="R-2")

    made = while_looked_up(world, asked(world, card.code), lambda: redeem(elsewhere))

    assert (made.amount_minor, world.gift(card)) == (500, 0)


def test_refusal_leaves_no_trace(world: World) -> None:
    coupon = world.voucher(world.campaign(voucher_days=1), world.customer())

    with pytest.raises(VoucherExpired):
        redeem(asked(world, coupon.code), at=NOW + timedelta(days=1))

    assert traces(world) == (0, 0, 0, 0, 0)


def test_redemption_within_a_transaction_goes_with_it(world: World) -> None:
    code = world.voucher(world.campaign(), world.customer()).code
    elsewhere = replace(world.till, merchant_id=ids.new())

    with pytest.raises(Refusal), transaction() as session:
        redeeming.redeem(connection_of(session), asked(world, code, till=elsewhere), at=NOW)
        raise Refusal

    assert traces(world) == (0, 0, 0, 0, 0)
