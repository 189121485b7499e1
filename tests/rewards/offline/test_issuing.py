"""Tokens are given for what a till can decide alone, one of a voucher at a time, to the phone that proved its key."""

from datetime import UTC, datetime, timedelta

import pytest

from core.db import connection_of, transaction
from core.errors import Refusal
from rewards.errors import CampaignNotRunning, VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.offline import till_terms
from rewards.offline.errors import (
    OfflineBarred,
    OfflineKeyInvalid,
    OfflineKeyMissing,
    OfflineKeyUnproved,
    OfflineRefused,
    OfflineTokenElsewhere,
)
from rewards.offline.issuing import Issued, Policy
from rewards.offline.till_terms import TillTerms
from rewards.rules import saved
from tests.rewards.conftest import NOW, World
from tests.rewards.offline.conftest import HOUR, SIGNER, OfflineTill, Phone
from tests.rewards.vouchers.test_claims import claim
from tests.rewards.vouchers.test_imports import take
from wallet import standing
from wallet.errors import AccountFrozen


def terms_of(issued: Issued) -> TillTerms:
    return till_terms.of_claims(SIGNER.verify(issued.token))


def fetch(shop: World, phone: Phone, *, now: datetime = NOW, **campaign: object) -> TillTerms:
    return terms_of(phone.fetch(shop.voucher(shop.campaign(**campaign), phone.customer_id).id, now=now))


def reasons(shop: World, phone: Phone, **campaign: object) -> list[str]:
    with pytest.raises(OfflineRefused) as refused:
        fetch(shop, phone, **campaign)
    return [each["about"] for each in refused.value.facts["reasons"]]


def test_token_that_lives_is_given_again(shop: World, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    first = phone.fetch(voucher.id)

    assert phone.fetch(voucher.id, now=first.expires_at - timedelta(seconds=1)) == first
    assert phone.fetch(voucher.id, now=first.expires_at).id != first.id


def test_token_that_was_spent_is_followed_by_another_while_the_voucher_has_uses(
    shop: World, till: OfflineTill, phone: Phone
) -> None:
    voucher = shop.voucher(shop.campaign(limit_per_customer=2), phone.customer_id)
    for _ in range(2):
        token = phone.fetch(voucher.id)
        assert till.take(till.record(phone.show(token))).state == "succeeded"

    with pytest.raises(VoucherUsedUp):
        phone.fetch(voucher.id)


@pytest.mark.parametrize("uses", [1, 2])
def test_printed_code_that_was_claimed_has_tokens_for_the_uses_of_its_code(
    shop: World, till: OfflineTill, phone: Phone, uses: int
) -> None:
    take(shop.campaign(limit_per_customer=None, uses_per_code=uses), "SUN-001")
    voucher_id = claim("SUN-001", phone.customer_id)
    for _ in range(uses):
        assert till.take(till.record(phone.show(phone.fetch(voucher_id)))).state == "succeeded"

    with pytest.raises(VoucherUsedUp) as refused:
        phone.fetch(voucher_id)
    assert refused.value.facts == {"used": uses, "limit": uses}


def test_another_phone_waits_until_the_first_ones_token_has_expired(shop: World, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    first = phone.fetch(voucher.id)
    new = Phone(shop, phone.customer_id)
    new.register()

    with pytest.raises(OfflineTokenElsewhere) as refused:
        new.fetch(voucher.id)

    assert refused.value.facts["until"] == first.expires_at.isoformat()
    assert new.fetch(voucher.id, now=first.expires_at).id != first.id


def test_token_ends_with_its_voucher_and_its_campaign(shop: World, phone: Phone) -> None:
    ending = shop.campaign(ends_at=NOW + 2 * HOUR + timedelta(milliseconds=500), limit_per_customer=None)

    issued = phone.fetch(shop.voucher(ending, phone.customer_id).id)

    assert issued.expires_at == NOW + 2 * HOUR
    with pytest.raises((VoucherExpired, CampaignNotRunning)):
        phone.fetch(shop.voucher(ending, phone.customer_id).id, now=NOW + 2 * HOUR)


@pytest.mark.parametrize("whose", ["another's", "nobody's", "blocked", "none"])
def test_only_ones_own_voucher_gets_a_token(shop: World, phone: Phone, whose: str) -> None:
    campaign = shop.campaign(limit_per_customer=None)
    owner = {"another's": shop.customer(), "nobody's": None}.get(whose, phone.customer_id)
    voucher_id = shop.voucher(campaign, owner).id if whose != "none" else phone.customer_id
    if whose == "blocked":
        with transaction() as session:
            connection_of(session).execute("UPDATE rewards.voucher SET state = 'blocked'")

    with pytest.raises(VoucherUnknown):
        phone.fetch(voucher_id)


def test_phone_without_a_key_gets_no_token(shop: World) -> None:
    phone = Phone(shop, shop.customer())

    with pytest.raises(OfflineKeyMissing):
        phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)


def test_frozen_customer_gets_no_token(shop: World, phone: Phone) -> None:
    voucher = shop.voucher(shop.campaign(), phone.customer_id)
    with transaction() as session:
        standing.freeze(session, f"customer:{phone.customer_id}")

    with pytest.raises(AccountFrozen):
        phone.fetch(voucher.id)


def test_whoever_spent_a_token_twice_waits_for_thirty_days(
    shop: World, till: OfflineTill, other: OfflineTill, phone: Phone
) -> None:
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)
    till.take(till.record(phone.show(token)))
    other.take(other.record(phone.show(token)))
    innocent = shop.voucher(shop.campaign(ends_at=NOW + timedelta(days=60)), phone.customer_id)

    with pytest.raises(OfflineBarred):
        phone.fetch(innocent.id, now=NOW + timedelta(days=30) - timedelta(seconds=1))
    assert phone.fetch(innocent.id, now=NOW + timedelta(days=30))


