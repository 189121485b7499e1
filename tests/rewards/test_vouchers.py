"""Giving vouchers: once for each cause, to whom they are meant for, while budget and limits last."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from core import ids
from core.crypto import Erased
from core.db import transaction
from core.errors import NotFound, Refusal
from rewards import checkouts, vouchers
from rewards.errors import (
    BudgetExhausted,
    CampaignNotRunning,
    LimitReached,
    NotInAudience,
    VoucherSourceReused,
)
from rewards.vouchers import Issue, Voucher, codes, holdings
from tests.rewards.conftest import NOW, World, line
from wallet import refunds


def issue_each(*issues: Issue) -> list[Voucher | Refusal]:
    with transaction() as session:
        return vouchers.issue_each(session, issues, now=NOW)


def for_(campaign_id: UUID, customer_id: UUID | None, source: str | None = None) -> Issue:
    return Issue(campaign_id=campaign_id, customer_id=customer_id, source=source or f"test:{ids.new()}")


def test_same_source_gives_the_same_voucher(world: World) -> None:
    campaign, customer = world.gift_campaign(2_000), world.customer()

    first = world.voucher(campaign, customer, source="step_run:1")
    again = world.voucher(campaign, customer, source="step_run:1")

    assert (again.id, again.code, again.expires_at) == (first.id, first.code, first.expires_at)
    assert (first.replayed, again.replayed) == (False, True)
    assert (world.budget(campaign), world.gift(first)) == (98_000, 2_000)
    assert len(world.events("voucher.issued")) == 1


def test_same_source_in_one_batch_gives_one_voucher(world: World) -> None:
    given = for_(world.gift_campaign(2_000), world.customer(), "step_run:1")

    first, again = issue_each(given, given)

    assert first == again
    assert world.rows("SELECT count(*) FROM rewards.voucher") == [(1,)]


def test_source_never_hands_out_somebody_elses_voucher(world: World, refused) -> None:
    campaign = world.campaign()
    world.voucher(campaign, world.customer(), source="order:7")

    [outcome] = issue_each(for_(campaign, world.customer(), "order:7"))

    refused(outcome, VoucherSourceReused)


def test_eight_at_once_with_one_source_give_one_gift_card(world: World) -> None:
    campaign, customer = world.gift_campaign(2_000), world.customer()

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: world.voucher(campaign, customer, source="step_run:1"), range(8)))

    assert len({voucher.id for voucher in given}) == len({voucher.code for voucher in given}) == 1
    assert (world.budget(campaign), world.gift(given[0])) == (98_000, 2_000)


def test_budget_gives_what_it_holds_and_refuses_the_rest(world: World, refused) -> None:
    campaign = world.gift_campaign(2_000, budget_minor=4_000)
    customers = [world.customer() for _ in range(3)]

    outcomes = issue_each(*[for_(campaign, customer) for customer in customers])

    assert [type(outcome) for outcome in outcomes[:2]] == [Voucher, Voucher]
    refused(outcomes[2], BudgetExhausted)
    assert world.budget(campaign) == 0


def test_issue_all_gives_all_or_none(world: World) -> None:
    campaign = world.gift_campaign(2_000, budget_minor=3_999)

    with pytest.raises(BudgetExhausted), transaction() as session:
        vouchers.issue_all(session, [for_(campaign, world.customer()) for _ in range(2)], now=NOW)

    assert world.budget(campaign) == 3_999
    assert world.rows("SELECT FROM rewards.voucher") == []


def test_gift_cards_are_limited_by_number_given(world: World, refused) -> None:
    customer, other = world.customer(), world.customer()
    twice = world.gift_campaign(100, limit_per_customer=2)
    once_in_all = world.gift_campaign(100, limit_total=1)

    thrice = [for_(twice, customer) for _ in range(3)]
    outcomes = issue_each(*thrice, for_(once_in_all, customer), for_(once_in_all, other))

    assert [type(outcome) for outcome in outcomes] == [Voucher, Voucher, LimitReached, Voucher, LimitReached]
    assert outcomes[2].facts == {"limit": 2}


def test_coupons_are_not_limited_when_they_are_given(world: World) -> None:
    campaign, customer = world.campaign(limit_total=1), world.customer()

    outcomes = issue_each(for_(campaign, customer), for_(campaign, customer))

    assert [type(outcome) for outcome in outcomes] == [Voucher, Voucher]


def test_only_the_audience_gets_vouchers(world: World, refused) -> None:
    invited, other = world.customer(), world.customer()
    campaign = world.campaign(audience=[invited, invited])

    outcomes = issue_each(for_(campaign, invited), for_(campaign, other))

    assert isinstance(outcomes[0], Voucher)
    refused(outcomes[1], NotInAudience)


def test_vouchers_are_given_while_the_campaign_runs(world: World, refused) -> None:
    customer = world.customer()
    draft = world.campaign(starts_now=False)
    begins_now = world.campaign(starts_at=NOW)
    ends_now = world.campaign(ends_at=NOW)

    outcomes = issue_each(for_(draft, customer), for_(begins_now, customer), for_(ends_now, customer))

    assert [type(outcome) for outcome in outcomes] == [CampaignNotRunning, Voucher, CampaignNotRunning]


def test_unknown_campaign_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        issue_each(for_(ids.new(), world.customer()))


def test_nothing_is_given_to_whom_we_hold_no_key_of(world: World) -> None:
    with pytest.raises(Erased):
        issue_each(for_(world.campaign(), ids.new()))


def test_voucher_ends_after_its_days_and_a_coupon_with_its_campaign(world: World) -> None:
    customer, end = world.customer(), NOW + timedelta(days=30)

    def expiry(campaign_id: UUID) -> object:
        return world.voucher(campaign_id, customer).expires_at

    assert expiry(world.campaign()) == end
    assert expiry(world.campaign(voucher_days=7)) == NOW + timedelta(days=7)
    assert expiry(world.campaign(voucher_days=31)) == end
    assert expiry(world.gift_campaign()) is None
    assert expiry(world.gift_campaign(voucher_days=365)) == NOW + timedelta(days=365)


def test_code_is_stored_for_no_ones_eyes(world: World) -> None:
    voucher = world.voucher(world.campaign(), world.customer())

    everything = str(world.rows("SELECT v.*, e.payload FROM rewards.voucher v CROSS JOIN core.event e"))

    assert voucher.code not in everything
    assert voucher.code not in repr(voucher)
    assert voucher.code[-4:] in everything


def test_holder_sees_what_is_left_and_strangers_see_nothing(world: World) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(limit_per_customer=3), customer)
    card = world.voucher(world.gift_campaign(2_000), customer)
    old = world.voucher(world.campaign(voucher_days=1), customer, at=NOW - timedelta(days=1))

    with transaction() as session:
        held = holdings.page(session, customer, before=None, limit=10, now=NOW)
        active = holdings.page(session, customer, state="active", before=None, limit=1, now=NOW)
        rest = holdings.page(session, customer, state="active", before=active[0].id, limit=9, now=NOW)
        soonest = holdings.expiring_next(session, customer, limit=2, now=NOW)
        code = holdings.shown_code(session, customer, coupon.id)
        with pytest.raises(NotFound):
            holdings.find(session, world.till.store_id, coupon.id, now=NOW)
        with pytest.raises(NotFound):
            holdings.code_of(session, world.till.store_id, coupon.id)

    assert [(h.id, h.state, h.uses_left, h.value_minor) for h in held] == [
        (old.id, "expired", 1, None), (card.id, "active", None, 2_000), (coupon.id, "active", 3, None)
    ]  # fmt: skip
    assert [h.id for h in (*active, *rest)] == [card.id, coupon.id]
    assert [h.id for h in soonest] == [coupon.id, card.id]
    assert code == codes.display(coupon.code)


def test_gift_card_that_was_paid_back_is_active_again(world: World) -> None:
    customer, now = world.customer(), NOW
    card = world.voucher(world.gift_campaign(2_000), customer)
    with transaction() as session:
        taken = checkouts.take(session, world.checkout(customer, line(2_000), vouchers=(card.id,)), now=now)
    with transaction() as session:
        assert [each.state for each in holdings.page(session, customer, before=None, limit=9, now=now)] == ["used_up"]

    assert taken.transfer_id
    with transaction() as session:
        refunds.refund(
            session,
            principal=world.till.principal,
            key="back",
            fingerprint=b"back",
            payment_id=taken.transfer_id,
            merchant_id=world.till.merchant_id,
            amount_minor=700,
            at=now,
        )

    with transaction() as session:
        held = holdings.find(session, customer, card.id, now=now)
        assert (held.state, held.value_minor) == ("active", 700)
        assert holdings.page(session, customer, state="active", before=None, limit=9, now=now) == [held]
        assert holdings.expiring_next(session, customer, limit=9, now=now) == [held]
