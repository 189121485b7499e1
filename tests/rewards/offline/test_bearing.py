"""Who bears a record that does not hold: the till's faults are the merchant's, and so is what no allowance covers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.db import connection_of, transaction
from rewards.baskets import Basket
from rewards.gift_cards import merging
from rewards.offline import signing
from rewards.offline.errors import TerminalSuspended
from rewards.offline.records import Record
from rewards.vouchers import Voucher
from tests.rewards.conftest import NOW, World, line
from tests.rewards.offline.conftest import HOUR, SIGNER, OfflineTill, Phone, losses, new_till
from tests.rewards.offline.test_syncing import use_online

SECOND = timedelta(seconds=1)


@pytest.fixture
def voucher(shop: World, phone: Phone) -> Voucher:
    return shop.voucher(shop.campaign(min_spend_minor=2_000, skus=["milk"]), phone.customer_id)


FAULTS: dict[str, tuple[str, Callable[[Record], Record]]] = {
    "forged": ("offline_token_forged", lambda r: replace(r, scanned="x" + r.scanned)),
    "no token": ("offline_token_forged", lambda r: replace(r, scanned="PF-CODE-1")),
    "proof": ("offline_proof_invalid", lambda r: replace(r, scanned=r.scanned[:-4] + "AAAA")),
    "stale": ("offline_proof_stale", lambda r: replace(r, accepted_at=r.accepted_at + timedelta(seconds=90))),
    "basket": ("offline_terms_not_met", lambda r: replace(r, basket=Basket((line(1_999),)))),
    "products": ("offline_terms_not_met", lambda r: replace(r, basket=Basket((line(sku="tea"),)))),
    "currency": ("offline_terms_not_met", lambda r: replace(r, currency="EUR")),
    "too much": ("offline_amount_wrong", lambda r: replace(r, amount_minor=501)),
    "too little": ("offline_amount_wrong", lambda r: replace(r, amount_minor=499)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_till_could_have_seen_is_the_merchants_loss(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher, fault: str
) -> None:
    code, spoil = FAULTS[fault]
    good = till.record(phone.show(phone.fetch(voucher.id)))

    synced = till.take(spoil(good))

    assert (synced.state, synced.code, synced.borne_by, synced.paid_minor) == ("conflict", code, "merchant", 0)
    assert (shop.payable, losses(shop)) == (0, 0)
    assert shop.rows("SELECT FROM rewards.offline_day") == shop.rows("SELECT FROM rewards.redemption") == []
    # The voucher is as it was.
    assert till.take(replace(good, till_reference="another")).state == "succeeded"


def test_token_holds_until_it_expires(shop: World, till: OfflineTill, phone: Phone, voucher: Voucher) -> None:
    token = phone.fetch(voucher.id)

    def took(at: datetime) -> str | None:
        return till.take(till.record(phone.show(token, at), at=at), now=at).code

    assert took(token.expires_at) == "offline_token_expired"
    assert took(token.expires_at - SECOND) is None


@pytest.mark.parametrize(
    ("taken", "synced", "code"),
    [
        (NOW - timedelta(minutes=2), NOW, None),
        (NOW - timedelta(minutes=2) - SECOND, NOW, "offline_clock_wrong"),
        (NOW + timedelta(minutes=5), NOW, None),
        (NOW + timedelta(minutes=5) + SECOND, NOW, "offline_clock_wrong"),
        (NOW, NOW + 72 * HOUR, None),
        (NOW, NOW + 72 * HOUR + SECOND, "offline_synced_late"),
        (NOW + timedelta(days=2_900_000), NOW, "offline_clock_wrong"),
    ],
    ids=["a little before", "before", "a little ahead", "ahead", "just in time", "late", "far away"],
)
def test_the_tills_clock_and_its_haste(
    till: OfflineTill, phone: Phone, voucher: Voucher, taken: datetime, synced: datetime, code: str | None
) -> None:
    token = phone.fetch(voucher.id)

    outcome = till.take(till.record(phone.show(token, taken), at=taken), now=synced)

    assert (outcome.code, outcome.borne_by) == (code, "merchant" if code else None)


def test_token_for_other_stores_is_the_merchants_loss(shop: World, till: OfflineTill, phone: Phone) -> None:
    elsewhere = {"fact": "store.id", "is": "equals", "value": "01900000-0000-7000-8000-000000000000"}
    merchants = {"fact": "store.merchant_id", "is": "equals", "value": "01900000-0000-7000-8000-000000000000"}
    for rule in (elsewhere, merchants):
        token = phone.fetch(shop.voucher(shop.campaign(rule=rule), phone.customer_id).id)
        assert till.take(till.record(phone.show(token))).code == "offline_terms_not_met"


def test_token_outside_its_hours_is_the_merchants_loss(shop: World, till: OfflineTill, phone: Phone) -> None:
    evening = {"weekly": [{"days": ["mon"], "from": "17:00", "to": "19:30"}]}  # 21:00 to 23:30 in Greenwich
    token = phone.fetch(shop.voucher(shop.campaign(schedule=evening), phone.customer_id).id)

    def took(at: datetime) -> str | None:
        return till.take(till.record(phone.show(token, at), at=at), now=at).code

    opens, closes = NOW + 9 * HOUR, NOW + 11.5 * HOUR
    assert [took(opens - SECOND), took(closes)] == ["offline_terms_not_met"] * 2
    assert took(closes - SECOND) is None


def test_gift_card_beyond_its_cap_or_its_basket_is_the_merchants_loss(
    shop: World, till: OfflineTill, phone: Phone
) -> None:
    token = phone.fetch(shop.voucher(shop.gift_campaign(3_000), phone.customer_id).id)

    def took(amount_minor: int, basket_minor: int) -> str | None:
        return till.take(till.record(phone.show(token), amount_minor, line(basket_minor))).code

    assert took(3_001, 5_000) == took(2_001, 2_000) == "offline_amount_wrong"
    assert took(3_000, 3_000) is None


def test_conflict_beyond_the_allowance_is_the_merchants(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher
) -> None:
    till.allow(most_minor=499)
    token = phone.fetch(voucher.id)
    use_online(shop, voucher.code)

    synced = till.take(till.record(phone.show(token)))

    assert (synced.code, synced.cause) == ("offline_allowance_exceeded", "voucher_used_up")
    assert (synced.borne_by, synced.paid_minor, synced.allowed_on) == ("merchant", 0, None)
    assert losses(shop) == 0


def test_voucher_that_holds_is_paid_beyond_the_allowance(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher
) -> None:
    till.allow(most_minor=0, most_count=0)

    synced = till.take(till.record(phone.show(phone.fetch(voucher.id))))

    assert (synced.state, synced.allowed_on, synced.paid_minor) == ("succeeded", None, 500)


def test_terminal_that_nobody_allowed_anything_has_no_loss_paid(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher
) -> None:
    stranger = new_till(till.till.merchant_id)
    token = phone.fetch(voucher.id)
    till.take(till.record(phone.show(token)))

    synced = stranger.take(stranger.record(phone.show(token)))

    assert (synced.code, synced.cause) == ("offline_allowance_exceeded", "offline_spent_elsewhere")
    assert losses(shop) == 0


def test_allowance_is_for_a_day_at_the_store_by_amount_and_by_count(shop: World, till: OfflineTill) -> None:
    """Midnight in New York is four in the morning in Greenwich."""
    till.allow(most_minor=1_200, most_count=3)
    midnight = NOW.replace(hour=4) + timedelta(days=1)
    campaign = shop.campaign(limit_per_customer=1)

    def allowed(at: datetime) -> bool:
        phone = Phone(shop, shop.customer())
        phone.register(now=at)
        token = phone.fetch(shop.voucher(campaign, phone.customer_id).id, now=at)
        return till.take(till.record(phone.show(token, at), at=at), now=at).allowed_on is not None

    assert [allowed(midnight - SECOND) for _ in range(3)] == [True, True, False]  # 500, 1,000, 1,500
    till.allow(most_minor=100_000, most_count=3)
    assert [allowed(midnight - SECOND) for _ in range(2)] == [True, False]  # the third, and a fourth
    assert allowed(midnight)
    assert shop.rows("SELECT day::text, used_minor, used_count FROM rewards.offline_day ORDER BY day") == [
        ("2026-05-04", 1_500, 3), ("2026-05-05", 500, 1)
    ]  # fmt: skip


def test_allowance_that_is_lowered_holds_for_a_day_more_and_one_that_is_raised_from_then_on(shop: World) -> None:
    """A till that went offline goes by the one that it fetched."""
    till = new_till(shop.till.merchant_id)
    till.allow(500, now=NOW)
    till.allow(0, 0, now=NOW + HOUR)
    till.allow(10_000, now=NOW + 30 * HOUR)
    campaign = shop.campaign()

    def allowed(at: datetime) -> bool:
        phone = Phone(shop, shop.customer())
        phone.register(now=at)
        token = phone.fetch(shop.voucher(campaign, phone.customer_id).id, now=at)
        return till.take(till.record(phone.show(token, at), at=at), now=NOW + 40 * HOUR).allowed_on is not None

    assert not allowed(NOW - SECOND)
    assert allowed(NOW + 25 * HOUR - SECOND)
    assert not allowed(NOW + 25 * HOUR)
    assert not allowed(NOW + 30 * HOUR - SECOND)
    assert [allowed(NOW + 30 * HOUR) for _ in range(2)] == [True, True]


def test_stores_own_clock_says_which_day_it_is(shop: World, phone: Phone) -> None:
    tokyo = new_till(time_zone="Asia/Tokyo")
    tokyo.allow()
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)
    at = NOW + 3 * HOUR  # midnight in Tokyo

    assert str(tokyo.take(tokyo.record(phone.show(token, at), at=at), now=at).allowed_on) == "2026-05-05"


def test_token_that_the_brands_key_signed_for_nobody_is_the_brands_loss(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher
) -> None:
    claims = SIGNER.verify(phone.fetch(voucher.id).token) | {"jti": "01900000-0000-7000-8000-000000000000"}

    synced = till.take(till.record(phone.show(SIGNER.sign(claims))))

    assert (synced.code, synced.borne_by, synced.lost_minor) == ("offline_token_unknown", "brand", 500)
    assert synced.customer_id is None


def test_token_with_other_claims_than_were_given_is_not_the_vouchers(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher
) -> None:
    claims = SIGNER.verify(phone.fetch(voucher.id).token) | {"discount": {"kind": "amount", "amount_minor": 1_900}}

    synced = till.take(till.record(phone.show(SIGNER.sign(claims)), 1_900))

    assert (synced.code, synced.redeemed_minor) == ("offline_token_unknown", 0)
    assert shop.rows("SELECT used FROM rewards.voucher") == [(0,)]


def test_voucher_that_was_given_away_meanwhile_is_the_brands_loss(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher
) -> None:
    token = phone.fetch(voucher.id)
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.voucher SET customer_id = %s", [shop.customer()])

    synced = till.take(till.record(phone.show(token)))

    assert (synced.code, synced.borne_by, synced.lost_minor) == ("offline_given_away", "brand", 500)


def test_gift_card_that_was_merged_meanwhile_is_the_brands_loss(shop: World, till: OfflineTill, phone: Phone) -> None:
    campaign = shop.gift_campaign(1_000, limit_per_customer=None)
    one, two = (shop.voucher(campaign, phone.customer_id) for _ in range(2))
    token = phone.fetch(one.id)
    named: dict[str, Any] = {"principal": f"customer:{phone.customer_id}", "key": "m", "fingerprint": b"m"}
    with transaction() as session:
        merging.merge(session, customer_id=phone.customer_id, from_id=one.id, into_id=two.id, now=NOW, **named)

    synced = till.take(till.record(phone.show(token), 1_000))

    assert (synced.code, synced.lost_minor) == ("voucher_used_up", 1_000)
    assert shop.gift(two) == 2_000


@pytest.mark.parametrize("whose", ["terminal", "store", "merchant"])
def test_suspended_terminal_syncs_nothing_until_it_is_active_again(
    shop: World, till: OfflineTill, phone: Phone, voucher: Voucher, whose: str
) -> None:
    record = till.record(phone.show(phone.fetch(voucher.id)))
    _set_status(whose, "suspended")

    with pytest.raises(TerminalSuspended):
        till.sync(record)

    assert shop.rows("SELECT FROM rewards.offline_redemption") == []
    _set_status(whose, "active")
    assert till.take(record).state == "succeeded"


def test_record_by_a_key_that_is_not_published_any_more_is_the_merchants_loss(
    till: OfflineTill, phone: Phone, voucher: Voucher
) -> None:
    from tests.rewards.offline.test_tokens import OTHER_KEY

    token = phone.fetch(voucher.id, signer=signing.signer(OTHER_KEY))

    assert till.take(till.record(phone.show(token))).code == "offline_token_forged"


def _set_status(whose: str, status: str) -> None:
    with transaction() as session:
        connection_of(session).execute(f"UPDATE auth.{whose} SET status = %s", [status])  # type: ignore[arg-type]
