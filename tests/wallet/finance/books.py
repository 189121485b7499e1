"""What finance's tests share: books to write into, and the provider's file about them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from auth import merchants
from core import ids
from core.db import transaction
from wallet import accounts, ledger
from wallet.accounts import Opening
from wallet.ledger import LotMove, Posted, Transfer

#: A day of New York's, the default brand's: from 05:00 UTC to 05:00 UTC.
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
CLOSE = datetime(2026, 11, 21, 5, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 21, 13, tzinfo=UTC)


@dataclass
class Books:
    """Posts transfers between accounts that it opens as they come."""

    connection: Connection
    opened: set[UUID] = field(default_factory=set)

    def move(
        self,
        source: Opening,
        target: Opening,
        amount_minor: int,
        *,
        at: datetime = NOON,
        kind: str = "test",
        **more: Any,
    ) -> Posted:
        return self.transfer([(source, -amount_minor), (target, amount_minor)], at=at, kind=kind, **more)

    def transfer(
        self,
        legs: Sequence[tuple[Opening, int]],
        *,
        at: datetime = NOON,
        kind: str = "test",
        parent_id: UUID | None = None,
        **details: Any,
    ) -> Posted:
        missing = [opening for opening, _ in legs if opening.id not in self.opened]
        if missing:
            accounts.open_all(self.connection, missing)
            self.opened |= {opening.id for opening in missing}
        return ledger.post(
            self.connection,
            Transfer(
                id=ids.new(), principal="test", key=str(ids.new()), fingerprint=b"", kind=kind,
                legs=[opening.leg(amount) for opening, amount in legs], effective_at=at, parent_id=parent_id,
                details=details, lots=[_lot(opening, amount) for opening, amount in legs if opening.has_lots],
            ),
        )  # fmt: skip

    def topup(self, customer: Opening, amount_minor: int, *, reference: str, at: datetime = NOON) -> Posted:
        provider = accounts.of_provider(customer.asset)
        return self.move(provider, customer, amount_minor, at=at, kind="topup", provider_reference=reference)

    def balance(self, opening: Opening) -> int:
        query = "SELECT sum(posted) FROM wallet.balance WHERE account_id = %s"
        row = self.connection.execute(query, [opening.id]).fetchone()
        return int(row[0] or 0) if row else 0


def _lot(opening: Opening, amount: int) -> LotMove:
    return LotMove(lot_id=ids.new(), account_id=opening.id, amount=amount, source="test")


def cash(asset: str = "USD") -> Opening:
    return accounts.of_customer(ids.new(), asset)


def gift_card(asset: str = "USD") -> Opening:
    return Opening(f"voucher:{ids.new()}", "gift", asset, 0)


def add_merchant(name: str = "Corner Shop") -> UUID:
    with transaction() as session:
        return merchants.add_merchant(session, name=name, now=NOON).id


HEADER = "kind,reference,amount_minor,currency,occurred_at"


def report(*lines: str) -> bytes:
    """A CSV report; a line without its last two cells is in dollars, at noon."""
    return "\n".join([HEADER, *(_whole(line) for line in lines)]).encode()


def balance_line(amount_minor: int, *, currency: str = "USD", at: datetime = CLOSE) -> str:
    return f"balance,,{amount_minor},{currency},{at.isoformat()}"


def _whole(line: str) -> str:
    return line if line.count(",") >= 4 else f"{line},USD,{NOON.isoformat()}"
