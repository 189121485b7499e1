"""Tills that sync at once, and phones that ask at once: one of them is first, and the books add up."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

from core.errors import Refusal
from rewards.offline.errors import OfflineReferenceReused
from tests.rewards.conftest import NOW, World, line
from tests.rewards.offline.conftest import HOUR, OfflineTill, Phone, losses, new_till
from tests.rewards.offline.test_syncing import use_online


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each came to, a refusal for one that was refused; all begin together."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return work()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result() for each in [pool.submit(run, work) for work in works]]


def test_two_terminals_that_sync_one_token_redeem_it_once(
    shop: World, till: OfflineTill, other: OfflineTill, phone: Phone
) -> None:
    campaign = shop.campaign(limit_per_customer=None)
    for _ in range(5):
        token = phone_with_a_clean_slate(shop).show_of(campaign)
        found = at_once(*[lambda each=each, token=token: each.take(each.record(token)) for each in (till, other)])
        assert Counter((each.state, each.code, each.paid_minor) for each in found) == {
            ("succeeded", None, 500): 1, ("conflict", "offline_spent_elsewhere", 500): 1
        }  # fmt: skip

    assert (shop.payable, losses(shop)) == (5_000, 2_500)
    assert shop.rows("SELECT count(*) FROM rewards.redemption") == [(5,)]


def test_record_that_is_sent_five_times_at_once_is_taken_once(shop: World, till: OfflineTill, phone: Phone) -> None:
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)
    record = till.record(phone.show(token))

    found = at_once(*[lambda: till.take(record)] * 5)

    assert len({each.id for each in found}) == 1
    assert sorted(each.replayed for each in found) == [False, True, True, True, True]
    assert shop.payable == 500


def test_two_records_under_one_reference_leave_one(shop: World, till: OfflineTill) -> None:
    campaign = shop.campaign()
    records = [till.record(phone_with_a_clean_slate(shop).show_of(campaign), till_reference="R-1") for _ in range(2)]

    found = at_once(*[lambda each=each: till.sync(each)[0] for each in records])

    assert sum(isinstance(each, OfflineReferenceReused) for each in found) == 1
    assert shop.payable == 500


def test_sync_against_an_online_use_of_the_same_coupon(shop: World, till: OfflineTill) -> None:
    """Whichever is first, the voucher is used once and the till is paid."""
    campaign = shop.campaign()
    for _ in range(6):
        phone = phone_with_a_clean_slate(shop)
        voucher = shop.voucher(campaign, phone.customer_id)
        token = phone.fetch(voucher.id)
        record = till.record(phone.show(token))
        synced, online = at_once(
            lambda record=record: till.take(record), lambda code=voucher.code: use_online(shop, code)
        )
        assert synced.paid_minor == 500
        assert (synced.state == "succeeded") == (isinstance(online, Refusal) and online.code == "voucher_used_up")

    assert shop.rows("SELECT DISTINCT used FROM rewards.voucher") == [(1,)]


def test_sync_against_a_payment_with_the_same_gift_card(shop: World, till: OfflineTill) -> None:
    campaign = shop.gift_campaign(2_000)
    paid = 0
    for _ in range(6):
        phone = phone_with_a_clean_slate(shop)
        card = shop.voucher(campaign, phone.customer_id)
        record = till.record(phone.show(phone.fetch(card.id)), 1_500)
        synced, _ = at_once(
            lambda record=record: till.take(record), lambda code=card.code: use_online(shop, code, 1_500)
        )
        assert synced.paid_minor == 1_500
        assert synced.redeemed_minor + synced.lost_minor == 1_500
        assert shop.gift(card) == 0
        paid += synced.lost_minor

    assert losses(shop) == paid


def test_sync_against_the_reversal_of_its_reference(shop: World, till: OfflineTill) -> None:
    """Before it or after it: in the end nothing is paid, and the voucher can be used."""
    campaign = shop.campaign()
    for number in range(6):
        phone = phone_with_a_clean_slate(shop)
        voucher = shop.voucher(campaign, phone.customer_id)
        reference = f"R-{number}"
        record = till.record(phone.show(phone.fetch(voucher.id)), till_reference=reference)
        at_once(
            lambda record=record: till.take(record),
            lambda reference=reference: till.reverse(reference, at=NOW + HOUR),
        )
        assert till.take(record).state == "reversed"
        assert shop.payable == 0

    assert shop.rows("SELECT DISTINCT used FROM rewards.voucher") == [(0,)]


def test_allowance_is_not_passed_by_records_that_come_at_once(shop: World) -> None:
    till = new_till(shop.till.merchant_id)
    till.allow(most_minor=1_500, most_count=100)
    spent = []
    for _ in range(6):
        phone = phone_with_a_clean_slate(shop)
        voucher = shop.voucher(shop.campaign(), phone.customer_id)
        spent.append(till.record(phone.show(phone.fetch(voucher.id))))
        use_online(shop, voucher.code)

    found = at_once(*[lambda each=each: till.take(each) for each in spent])

    assert Counter(each.borne_by for each in found) == {"brand": 3, "merchant": 3}
    assert losses(shop) == 1_500


def test_phones_that_ask_at_once_get_one_token(shop: World, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)

    found = at_once(*[lambda: phone.fetch(voucher.id)] * 5)

    assert len({each.id for each in found}) == 1
    assert shop.rows("SELECT count(*) FROM rewards.offline_token") == [(1,)]


def test_batch_that_is_cut_off_and_sent_whole_again_takes_each_once(shop: World, till: OfflineTill) -> None:
    till.allow(most_minor=100_000, most_count=100)
    campaign = shop.campaign()
    batch = [till.record(phone_with_a_clean_slate(shop).show_of(campaign)) for _ in range(6)]
    till.sync(*batch[:4])

    found = till.sync(*batch)

    assert [getattr(each, "replayed", None) for each in found] == [True] * 4 + [False] * 2
    assert shop.payable == 3_000


def test_one_bad_record_spoils_no_other(shop: World, till: OfflineTill) -> None:
    campaign = shop.campaign()
    good = [till.record(phone_with_a_clean_slate(shop).show_of(campaign)) for _ in range(2)]
    forged = till.record("a.b.c~1~d", 1, line(5))
    reused = replace(good[0], amount_minor=7)

    found = till.sync(good[0], forged, reused, good[1])

    assert [getattr(each, "code", None) for each in found] == [
        None, "offline_token_forged", "offline_reference_reused", None
    ]  # fmt: skip
    assert shop.payable == 1_000


class _OnePhone(Phone):
    def show_of(self, campaign_id: Any) -> str:
        """A new voucher of the campaign, shown by a token of its own."""
        return self.show(self.fetch(self.world.voucher(campaign_id, self.customer_id).id))


def phone_with_a_clean_slate(shop: World) -> _OnePhone:
    made = _OnePhone(shop, shop.customer())
    made.register()
    return made
