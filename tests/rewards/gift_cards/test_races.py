"""Many deeds with the same gift cards at once: what is on them is spent, moved or given once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from core import ids
from core.errors import Busy, Refusal
from rewards import checkouts
from rewards.gift_cards import expiring
from rewards.gifts import deliveries, giving
from rewards.gifts.giving import NewGift
from tests.rewards.conftest import line
from tests.rewards.gift_cards.conftest import BEN, LEAST, NOW, Cards, do, owed
from wallet.peers.invitations import Brand


def together(*deeds: Callable[[], object]) -> list[str]:
    """What became of each deed, all begun at once; what was only too busy is asked again."""
    ready = Barrier(len(deeds))

    def one(deed: Callable[[], object]) -> str:
        ready.wait(10)
        while True:
            try:
                deed()
            except Busy:
                continue
            except Refusal as refusal:
                return refusal.code
            return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(one, deeds))


def test_two_merges_and_a_checkout_share_what_is_there(anna: Cards) -> None:
    for _ in range(5):
        card, one, other = anna.buy(300), anna.buy(100), anna.buy(100)
        before = anna.world.payable
        # Only the card pays: the wallet's promotional value is empty.
        request = anna.world.checkout(anna.customer_id, line(250), vouchers=(card,), kinds=("promotional",))

        outcomes = together(
            lambda card=card, one=one: anna.merge(card, one),  # type: ignore[misc]
            lambda card=card, other=other: anna.merge(card, other),  # type: ignore[misc]
            lambda request=request: do(checkouts.take, request, now=NOW),  # type: ignore[misc]
        )

        spent = anna.world.payable - before
        assert spent == (250 if outcomes[2] == "done" else 0)
        assert sum(anna.value(each) for each in (card, one, other)) == 500 - spent
        assert outcomes[:2].count("done") == 1


def test_two_merges_of_one_card_move_it_once(anna: Cards) -> None:
    card, one, other = anna.buy(300), anna.buy(100), anna.buy(100)

    outcomes = together(lambda: anna.merge(card, one), lambda: anna.merge(card, other))

    assert sorted(outcomes) == ["done", "voucher_used_up"]
    assert anna.value(one) + anna.value(other) == 500


def test_cards_that_are_merged_into_each_other_lose_nothing(anna: Cards) -> None:
    one, other = anna.buy(300), anna.buy(200)

    together(lambda: anna.merge(one, other), lambda: anna.merge(other, one))

    assert anna.value(one) + anna.value(other) == 500
    assert owed() == (9_500, 500, 0)


def test_card_that_is_refunded_given_and_merged_at_once_goes_one_way(anna: Cards) -> None:
    card, other = anna.buy(300), anna.buy(200)
    new = NewGift(voucher_id=card, giver_id=anna.customer_id, phone=BEN, id=ids.new())

    outcomes = together(
        lambda: anna.refund(card), lambda: do(giving.give, new, now=NOW), lambda: anna.merge(card, other)
    )

    assert outcomes.count("done") == 1
    assert anna.cash + anna.value(card) + anna.value(other) == 10_000


def test_refund_twice_at_once_pays_once(anna: Cards) -> None:
    card = anna.buy(300)

    outcomes = together(lambda: anna.refund(card), lambda: anna.refund(card))

    assert sorted(outcomes) == ["done", "gift_card_moved"]
    assert anna.cash == 10_000


def test_same_key_at_once_buys_once(anna: Cards) -> None:
    together(*[lambda: anna.buy(300, key="K")] * 4)

    assert anna.cash == 9_700
    assert anna.world.rows("SELECT count(*) FROM rewards.voucher") == [(1,)]


def test_card_lapses_once_whoever_looks_after_it(anna: Cards) -> None:
    card = anna.buy(300)
    over = NOW + LEAST

    together(*[lambda: expiring.watch_due(over)] * 4)

    assert anna.value(card) == 0
    assert anna.world.rows("SELECT count(*) FROM wallet.transfer WHERE kind = %s", expiring.KIND) == [(1,)]


def test_gift_that_is_cancelled_as_it_is_delivered_ends_in_one_hand(anna: Cards, ben: Cards) -> None:
    for _ in range(5):
        card = anna.buy(300)
        gift = do(giving.give, NewGift(voucher_id=card, giver_id=anna.customer_id, phone=BEN), now=NOW)

        outcomes = together(
            lambda: deliveries.deliver_due(Brand("Corner", "https://corner.example"), NOW),
            lambda gift=gift: do(giving.cancel, gift.id, giver_id=anna.customer_id, now=NOW),  # type: ignore[misc]
        )

        [(holder, state)] = anna.world.rows(
            "SELECT v.customer_id, g.state FROM rewards.gift g JOIN rewards.voucher v ON v.id = g.voucher_id"
            " WHERE g.id = %s",
            gift.id,
        )
        is_taken_back = outcomes[1] == "done"
        assert (holder, state) == ((anna.customer_id, "cancelled") if is_taken_back else (ben.customer_id, "delivered"))
