"""In the app: a scanned store or basket, or a merchant by name, out of the sources that the customer chose."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core import ids
from core.db import transaction
from core.errors import InvalidInput, Refusal
from core.idempotency import KeyReused
from tests.wallet.conftest import NOW
from tests.wallet.paying.conftest import Shop
from wallet import accounts, answers, limits, lots, standing
from wallet.errors import (
    AccountClosed,
    AccountFrozen,
    CurrencyUnknown,
    InsufficientFunds,
    LimitExceeded,
    MerchantUnknown,
)
from wallet.paying import codes, emvco, mixed, preferences, requests
from wallet.paying.errors import (
    AmountMissing,
    AmountNotAsked,
    CodeAltered,
    GiftCardUnknown,
    PaymentRequestCancelled,
    PaymentRequestExpired,
    PaymentRequestPaid,
    TillReferenceReused,
    TipNotAllowed,
)
from wallet.paying.splits import Source
from wallet.transfers import LotMove, Posted


def test_store_code_pays_what_the_customer_says(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)

    posted = shop.pay(customer_id, code=shop.store_code(), amount_minor=250, tip_minor=50)

    assert (posted.details["store_id"], posted.details["tip_minor"]) == (str(shop.till.store_id), 50)
    assert shop.owed == 300
    with pytest.raises(AmountMissing):
        shop.pay(customer_id, code=shop.store_code())


def test_basket_code_pays_exactly_what_it_costs_once(shop: Shop) -> None:
    request = shop.ask(1000)
    customer_id, other = shop.customer(cash=2000), shop.customer(cash=2000)
    code = shop.code_of(request)

    with pytest.raises(AmountNotAsked) as refused:
        shop.pay(customer_id, code=code, amount_minor=999)
    posted = shop.pay(customer_id, code=code, amount_minor=1000)

    assert refused.value.facts == {"amount_minor": 1000, "currency": "USD"}
    for again in (customer_id, other):
        with pytest.raises(PaymentRequestPaid):
            shop.pay(again, code=code)
    assert shop.owed == 1000
    assert shop.rows("SELECT state, payment_id FROM wallet.payment_request") == [("paid", posted.transfer_id)]


def test_sixteen_customers_at_one_basket_pay_it_once(shop: Shop) -> None:
    code = shop.code_of(shop.ask(1000))
    customers = [shop.customer(cash=1000) for _ in range(16)]

    def paid(customer_id: object) -> str:
        try:
            shop.pay(customer_id, code=code)  # type: ignore[arg-type]
        except Refusal as refusal:
            return refusal.code
        return "paid"

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(paid, customers))

    assert sorted(outcomes) == ["paid", *["payment_request_paid"] * 15]
    assert shop.owed == 1000
    assert sum(shop.held(customer_id)["cash"] for customer_id in customers) == 15_000


def test_customer_who_scans_while_the_till_takes_and_cancels(shop: Shop) -> None:
    """Of a scan, the till's own taking and a cancelling of one basket at once, one is first."""
    customers = [(shop.customer(cash=100), shop.customer(cash=100)) for _ in range(6)]
    asked = [shop.ask(100, reference=f"B-{place}") for place in range(6)]

    def at_once(deed: int) -> str:
        place, kind = divmod(deed, 3)
        scanner, shower = customers[place]
        try:
            if kind == 0:
                shop.pay(scanner, code=shop.code_of(asked[place]))
            elif kind == 1:
                shop.take(shower, 100, reference=f"B-{place}")
            else:
                with transaction() as session:
                    requests.cancel(session, asked[place].id, terminal_id=shop.till.terminal_id, now=NOW)
                return "cancelled"
        except Refusal as refusal:
            return refusal.code
        return "paid"

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(at_once, range(18)))

    for place in range(6):
        assert sum(outcome in ("paid", "cancelled") for outcome in outcomes[place * 3 : place * 3 + 3]) == 1, outcomes
    assert shop.owed == 100 * outcomes.count("paid")
    closed = "SELECT count(*) FROM wallet.payment_request WHERE state = 'paid'"
    assert shop.rows(closed) == [(outcomes.count("paid"),)]


