"""Deeds of a till and of a merchant's back office, and what is left after them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import connection_of, statement, transaction
from rewards import checkouts
from rewards.baskets import Basket, Line
from rewards.checkouts import Checkout
from rewards.redemption import redeeming
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from rewards.rollbacks import checkouts as returns
from rewards.rollbacks import redemptions, reversing
from rewards.rollbacks.lines import Asked
from rewards.rollbacks.reversing import Reversed
from rewards.rollbacks.rows import Deed, Rollback
from tests.rewards.conftest import NOW, World, line
from wallet import checks

LATER = NOW + timedelta(minutes=1)


@dataclass(frozen=True)
class Deeds:
    """Each in its own transaction, as a view does it."""

    world: World

    def take(self, customer_id: UUID, *lines: Line, **changes: object) -> Checkout:
        with transaction() as session:
            return checkouts.take(session, self.world.checkout(customer_id, *lines, **changes), now=NOW)

    def redeem(self, voucher_id: UUID, *lines: Line, reference: str | None = None, at: datetime = NOW) -> Redemption:
        asked = Request(
            till=self.world.till, reference=voucher_id, basket=Basket(lines or (line(),)), currency="USD",
            till_reference=reference or str(ids.new()),
        )  # fmt: skip
        with statement() as connection:
            made = redeeming.redeem(connection, asked, at=at)
        assert isinstance(made, Redemption)
        return made

    def give_back(
        self, checkout: Checkout, lines: Sequence[Asked] | None = None, *, key: str | None = None, **changes: Any
    ) -> Rollback:
        merchant_id = changes.pop("merchant_id", checkout.till.merchant_id)
        with transaction() as session:
            return returns.roll_back(session, checkout.id, lines, deed(key, **changes), merchant_id=merchant_id)

    def roll_back(
        self, redemption: Redemption, amount: int | None = None, *, key: str | None = None, **changes: Any
    ) -> Rollback:
        merchant_id = changes.pop("merchant_id", redemption.till.merchant_id)
        asked = deed(key, **changes)
        with transaction() as session:
            return redemptions.roll_back(session, redemption.id, amount, asked, merchant_id=merchant_id)

    def void(self, redemption_id: UUID, *, at: datetime = LATER, **changes: Any) -> Rollback:
        with transaction() as session:
            return redemptions.void(session, redemption_id, changes.get("till", self.world.till), at=at)

    def reverse(self, till_reference: str, *, at: datetime = LATER) -> Reversed:
        with transaction() as session:
            return reversing.reverse(session, self.world.till, till_reference, at=at)

    def state(self) -> dict[str, Any]:
        """All that a rollback gives back: value, vouchers, counters, redemptions."""
        rows = self.world.rows
        return {
            "balances": dict(
                rows(
                    "SELECT a.owner || '/' || a.purpose, sum(b.posted)::int FROM wallet.account a"
                    " JOIN wallet.balance b ON b.account_id = a.id GROUP BY 1"
                )
            ),
            "vouchers": rows("SELECT id, state, used FROM rewards.voucher ORDER BY id"),
            "counters": rows(
                "SELECT campaign_id, scope, measure, bucket, used FROM rewards.counter ORDER BY 1, 2, 3, 4"
            ),
            "redemptions": rows("SELECT id, state, back_minor FROM rewards.redemption ORDER BY id"),
        }

    def check(self) -> None:
        with transaction() as session:
            assert checks.first_difference(connection_of(session)) is None


def deed(key: str | None = None, *, principal: str = "rollback:test", fingerprint: bytes = b"same") -> Deed:
    return Deed(principal=principal, key=key or str(ids.new()), fingerprint=fingerprint, reason="too sour", at=LATER)


@pytest.fixture
def deeds(world: World) -> Deeds:
    return Deeds(world)