def test_gift_cards_token_is_capped(shop: World, phone: Phone) -> None:
    card = shop.voucher(shop.gift_campaign(3_000, limit_per_customer=None), phone.customer_id)

    def most(policy_minor: int, now: datetime) -> int:
        policy = Policy(lives=HOUR, gift_card_most_minor=policy_minor)
        amount = terms_of(phone.fetch(card.id, now=now, policy=policy)).discount["amount_minor"]
        assert isinstance(amount, int)
        return amount

    assert [most(2_999, NOW), most(3_000, NOW + HOUR), most(3_001, NOW + 2 * HOUR)] == [2_999, 3_000, 3_000]
    with pytest.raises(OfflineRefused):
        most(0, NOW + 3 * HOUR)


def test_rule_about_the_basket_the_store_and_the_time_is_told_to_the_till(shop: World, phone: Phone) -> None:
    store = str(shop.till.store_id)
    found = fetch(
        shop,
        phone,
        rule={
            "all": [
                {"fact": "basket.total_minor", "is": "more_than", "value": 1_999},
                {"fact": "store.id", "is": "one_of", "value": [store, str(phone.customer_id)]},
                {"fact": "store.id", "is": "equals", "value": store},
                {"any": [{"fact": "time.weekday", "is": "equals", "value": "tue"}]},
            ]
        },
        min_spend_minor=1_500,
    )

    assert (found.min_spend_minor, found.stores) == (2_000, frozenset([shop.till.store_id]))
    # Tuesday begins at midnight in New York, which is four in the morning in Greenwich.
    assert found.spans == ((_at("2026-05-05T04:00"), _at("2026-05-05T12:00")),)


def test_saved_rule_is_read_through(shop: World, phone: Phone) -> None:
    condition = {"all": [{"fact": "basket.total_minor", "is": "at_least", "value": 2_500}]}
    with transaction() as session:
        rule = saved.create(session, name="Large", condition=condition, actor="staff:test", now=NOW)

    assert fetch(shop, phone, rule={"rule": str(rule.id)}).min_spend_minor == 2_500


def test_hours_of_a_schedule_are_told_as_spans(shop: World, phone: Phone) -> None:
    evening = {"days": ["mon"], "from": "17:00", "to": "19:30"}
    found = fetch(shop, phone, schedule={"weekly": [evening]})

    assert found.spans == ((_at("2026-05-04T21:00"), _at("2026-05-04T23:30")),)


