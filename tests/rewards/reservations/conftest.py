"""Reservations in tests: each deed in its own transaction, as a view does it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.db import connection_of, transaction
from rewards import checks as rewards_checks
from rewards.checkouts import Checkout
from rewards.redemption.evidence import BEST
from rewards.reservations import ending, placing, taking
from rewards.reservations.placing import LASTS, Asked
from rewards.reservations.rows import Reservation
from tests.rewards.conftest import NOW, World, line
from wallet import checks

__all__ = ["BEST", "LASTS", "NOW", "Shop", "line"]


@dataclass(frozen=True)
class Shop:
    world: World

    def reserve(self, customer_id: UUID, *lines: Any, at: datetime = NOW, **changes: Any) -> Reservation:
        lasts, visit_id = changes.pop("lasts", LASTS), changes.pop("visit_id", None)
        asked = Asked(basket=self.world.checkout(customer_id, *lines, **changes), lasts=lasts, visit_id=visit_id)
        with transaction() as session:
            return placing.place(session, asked, now=at)

    def take(self, reserved: Reservation, *, at: datetime = NOW, reference: str = "B-1", **changes: Any) -> Checkout:
        till = changes.pop("till", self.world.till)
        with transaction() as session:
            return taking.take(session, reserved.id, till, till_reference=reference, **changes, now=at)

    def release(self, reserved: Reservation, *, at: datetime = NOW, **changes: Any) -> Reservation:
        with transaction() as session:
            return ending.release(session, reserved.id, changes.get("till", self.world.till), now=at)

    def expire(self, at: datetime = NOW + LASTS + timedelta(seconds=1)) -> int:
        with transaction() as session:
            return ending.expire_due(session, now=at)

    def check(self) -> None:
        with transaction() as session:
            connection = connection_of(session)
            assert rewards_checks.first_difference(connection) is None
            assert checks.first_difference(connection) is None

    def held(self) -> dict[str, Any]:
        """All that a reservation takes, and gives back: uses, counters, and what may be spent."""
        rows = self.world.rows
        return {
            "balances": dict(
                rows(
                    "SELECT a.owner || '/' || a.purpose, sum(b.posted - b.held)::int FROM wallet.account a"
                    " JOIN wallet.balance b ON b.account_id = a.id GROUP BY 1"
                )
            ),
            "vouchers": rows("SELECT id, state, used FROM rewards.voucher ORDER BY id"),
            "counters": rows(
                "SELECT campaign_id, scope, measure, bucket, used FROM rewards.counter"
                " WHERE used > 0 ORDER BY 1, 2, 3, 4"
            ),
        }


@pytest.fixture
def shop(world: World) -> Any:
    opened = Shop(world)
    yield opened
    opened.check()
