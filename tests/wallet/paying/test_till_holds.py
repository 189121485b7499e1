"""Value that a till holds: promised to it alone, taken in parts, and the customer's again at the end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import transaction
from core.errors import NotFound
from tests.wallet.conftest import NOW
from tests.wallet.paying.conftest import Shop
from wallet import holds, limits, standing
from wallet.errors import (
    AccountClosed,
    CaptureExceedsHold,
    CurrencyUnknown,
    HoldEnded,
    HoldExpired,
    InsufficientFunds,
    LimitExceeded,
)
from wallet.paying import captures, till_holds
from wallet.paying.captures import Caught
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.till_holds import TillHold

EXPIRES = NOW + timedelta(hours=1)


def place(shop: Shop, customer_id: UUID, amount: int = 1000, reference: str | None = None, **more: Any) -> UUID:
    with transaction() as session:
        asked = TillHold(
            till=shop.till, customer_id=customer_id, amount_minor=amount, expires_at=EXPIRES,
            till_reference=reference or str(ids.new()), **({"at": NOW, "currency": "USD"} | more),
        )  # fmt: skip
        return till_holds.place(session, asked).transfer_id


def capture(shop: Shop, hold_id: UUID, amount: int | None = None, *, key: str | None = None, **more: Any) -> Any:
    with transaction() as session:
        given = {"till": shop.till, "at": NOW} | more
        caught = Caught(principal="test", key=key or str(ids.new()), fingerprint=b"", amount_minor=amount, **given)
        return captures.capture(session, hold_id, caught)


def void(shop: Shop, hold_id: UUID) -> None:
    with transaction() as session:
        till_holds.void(session, hold_id, till=shop.till, principal="test", key=str(ids.new()), fingerprint=b"", at=NOW)


def test_held_value_cannot_be_spent_and_the_rest_can(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000, promotional=200)
    place(shop, customer_id, 900)

    with pytest.raises(InsufficientFunds):
        shop.take(customer_id, 301)
    shop.take(customer_id, 300)

    assert shop.owed == 300
    shop.check()


def test_captures_take_what_was_promised_in_its_order(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000, promotional=200, points=500)
    card = shop.gift_card(customer_id, 300)
    hold_id = place(shop, customer_id, 1000)

    first, second = capture(shop, hold_id, 400), capture(shop, hold_id, 500, tip_minor=50)

    assert first.details["parts"] == [
        {"kind": "promotional", "amount_minor": 200},
        {"kind": "gift_card", "amount_minor": 200, "voucher_id": str(card)},
    ]
    assert [(part["kind"], part["amount_minor"]) for part in second.details["parts"]] == [
        ("gift_card", 100), ("cash", 400),
    ]  # fmt: skip
    assert (shop.owed, shop.held(customer_id)["points"]) == (900, 500)
    assert len(shop.events("payment.completed")) == 2
    shop.refund(second.transfer_id, 250)
    assert shop.owed == 650
    shop.check()


def test_final_capture_and_void_free_the_rest(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    capture(shop, place(shop, customer_id, 1000), 400, is_final=True)
    void(shop, place(shop, customer_id, 600))

    shop.take(customer_id, 600)

    assert shop.owed == 1000
    [event] = shop.events("hold.voided")
    assert event["amount_minor"] == 600


def test_no_more_is_captured_than_is_left(shop: Shop) -> None:
    hold_id = place(shop, shop.customer(cash=1000), 1000)
    capture(shop, hold_id, 600)

    with pytest.raises(CaptureExceedsHold) as refused:
        capture(shop, hold_id, 401)
    capture(shop, hold_id)

    assert refused.value.facts == {"left_minor": 400}
    with pytest.raises(HoldEnded):
        capture(shop, hold_id, 1)
    with pytest.raises(HoldEnded):
        void(shop, hold_id)
    assert shop.owed == 1000


def test_hold_lasts_until_its_time(shop: Shop) -> None:
    hold_id = place(shop, shop.customer(cash=1000), 1000)

    capture(shop, hold_id, 1, at=EXPIRES - timedelta(microseconds=1))
    with pytest.raises(HoldExpired):
        capture(shop, hold_id, 1, at=EXPIRES)
    with transaction() as session:
        holds.expire_due(session, now=EXPIRES)
    with pytest.raises(HoldExpired):
        capture(shop, hold_id, 1, at=EXPIRES)

    assert shop.owed == 1


def test_hold_of_another_merchant_is_not_there(shop: Shop) -> None:
    hold_id = place(shop, shop.customer(cash=1000), 1000)
    stranger = replace(shop, till=replace(shop.till, merchant_id=ids.new()))

    for deed in (capture, void):
        with pytest.raises(NotFound):
            deed(stranger, hold_id)
    with pytest.raises(NotFound), transaction() as session:
        till_holds.of_merchant(session, hold_id, stranger.till.merchant_id)


def test_same_hold_under_its_reference_is_the_one_that_stands(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)

    hold_id = place(shop, customer_id, 1000, "B-1")

    assert place(shop, customer_id, 1000, "B-1") == hold_id
    with pytest.raises(TillReferenceReused):
        place(shop, customer_id, 999, "B-1")
    with pytest.raises(TillReferenceReused):
        shop.take(shop.customer(cash=1000), 1000, reference="B-1")


def test_capture_again_under_its_key_is_the_first(shop: Shop) -> None:
    hold_id = place(shop, shop.customer(cash=1000), 1000)

    first, again = (capture(shop, hold_id, 600, key="k") for _ in range(2))

    assert (again.transfer_id, again.replayed) == (first.transfer_id, True)
    assert shop.owed == 600


def test_reversal_lets_a_hold_go_whose_answer_was_lost(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    place(shop, customer_id, 1000, "B-1")

    first, again = shop.reverse("B-1"), shop.reverse("B-1", at=NOW + timedelta(minutes=1))

    assert (first.payment_id, first.reversed_at, again) == (None, NOW, first)
    shop.take(customer_id, 1000)
    with pytest.raises(PaymentReversed):
        place(shop, customer_id, 1000, "B-1")


def test_reversal_after_the_holds_time_is_the_same_before_and_after_due_work(shop: Shop) -> None:
    place(shop, shop.customer(cash=1000), 1000, "B-1")

    before = shop.reverse("B-1", at=EXPIRES)
    with transaction() as session:
        holds.expire_due(session, now=EXPIRES + timedelta(minutes=1))
    after = shop.reverse("B-1", at=EXPIRES + timedelta(minutes=2))

    assert (before.payment_id, before.reversed_at, after) == (None, EXPIRES, before)


def test_reversal_before_the_hold_refuses_it(shop: Shop) -> None:
    shop.reverse("B-1")

    with pytest.raises(PaymentReversed):
        place(shop, shop.customer(cash=1000), 1000, "B-1")


def test_hold_that_was_captured_is_not_reversed(shop: Shop) -> None:
    capture(shop, place(shop, shop.customer(cash=1000), 1000, "B-1"), 1)

    with pytest.raises(TillReferenceReused):
        shop.reverse("B-1")


def test_customer_sees_what_is_held(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    first, second = place(shop, customer_id, 100, "B-1"), place(shop, customer_id, 200, "B-2")
    void(shop, first)

    with transaction() as session:
        seen = till_holds.of_customer(session, customer_id, before=None, limit=10)
        after = till_holds.of_customer(session, customer_id, before=second, limit=10)

        assert [(hold.id, reference, till_holds.state_of(hold, now=NOW)) for hold, reference in seen] == [
            (second, "B-2", "open"), (first, "B-1", "voided"),
        ]  # fmt: skip
        assert [hold.id for hold, _ in after] == [first]
        assert till_holds.state_of(seen[0][0], now=EXPIRES) == "expired"


def test_hold_tells_a_closed_wallet_and_a_currency_never_held_from_want_of_funds(shop: Shop) -> None:
    closed = shop.customer()
    with transaction() as session:
        standing.close(session, f"customer:{closed}")

    with pytest.raises(AccountClosed):
        place(shop, closed)
    for currency in ("PTS", "EUR"):
        with pytest.raises(CurrencyUnknown):
            place(shop, shop.customer(cash=1000), currency=currency)


def test_hold_that_stands_is_answered_again_whatever_became_of_the_wallet(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    shop.gift_card(customer_id, 500)
    first = place(shop, customer_id, 100, "table 7")

    with transaction() as session:
        standing.freeze(session, f"customer:{customer_id}")

    assert place(shop, customer_id, 100, "table 7") == first


def test_till_is_not_told_what_its_customer_has_left_of_a_limit(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    with transaction() as session:
        limits.set_rule(session, tier="basic", scope="pay", asset="USD", measures={"per_day": 500}, now=NOW)
    shop.take(customer_id, 200)

    for deed in (lambda: shop.take(customer_id, 301), lambda: place(shop, customer_id, 301)):
        with pytest.raises(LimitExceeded) as refused:
            deed()
        assert refused.value.facts == {}
    place(shop, customer_id, 300)
