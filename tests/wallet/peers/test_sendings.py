"""Sending money: at once to a customer, held for everybody else, refused where the sender cannot."""

from datetime import timedelta
from uuid import UUID

import pytest

from auth.errors import PhoneInvalid
from core import crypto, ids
from core.db import transaction
from core.errors import NotFound
from core.idempotency import KeyReused
from core.settings import Settings
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
    send,
    sending_now,
    set_limits,
    settle,
)
from wallet import assets, holds, limits, standing
from wallet.errors import AccountClosed, AccountFrozen, CurrencyUnknown, InsufficientFunds, LimitExceeded
from wallet.peers import claims, sendings
from wallet.peers.errors import SelfTransfer, SendingEnded


def test_customers_get_money_at_once(anna: UUID, ben: UUID) -> None:
    sending = send(anna, BEN, 1000, note="Pizza")

    assert (sending.state, sending.receiver_id, sending.hold_id) == ("completed", ben, None)
    assert (cash(anna), cash(ben)) == ((9000, 0), (1000, 0))
    assert announced("sending.created", "money.received", "sending.completed") == [
        ("sending.created", anna), ("money.received", ben), ("sending.completed", anna),
    ]  # fmt: skip
    check_books()


def test_money_for_a_number_without_account_is_held(anna: UUID) -> None:
    sending = send(anna, NOBODYS, 1000)

    assert (sending.state, sending.receiver_id, sending.expires_at) == ("pending", None, NOW + WEEK)
    assert cash(anna) == (10_000, 1000)
    assert announced("sending.created", "money.received") == [("sending.created", anna)]


def test_all_that_is_there_can_be_sent_and_one_more_cannot(anna: UUID, ben: UUID) -> None:
    with pytest.raises(InsufficientFunds):
        send(anna, BEN, 10_001)
    with pytest.raises(InsufficientFunds):
        send(anna, NOBODYS, 10_001)
    assert announced("sending.created") == []

    assert send(anna, BEN, 10_000).state == "completed"
    assert cash(anna) == (0, 0)


def test_held_money_cannot_be_sent_again(anna: UUID, ben: UUID) -> None:
    send(anna, NOBODYS, 9_000)

    with pytest.raises(InsufficientFunds):
        send(anna, BEN, 1_001)
    assert send(anna, BEN, 1_000).state == "completed"


def test_nobody_sends_money_to_their_own_number(anna: UUID) -> None:
    with pytest.raises(SelfTransfer):
        send(anna, "+1 (212) 555-0142")
    assert cash(anna) == (10_000, 0)


def test_what_is_no_number_is_refused(anna: UUID) -> None:
    for phone in ("2125550142", "+1", "tomorrow", ""):
        with pytest.raises(PhoneInvalid):
            send(anna, phone)


def test_only_currencies_of_the_wallet_can_be_sent(anna: UUID) -> None:
    for currency in ("EUR", "XXX", "PTS"):
        with pytest.raises(CurrencyUnknown):
            send(anna, BEN, currency=currency)


def test_money_opens_its_receivers_account_in_another_currency(anna: UUID, ben: UUID) -> None:
    assets.load(Settings(wallet_currencies="EUR"))
    try:
        with transaction() as session:
            limits.ensure_defaults(session, now=NOW)
            bring(session, anna, 1000, "EUR")
        settle()
        do(standing.freeze, f"customer:{ben}")

        assert send(anna, BEN, 400, currency="EUR").state == "completed"
        assert send(anna, NOBODYS, 600, currency="EUR").state == "pending"
        assert (cash(ben, "EUR"), cash(anna, "EUR"), cash(anna)) == ((400, 0), (600, 600), (10_000, 0))
        # A frozen wallet is frozen in each currency that comes to it.
        with pytest.raises(AccountFrozen):
            send(ben, ANNA, 400, currency="EUR")
    finally:
        assets.load(Settings())


def test_frozen_and_closed_wallets_send_nothing(anna: UUID, ben: UUID, clara: UUID) -> None:
    do(standing.freeze, f"customer:{anna}")
    for phone in (BEN, NOBODYS, None):
        with pytest.raises(AccountFrozen):
            send(anna, phone)

    customer_id = customer("+12125550150")
    settle()
    do(standing.close, f"customer:{customer_id}")
    with pytest.raises(AccountClosed):
        send(customer_id, BEN)


def test_limits_of_the_tier_hold_for_sendings_of_both_kinds(anna: UUID, ben: UUID) -> None:
    set_limits("send", {"per_day": 3000, "per_transfer": 2000})

    with pytest.raises(LimitExceeded) as over:
        send(anna, BEN, 2001)
    assert (over.value.facts["limit"], over.value.facts["left"]) == ("per_transfer", 2000)

    send(anna, BEN, 1500)
    send(anna, NOBODYS, 1500)
    for phone in (BEN, NOBODYS, None):
        with pytest.raises(LimitExceeded) as over:
            send(anna, phone, 1)
        assert (over.value.facts["limit"], over.value.facts["left"]) == ("per_day", 0)


