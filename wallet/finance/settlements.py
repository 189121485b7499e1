"""Settlements: a merchant's account is closed up to an instant, once for each entry, and what is due is paid out.

A settlement takes what the merchant earned and gave back since the one before, takes the fees, and pays the rest out.
Where less than nothing is left, that is carried into the next one.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit, ids
from core.db import Connection, connection_of
from core.events import announce_all
from wallet import accounts, ledger
from wallet.finance import settlement_rows, settlement_sums
from wallet.finance.errors import SettlementInFuture, SettlementTwin
from wallet.finance.events import SettlementClosed
from wallet.finance.settlement_models import Settlement
from wallet.finance.settlement_rows import Closed, Last
from wallet.finance.settlement_sums import KIND, Funding, Sums, Taken
from wallet.ledger import Transfer

#: So many are written in well under a quarter of a second; a run of more goes on with the next call.
BATCH = 100

PRINCIPAL = "wallet"


@dataclass(frozen=True, slots=True)
class Run:
    """is_complete: False when more merchants wait; the same call again goes on with them."""

    closed: Sequence[Closed]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Due:
    """A merchant's account in one currency with what it has before the cut."""

    merchant_id: UUID
    currency: str
    last: Last
    taken: Taken
    sums: Sums
    fundings: Sequence[Funding]

    @property
    def payable(self) -> accounts.Opening:
        return accounts.of_merchant(self.merchant_id, self.currency)

    @property
    def net(self) -> int:
        earned = self.sums.gross + self.sums.tips - self.sums.refunds + self.sums.adjustments - self.sums.fees
        return self.last.carried_out + earned


def close(session: Session, *, until: datetime, merchant_id: UUID | None, actor: str, now: datetime) -> Run:
    """Settle one merchant, or all of them, with what happened before `until`.

    All is read first, since entries do not change and the cut names their versions; the writing at the end is short.
    raises   SettlementInFuture; SettlementTwin while another settlement is being closed
    effects  announces settlement.closed; posts fees and payouts; audited. Frozen and closed accounts are left alone
    """
    if until > now:
        raise SettlementInFuture
    connection = connection_of(session)
    _wait_for_nobody(connection)
    due: list[_Due] = []
    is_complete = True
    for each in _due(connection, until=until, merchant_id=merchant_id):
        if len(due) == BATCH:
            is_complete = False
            break
        due.append(each)

    closed = [_closed(each, until=until, actor=actor, now=now) for each in due]
    fees = {accounts.of_brand("fees", each.currency) for each in due}
    accounts.open_all(session, fees | {accounts.of_brand("bank", each.currency) for each in due})
    ledger.post_all(connection, [_transfer(each, now=now) for each in closed if each.row.transfer_id])
    settlement_rows.insert_all(session, closed)
    for row in (settlement.row for settlement in closed):
        change = {"net_minor": row.net_minor, "currency": row.currency}
        audit.record(
            session, actor=actor, action="settlement.close", target=f"settlement:{row.id}", change=change, now=now
        )
    announce_all(session, [_fact(each.row, now=now) for each in closed if not each.row.transfer_id])
    return Run(closed, is_complete)


def _wait_for_nobody(connection: Connection) -> None:
    """One settlement at a time, so that each reads what the one before it has written."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('wallet.settlement', 0))").fetchone()
    if not row or not row[0]:
        raise SettlementTwin


def _due(connection: Connection, *, until: datetime, merchant_id: UUID | None) -> Iterator[_Due]:
    for merchant, currency, last in settlement_rows.candidates(connection, until=until, merchant_id=merchant_id):
        account_id = accounts.of_merchant(merchant, currency).id
        taken = settlement_sums.cut(connection, account_id, until=until, closed_before=last.closed_at)
        if taken is not None:
            yield _Due(
                merchant_id=merchant,
                currency=currency,
                last=last,
                taken=taken,
                sums=settlement_sums.sums(connection, account_id, merchant, currency, taken),
                fundings=settlement_sums.fundings(connection, account_id, currency, taken),
            )


def _closed(due: _Due, *, until: datetime, actor: str, now: datetime) -> Closed:
    payout = max(due.net, 0)
    row = Settlement(
        id=ids.new(),
        merchant_id=due.merchant_id,
        account_id=due.payable.id,
        currency=due.currency,
        sequence=due.last.sequence + 1,
        since=due.last.until,
        until=until,
        first_transfer_id=due.taken.first_transfer_id,
        last_transfer_id=due.taken.last_transfer_id,
        payment_count=due.sums.payment_count,
        refund_count=due.sums.refund_count,
        gross_minor=due.sums.gross,
        tips_minor=due.sums.tips,
        refunds_minor=due.sums.refunds,
        adjustments_minor=due.sums.adjustments,
        fees_minor=due.sums.fees,
        carried_in_minor=due.last.carried_out,
        net_minor=due.net,
        payout_minor=payout,
        transfer_id=ids.new() if due.sums.fees or payout else None,
        closed_by=actor,
        closed_at=now,
    )
    return Closed(row, due.taken.cuts, due.fundings)


def _transfer(closed: Closed, *, now: datetime) -> Transfer:
    row = closed.row
    assert row.transfer_id is not None
    key = f"settlement:{row.account_id}:{row.sequence}"
    legs = [
        accounts.of_merchant(row.merchant_id, row.currency).leg(-(row.fees_minor + row.payout_minor)),
        *([accounts.of_brand("fees", row.currency).leg(row.fees_minor)] if row.fees_minor else []),
        *([accounts.of_brand("bank", row.currency).leg(row.payout_minor)] if row.payout_minor else []),
    ]
    return Transfer(
        id=row.transfer_id,
        principal=PRINCIPAL,
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        kind=KIND,
        legs=legs,
        effective_at=now,
        details={"settlement_id": str(row.id), "merchant_id": str(row.merchant_id)},
        events=(_fact(row, now=now),),
    )


def _fact(row: Settlement, *, now: datetime) -> SettlementClosed:
    return SettlementClosed(
        occurred_at=now,
        settlement_id=row.id,
        merchant_id=row.merchant_id,
        currency=row.currency,
        net_minor=row.net_minor,
        payout_minor=row.payout_minor,
    )
