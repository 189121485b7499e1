"""What rewards do when others announce: gift cards that a refund fills again after they have expired."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app import worker
from core import ids
from core.db import transaction
from core.events import readers
from rewards import checkouts, reactions
from rewards.vouchers import Voucher, holdings
from tests.rewards.conftest import NOW, World, line
from wallet import refunds
from wallet.lots import REVIVED_FOR

ENDS = NOW + timedelta(days=5)


@pytest.fixture(autouse=True)
def _read(database: None) -> None:
    readers.register(reactions.READERS)


def spent_card(world: World) -> tuple[UUID, Voucher, UUID]:
    """A customer, their gift card of five days, and the payment that spent it."""
    customer = world.customer()
    card = world.voucher(world.gift_campaign(2_000, voucher_days=5), customer)
    with transaction() as session:
        taken = checkouts.take(session, world.checkout(customer, line(2_000), vouchers=(card.id,)), now=NOW)
    assert taken.transfer_id is not None
    return customer, card, taken.transfer_id


def refund(world: World, payment_id: UUID, *, at: datetime, amount_minor: int | None = None) -> None:
    with transaction() as session:
        refunds.refund(
            session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=payment_id,
            merchant_id=world.till.merchant_id, amount_minor=amount_minor, at=at,
        )  # fmt: skip
    worker.drain(reactions.READERS, [], now=at)


def ends(customer: UUID, card: Voucher) -> datetime | None:
    with transaction() as session:
        return holdings.find(session, customer, card.id, now=NOW).expires_at


def test_expired_card_that_a_refund_fills_again_can_be_spent(world: World) -> None:
    customer, card, payment = spent_card(world)
    late = ENDS + timedelta(days=1)

    refund(world, payment, at=late)

    assert ends(customer, card) == late + REVIVED_FOR
    with transaction() as session:
        again = world.checkout(customer, line(2_000), vouchers=(card.id,))
        assert checkouts.take(session, again, now=late + timedelta(days=29)).gift_minor == 2_000


def test_card_expires_when_it_would_have_where_the_refund_came_before(world: World) -> None:
    customer, card, payment = spent_card(world)

    refund(world, payment, at=ENDS - timedelta(seconds=1), amount_minor=500)
    assert ends(customer, card) == ENDS
    refund(world, payment, at=ENDS, amount_minor=500)
    assert ends(customer, card) == ENDS + REVIVED_FOR


def test_refund_of_other_sources_revives_no_card(world: World) -> None:
    customer, card, _ = spent_card(world)
    with transaction() as session:
        paid = checkouts.take(session, world.checkout(customer, line(1_000)), now=NOW)
    assert paid.transfer_id is not None

    refund(world, paid.transfer_id, at=ENDS + timedelta(days=1))

    assert ends(customer, card) == ENDS