def test_a_full_wallet_looks_like_a_number_without_account(anna: UUID, ben: UUID) -> None:
    set_limits("load", {"ceiling": 1500})

    assert send(anna, BEN, 1500).state == "completed"
    full, nobodys = send(anna, BEN, 1), send(anna, NOBODYS, 1)

    assert full.state == nobodys.state == "pending"
    assert (cash(anna), cash(ben)) == ((8500, 2), (1500, 0))
    check_books()


def test_a_closed_wallet_looks_like_a_number_without_account(anna: UUID, ben: UUID) -> None:
    settle()
    do(standing.close, f"customer:{ben}")

    assert send(anna, BEN, 1000).state == "pending"
    assert (cash(anna), cash(ben)) == ((10_000, 1000), (0, 0))


def test_a_frozen_wallet_takes_money_and_a_new_currency_does_not_thaw_it(anna: UUID, ben: UUID) -> None:
    settle()
    do(standing.freeze, f"customer:{ben}")

    assert send(anna, BEN, 1000).state == "completed"
    with pytest.raises(AccountFrozen):
        send(ben, ANNA, 1000)


def test_money_waits_for_a_full_wallet_until_there_is_room(anna: UUID, ben: UUID) -> None:
    set_limits("load", {"ceiling": 500})
    sending = send(anna, BEN, 1000)
    soon = NOW + timedelta(minutes=59)

    assert claims.give_due(soon) == 0
    assert claims.give_due(NOW + timedelta(hours=1)) == 1
    assert sending_now(sending.id).state == "pending"
    set_limits("load", {"ceiling": 1000})
    assert claims.give_due(NOW + timedelta(hours=1)) == 0

    settle(now=NOW + timedelta(hours=2))
    assert (sending_now(sending.id).state, cash(ben)) == ("completed", (1000, 0))


def test_the_same_key_sends_once(anna: UUID, ben: UUID) -> None:
    first, again = send(anna, BEN, key="k"), send(anna, BEN, key="k")
    held, held_again = send(anna, NOBODYS, key="h"), send(anna, NOBODYS, key="h")

    assert (first.id, held.id) == (again.id, held_again.id)
    assert (cash(anna), cash(ben)) == ((9000, 1000), (1000, 0))
    with pytest.raises(KeyReused):
        send(anna, BEN, 999, key="k", fingerprint=b"other")


def test_a_sender_takes_back_what_nobody_claimed(anna: UUID) -> None:
    sending = send(anna, NOBODYS)

    assert do(sendings.cancel, sending.id, sender_id=anna, now=NOW).state == "cancelled"
    assert do(sendings.cancel, sending.id, sender_id=anna, now=NOW).state == "cancelled"
    assert cash(anna) == (10_000, 0)
    assert sending_now(sending.id).phone_index is None
    assert announced("sending.cancelled") == [("sending.cancelled", anna)]
    check_books()


def test_what_arrived_cannot_be_taken_back(anna: UUID, ben: UUID) -> None:
    sending = send(anna, BEN)

    with pytest.raises(SendingEnded) as ended:
        do(sendings.cancel, sending.id, sender_id=anna, now=NOW)
    assert ended.value.facts == {"outcome": "completed"}


def test_nobody_else_takes_a_sending_back(anna: UUID, ben: UUID) -> None:
    sending = send(anna, NOBODYS)

    for who in (ben, ids.new()):
        with pytest.raises(NotFound):
            do(sendings.cancel, sending.id, sender_id=who, now=NOW)
        with pytest.raises(NotFound):
            do(sendings.find, sending.id, customer_id=who)


def test_what_nobody_claims_in_time_is_returned(anna: UUID) -> None:
    sending = send(anna, NOBODYS, lasts=timedelta(hours=1))
    last, over = NOW + timedelta(minutes=59), NOW + timedelta(hours=1)

    assert do(holds.expire_due, now=last) == 0
    with pytest.raises(SendingEnded) as ended:
        do(sendings.cancel, sending.id, sender_id=anna, now=over)
    assert ended.value.facts == {"outcome": "returned"}
    assert do(holds.expire_due, now=over) == 1
    settle(now=over)

    assert (sending_now(sending.id).state, cash(anna)) == ("returned", (10_000, 0))
    assert announced("sending.returned") == [("sending.returned", anna)]
    check_books()


def test_an_erased_customer_sends_nothing_and_their_notes_are_gone(anna: UUID, ben: UUID) -> None:
    sending = send(anna, BEN, note="Pizza")
    with transaction() as session:
        crypto.destroy_data_key(session, anna)

    with pytest.raises(crypto.Erased):
        send(anna, BEN)
    assert do(sendings.find, sending.id, customer_id=ben).state == "completed"