def test_basket_expires(shop: Shop) -> None:
    request = shop.ask(1000)
    customer_id = shop.customer(cash=1000)

    with pytest.raises(PaymentRequestExpired):
        shop.pay(customer_id, code=shop.code_of(request), at=request.expires_at)
    shop.pay(customer_id, code=shop.code_of(request), at=request.expires_at - timedelta(microseconds=1))


def test_cancelled_basket_is_not_paid_and_a_paid_one_not_cancelled(shop: Shop) -> None:
    first, second = shop.ask(100), shop.ask(100)
    customer_id = shop.customer(cash=1000)
    shop.pay(customer_id, code=shop.code_of(second))

    with transaction() as session:
        requests.cancel(session, first.id, terminal_id=shop.till.terminal_id, now=NOW)

    with pytest.raises(PaymentRequestCancelled):
        shop.pay(customer_id, code=shop.code_of(first))
    with pytest.raises(PaymentRequestPaid), transaction() as session:
        requests.cancel(session, second.id, terminal_id=shop.till.terminal_id, now=NOW)


def test_tip_goes_where_the_till_takes_one(shop: Shop) -> None:
    customer_id = shop.customer(cash=1100)
    with pytest.raises(TipNotAllowed):
        shop.pay(customer_id, code=shop.code_of(shop.ask(1000)), tip_minor=1)
    request = shop.ask(1000, tip_allowed=True)

    shop.pay(customer_id, code=shop.code_of(request), tip_minor=100)

    assert shop.owed == 1100
    assert shop.rows("SELECT tip_minor FROM wallet.payment_request WHERE id = %s", request.id) == [(100,)]


def test_asking_again_is_the_same_request_and_something_else_is_refused(shop: Shop) -> None:
    request = shop.ask(1000, reference="B-1")

    assert shop.ask(1000, reference="B-1").id == request.id
    with pytest.raises(TillReferenceReused):
        shop.ask(1001, reference="B-1")
    shop.take(shop.customer(cash=5), 5, reference="B-2")
    with pytest.raises(TillReferenceReused):
        shop.ask(5, reference="B-2")


def test_code_cannot_ask_for_more_than_it_can_say(shop: Shop) -> None:
    most = emvco.largest_amount("USD")

    assert shop.ask(most).amount_minor == most
    with pytest.raises(InvalidInput):
        shop.ask(most + 1)
    with pytest.raises(CurrencyUnknown):
        shop.ask(1, currency="PTS")


