"""Claiming a code: whoever is first has it, a generic one gives each customer one, strangers learn nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core import ids
from core.db import transaction
from core.errors import NotFound, Refusal
from rewards import checkouts
from rewards.errors import (
    CampaignNotRunning,
    CodeGuessesExceeded,
    LimitReached,
    NotInAudience,
    VoucherExpired,
    VoucherUnknown,
    VoucherUsedUp,
)
from rewards.vouchers import blocking, claims, codes, exports, holdings
from tests.rewards.conftest import NOW, World, line
from tests.rewards.vouchers.test_imports import take


def claim(code: str, customer_id: UUID, now: datetime = NOW) -> UUID:
    with transaction() as session:
        return claims.claim(session, code=code, customer_id=customer_id, now=now)


def block(voucher_id: UUID) -> blocking.Blocked:
    with transaction() as session:
        return blocking.block(session, voucher_id, actor="staff:test", now=NOW)


def code_of(customer_id: UUID, voucher_id: UUID) -> str:
    with transaction() as session:
        return holdings.code_of(session, customer_id, voucher_id)


def test_bearers_code_becomes_the_claimants(world: World) -> None:
    customer, batch = world.customer(), take(world.campaign(), "SUN-001")

    voucher_id = claim(" sun-oo1 ", customer)

    assert code_of(customer, voucher_id) == "SUN-001"
    with transaction() as session:
        held = holdings.find(session, customer, voucher_id, now=NOW)
    assert (held.state, held.expires_at) == ("active", NOW + timedelta(days=30))
    [told] = world.events("voucher.claimed")
    assert (told["voucher_id"], told["is_from_generic"]) == (str(voucher_id), False)
    assert b"SUN" not in b"".join(exports.parts(batch.id, now=NOW))


def test_claiming_again_is_the_same_claim(world: World) -> None:
    customer = world.customer()
    take(world.campaign(), "SUN-001")

    assert claim("SUN-001", customer) == claim("SUN-001", customer)

    assert len(world.events("voucher.claimed")) == 1


def test_of_eight_at_once_one_has_the_code(world: World) -> None:
    people = [world.customer() for _ in range(8)]
    take(world.campaign(), "SUN-001")

    def try_to(customer_id: UUID) -> UUID | Refusal:
        try:
            return claim("SUN-001", customer_id)
        except VoucherUnknown as refusal:
            return refusal

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(try_to, people))

    assert [type(outcome) for outcome in outcomes].count(UUID) == 1
    assert len(world.events("voucher.claimed")) == 1


def test_days_of_a_code_begin_when_it_is_claimed(world: World) -> None:
    customer = world.customer()
    take(world.campaign(voucher_days=7), "SUN-001")
    later = NOW + timedelta(days=10)

    voucher_id = claim("SUN-001", customer, now=later)

    with transaction() as session:
        assert holdings.find(session, customer, voucher_id, now=later).expires_at == later + timedelta(days=7)


def test_generic_code_gives_each_customer_one_of_their_own(world: World) -> None:
    campaign = world.campaign()
    generic = world.voucher(campaign, None, chosen_code="SPRING10")
    first, second = world.customer(), world.customer()

    vouchers = [claim("spring10", first), claim("SPRING10", first), claim("SPRING10", second)]

    assert vouchers[0] == vouchers[1] != vouchers[2]
    assert generic.id not in vouchers
    assert len(codes.normalise(code_of(first, vouchers[0]))) == codes.LENGTH
    assert [told["is_from_generic"] for told in world.events("voucher.claimed")] == [True, True]


def test_gift_card_that_is_nobodys_is_claimed_with_its_value(world: World) -> None:
    customer, card = world.customer(), world.voucher(world.gift_campaign(2_000), None)

    voucher_id = claim(card.code, customer)

    with transaction() as session:
        assert (voucher_id, holdings.find(session, customer, card.id, now=NOW).value_minor) == (card.id, 2_000)


def test_strangers_learn_nothing(world: World) -> None:
    holder, stranger, campaign = world.customer(), world.customer(), world.campaign()
    personal = world.voucher(campaign, holder)
    take(campaign, "CLAIMED-1\nBLOCKED-1")
    claim("CLAIMED-1", holder)
    [(voucher_id,)] = world.rows("SELECT id FROM rewards.voucher WHERE code_index = %s", codes.index("B10CKED1"))
    assert isinstance(voucher_id, UUID)
    block(voucher_id)

    told = set()
    for code in (personal.code, codes.draw(), "CLAIMED-1", "BLOCKED-1", "NOPE"):
        with pytest.raises(VoucherUnknown) as refused:
            claim(code, stranger)
        told.add((refused.value.detail, str(refused.value.facts)))
    assert len(told) == 1
    with pytest.raises(VoucherUnknown, match="typing error"):
        claim("AAAABBBBCCCCDDDE", stranger)


def test_what_is_over_cannot_be_claimed(world: World) -> None:
    customer = world.customer()
    take(world.campaign(), "AAA1\nAAA2")
    take(world.campaign(starts_now=False), "BBB1")
    take(world.campaign(audience=[world.customer()]), "CCC1")
    held_out = world.campaign(holdout_bps=10_000)
    take(held_out, "EEE1")
    world.voucher(held_out, None, chosen_code="EEE2")
    world.voucher(world.campaign(), None, chosen_code="DDD1")
    end = NOW + timedelta(days=30)
    world.rows("UPDATE rewards.voucher SET state = 'used_up' WHERE code_index = %s RETURNING 1", codes.index("AAA1"))

    refusals: list[tuple[str, datetime, type[Refusal]]] = [
        ("AAA1", NOW, VoucherUsedUp),
        ("AAA2", end, VoucherExpired),
        ("BBB1", NOW, CampaignNotRunning),
        ("CCC1", NOW, NotInAudience),
        ("EEE1", NOW, NotInAudience),
        ("EEE2", NOW, NotInAudience),
        ("DDD1", end, VoucherExpired),
    ]
    for code, now, kind in refusals:
        with pytest.raises(kind):
            claim(code, customer, now=now)
    claim("AAA2", customer, now=end - timedelta(seconds=1))


def test_blocked_voucher_is_shown_as_such_and_of_no_use(world: World) -> None:
    customer = world.customer()
    card = world.voucher(world.gift_campaign(2_000), customer)

    blocked, again = block(card.id), block(card.id)

    assert (blocked.state, again) == ("blocked", blocked)
    with transaction() as session:
        [held] = holdings.page(session, customer, before=None, limit=9, now=NOW)
        assert held.state == "blocked"
        assert holdings.page(session, customer, state="active", before=None, limit=9, now=NOW) == []
    assert world.rows("SELECT count(*) FROM core.audit_entry WHERE action = 'voucher.block'") == [(1,)]
    with pytest.raises(NotFound):
        block(ids.new())


def test_who_tries_many_codes_is_stopped_also_with_a_right_one(world: World) -> None:
    guesser, other = world.customer(), world.customer()
    take(world.campaign(), "SUN-001\nSUN-002")

    def attempt(code: str, customer_id: UUID, now: datetime = NOW) -> UUID:
        with transaction() as session:
            return claims.attempt(session, code=code, customer_id=customer_id, address=None, now=now)

    for number in range(10):
        with pytest.raises(VoucherUnknown):
            attempt(f"SUN-1{number:02}", guesser)
        with pytest.raises(VoucherUnknown):
            attempt("AAAABBBBCCCCDDDE", other)  # a typing error is no guess

    with pytest.raises(CodeGuessesExceeded) as refused:
        attempt("SUN-001", guesser)
    assert refused.value.retry_after_seconds == 3600
    attempt("SUN-002", other)
    attempt("SUN-001", guesser, now=NOW + timedelta(hours=1))


def test_claimed_code_is_redeemed_once(world: World) -> None:
    customer, campaign = world.customer(), world.campaign()
    take(campaign, "SUN-001")
    claimed = claim("SUN-001", customer)

    def redeem(code: str) -> int:
        asked = world.checkout(customer, line(2_000), vouchers=(code,))
        with transaction() as session:
            return checkouts.take(session, asked, now=NOW).discount_minor

    assert redeem("sun001") == 500
    with pytest.raises(VoucherUsedUp):
        redeem("SUN-001")
    with transaction() as session:
        assert holdings.find(session, customer, claimed, now=NOW).state == "used_up"


def test_bearers_code_is_redeemed_unclaimed_and_cannot_be_claimed_then(world: World) -> None:
    customer = world.customer()
    take(world.campaign(), "SUN-001")
    asked = world.checkout(customer, line(2_000), vouchers=("SUN-001",))
    with transaction() as session:
        assert checkouts.take(session, asked, now=NOW).discount_minor == 500

    with pytest.raises(VoucherUsedUp):
        claim("SUN-001", customer)


def test_blocked_code_takes_nothing_off(world: World) -> None:
    customer = world.customer()
    take(world.campaign(), "SUN-001")
    [(voucher_id,)] = world.rows("SELECT id FROM rewards.voucher")
    assert isinstance(voucher_id, UUID)
    block(voucher_id)

    with pytest.raises(VoucherUnknown), transaction() as session:
        checkouts.take(session, world.checkout(customer, line(2_000), vouchers=("SUN-001",)), now=NOW)


def test_claimed_code_is_still_one_code_where_customers_have_no_limit(world: World) -> None:
    customer = world.customer()
    take(world.campaign(limit_per_customer=None, uses_per_code=2), "SUN-001")

    voucher_id = claim("SUN-001", customer)

    for left in (("active", 1), ("used_up", 0)):
        checkout(world, customer, voucher_id)
        assert held(customer, voucher_id) == left
    with pytest.raises(VoucherUsedUp):
        checkout(world, customer, voucher_id)


def test_code_that_somebody_used_before_it_was_claimed_has_what_is_left(world: World) -> None:
    customer, other = world.customer(), world.customer()
    take(world.campaign(uses_per_code=2), "SUN-001")
    checkout(world, other, "SUN-001")

    voucher_id = claim("SUN-001", customer)

    assert held(customer, voucher_id) == ("active", 1)
    checkout(world, customer, voucher_id)
    with pytest.raises(VoucherUsedUp):
        checkout(world, customer, voucher_id)


def test_claimed_code_of_many_uses_counts_for_its_customers_limit(world: World) -> None:
    customer = world.customer()
    take(world.campaign(limit_per_customer=1, uses_per_code=None), "SUN-001")
    voucher_id = claim("SUN-001", customer)
    checkout(world, customer, voucher_id)

    with pytest.raises(LimitReached):
        checkout(world, customer, voucher_id)


def checkout(world: World, customer_id: UUID, reference: UUID | str) -> None:
    with transaction() as session:
        checkouts.take(session, world.checkout(customer_id, vouchers=(reference,)), now=NOW)


def held(customer_id: UUID, voucher_id: UUID) -> tuple[str, int | None]:
    with transaction() as session:
        found = holdings.find(session, customer_id, voucher_id, now=NOW)
        return found.state, found.uses_left
