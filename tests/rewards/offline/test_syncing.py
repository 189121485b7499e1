"""What tills took offline is redeemed as of the time when they took it; each conflict is borne by one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.db import transaction
from core.errors import Refusal
from rewards.baskets import Basket
from rewards.errors import VoucherUnknown
from rewards.offline.errors import OfflineReferenceReused
from rewards.redemption import guesses
from rewards.redemption.guesses import Guesser
from tests.rewards.conftest import NOW, World, line
from tests.rewards.offline.conftest import HOUR, OfflineTill, Phone, losses


def test_synced_coupon_is_redeemed_at_the_time_when_the_till_took_it(
    shop: World, till: OfflineTill, phone: Phone
) -> None:
    campaign = shop.campaign(limits=[{"scope": "total", "measure": "uses", "period": "day", "most": 5}])
    voucher = shop.voucher(campaign, phone.customer_id)
    token = phone.fetch(voucher.id)

    synced = till.take(till.record(phone.show(token), till_reference="R-1"), now=NOW + 70 * HOUR)

    assert (synced.state, synced.code, synced.borne_by, synced.paid_minor) == ("succeeded", None, None, 500)
    assert shop.budget(campaign) == 99_500
    assert (shop.payable, losses(shop)) == (500, 0)
    assert shop.rows("SELECT till_reference, redeemed_at, customer_id FROM rewards.redemption") == [
        ("R-1", NOW, phone.customer_id)
    ]
    assert shop.rows("SELECT bucket, used FROM rewards.counter WHERE bucket <> ''") == [("2026-05-04", 1)]
    assert shop.rows("SELECT effective_at FROM wallet.transfer WHERE key = 'R-1'") == [(NOW,)]
    [event] = shop.events("offline_redemption.synced")
    assert (event["state"], event["redeemed_minor"]) == ("succeeded", 500)


def test_synced_gift_card_pays_what_the_till_let_it_pay(shop: World, till: OfflineTill, phone: Phone) -> None:
    card = shop.voucher(shop.gift_campaign(3_000), phone.customer_id)
    token = phone.fetch(card.id)

    synced = till.take(till.record(phone.show(token), 1_250, line(2_000)))

    assert (synced.state, synced.paid_minor) == ("succeeded", 1_250)
    assert (shop.gift(card), shop.payable) == (1_750, 1_250)


def test_record_that_is_synced_again_is_the_same_answer(shop: World, till: OfflineTill, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    record = till.record(phone.show(phone.fetch(voucher.id)))
    first = till.take(record)

    again = till.take(record, now=NOW + 300 * HOUR)

    assert again == first
    assert (first.replayed, again.replayed) == (False, True)
    assert shop.payable == 500


def test_another_record_under_the_same_reference_is_refused(shop: World, till: OfflineTill, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    record = till.record(phone.show(phone.fetch(voucher.id)))
    till.take(record)

    [refused] = till.sync(replace(record, amount_minor=400))

    assert type(refused) is OfflineReferenceReused
    assert shop.payable == 500


@pytest.mark.parametrize("bps", [1_250])
def test_till_gives_what_the_engine_would(shop: World, till: OfflineTill, phone: Phone, bps: int) -> None:
    percentage = {"kind": "percentage", "bps": bps, "cap_minor": 400}
    voucher = shop.voucher(shop.campaign(discount=percentage), phone.customer_id)
    token = phone.fetch(voucher.id)

    synced = till.take(till.record(phone.show(token), 131, line(1_050)))  # 131.25, half to even

    assert (synced.state, synced.redeemed_minor) == ("succeeded", 131)


def test_coupon_that_was_used_online_meanwhile_is_the_brands_loss(shop: World, till: OfflineTill, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    token = phone.fetch(voucher.id)
    use_online(shop, voucher.code)

    synced = till.take(till.record(phone.show(token)))

    assert (synced.state, synced.code, synced.borne_by) == ("conflict", "voucher_used_up", "brand")
    assert (synced.redeemed_minor, synced.lost_minor, synced.paid_minor) == (0, 500, 500)
    assert (shop.payable, losses(shop)) == (1_000, 500)
    assert shop.cash(phone.customer_id) == 10_000


def test_coupon_that_was_taken_offline_is_used_up_online_once_it_is_synced(
    shop: World, till: OfflineTill, phone: Phone
) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    assert till.take(till.record(phone.show(phone.fetch(voucher.id)))).state == "succeeded"

    with pytest.raises(Refusal) as refused:
        use_online(shop, voucher.code)

    assert refused.value.code == "voucher_used_up"


def test_token_that_two_tills_took_is_paid_to_both_and_redeemed_once(
    shop: World, till: OfflineTill, other: OfflineTill, phone: Phone
) -> None:
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)

    first = till.take(till.record(phone.show(token)))
    second = other.take(other.record(phone.show(token, NOW + HOUR), at=NOW + HOUR), now=NOW + 2 * HOUR)

    assert (first.state, second.state) == ("succeeded", "conflict")
    assert (second.code, second.borne_by) == ("offline_spent_elsewhere", "brand")
    assert (shop.payable, losses(shop)) == (1_000, 500)


def test_token_that_one_till_took_twice_is_the_merchants_loss(shop: World, till: OfflineTill, phone: Phone) -> None:
    token = phone.fetch(shop.voucher(shop.campaign(limit_per_customer=None), phone.customer_id).id)
    till.take(till.record(phone.show(token)))

    replayed = till.take(till.record(phone.show(token)))

    assert (replayed.code, replayed.borne_by, replayed.paid_minor) == ("offline_taken_twice", "merchant", 0)
    assert shop.payable == 500


def test_token_that_a_till_took_twice_is_paid_to_it_once_though_another_was_first(
    shop: World, till: OfflineTill, other: OfflineTill, phone: Phone
) -> None:
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)
    for each in (till, other):
        assert each.take(each.record(phone.show(token))).paid_minor == 500

    for each in (other, till, other):
        again = each.take(each.record(phone.show(token)))
        assert (again.code, again.borne_by, again.paid_minor) == ("offline_taken_twice", "merchant", 0)

    assert (shop.payable, losses(shop)) == (1_000, 500)


def test_wrong_codes_of_the_hour_do_not_stand_in_a_records_way(shop: World, till: OfflineTill, phone: Phone) -> None:
    record = till.record(phone.show(phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)))
    guesser = Guesser(terminal_id=till.till.terminal_id, customer_id=phone.customer_id)
    for _ in range(30):
        with transaction() as session:
            guesses.note(session, guesser, VoucherUnknown(), now=NOW)

    assert till.take(record).state == "succeeded"


def test_gift_card_pays_what_it_still_holds_and_the_brand_the_rest(
    shop: World, till: OfflineTill, phone: Phone
) -> None:
    card = shop.voucher(shop.gift_campaign(3_000), phone.customer_id)
    token = phone.fetch(card.id)
    use_online(shop, card.code, 2_200)

    synced = till.take(till.record(phone.show(token), 2_000))

    assert (synced.state, synced.code, synced.borne_by) == ("conflict", "offline_value_missing", "brand")
    assert (synced.redeemed_minor, synced.lost_minor, synced.paid_minor) == (800, 1_200, 2_000)
    assert (shop.gift(card), shop.payable, losses(shop)) == (0, 4_200, 1_200)
    assert shop.cash(phone.customer_id) == 10_000


@pytest.mark.parametrize(
    ("since", "code"),
    [
        ("UPDATE rewards.voucher SET state = 'blocked' WHERE id = %s", "offline_blocked"),
        ("UPDATE rewards.voucher SET expires_at = '2026-05-04T12:00:00Z' WHERE id = %s", "voucher_expired"),
        ("UPDATE rewards.campaign SET state = 'paused', revision = revision + 1 WHERE id = (SELECT campaign_id FROM"
         " rewards.voucher WHERE id = %s)", "campaign_not_running"),
        ("UPDATE rewards.campaign SET min_spend_minor = 5000, revision = revision + 1 WHERE id = (SELECT campaign_id"
         " FROM rewards.voucher WHERE id = %s)", "minimum_spend"),
        ("UPDATE rewards.campaign SET discount = '{\"kind\": \"amount\", \"amount_minor\": 700}', revision = 2"
         " WHERE id = (SELECT campaign_id FROM rewards.voucher WHERE id = %s)", "offline_terms_changed"),
    ],
    ids=["blocked", "expired", "paused", "minimum", "gives more"],
)  # fmt: skip
def test_what_the_brand_changed_since_is_the_brands_loss(
    shop: World, till: OfflineTill, phone: Phone, since: str, code: str
) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    token = phone.fetch(voucher.id)
    change(shop, since, voucher.id)

    synced = till.take(till.record(phone.show(token)))

    assert (synced.code, synced.borne_by, synced.lost_minor) == (code, "brand", 500)
    assert shop.rows("SELECT used FROM rewards.voucher") == [(0,)]
    assert shop.rows("SELECT FROM rewards.redemption") == []


def test_less_than_the_token_said_is_made_up_by_the_brand(shop: World, till: OfflineTill, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    token = phone.fetch(voucher.id)
    change(
        shop,
        'UPDATE rewards.campaign SET discount = \'{"kind": "amount", "amount_minor": 300}\', revision = 2'
        " WHERE id = (SELECT campaign_id FROM rewards.voucher WHERE id = %s)",
        voucher.id,
    )

    synced = till.take(till.record(phone.show(token)))

    assert (synced.code, synced.redeemed_minor, synced.lost_minor) == ("offline_terms_changed", 300, 200)
    assert shop.rows("SELECT used FROM rewards.voucher") == [(1,)]


def test_limit_and_budget_that_were_used_up_are_the_brands_loss(shop: World, till: OfflineTill, phone: Phone) -> None:
    limited, poor = shop.campaign(limit_total=1), shop.campaign(budget_minor=700)
    tokens = [phone.fetch(shop.voucher(each, phone.customer_id).id) for each in (limited, poor)]
    for each in (limited, poor):
        use_online(shop, shop.voucher(each, None).code)

    found = [till.take(till.record(phone.show(token))) for token in tokens]

    assert [(each.code, each.borne_by) for each in found] == [
        ("limit_reached", "brand"), ("budget_exhausted", "brand")
    ]  # fmt: skip
    kept = shop.rows("SELECT code, refused_at FROM rewards.refusal ORDER BY code")
    assert kept == [("budget_exhausted", NOW), ("limit_reached", NOW)]
    assert losses(shop) == 1_000


@pytest.mark.parametrize("minutes", [0, 61])
def test_frozen_wallets_gift_card_is_the_brands_loss(
    shop: World, till: OfflineTill, phone: Phone, minutes: int
) -> None:
    card = shop.voucher(shop.gift_campaign(3_000), phone.customer_id)
    token = phone.fetch(card.id)
    freeze(phone)

    synced = till.take(till.record(phone.show(token), 1_000), now=NOW + timedelta(minutes=minutes))

    assert (synced.code, synced.borne_by, synced.lost_minor) == ("account_frozen", "brand", 1_000)
    assert shop.gift(card) == 3_000


def use_online(shop: World, code: str, amount_minor: int = 2_000, *, reference: str | None = None) -> None:
    from core.db import statement
    from rewards.redemption import redeeming
    from tests.rewards.redemption.test_once import asked

    with statement() as connection:
        request = asked(shop, code, basket=Basket((line(amount_minor),)), till_reference=reference or f"online {code}")
        redeeming.redeem(connection, request, at=NOW)


def change(shop: World, query: str, *values: object) -> None:
    from core.db import connection_of, transaction

    with transaction() as session:
        connection_of(session).execute(query, list(values))


def freeze(phone: Phone) -> None:
    from core.db import transaction
    from wallet import standing

    with transaction() as session:
        assert standing.freeze(session, f"customer:{phone.customer_id}") > 0