def test_key_of_a_scanned_payment_names_nothing_else(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    shop.pay(customer_id, code=shop.code_of(shop.ask(100)), key="k")

    with pytest.raises(KeyReused):
        shop.pay(customer_id, code=shop.code_of(shop.ask(200)), key="k", fingerprint=b"other")
    with pytest.raises(KeyReused):
        shop.pay(customer_id, code=shop.store_code(), amount_minor=5, key="k", fingerprint=b"other")
    assert shop.owed == 100


def test_code_of_a_store_that_closed_pays_nobody(shop: Shop) -> None:
    code = shop.store_code()
    with transaction() as session:
        session.execute(text("UPDATE auth.store SET status = 'suspended'"))

    with pytest.raises(MerchantUnknown):
        shop.pay(shop.customer(cash=5), code=code, amount_minor=5)


def test_another_currency_than_the_codes_is_invalid(shop: Shop) -> None:
    with pytest.raises(InvalidInput):
        shop.pay(shop.customer(cash=5), code=shop.store_code(), amount_minor=5, currency="EUR")


def test_reading_a_code_tells_whom_it_pays(shop: Shop) -> None:
    with transaction() as session:
        seen = codes.read(session, shop.code_of(shop.ask(1250, tip_allowed=True)), now=NOW)

    assert (seen.merchant_name, seen.store_name, seen.amount_minor, seen.tip_allowed) == (
        "Corner Shop", "Main Street", 1250, True,
    )  # fmt: skip


def test_named_sources_give_in_their_order_up_to_their_limits(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000, promotional=1000, points=1000)
    soon, later = shop.gift_card(customer_id, 300, days=10), shop.gift_card(customer_id, 300)

    posted = shop.pay(
        customer_id,
        Source(kind="cash", most_minor=100),
        Source(kind="gift_card", voucher_id=later, most_minor=50),
        Source(kind="points", most_minor=25),
        Source(kind="gift_card"),
        Source(kind="promotional"),
        merchant_id=shop.till.merchant_id, amount_minor=1000, currency="USD",
    )  # fmt: skip

    given = [(part["kind"], part["amount_minor"], part.get("voucher_id")) for part in posted.details["parts"]]
    assert given == [
        ("cash", 100, None), ("gift_card", 50, str(later)), ("points", 25, None), ("gift_card", 300, str(soon)),
        ("promotional", 525, None),
    ]  # fmt: skip


def test_sources_that_are_not_named_give_nothing(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000, promotional=100)

    with pytest.raises(InsufficientFunds):
        shop.pay(
            customer_id, Source(kind="promotional"), merchant_id=shop.till.merchant_id, amount_minor=101, currency="USD"
        )


def test_gift_card_of_somebody_else_is_unknown(shop: Shop) -> None:
    customer_id = shop.customer(cash=100)
    named = {"merchant_id": shop.till.merchant_id, "amount_minor": 1, "currency": "USD"}

    for voucher_id in (ids.new(), shop.gift_card(shop.customer(), 100)):
        with pytest.raises(GiftCardUnknown):
            shop.pay(customer_id, Source(kind="gift_card", voucher_id=voucher_id), **named)


def test_gift_card_of_a_frozen_customer_pays_nothing(shop: Shop) -> None:
    customer_id = shop.customer()
    card = Source(kind="gift_card", voucher_id=shop.gift_card(customer_id, 100))
    named = {"merchant_id": shop.till.merchant_id, "amount_minor": 1, "currency": "USD"}
    with transaction() as session:
        standing.freeze(session, f"customer:{customer_id}")

    with pytest.raises(AccountFrozen):
        shop.pay(customer_id, card, **named)


def test_customers_own_order_holds_where_a_payment_does_not_say(shop: Shop) -> None:
    customer_id = shop.customer(cash=100, promotional=100)
    with transaction() as session:
        assert preferences.of_customer(session, customer_id) == ("promotional", "gift_card", "points", "cash")
        preferences.put(session, customer_id, ["cash", "promotional"], now=NOW)

    shop.pay(customer_id, code=shop.store_code(), amount_minor=150)

    assert (shop.held(customer_id)["cash"], shop.held(customer_id)["promotional"]) == (0, 50)
    shop.take(customer_id, 50, order=("promotional",))
    assert shop.owed == 200


@pytest.mark.parametrize("changes", [{"amount_minor": 1}, {"amount_minor": None}, {"currency": "EUR"}])
def test_code_that_was_rewritten_is_refused(shop: Shop, changes: dict[str, Any]) -> None:
    said = emvco.decode(shop.code_of(shop.ask(1000)), guid="app.pocketful")

    with pytest.raises(CodeAltered):
        shop.pay(shop.customer(cash=1000), code=emvco.encode(replace(said, **changes)))


def test_code_of_no_basket_is_refused(shop: Shop) -> None:
    said = emvco.decode(shop.code_of(shop.ask(1000)), guid="app.pocketful")

    with pytest.raises(PaymentRequestCancelled):
        shop.pay(shop.customer(cash=1000), code=emvco.encode(replace(said, request_id=ids.new())))


@pytest.mark.parametrize("rate", [None, (100, 100)])
def test_points_pay_in_the_brands_currency_where_they_have_a_price(shop: Shop, rate: tuple[int, int] | None) -> None:
    answers.register(answers.Answers(points_rate=rate))
    customer_id = shop.customer(points=500)
    named = {"merchant_id": shop.till.merchant_id, "amount_minor": 500}

    with pytest.raises(CurrencyUnknown):
        shop.pay(customer_id, Source(kind="points"), currency="EUR", **named)
    if rate is None:
        with pytest.raises(InsufficientFunds):
            shop.pay(customer_id, Source(kind="points"), currency="USD", **named)
    else:
        shop.pay(customer_id, Source(kind="points"), currency="USD", **named)


def test_frozen_wallet_pays_nothing(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000, promotional=100)
    with transaction() as session:
        standing.freeze(session, f"customer:{customer_id}")

    with pytest.raises(AccountFrozen):
        shop.take(customer_id, 50)
    assert shop.owed == 0


@pytest.mark.parametrize("sources", [[], [Source(kind="cash")], [Source(kind="promotional"), Source(kind="cash")]])
def test_frozen_wallet_is_told_as_frozen_whether_or_not_it_has_enough(shop: Shop, sources: list[Source]) -> None:
    customer_id = shop.customer(cash=1000, promotional=100)
    with transaction() as session:
        standing.freeze(session, f"customer:{customer_id}")

    for amount in (50, 5_000):
        with pytest.raises(AccountFrozen):
            shop.pay(customer_id, *sources, merchant_id=shop.till.merchant_id, amount_minor=amount, currency="USD")
        with pytest.raises(AccountFrozen):
            shop.take(customer_id, amount)


def test_tip_is_at_most_the_amount_itself(shop: Shop) -> None:
    customer_id = shop.customer(cash=10_000)
    named = {"merchant_id": shop.till.merchant_id, "amount_minor": 1000, "currency": "USD"}

    with pytest.raises(InvalidInput):
        shop.pay(customer_id, tip_minor=1001, **named)
    with pytest.raises(InvalidInput):
        shop.take(customer_id, 1000, tip=1001)
    with pytest.raises(InvalidInput):
        shop.pay(customer_id, code=shop.code_of(shop.ask(1000, tip_allowed=True)), tip_minor=1001)
    assert shop.owed == 0

    shop.pay(customer_id, tip_minor=1000, **named)
    shop.take(customer_id, 1000, tip=1000)
    assert shop.owed == 4000


def test_limit_of_the_customers_tier_counts_the_cash_of_a_mix(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000, promotional=100)
    with transaction() as session:
        limits.set_rule(session, tier="basic", scope="pay", asset="USD", measures={"per_transfer": 300}, now=NOW)

    with pytest.raises(LimitExceeded):
        shop.take(customer_id, 401)
    shop.take(customer_id, 400)


@pytest.mark.parametrize("currency", ["PTS", "EUR", "XXX"])
def test_currency_that_the_wallet_never_held_is_told_by_its_name(shop: Shop, currency: str) -> None:
    customer_id = shop.customer(cash=1000, points=1000)

    with pytest.raises(CurrencyUnknown):
        shop.take(customer_id, 100, currency=currency)
    for sources in ([], [Source(kind="cash")], [Source(kind="points"), Source(kind="cash")]):
        with pytest.raises(CurrencyUnknown):
            shop.pay(customer_id, *sources, merchant_id=shop.till.merchant_id, amount_minor=100, currency=currency)

    assert shop.held(customer_id) == {"cash": 1000, "points": 1000, "gift_card": 0}


def test_closed_wallet_is_told_from_an_empty_one(shop: Shop) -> None:
    closed, empty = shop.customer(), shop.customer()
    with transaction() as session:
        standing.close(session, f"customer:{closed}")

    for customer_id, refusal in ((closed, AccountClosed), (empty, InsufficientFunds)):
        with pytest.raises(refusal):
            shop.take(customer_id, 100)
        with pytest.raises(refusal):
            shop.pay(customer_id, merchant_id=shop.till.merchant_id, amount_minor=100, currency="USD")


def test_payment_and_refund_over_two_kinds_of_lots_wait_for_each_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_id = shop.customer()
    shop.give(accounts.points(customer_id), 1000)  # the older lot, so that a refund locks it first
    shop.give(accounts.promotional(customer_id, "USD"), 1000)
    mix = Source(kind="promotional", most_minor=100), Source(kind="points")
    asked = {"merchant_id": shop.till.merchant_id, "amount_minor": 101, "currency": "USD"}
    first = shop.pay(customer_id, *mix, **asked)
    take, is_between = lots.take, threading.Event()

    def take_slowly(*args: Any, **named: Any) -> list[LotMove]:
        moves = take(*args, **named)
        is_between.set()
        refunding.join(0.3)  # until it waits for a lot
        return moves

    refunds: list[Posted] = []
    refunding = threading.Thread(target=lambda: is_between.wait(5) and refunds.append(shop.refund(first.transfer_id)))
    refunding.start()
    monkeypatch.setattr(mixed.lots, "take", take_slowly)
    shop.pay(customer_id, *mix, **asked)
    refunding.join()

    assert len(refunds) == 1
    assert shop.held(customer_id) == {"promotional": 900, "points": 999, "cash": 0, "gift_card": 0}
    shop.check()