def test_an_hour_that_daylight_saving_repeats_is_open_twice(shop: World, phone: Phone) -> None:
    night = {"days": ["sun"], "from": "01:00", "to": "01:30"}
    now = datetime(2026, 11, 1, 3, tzinfo=UTC)
    found = fetch(
        shop, phone, now=now, schedule={"weekly": [night]}, ends_at=now + timedelta(days=5), voucher_days=None
    )

    assert found.spans == (
        (_at("2026-11-01T05:00"), _at("2026-11-01T05:30")), (_at("2026-11-01T06:00"), _at("2026-11-01T06:30"))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("campaign", "about"),
    [
        ({"discount": {"kind": "free_item", "sku": "cup"}}, ["discount"]),
        ({"discount": {"kind": "buy_get", "buy": 2, "get": 1}}, ["discount"]),
        ({"rule": {"fact": "history.orders", "is": "equals", "value": 0}}, ["history.orders"]),
        ({"rule": {"fact": "basket.total_minor", "is": "at_most", "value": 9_000}}, ["basket.total_minor"]),
        ({"rule": {"not": {"fact": "store.id", "is": "equals", "value": "01900000-0000-7000-8000-000000000000"}}},
         ["store.id"]),
        ({"rule": {"any_line": {"fact": "line.sku", "is": "equals", "value": "milk"}}}, ["line.sku"]),
        ({"rule": {"any": [{"fact": "time.weekday", "is": "equals", "value": "mon"},
                           {"fact": "customer.locale", "is": "equals", "value": "en"}]}}, ["customer.locale"]),
        ({"rule": {"lines": {"sum": "amount_minor"}, "is": "at_least", "value": 5}}, ["lines"]),
        ({"rule": {"fact": "time.date", "is": "equals", "value": "2027-01-01"}}, ["time"]),
        ({"skus": [f"sku-{number}" for number in range(till_terms.MOST_SKUS + 1)]}, ["products"]),
    ],
    ids=["free item", "buy and get", "history", "at most", "not", "line", "any", "sum", "time", "products"],
)  # fmt: skip
def test_what_a_till_cannot_decide_gets_no_token(
    shop: World, phone: Phone, campaign: dict[str, object], about: list[str]
) -> None:
    assert reasons(shop, phone, **campaign) == about
    assert shop.rows("SELECT FROM rewards.offline_token") == []


def test_token_names_as_many_products_as_fit(shop: World, phone: Phone) -> None:
    skus = [f"sku-{number}" for number in range(till_terms.MOST_SKUS)]

    assert fetch(shop, phone, skus=skus).skus == frozenset(skus)
    assert reasons(shop, phone, skus=[f"{sku}-{'x' * 50}" for sku in skus]) == ["size"]


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": "AAAA"},
        {"proof": "no base64 ÿ"},
        {"signed_at": int(NOW.timestamp()) + 1},
        {"public_key": None},
    ],
    ids=["proof", "letters", "time", "key"],
)
def test_key_without_its_proof_is_refused(shop: World, changes: dict[str, object]) -> None:
    phone = Phone(shop, shop.customer())
    if "public_key" in changes:
        changes = {"public_key": Phone(shop, phone.customer_id).pem}

    with pytest.raises(OfflineKeyUnproved):
        phone.register(**changes)


@pytest.mark.parametrize(("late", "holds"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_proof_of_a_key_holds_for_five_minutes(shop: World, late: int, holds: bool) -> None:
    phone = Phone(shop, shop.customer())
    seconds = int(NOW.timestamp()) + late
    text = f"pocketful-offline-key-1\n{phone.customer_id}\n{seconds}\n{phone.fingerprint.hex()}"

    try:
        phone.register(signed_at=seconds, proof=phone.sign(text))
    except OfflineKeyUnproved:
        assert not holds
    else:
        assert holds


def test_another_customers_proof_is_refused(shop: World) -> None:
    phone = Phone(shop, shop.customer())
    seconds = int(NOW.timestamp())
    text = f"pocketful-offline-key-1\n{shop.customer()}\n{seconds}\n{phone.fingerprint.hex()}"

    with pytest.raises(OfflineKeyUnproved):
        phone.register(proof=phone.sign(text))


@pytest.mark.parametrize("kind", ["private", "P-384", "letters"])
def test_what_is_no_public_key_of_a_phone_is_refused(shop: World, kind: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    phone = Phone(shop, shop.customer())
    private = phone.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    large = Phone(shop, phone.customer_id, key=ec.generate_private_key(ec.SECP384R1())).pem

    with pytest.raises((OfflineKeyInvalid, Refusal)) as refused:
        phone.register(public_key={"private": private, "P-384": large, "letters": "-----BEGIN"}[kind])
    assert type(refused.value) is OfflineKeyInvalid


def _at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}:00+00:00").timestamp())
