"""Settlements as they are kept: written with their cuts and funding, found again, listed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core.db import Connection
from core.errors import NotFound
from wallet.finance.settlement_models import Payout, Settlement, SettlementCut, SettlementFunding
from wallet.finance.settlement_sums import Cut, Funding


@dataclass(frozen=True, slots=True)
class Last:
    """What the settlement before says of an account: the first has none before it. carried_out: at most zero."""

    sequence: int = 0
    until: datetime | None = None
    closed_at: datetime | None = None
    carried_out: int = 0


@dataclass(frozen=True, slots=True)
class Closed:
    """A settlement with its parts. payout_file_id: of the file in which its payout went to the bank."""

    row: Settlement
    cuts: Sequence[Cut]
    fundings: Sequence[Funding]
    payout_file_id: UUID | None = None


def candidates(
    connection: Connection, *, until: datetime, merchant_id: UUID | None
) -> Iterator[tuple[UUID, str, Last]]:
    """The merchants' open accounts on which something was posted since they were settled last, before `until`."""
    rows = connection.execute(_CANDIDATES, {"merchant": merchant_id, "until": until}).fetchall()
    for merchant, currency, sequence, last_until, closed_at, net in rows:
        yield merchant, currency, Last(sequence or 0, last_until, closed_at, min(net or 0, 0))


def insert_all(session: Session, closed: Sequence[Closed]) -> None:
    """Write settlements after their transfers were posted."""
    session.add_all([each.row for each in closed])
    session.flush()
    cuts = [
        {
            "settlement_id": each.row.id,
            "account_id": each.row.account_id,
            "shard": cut.shard,
            "after_version": cut.after,
            "to_version": cut.to,
        }
        for each in closed
        for cut in each.cuts
    ]
    fundings = [
        {
            "settlement_id": each.row.id,
            "source": funding.source,
            "funder": funding.funder,
            "paid_minor": funding.paid,
            "refunded_minor": funding.refunded,
        }
        for each in closed
        for funding in each.fundings
    ]
    if cuts:
        session.execute(insert(SettlementCut), cuts)
    if fundings:
        session.execute(insert(SettlementFunding), fundings)


def find(session: Session, settlement_id: UUID, *, merchant_id: UUID | None = None) -> Closed:
    """raises  NotFound, also for another merchant's where one is named"""
    row = session.get(Settlement, settlement_id)
    if row is None or merchant_id not in (None, row.merchant_id):
        raise NotFound
    return _with_parts(session, [row])[0]


def page(session: Session, *, merchant_id: UUID | None, before: UUID | None, limit: int) -> list[Closed]:
    """Settlements, the latest first."""
    query = select(Settlement).order_by(Settlement.id.desc()).limit(limit)
    if merchant_id is not None:
        query = query.where(Settlement.merchant_id == merchant_id)
    if before is not None:
        query = query.where(Settlement.id < before)
    return _with_parts(session, session.scalars(query).all())


def _with_parts(session: Session, rows: Sequence[Settlement]) -> list[Closed]:
    named = [row.id for row in rows]
    cuts = session.scalars(
        select(SettlementCut).where(SettlementCut.settlement_id.in_(named)).order_by(SettlementCut.shard)
    ).all()
    fundings = session.scalars(
        select(SettlementFunding)
        .where(SettlementFunding.settlement_id.in_(named))
        .order_by(SettlementFunding.source, SettlementFunding.funder)
    ).all()
    paid = {
        each.settlement_id: each.file_id
        for each in session.scalars(select(Payout).where(Payout.settlement_id.in_(named)))
    }
    return [
        Closed(
            row,
            [Cut(each.shard, each.after_version, each.to_version) for each in cuts if each.settlement_id == row.id],
            [
                Funding(each.source, each.funder, each.paid_minor, each.refunded_minor)
                for each in fundings
                if each.settlement_id == row.id
            ],
            paid.get(row.id),
        )
        for row in rows
    ]


# By merchant, since accounts of customers are many more. The cheap look at the versions spares reading the entries of
# who has none; the settlement's own entry makes one more look necessary, which finds nothing to settle.
_CANDIDATES = """
    SELECT m.id, a.asset, s.sequence, s.until, s.closed_at, s.net_minor
      FROM auth.merchant m
      JOIN wallet.account a ON a.owner = 'merchant:' || m.id AND a.purpose = 'payable' AND a.status = 'open'
                           AND a.asset <> 'XTS'
      LEFT JOIN LATERAL (
           SELECT l.* FROM wallet.settlement l WHERE l.account_id = a.id ORDER BY l.sequence DESC LIMIT 1) s ON true
     WHERE (%(merchant)s::uuid IS NULL OR m.id = %(merchant)s)
       AND (s.until IS NULL OR s.until < %(until)s)
       AND (SELECT sum(b.version) FROM wallet.balance b WHERE b.account_id = a.id)
         > (SELECT coalesce(sum(c.upto), 0) FROM (
                SELECT max(to_version) AS upto FROM wallet.settlement_cut
                 WHERE account_id = a.id GROUP BY shard) c)
     ORDER BY m.id, a.asset
"""
