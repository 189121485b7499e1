"""Many hands at one coupon on its way: it ends in one of them."""

from rewards import checkouts
from rewards.gifts import giving
from tests.rewards.gift_cards.conftest import BEN, CLARA, NOW, Cards, customer, do
from tests.rewards.gift_cards.test_races import together
from tests.rewards.gifts.test_coupons import by_link, campaign, claim, coupon, use
from tests.rewards.gifts.test_giving import deliver, give, state


def test_of_those_who_open_a_link_at_once_one_has_the_gift(anna: Cards, ben: Cards) -> None:
    clara = Cards(anna.world, customer(CLARA))
    for _ in range(5):
        gift = by_link(anna, coupon(anna))

        outcomes = together(*[lambda who=who, gift=gift: claim(who, gift) for who in (ben, clara)])  # type: ignore[misc]

        assert sorted(outcomes) == ["done", "gift_ended"]
    assert len(anna.world.events("gift.received")) == 5


def test_link_that_is_opened_as_its_gift_is_taken_back_leaves_it_in_one_hand(anna: Cards, ben: Cards) -> None:
    for _ in range(5):
        gift = by_link(anna, coupon(anna))

        outcomes = together(
            lambda gift=gift: claim(ben, gift),  # type: ignore[misc]
            lambda gift=gift: do(giving.cancel, gift.id, giver_id=anna.customer_id, now=NOW),  # type: ignore[misc]
        )

        assert sorted(outcomes) == ["done", "gift_ended"]
        assert state(gift) == ("delivered" if outcomes[0] == "done" else "cancelled")


def test_coupon_that_is_given_and_used_at_once_is_used_once(anna: Cards, ben: Cards) -> None:
    for _ in range(5):
        given = anna.world.voucher(campaign(anna.world), anna.customer_id).id

        outcomes = together(
            lambda given=given: use(anna, given),  # type: ignore[misc]
            lambda given=given: give(anna, given, BEN),  # type: ignore[misc]
        )
        deliver()

        [(used, holder)] = anna.world.rows("SELECT used, customer_id FROM rewards.voucher WHERE id = %s", given)
        assert "done" in outcomes
        assert (used, holder) == ((1, anna.customer_id) if outcomes[0] == "done" else (0, ben.customer_id)), outcomes


def test_one_coupon_goes_one_way(anna: Cards, ben: Cards) -> None:
    given = coupon(anna)
    customer(CLARA)

    outcomes = together(lambda: give(anna, given, BEN), lambda: give(anna, given, CLARA), lambda: by_link(anna, given))

    assert sorted(outcomes) == ["done", "voucher_unknown", "voucher_unknown"]


def test_coupon_that_is_given_as_its_basket_is_checked_out_is_used_once(anna: Cards, ben: Cards) -> None:
    for _ in range(5):
        given = anna.world.voucher(campaign(anna.world), anna.customer_id).id
        request = anna.world.checkout(anna.customer_id, vouchers=(given,))

        outcomes = together(
            lambda request=request: do(checkouts.take, request, now=NOW),  # type: ignore[misc]
            lambda given=given: give(anna, given, BEN),  # type: ignore[misc]
        )
        deliver()

        [(used, holder)] = anna.world.rows("SELECT used, customer_id FROM rewards.voucher WHERE id = %s", given)
        assert "done" in outcomes
        assert (used, holder) == ((1, anna.customer_id) if outcomes[0] == "done" else (0, ben.customer_id)), outcomes
