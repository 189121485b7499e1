"""Vouchers that are issued now and posted at the end, with whatever else their transaction posts."""

from uuid import UUID

from core.db import Connection, transaction
from core.errors import Refusal
from rewards import vouchers
from rewards.errors import BudgetExhausted
from rewards.funds import Funds, post_with
from rewards.vouchers import Issue, Voucher
from tests.rewards.conftest import NOW, World
from wallet import ledger
from wallet.ledger import Transfer


def two_rounds(world: World, campaign_id: UUID) -> tuple[list[bool], list[Voucher | Refusal]]:
    """A card a round, both filled by one posting; and whether each try had read what is left."""
    customer_id, tries = world.customer(), []

    def work(connection: Connection, funds: Funds) -> list[Voucher | Refusal]:
        tries.append(funds.are_read)
        given: list[Voucher | Refusal] = []
        fillings: list[Transfer] = []
        for source in ("a", "b"):
            issues = [Issue(campaign_id=campaign_id, customer_id=customer_id, source=source)]
            outcomes, more = vouchers.issue_later(session, connection, funds, issues, now=NOW)
            given += outcomes
            fillings += more
        ledger.post_all(connection, fillings)
        return given

    with transaction() as session:
        return tries, post_with(session, work)


def test_cards_of_several_rounds_are_filled_by_one_posting(world: World) -> None:
    tries, cards = two_rounds(world, world.gift_campaign(limit_per_customer=None))

    assert tries == [False]
    assert [world.gift(card) for card in cards] == [2_000, 2_000]


def test_a_budget_that_ends_between_rounds_refuses_only_what_it_cannot_pay(world: World) -> None:
    tries, (first, second) = two_rounds(world, world.gift_campaign(limit_per_customer=None, budget_minor=3_000))

    assert tries == [False, True]
    assert isinstance(first, Voucher) and isinstance(second, BudgetExhausted)
    assert world.gift(first) == 2_000


def test_what_was_issued_again_is_not_filled_again(world: World) -> None:
    campaign_id, customer_id = world.gift_campaign(2_000), world.customer()
    card = world.voucher(campaign_id, customer_id, source="once")

    with transaction() as session:
        issues = [Issue(campaign_id=campaign_id, customer_id=customer_id, source="once")]
        outcomes, fillings = post_with(
            session,
            lambda connection, funds: vouchers.issue_later(session, connection, funds, issues, now=NOW),
        )

    assert ([outcome.id for outcome in outcomes], fillings) == ([card.id], [])
