"""Asking for money: paid once, declined, cancelled, or lapsed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.errors import PhoneInvalid
from core import ids
from core.errors import Forbidden, NotFound
from tests.wallet.peers.conftest import (
    ANNA,
    BEN,
    NOBODYS,
    NOW,
    WEEK,
    announced,
    bring,
    cash,
    check_books,
    customer,
    do,
    set_limits,
    settle,
)
from tests.wallet.peers.test_claims import at_once
from wallet import standing
from wallet.errors import AccountClosed, AccountFrozen, CurrencyUnknown, InsufficientFunds, LimitExceeded
from wallet.peers import links, request_payments, requests
from wallet.peers.errors import (
    LinkUnknown,
    MoneyRequestEnded,
    ReceiverCannotTake,
    SelfTransfer,
    TooManyMoneyRequests,
)
from wallet.peers.models import MoneyRequest, Sending
from wallet.peers.request_payments import Paying
from wallet.peers.requests import NewMoneyRequest


def ask(requester_id: UUID, phone: str | None, amount_minor: int = 1000, **more: Any) -> MoneyRequest:
    named: dict[str, Any] = {"currency": "USD", **more}
    new = NewMoneyRequest(requester_id=requester_id, phone=phone, amount_minor=amount_minor, **named)
    asked: MoneyRequest = do(requests.ask, new, now=NOW)
    return asked


def pay(request: MoneyRequest, payer_id: UUID, *, now: Any = NOW, **more: Any) -> Sending:
    named = {"principal": f"customer:{payer_id}", "key": str(ids.new()), "fingerprint": b"same", **more}
    paid: Sending = do(request_payments.pay, Paying(payer_id=payer_id, request_id=request.id, **named), now=now)
    return paid


def now_of(request: MoneyRequest) -> MoneyRequest:
    found: MoneyRequest = do(requests.find, request.id, customer_id=request.requester_id)
    return found


def test_who_is_asked_pays_whole_and_once(anna: UUID, ben: UUID) -> None:
    request = ask(ben, ANNA, note="Pizza")

    paid = pay(request, anna, key="k")
    again = pay(request, anna, key="k")

    assert (paid.state, paid.receiver_id, again.id) == ("completed", ben, paid.id)
    with pytest.raises(MoneyRequestEnded) as ended:
        pay(request, anna)
    assert ended.value.facts == {"outcome": "paid"}
    assert (cash(anna), cash(ben), now_of(request).state) == ((9000, 0), (1000, 0), "paid")
    assert announced("money.requested", "money_request.paid", "money.received") == [
        ("money.requested", anna), ("money_request.paid", ben), ("money.received", ben),
    ]  # fmt: skip
    check_books()


def test_nobody_else_pays_or_sees_what_one_number_is_asked(anna: UUID, ben: UUID, clara: UUID) -> None:
    request = ask(ben, ANNA)

    for code in (None, "wrong"):
        with pytest.raises(NotFound):
            pay(request, clara, code=code)
    with pytest.raises(NotFound):
        do(requests.find, request.id, customer_id=clara)
    with pytest.raises(NotFound):
        do(requests.decline, request.id, payer_id=clara, now=NOW)


def test_nobody_asks_or_pays_themselves(anna: UUID) -> None:
    with pytest.raises(SelfTransfer):
        ask(anna, ANNA)
    request = ask(anna, None)
    with pytest.raises(SelfTransfer):
        pay(request, anna, code=links.code_of(request.id))


def test_bad_numbers_currencies_and_closed_wallets_are_refused(ben: UUID) -> None:
    with pytest.raises(PhoneInvalid):
        ask(ben, "12")
    with pytest.raises(CurrencyUnknown):
        ask(ben, ANNA, currency="EUR")
    settle()
    do(standing.close, f"customer:{ben}")
    with pytest.raises(AccountClosed):
        ask(ben, ANNA)


def test_whoever_has_the_link_can_pay_it_once(anna: UUID, ben: UUID, clara: UUID) -> None:
    request = ask(ben, None)
    code = links.code_of(request.id)
    do(bring, clara, 1000)

    assert do(requests.by_code, code).id == request.id
    with pytest.raises(LinkUnknown):
        do(requests.by_code, code[:-1])
    assert pay(request, anna, code=code).state == "completed"
    with pytest.raises(MoneyRequestEnded):
        pay(request, clara, code=code)


def test_of_two_who_pay_a_link_at_once_one_does(anna: UUID, ben: UUID, clara: UUID) -> None:
    request = ask(ben, None)
    code = links.code_of(request.id)
    do(bring, clara, 1000)

    outcomes = at_once(lambda: pay(request, anna, code=code), lambda: pay(request, clara, code=code))

    assert sorted(outcomes) == ["MoneyRequestEnded", "completed"]
    assert cash(ben) == (1000, 0)


def test_paying_and_declining_at_once_end_one_way(anna: UUID, ben: UUID) -> None:
    request = ask(ben, ANNA)

    at_once(lambda: pay(request, anna), lambda: do(requests.decline, request.id, payer_id=anna, now=NOW))

    assert cash(ben) == ((1000, 0) if now_of(request).state == "paid" else (0, 0))
    assert now_of(request).state in ("paid", "declined")


def test_a_payer_needs_the_money_the_limits_and_an_open_wallet(anna: UUID, ben: UUID) -> None:
    request = ask(ben, ANNA, 10_001)
    with pytest.raises(InsufficientFunds):
        pay(request, anna)

    request = ask(ben, ANNA, 1001)
    set_limits("send", {"per_transfer": 1000})
    with pytest.raises(LimitExceeded):
        pay(request, anna)
    do(standing.freeze, f"customer:{anna}")
    with pytest.raises(AccountFrozen):
        pay(ask(ben, ANNA, 1000), anna)
    assert (cash(anna), now_of(request).state) == ((10_000, 0), "open")


def test_a_requester_who_cannot_take_it_is_not_explained(anna: UUID, ben: UUID) -> None:
    request = ask(ben, ANNA)
    set_limits("load", {"ceiling": 999})

    with pytest.raises(ReceiverCannotTake) as refused:
        pay(request, anna)
    assert refused.value.facts == {}
    assert (cash(anna), now_of(request).state) == ((10_000, 0), "open")


def test_declining_and_cancelling_are_each_for_one_side(anna: UUID, ben: UUID) -> None:
    declined, cancelled = ask(ben, ANNA), ask(ben, ANNA)
    with pytest.raises(Forbidden):
        do(requests.decline, declined.id, payer_id=ben, now=NOW)
    with pytest.raises(Forbidden):
        do(requests.cancel, cancelled.id, requester_id=anna, now=NOW)

    for _ in range(2):
        assert do(requests.decline, declined.id, payer_id=anna, now=NOW).state == "declined"
        assert do(requests.cancel, cancelled.id, requester_id=ben, now=NOW).state == "cancelled"
    with pytest.raises(MoneyRequestEnded):
        pay(declined, anna)
    with pytest.raises(MoneyRequestEnded):
        do(requests.decline, cancelled.id, payer_id=anna, now=NOW)
    assert announced("money_request.declined", "money_request.cancelled") == [
        ("money_request.declined", ben), ("money_request.cancelled", anna),
    ]  # fmt: skip


def test_a_request_lapses_at_its_instant(anna: UUID, ben: UUID) -> None:
    early, late = ask(ben, ANNA), ask(ben, ANNA)

    assert pay(early, anna, now=NOW + WEEK - timedelta(microseconds=1)).state == "completed"
    with pytest.raises(MoneyRequestEnded) as ended:
        pay(late, anna, now=NOW + WEEK)
    assert ended.value.facts == {"outcome": "lapsed"}
    assert requests.lapse_due(NOW + WEEK - timedelta(microseconds=1)) == 0
    assert requests.lapse_due(NOW + WEEK) == 1
    assert requests.lapse_due(NOW + WEEK) == 0

    assert now_of(late).state == "lapsed"
    assert announced("money_request.lapsed") == [("money_request.lapsed", ben)]


def test_who_signs_up_later_finds_what_their_number_is_asked(anna: UUID, ben: UUID) -> None:
    request = ask(ben, NOBODYS)
    assert request.phone_index is not None

    newcomer = customer(NOBODYS, 1000)
    settle()

    [found] = do(requests.list_, customer_id=newcomer, direction="in", before=None, limit=10)
    assert (found.id, found.phone_index) == (request.id, None)
    assert pay(request, newcomer).state == "completed"


def test_somebody_can_be_asked_five_times_an_hour(anna: UUID, ben: UUID, clara: UUID) -> None:
    for _ in range(5):
        ask(ben, ANNA)

    with pytest.raises(TooManyMoneyRequests) as refused:
        ask(ben, ANNA)
    assert refused.value.retry_after_seconds == 3600
    ask(ben, NOBODYS)
    ask(clara, ANNA)
    for _ in range(24):
        ask(ben, None)
    with pytest.raises(TooManyMoneyRequests):
        ask(ben, None)


def test_requests_are_listed_by_direction_latest_first(anna: UUID, ben: UUID) -> None:
    mine, theirs = ask(anna, BEN), ask(ben, ANNA)

    def listed(direction: str | None) -> list[UUID]:
        return [one.id for one in do(requests.list_, customer_id=anna, direction=direction, before=None, limit=10)]

    assert (listed("out"), listed("in"), listed(None)) == ([mine.id], [theirs.id], [theirs.id, mine.id])
