"""A generic code that a process has seen is not looked up again, and nothing that has changed since is missed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core import idempotency, ids
from core.db import connection_of, statement, transaction
from core.errors import Refusal
from core.idempotency import Answer
from rewards import campaigns
from rewards.campaigns import versions
from rewards.errors import (
    BudgetExhausted,
    CampaignNotRunning,
    CodeGuessesExceeded,
    LimitReached,
    MinimumSpend,
    VoucherExpired,
    VoucherUnknown,
)
from rewards.redemption import guesses, lookup, redeeming
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from rewards.vouchers import blocking
from tests.rewards.conftest import NOW, World
from tests.rewards.redemption.test_once import asked, redeem, traces
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed


def seen(world: World, **changes: object) -> tuple[UUID, UUID, Request]:
    """A campaign and its generic code, shown once already, with a further request for it."""
    campaign = world.campaign(**{"limit_per_customer": None} | changes)
    made = world.voucher(campaign, None)
    redeem(asked(world, made.code, till_reference="R-0"))
    return campaign, made.id, asked(world, made.code, key="k-1")


def test_code_that_was_seen_is_not_looked_up_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, request = seen(world)
    monkeypatch.delattr(lookup, "find")

    assert redeem(request).amount_minor == 500
    assert traces(world)[3:] == (2, 2)


def block(_: World, __: UUID, voucher_id: UUID, ___: Request) -> None:
    with transaction() as session:
        blocking.block(session, voucher_id, actor="staff:test", now=NOW)


def pause(_: World, campaign_id: UUID, __: UUID, ___: Request) -> None:
    with transaction() as session:
        campaigns.pause(session, campaign_id=campaign_id, actor="staff:test", now=NOW)


def use_up(_: World, campaign_id: UUID, __: UUID, request: Request) -> None:
    with transaction() as session:
        versions.change(session, campaign_id=campaign_id, changes={"limit_total": 1}, actor="staff:test", now=NOW)
    redeem(replace(request, key="k-2", till_reference="R-2"))


def spend_the_budget(world: World, campaign_id: UUID, _: UUID, request: Request) -> None:
    for number in range(world.budget(campaign_id) // 500):
        redeem(replace(request, key=f"k-{number + 2}", till_reference=f"R-{number + 2}"))


def guess(_: World, __: UUID, ___: UUID, request: Request) -> None:
    for _ in range(guesses.OF_TERMINAL.most):
        with transaction() as session:
            guesses.note(session, request.guesser, VoucherUnknown(), now=NOW)


def take_back(world: World, _: UUID, __: UUID, request: Request) -> None:
    with transaction() as session:
        reversals.reverse(session, world.till, request.till_reference, at=NOW)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (block, VoucherUnknown),
        (pause, CampaignNotRunning),
        (use_up, LimitReached),
        (spend_the_budget, BudgetExhausted),
        (guess, CodeGuessesExceeded),
        (take_back, PaymentReversed),
    ],
)
def test_what_has_changed_since_is_refused_as_if_looked_up(
    world: World, change: Callable[[World, UUID, UUID, Request], None], refusal: type[Refusal]
) -> None:
    campaign_id, voucher_id, request = seen(world, budget_minor=2_000)
    change(world, campaign_id, voucher_id, request)
    before = traces(world)

    with pytest.raises(refusal):
        redeem(request)
    assert traces(world) == before


def test_code_expires_though_it_is_remembered(world: World) -> None:
    _, _, request = seen(world, voucher_days=1)

    with pytest.raises(VoucherExpired):
        redeem(request, at=NOW + timedelta(days=1))
    assert redeem(request, at=NOW + timedelta(days=1, microseconds=-1)).amount_minor == 500


def test_changed_terms_hold_at_once(world: World) -> None:
    campaign_id, _, request = seen(world)
    with transaction() as session:
        versions.change(session, campaign_id=campaign_id, changes={"ends_at": NOW}, actor="staff:test", now=NOW)

    with pytest.raises(CampaignNotRunning):
        redeem(request)


def test_repetition_is_the_same_redemption(world: World) -> None:
    _, _, request = seen(world)

    made, again, by_other_key = redeem(request), redeem(request), redeem(replace(request, key="k-2"))

    assert (made, made.replayed, again.replayed, by_other_key.replayed) == (again, False, True, True)
    assert made == by_other_key


def test_refusal_that_was_frozen_under_the_key_stays(world: World) -> None:
    _, _, request = seen(world)
    principal, kept = f"terminal:{world.till.terminal_id}", Answer(409, {"code": "limit_reached"})
    with transaction() as session:
        idempotency.keep(session, principal=principal, key="k-1", fingerprint=request.asked, answer=kept, now=NOW)

    with statement() as connection:
        assert redeeming.redeem(connection, request, at=NOW) == kept
    made = redeem(replace(request, key="k-2"))
    assert isinstance(made, Redemption)


def test_another_till_may_be_the_customers_own(world: World) -> None:
    """What is remembered is the code, not who showed it."""
    _, _, request = seen(world, limit_per_customer=1)
    mine = replace(request, customer_id=ids.new())

    redeem(mine)
    with pytest.raises(LimitReached):
        redeem(replace(mine, key="k-2", till_reference="R-2"))
    assert redeem(replace(mine, customer_id=ids.new(), key="k-3", till_reference="R-3")).amount_minor == 500


def test_what_a_transaction_changed_and_undid_is_not_remembered(world: World) -> None:
    """The next change takes the same version and the same revision, and is another."""
    campaign = world.campaign(limit_per_customer=None)
    made = world.voucher(campaign, None)

    def change(minimum: int) -> dict[str, object]:
        return {"campaign_id": campaign, "changes": {"min_spend_minor": minimum}, "actor": "staff:test", "now": NOW}

    with pytest.raises(ZeroDivisionError), transaction() as session:
        versions.change(session, **change(1))
        redeeming.redeem(connection_of(session), asked(world, made.code, till_reference="R-0"), at=NOW)
        raise ZeroDivisionError
    with transaction() as session:
        versions.change(session, **change(2_001))

    with pytest.raises(MinimumSpend):
        redeem(asked(world, made.code))
