"""A till takes back what it took offline, before it has told of it or after; a loss goes back to the brand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core import ids
from core.db import transaction
from rewards.baskets import Basket
from rewards.offline.errors import OfflineReferenceReused
from rewards.rollbacks import redemptions
from rewards.rollbacks.rows import Deed
from rewards.tills import day_ends
from rewards.tills.day_ends import Figures
from tests.rewards.conftest import NOW, World, line
from tests.rewards.offline.conftest import HOUR, OfflineTill, Phone, losses
from tests.rewards.offline.test_syncing import use_online
from wallet.paying.errors import ReversalTooLate


def test_reversal_before_the_sync_lets_the_record_come_to_nothing(shop: World, till: OfflineTill, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    token = phone.fetch(voucher.id)
    till.reverse("R-1", at=NOW + HOUR)

    synced = till.take(till.record(phone.show(token), till_reference="R-1"))

    assert (synced.state, synced.code, synced.borne_by, synced.paid_minor) == ("reversed", None, None, 0)
    assert (shop.payable, shop.rows("SELECT used FROM rewards.voucher")) == (0, [(0,)])
    assert till.take(till.record(phone.show(token), till_reference="R-2")).state == "succeeded"


def test_reversal_after_the_sync_gives_the_voucher_back(shop: World, till: OfflineTill, phone: Phone) -> None:
    campaign = shop.campaign()
    voucher = shop.voucher(campaign, phone.customer_id)
    record = till.record(phone.show(phone.fetch(voucher.id)), till_reference="R-1")
    synced = till.take(record)

    done = till.reverse("R-1")

    assert (done.redemption_id, done.reversal.amount_minor) == (synced.redemption_id, 500)
    assert till.reverse("R-1", at=NOW + 90 * HOUR) == done
    assert (shop.payable, shop.budget(campaign)) == (0, 100_000)
    assert shop.rows("SELECT used FROM rewards.voucher") == [(0,)]
    again = till.take(record, now=NOW + 3 * HOUR)
    assert (again.state, again.replayed, again.paid_minor, again.reversed_at) == (
        "reversed", True, 0, NOW + 2 * HOUR
    )  # fmt: skip


def test_token_of_a_reversed_record_can_be_taken_again(shop: World, till: OfflineTill, phone: Phone) -> None:
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)
    till.take(till.record(phone.show(token), till_reference="R-1"))
    till.reverse("R-1")

    assert till.take(till.record(phone.show(token), till_reference="R-2")).state == "succeeded"


def test_reversal_of_a_loss_gives_it_back_to_the_brand(shop: World, till: OfflineTill, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    token = phone.fetch(voucher.id)
    use_online(shop, voucher.code)
    record = till.record(phone.show(token), till_reference="R-1")
    till.take(record)
    assert (shop.payable, losses(shop)) == (1_000, 500)

    done = till.reverse("R-1")

    assert (done.redemption_id, done.reversal.amount_minor) == (None, 500)
    assert till.reverse("R-1", at=NOW + 90 * HOUR) == done
    assert (shop.payable, losses(shop)) == (500, 0)
    assert till.take(record).state == "reversed"


def test_day_s_end_tells_what_card_and_brand_paid_and_what_went_back(
    shop: World, till: OfflineTill, phone: Phone
) -> None:
    card = shop.voucher(shop.gift_campaign(3_000), phone.customer_id)
    token = phone.fetch(card.id)
    use_online(shop, card.code, 2_200)
    till.take(till.record(phone.show(token), 2_000, till_reference="R-1"))
    [taken] = day_end(till)
    assert (taken.redemptions, taken.redeemed_minor, taken.offline_losses_minor) == (2, 3_000, 1_200)
    assert taken.net_minor == shop.payable == 4_200

    till.reverse("R-1")

    [after] = day_end(till)
    assert (after.rollbacks, after.given_back_minor, after.refunds, after.refunded_minor) == (1, 800, 1, 1_200)
    assert after.net_minor == shop.payable == 2_200


def day_end(till: OfflineTill) -> list[Figures]:
    with transaction() as session:
        return day_ends.of(session, till.till.store_id, NOW.date(), now=NOW).totals


def test_reversal_of_what_card_and_brand_paid_gives_each_its_part(shop: World, till: OfflineTill, phone: Phone) -> None:
    card = shop.voucher(shop.gift_campaign(3_000), phone.customer_id)
    token = phone.fetch(card.id)
    use_online(shop, card.code, 2_200)
    till.take(till.record(phone.show(token), 2_000, till_reference="R-1"))

    done = till.reverse("R-1")

    assert done.reversal.amount_minor == 2_000
    assert till.reverse("R-1") == done
    assert (shop.gift(card), shop.payable, losses(shop)) == (800, 2_200, 0)


def test_rollback_gives_the_loss_back_with_the_last_of_it(shop: World, till: OfflineTill, phone: Phone) -> None:
    card = shop.voucher(shop.gift_campaign(3_000), phone.customer_id)
    token = phone.fetch(card.id)
    use_online(shop, card.code, 2_200)
    synced = till.take(till.record(phone.show(token), 2_000))
    assert synced.redemption_id

    def roll_back(amount_minor: int | None) -> None:
        deed = Deed(principal="test", key=str(ids.new()), fingerprint=b"f", at=NOW + HOUR)
        assert synced.redemption_id
        with transaction() as session:
            redemptions.roll_back(session, synced.redemption_id, amount_minor, deed, merchant_id=None)

    roll_back(300)
    assert (shop.gift(card), losses(shop)) == (300, 1_200)
    roll_back(None)
    assert (shop.gift(card), losses(shop), shop.payable) == (800, 0, 2_200)


def test_loss_is_reversed_for_a_day_after_the_till_took_it(shop: World, till: OfflineTill, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    token = phone.fetch(voucher.id)
    use_online(shop, voucher.code)
    till.take(till.record(phone.show(token), till_reference="R-1"), now=NOW + 30 * HOUR)

    with pytest.raises(ReversalTooLate):
        till.reverse("R-1", at=NOW + 24 * HOUR)
    assert till.reverse("R-1", at=NOW + 24 * HOUR - timedelta(seconds=1)).reversal.amount_minor == 500


def test_reversal_of_the_merchants_loss_finds_nothing_and_bars_the_reference(
    shop: World, till: OfflineTill, phone: Phone
) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    record = till.record(phone.show(phone.fetch(voucher.id)), 400, till_reference="R-1")
    assert till.take(record).borne_by == "merchant"

    assert till.reverse("R-1").reversal.amount_minor is None
    assert till.take(record).state == "conflict"


@pytest.mark.parametrize("is_conflict", [False, True])
def test_reference_of_another_deed_is_refused(shop: World, till: OfflineTill, phone: Phone, is_conflict: bool) -> None:
    voucher = shop.voucher(shop.campaign(limit_per_customer=1 if is_conflict else 2), phone.customer_id)
    token = phone.fetch(voucher.id)
    use_online(shop, voucher.code)
    record = till.record(phone.show(token), till_reference=f"online {voucher.code}")

    [refused] = till.sync(record)

    assert type(refused) is OfflineReferenceReused
    assert shop.rows("SELECT FROM rewards.offline_redemption") == []
    assert till.take(replace(record, till_reference="R-1")).paid_minor == 500


def test_online_deed_under_the_reference_of_a_record_is_refused(shop: World, till: OfflineTill, phone: Phone) -> None:
    from core.db import statement
    from core.errors import Refusal
    from rewards.redemption import redeeming
    from tests.rewards.redemption.test_once import asked

    voucher = shop.voucher(shop.campaign(limit_per_customer=1), phone.customer_id)
    other = shop.voucher(shop.campaign(), None)
    token = phone.fetch(voucher.id)
    use_online(shop, voucher.code)
    till.take(till.record(phone.show(token), till_reference="R-1"))  # the brand's loss stands there

    with pytest.raises(Refusal) as refused, statement() as connection:
        request = asked(shop, other.code, basket=Basket((line(),)), till_reference="R-1")
        redeeming.redeem(connection, request, at=NOW)

    assert refused.value.code == "till_reference_reused"
