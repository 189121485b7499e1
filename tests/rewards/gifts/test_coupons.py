"""Coupons given to friends: where the campaign allows it, and to whom its terms allow it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import statement
from core.errors import NotFound
from rewards.baskets import Basket
from rewards.campaigns import end_, pause
from rewards.errors import (
    CampaignNotRunning,
    LimitReached,
    NotInAudience,
    VoucherExpired,
    VoucherSourceReused,
    VoucherUnknown,
    VoucherUsedUp,
)
from rewards.gifts import claims, giving, links
from rewards.gifts.errors import GiftEnded, GiftTooEarly, GiftTooLate, VoucherNotTransferable
from rewards.gifts.models import Gift
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from rewards.vouchers import blocking
from rewards.vouchers import claims as code_claims
from tests.rewards.conftest import World, line
from tests.rewards.gift_cards.conftest import ANNA, BEN, CLARA, NOW, Cards, customer, do
from tests.rewards.gifts.test_giving import DAY, SECOND, code, deliver, give, state, texts
from wallet.peers.errors import LinkUnknown, SelfTransfer


def campaign(world: World, **changes: Any) -> UUID:
    return world.campaign(**({"is_transferable": True} | changes))


def coupon(holder: Cards, **changes: Any) -> UUID:
    return holder.world.voucher(campaign(holder.world, **changes), holder.customer_id).id


def by_link(holder: Cards, voucher_id: UUID, **more: Any) -> Gift:
    new = giving.NewGift(voucher_id=voucher_id, giver_id=holder.customer_id, **more)
    return do(giving.give, new, now=NOW)


def claim(receiver: Cards, gift: Gift, *, now: Any = NOW) -> Gift:
    return do(claims.claim, code=links.code_of(gift.id), receiver_id=receiver.customer_id, now=now)


def use(holder: Cards, reference: str | UUID, *, customer_id: UUID | None = None) -> None:
    request = Request(
        till=holder.world.till,
        reference=reference,
        basket=Basket((line(2_000),)),
        currency="USD",
        till_reference=str(ids.new()),
        customer_id=customer_id or holder.customer_id,
    )
    with statement() as connection:
        redeeming.redeem(connection, request, at=NOW)


def held_out(campaign_id: UUID, world: World, customer_id: UUID) -> None:
    """Hold everybody out from now on; who has a voucher keeps it."""
    world.rows("UPDATE rewards.campaign SET holdout_bps = 10000 WHERE id = %s RETURNING id", campaign_id)


def test_friend_uses_the_coupon_under_a_code_of_their_own(anna: Cards, ben: Cards) -> None:
    given = coupon(anna)
    old = code(anna, given)

    gift = give(anna, given, message="Try this")
    with pytest.raises(VoucherUnknown):
        use(anna, old)
    deliver()

    assert (state(gift), ben.held(given).state, ben.held(given).is_transferable) == ("delivered", "active", True)
    with pytest.raises(VoucherUnknown):
        use(anna, old)
    with pytest.raises(NotFound):
        anna.held(given)
    assert code(ben, given) != old
    use(ben, code(ben, given))
    assert ben.held(given).state == "used_up"
    told = anna.world.events("gift.received")
    assert [(each["kind"], each["amount_minor"]) for each in told] == [("coupon", None)]


def test_neither_giver_nor_friend_can_use_it_by_its_id_while_it_is_on_its_way(anna: Cards, ben: Cards) -> None:
    given = coupon(anna)
    give(anna, given, deliver_at=NOW + DAY)

    for who in (anna, ben):
        with pytest.raises(VoucherUnknown):
            use(who, given)
    nobody = Request(
        till=anna.world.till, reference=given, basket=Basket((line(2_000),)), currency="USD", till_reference="N"
    )
    with statement() as connection, pytest.raises(VoucherUnknown):
        redeeming.redeem(connection, nobody, at=NOW)


def test_cause_of_a_coupon_that_was_given_on_gives_no_other(anna: Cards, ben: Cards) -> None:
    of = campaign(anna.world)
    given = anna.world.voucher(of, anna.customer_id, source="order:7").id
    gift = by_link(anna, given)

    def again(who: Cards) -> None:
        anna.world.voucher(of, who.customer_id, source="order:7")

    for _ in range(2):
        with pytest.raises(VoucherUsedUp, match="gave it to somebody else"):
            again(anna)
        claim(ben, gift)
    assert anna.world.rows("SELECT count(*) FROM rewards.voucher") == [(1,)]
    with pytest.raises(VoucherSourceReused):
        again(Cards(anna.world, customer(CLARA)))


def test_coupon_is_its_customers_alone_unless_its_campaign_says_otherwise(anna: Cards, ben: Cards) -> None:
    given = anna.world.voucher(anna.world.campaign(), anna.customer_id).id

    assert not anna.held(given).is_transferable
    with pytest.raises(VoucherNotTransferable):
        give(anna, given)
    assert anna.held(given).state == "active"


def test_coupon_that_is_of_no_use_is_not_given(anna: Cards, ben: Cards) -> None:
    used, late, over = coupon(anna), coupon(anna, voucher_days=1), campaign(anna.world)
    use(anna, used)
    ended = anna.world.voucher(over, anna.customer_id).id
    do(end_, campaign_id=over, actor="staff:test", now=NOW)

    with pytest.raises(VoucherUsedUp):
        give(anna, used)
    with pytest.raises(VoucherExpired):
        give(anna, late, now=NOW + DAY)
    with pytest.raises(GiftTooLate):
        give(anna, late, deliver_at=NOW + DAY)
    with pytest.raises(CampaignNotRunning):
        give(anna, ended)
    with pytest.raises(VoucherUnknown):
        give(anna, ben.world.voucher(campaign(anna.world), ben.customer_id).id)
    blocked = coupon(anna)
    do(blocking.block, blocked, actor="staff:test", now=NOW)
    with pytest.raises(VoucherUnknown):
        give(anna, blocked)


def test_what_is_left_of_its_uses_goes_with_it(anna: Cards, ben: Cards) -> None:
    given = coupon(anna, limit_per_customer=2)
    use(anna, given)

    give(anna, given)
    deliver()

    assert ben.held(given).uses_left == 1
    use(ben, given)
    with pytest.raises(VoucherUsedUp):
        use(ben, given)


def test_friend_who_has_used_the_limit_up_is_not_given_another_and_giver_learns_nothing(
    anna: Cards, ben: Cards
) -> None:
    campaign_id = campaign(anna.world)
    own = anna.world.voucher(campaign_id, ben.customer_id).id
    use(ben, own)
    given = anna.world.voucher(campaign_id, anna.customer_id).id

    gift = give(anna, given)
    deliver()

    assert (state(gift), texts(anna)) == ("waiting", [])
    with pytest.raises(NotFound):
        ben.held(given)
    deliver(now=NOW + 30 * DAY - SECOND)
    assert state(gift) == "waiting"
    deliver(now=NOW + 30 * DAY)
    assert (state(gift), anna.held(given).last4) == ("returned", code(anna, given)[-4:])


def test_friend_who_has_uses_left_of_the_limit_is_given_it(anna: Cards, ben: Cards) -> None:
    campaign_id = campaign(anna.world, limit_per_customer=2)
    use(ben, anna.world.voucher(campaign_id, ben.customer_id).id)

    gift = give(anna, anna.world.voucher(campaign_id, anna.customer_id).id)
    deliver()

    assert state(gift) == "delivered"


def test_who_is_held_out_of_the_campaign_is_given_none_by_number_or_link(anna: Cards, ben: Cards) -> None:
    campaign_id = campaign(anna.world)
    vouchers = [anna.world.voucher(campaign_id, anna.customer_id).id for _ in range(2)]
    gift, linked = give(anna, vouchers[0]), by_link(anna, vouchers[1])
    held_out(campaign_id, anna.world, ben.customer_id)

    deliver()

    assert (state(gift), state(linked), texts(anna)) == ("waiting", "waiting", [])
    with pytest.raises(NotInAudience):
        claim(ben, linked)
    assert state(linked) == "waiting"


def test_newcomer_is_given_the_coupon_on_signing_up(anna: Cards) -> None:
    gift = give(anna, coupon(anna), CLARA)
    deliver()
    assert (state(gift), texts(anna)) == ("waiting", [("invitation", "pending")])

    clara = Cards(anna.world, customer(CLARA))
    deliver()

    assert (state(gift), clara.held(gift.voucher_id).state) == ("delivered", "active")


def test_it_comes_back_when_the_coupon_expires_or_its_campaign_ends(anna: Cards, ben: Cards) -> None:
    soon, over = coupon(anna, voucher_days=3), campaign(anna.world)
    first = give(anna, soon, CLARA)
    second = give(anna, anna.world.voucher(over, anna.customer_id).id, BEN, deliver_at=NOW + DAY)
    deliver()
    do(end_, campaign_id=over, actor="staff:test", now=NOW)

    deliver(now=NOW + 3 * DAY - SECOND)
    assert (state(first), state(second)) == ("waiting", "returned")
    deliver(now=NOW + 3 * DAY)
    assert (state(first), anna.held(soon, now=NOW + 3 * DAY).state) == ("returned", "expired")


def test_paused_campaigns_coupon_is_delivered_for_later(anna: Cards, ben: Cards) -> None:
    campaign_id = campaign(anna.world)
    gift = give(anna, anna.world.voucher(campaign_id, anna.customer_id).id)
    do(pause, campaign_id=campaign_id, actor="staff:test", now=NOW)

    deliver()

    assert state(gift) == "delivered"


def test_coupon_that_is_blocked_on_its_way_stays_blocked_and_goes_back(anna: Cards, ben: Cards) -> None:
    given = coupon(anna)
    gift = give(anna, given)
    do(blocking.block, given, actor="staff:test", now=NOW)

    deliver()

    assert (state(gift), anna.held(given).state) == ("returned", "blocked")


def test_campaign_that_stops_passing_on_keeps_what_is_on_its_way_going(anna: Cards, ben: Cards) -> None:
    given = coupon(anna)
    gift = give(anna, given)
    anna.world.rows("UPDATE rewards.campaign SET is_transferable = false RETURNING id")

    deliver()

    assert state(gift) == "delivered"
    with pytest.raises(VoucherNotTransferable):
        give(ben, given, ANNA)


def test_first_who_opens_the_link_from_its_day_on_has_it(anna: Cards, ben: Cards) -> None:
    given = coupon(anna)
    old, clara = code(anna, given), Cards(anna.world, customer(CLARA))
    gift = by_link(anna, given, message="For the first", deliver_at=NOW + DAY)

    with pytest.raises(GiftTooEarly):
        claim(ben, gift, now=NOW + DAY - SECOND)
    with pytest.raises(SelfTransfer):
        claim(anna, gift, now=NOW + DAY)
    with pytest.raises(LinkUnknown):
        do(claims.claim, code="0" * 64, receiver_id=ben.customer_id, now=NOW + DAY)
    for _ in range(2):
        assert claim(ben, gift, now=NOW + DAY).state == "delivered"
    with pytest.raises(GiftEnded):
        claim(clara, gift, now=NOW + DAY)

    assert (ben.held(given).state, code(ben, given) != old, texts(anna)) == ("active", True, [])
    assert len(anna.world.events("gift.delivered")) == 1


def test_link_is_dead_when_its_gift_was_taken_back_or_went_back(anna: Cards, ben: Cards) -> None:
    back, late = by_link(anna, coupon(anna)), by_link(anna, coupon(anna))
    do(giving.cancel, back.id, giver_id=anna.customer_id, now=NOW)

    with pytest.raises(GiftEnded):
        claim(ben, back)
    with pytest.raises(GiftEnded):
        claim(ben, late, now=NOW + 30 * DAY)  # its campaign's end, before due work has seen it
    deliver(now=NOW + 30 * DAY)
    assert state(late) == "returned"


def test_link_to_a_coupon_is_of_no_use_to_who_has_used_the_limit_up(anna: Cards, ben: Cards) -> None:
    campaign_id = campaign(anna.world)
    use(ben, anna.world.voucher(campaign_id, ben.customer_id).id)
    gift = by_link(anna, anna.world.voucher(campaign_id, anna.customer_id).id)
    clara = Cards(anna.world, customer(CLARA))

    with pytest.raises(LimitReached):
        claim(ben, gift)
    assert claim(clara, gift).state == "delivered"


def test_gift_card_is_claimed_by_link_as_well(anna: Cards, ben: Cards) -> None:
    card = anna.buy(2_000)
    gift = by_link(anna, card)

    claim(ben, gift)

    assert (ben.held(card).value_minor, gift.amount_minor) == (2_000, 2_000)


def test_who_gave_a_claimed_poster_coupon_away_gets_no_second_one(anna: Cards, ben: Cards) -> None:
    poster = anna.world.voucher(campaign(anna.world), None)
    mine = do(code_claims.claim, code=poster.code, customer_id=anna.customer_id, now=NOW)
    give(anna, mine)

    for _ in range(2):
        with pytest.raises(VoucherUsedUp):
            do(code_claims.claim, code=poster.code, customer_id=anna.customer_id, now=NOW)
        deliver()
    assert do(code_claims.claim, code=poster.code, customer_id=ben.customer_id, now=NOW) != mine


def test_gift_of_many_waits_no_longer_than_sixty_days(anna: Cards) -> None:
    given = anna.world.voucher(campaign(anna.world, ends_at=NOW + timedelta(days=300)), anna.customer_id).id
    gift = give(anna, given, CLARA, deliver_at=NOW + DAY)

    deliver(now=NOW + 61 * DAY - SECOND)
    assert state(gift) == "waiting"
    deliver(now=NOW + 61 * DAY)
    assert state(gift) == "returned"
