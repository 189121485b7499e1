"""How people answer the live journey: a seeded model, since those of 2017 cannot. What rests on it is *simulated*."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from uuid import UUID

from core.db import connection_of, transaction

ONE_IN = 5
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Held:
    """A voucher that its household means to use at its next basket."""

    voucher_id: UUID
    expires_at: datetime


@dataclass
class Responses:
    """The vouchers of the journey's campaign, and who means to use theirs."""

    campaign_id: UUID
    households: dict[UUID, int]
    _meant: dict[int, Held] = field(default_factory=dict)
    _seen: UUID = _BEFORE_ALL

    def look(self) -> None:
        """Take note of the vouchers that the journey has given since the last look."""
        with transaction() as session:
            rows = connection_of(session).execute(_GIVEN, [self.campaign_id, self._seen]).fetchall()
        for voucher_id, customer_id, expires_at in rows:
            self._seen = voucher_id
            household_id = self.households[customer_id]
            if redeems(household_id):
                self._meant[household_id] = Held(voucher_id, expires_at)

    def take(self, household_id: int, *, at: datetime) -> UUID | None:
        """The voucher that this household shows with its basket now, if any; it is shown once."""
        held = self._meant.pop(household_id, None)
        return held.voucher_id if held and at < held.expires_at else None


def redeems(household_id: int) -> bool:
    """Whether this household uses what the journey gives it: one in five does, the same ones on every run."""
    return Random(f"pocketful demo/response/{household_id}").randrange(ONE_IN) == 0


_GIVEN = """
    SELECT id, customer_id, expires_at FROM rewards.voucher WHERE campaign_id = %s AND id > %s ORDER BY id
"""
