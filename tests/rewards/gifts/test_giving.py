"""Gifts to friends: one person at a time has the card, and what nobody receives comes back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.errors import PhoneInvalid
from core import crypto, ids
from core.db import connection_of, statement, transaction
from core.errors import InvalidInput, NotFound
from rewards.baskets import Basket
from rewards.errors import VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.gift_cards.errors import GiftCardMoved, GiftCardPromised
from rewards.gifts import deliveries, giving
from rewards.gifts.errors import GiftEnded, GiftTooLate
from rewards.gifts.giving import NewGift
from rewards.gifts.models import Gift
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from rewards.vouchers import holdings
from tests.rewards.conftest import line
from tests.rewards.gift_cards.conftest import BEN, CLARA, LEAST, NOW, Cards, customer, do, owed, settle
from tests.rewards.gift_cards.test_merging import promise, spend
from wallet import standing
from wallet.errors import AccountFrozen
from wallet.peers.errors import SelfTransfer
from wallet.peers.invitations import Brand

BRAND = Brand("Corner", "https://corner.example")
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def give(cards: Cards, card_id: UUID, phone: str = BEN, *, now: Any = NOW, **more: Any) -> Gift:
    new = NewGift(voucher_id=card_id, giver_id=cards.customer_id, phone=phone, **more)
    return do(giving.give, new, now=now)


def deliver(*, now: Any = NOW) -> None:
    settle(now=now)
    while deliveries.deliver_due(BRAND, now):
        pass


def state(gift: Gift) -> str:
    with transaction() as session:
        found = session.get(Gift, gift.id)
        assert found is not None
        return found.state


def code(cards: Cards, card_id: UUID) -> str:
    return str(do(holdings.code_of, cards.customer_id, card_id))


def texts(cards: Cards) -> list[tuple[object, ...]]:
    return cards.world.rows("SELECT purpose, state FROM core.message ORDER BY id")


def test_friend_has_the_card_under_a_code_of_their_own(anna: Cards, ben: Cards) -> None:
    card = anna.buy(2_000)
    old = code(anna, card)

    gift = give(anna, card, message="Happy birthday!")
    deliver()

    assert state(gift) == "delivered"
    assert (ben.held(card).value_minor, ben.held(card).state) == (2_000, "active")
    assert code(ben, card) != old
    with pytest.raises(NotFound):
        anna.held(card)
    [received] = do(giving.page, customer_id=ben.customer_id, direction="in", before=None, limit=9)
    assert do(lambda session: giving.opened(session, received, "message", received.message)) == "Happy birthday!"
    assert owed() == (13_000, 2_000, 0)
    assert [len(anna.world.events(name)) for name in ("gift.created", "gift.received", "gift.delivered")] == [1, 1, 1]
    assert texts(anna) == [("transactional", "pending")]


def test_givers_code_opens_nothing_while_it_waits_nor_after(anna: Cards, ben: Cards) -> None:
    card = anna.buy(2_000)
    old = code(anna, card)
    give(anna, card)

    for _ in range(2):
        with pytest.raises(VoucherUnknown):
            spend_code(anna, old)
        deliver()
    spend(ben, card, 500)
    assert ben.value(card) == 1_500


def spend_code(cards: Cards, shown: str) -> None:
    request = Request(
        till=cards.world.till,
        reference=shown,
        basket=Basket((line(100),)),
        currency="USD",
        till_reference=str(ids.new()),
    )
    with statement() as connection:
        redeeming.redeem(connection, request, at=NOW)


def test_gift_waits_for_its_day(anna: Cards, ben: Cards) -> None:
    gift = give(anna, anna.buy(), deliver_at=NOW + DAY)

    deliver(now=NOW + DAY - SECOND)
    assert state(gift) == "scheduled"
    deliver(now=NOW + DAY)
    assert state(gift) == "delivered"


def test_newcomer_gets_it_on_signing_up(anna: Cards) -> None:
    card = anna.buy(2_000)
    gift = give(anna, card, CLARA)
    deliver()
    assert (state(gift), texts(anna)) == ("waiting", [("invitation", "pending")])

    clara = Cards(anna.world, customer(CLARA))
    deliver()

    assert (state(gift), clara.held(card).value_minor) == ("delivered", 2_000)
    assert texts(anna) == [("invitation", "suppressed")]


def test_somebody_who_signs_up_before_the_day_gets_it_on_the_day(anna: Cards) -> None:
    gift = give(anna, anna.buy(), CLARA, deliver_at=NOW + DAY)
    customer(CLARA)
    deliver()
    assert state(gift) == "scheduled"

    deliver(now=NOW + DAY)

    assert state(gift) == "delivered"


def test_giver_takes_it_back_while_it_waits_with_the_code_that_it_had(anna: Cards, ben: Cards) -> None:
    card = anna.buy(2_000)
    old = code(anna, card)
    gift = give(anna, card, CLARA)
    deliver()
    with pytest.raises(NotFound):
        do(giving.cancel, gift.id, giver_id=ben.customer_id, now=NOW)

    for _ in range(2):
        assert do(giving.cancel, gift.id, giver_id=anna.customer_id, now=NOW).state == "cancelled"

    assert (code(anna, card), texts(anna)) == (old, [("invitation", "suppressed")])
    with transaction() as session:
        told = connection_of(session).execute(
            "SELECT customer_id, payload->>'reason' FROM core.event WHERE name = 'message.suppressed'"
        )
        assert told.fetchall() == [(None, "gift_over")]
    spend(anna, card, 500)
    customer(CLARA)
    deliver()
    assert state(gift) == "cancelled"


def test_what_was_delivered_is_not_taken_back(anna: Cards, ben: Cards) -> None:
    gift = give(anna, anna.buy())
    deliver()

    with pytest.raises(GiftEnded):
        do(giving.cancel, gift.id, giver_id=anna.customer_id, now=NOW)


def test_what_nobody_received_comes_back_after_sixty_days(anna: Cards) -> None:
    card = anna.buy(2_000)
    gift = give(anna, card, CLARA)
    deliver()

    deliver(now=NOW + 60 * DAY - SECOND)
    assert state(gift) == "waiting"
    deliver(now=NOW + 60 * DAY)

    assert (state(gift), anna.held(card).value_minor) == ("returned", 2_000)
    assert len(anna.world.events("gift.returned")) == 1


def test_card_can_be_given_on_and_is_not_refunded_to_who_received_it(anna: Cards, ben: Cards) -> None:
    card = anna.buy(2_000)
    give(anna, card)
    deliver()

    with pytest.raises(GiftCardMoved):
        ben.refund(card)
    ben.load(card, 500)
    assert ben.value(card) == 2_500
    again = give(ben, card, "+12125550142")
    deliver()
    assert (state(again), anna.held(card).value_minor) == ("delivered", 2_500)


def test_gift_that_cannot_be_is_refused(anna: Cards, ben: Cards) -> None:
    card, bens = anna.buy(), ben.buy()
    given = anna.given(voucher_days=10)

    with pytest.raises(SelfTransfer):
        give(anna, card, "+12125550142")
    with pytest.raises(PhoneInvalid):
        give(anna, card, "12")
    with pytest.raises(VoucherUnknown):
        give(anna, bens)
    with pytest.raises(InvalidInput):
        give(anna, card, deliver_at=NOW + 367 * DAY)
    with pytest.raises(GiftTooLate):
        give(anna, given, deliver_at=NOW + 10 * DAY)
    with pytest.raises(VoucherExpired):
        give(anna, card, now=NOW + LEAST)
    promise(anna, card, 1)
    with pytest.raises(GiftCardPromised):
        give(anna, card)
    empty = anna.buy(100)
    spend(anna, empty, 100)
    with pytest.raises(VoucherUsedUp):
        give(anna, empty)
    do(standing.freeze, f"customer:{anna.customer_id}")
    with pytest.raises(AccountFrozen):
        give(anna, given)
    assert anna.world.rows("SELECT count(*) FROM rewards.gift") == [(0,)]


def test_card_on_its_way_is_neither_loaded_nor_merged_nor_given_again(anna: Cards) -> None:
    card, other = anna.buy(), anna.buy()
    give(anna, card, CLARA)

    for deed in (
        lambda: anna.load(card),
        lambda: anna.merge(card, other),
        lambda: anna.merge(other, card),
        lambda: anna.refund(card),
        lambda: give(anna, card),
    ):
        with pytest.raises(VoucherUnknown):
            deed()


def test_card_that_lapses_on_its_way_comes_back_empty(anna: Cards) -> None:
    card = anna.given(voucher_days=10)
    gift = give(anna, card, CLARA)
    deliver()
    customer(CLARA)

    deliver(now=NOW + 10 * DAY)

    assert (state(gift), anna.value(card)) == ("returned", 0)


def test_gift_of_who_was_erased_is_delivered_without_their_words(anna: Cards, ben: Cards) -> None:
    card = anna.buy(2_000)
    gift = give(anna, card, message="Happy birthday!", deliver_at=NOW + DAY)
    do(crypto.destroy_data_key, anna.customer_id)

    deliver(now=NOW + DAY)

    assert (state(gift), ben.held(card).value_minor, texts(anna)) == ("delivered", 2_000, [])
