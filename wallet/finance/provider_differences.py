"""Where our books and the provider's reports differ, line by line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from core.db import Connection
from wallet import accounts

#: So long may a charge be on its way between the provider and our books before it is missed.
IN_TRANSIT = timedelta(hours=1)

#: More of them are no list for a person; their sum still shows in the figures.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that stands otherwise there than here.

    kind       ours_only; theirs_only; amount: both have it; closing_balance: their lines do not sum to their balance
    is_timing  it explains itself: the other side has it just beyond the instant, or it is younger than IN_TRANSIT
    units      ours, theirs: what it added to what the provider holds, in minor units; None where it is missing
    """

    currency: str
    kind: Literal["ours_only", "theirs_only", "amount", "closing_balance"]
    is_timing: bool
    reference: str | None
    transfer_id: UUID | None = None
    line_report_id: UUID | None = None
    line_number: int | None = None
    ours: int | None = None
    theirs: int | None = None
    occurred_at: datetime | None = None


def find(connection: Connection, at: datetime, *, closing: dict[str, int], known: Sequence[str]) -> list[Difference]:
    """All differences at an instant, by currency and time.

    closing  the provider's closing balance by currency
    known    further currencies, in which our books hold something there
    cost     reads all entries of the provider's accounts and all reported lines
    """
    connection.execute("SET LOCAL work_mem = '64MB'")  # the joins of years' lines would spill to disk
    found: list[Difference] = []
    for currency in sorted({*closing, *known}):
        found += _of_lines(connection, currency, at)
        found += _of_closing(connection, currency, at, closing.get(currency))
    return found


def _of_lines(connection: Connection, currency: str, at: datetime) -> Iterator[Difference]:
    values = {"account": accounts.of_provider(currency).id, "currency": currency, "at": at, "most": MOST}
    for reference, transfer_id, report_id, number, ours, theirs, ours_ever, theirs_ever, when in connection.execute(
        _LINES, values
    ):
        is_young = when > at - IN_TRANSIT and (ours is None or theirs is None)
        yield Difference(
            currency=currency,
            kind="amount" if None not in (ours, theirs) else "theirs_only" if ours is None else "ours_only",
            is_timing=ours_ever == theirs_ever or is_young,
            reference=reference,
            transfer_id=transfer_id,
            line_report_id=report_id,
            line_number=number,
            ours=ours,
            theirs=theirs,
            occurred_at=when,
        )


def _of_closing(connection: Connection, currency: str, at: datetime, closing: int | None) -> Iterator[Difference]:
    row = connection.execute(_REPORTED, {"currency": currency, "at": at}).fetchone()
    reported = row[0] if row else 0
    if reported != (closing or 0):
        yield Difference(
            currency=currency, kind="closing_balance", is_timing=False, reference=None, ours=reported, theirs=closing
        )


# The provider's names stand on the top-up, its refund and its dispute; a refund that was made at the provider itself is
# known by its charge alone ("refund:<charge>"). An adjustment names a line by its reference. A fee shares the name of
# the charge that it was taken for, so it is called "fee:<charge>"; once a report's fees or payouts are booked
# (`provider_postings`), they are compared together. `ever` looks past the instant: what both sides have by then
# differed in time alone.
_LINES = """
    WITH ours AS MATERIALIZED (
        SELECT coalesce(t.details ->> 'provider_reference',
                        CASE WHEN t.kind = 'topup' THEN u.provider_reference END,
                        r.provider_reference, t.details ->> 'dispute', 'refund:' || r.id,
                        'refund:' || u.provider_reference, t.details ->> 'reference',
                        'transfer:' || t.id) AS reference,
               e.transfer_id, -e.amount AS amount, e.effective_at AS at
          FROM wallet.entry e
          JOIN wallet.transfer t ON t.id = e.transfer_id
          LEFT JOIN wallet.topup u ON t.kind IN ('topup', 'topup.refund')
               AND u.id = CASE WHEN t.kind LIKE 'topup%%' THEN (t.details ->> 'topup_id')::uuid END
          LEFT JOIN wallet.topup_refund r ON t.kind = 'topup.refund'
               AND r.id = CASE WHEN t.kind = 'topup.refund' THEN (t.details ->> 'refund_id')::uuid END
         WHERE e.account_id = %(account)s
    ), theirs AS MATERIALIZED (
        SELECT CASE WHEN b.id IS NOT NULL THEN b.details ->> 'provider_reference'
                    WHEN l.kind = 'fee' THEN 'fee:' || l.reference ELSE l.reference END AS reference,
               l.report_id, l.number, l.amount_minor AS amount, l.occurred_at AS at
          FROM wallet.provider_line l
          JOIN wallet.provider_report r ON r.id = l.report_id AND r.is_complete
          LEFT JOIN wallet.transfer b ON l.kind IN ('fee', 'payout') AND b.principal = 'wallet'
               AND b.key = 'provider_report:' || l.report_id || ':' || l.kind || ':' || l.currency
         WHERE l.currency = %(currency)s
    ), differing AS MATERIALIZED (
        SELECT reference, min(at) AS at,
               sum(amount) FILTER (WHERE is_ours AND at <= %(at)s) AS ours,
               sum(amount) FILTER (WHERE NOT is_ours AND at <= %(at)s) AS theirs,
               coalesce(sum(amount) FILTER (WHERE is_ours), 0) AS ours_ever,
               coalesce(sum(amount) FILTER (WHERE NOT is_ours), 0) AS theirs_ever
          FROM (SELECT true AS is_ours, reference, amount, at FROM ours
                UNION ALL SELECT false, reference, amount, at FROM theirs) b
         GROUP BY reference
        HAVING coalesce(sum(amount) FILTER (WHERE is_ours AND at <= %(at)s), 0)
            <> coalesce(sum(amount) FILTER (WHERE NOT is_ours AND at <= %(at)s), 0)
         -- What explains itself comes last, so that the limit leaves out nothing else for it.
         ORDER BY coalesce(sum(amount) FILTER (WHERE is_ours), 0)
                = coalesce(sum(amount) FILTER (WHERE NOT is_ours), 0), min(at), reference
         LIMIT %(most)s
    ), our_first AS (
        SELECT DISTINCT ON (reference) reference, o.transfer_id
          FROM ours o JOIN differing d USING (reference) ORDER BY reference, o.at, o.transfer_id
    ), their_first AS (
        SELECT DISTINCT ON (reference) reference, t.report_id, t.number
          FROM theirs t JOIN differing d USING (reference) ORDER BY reference, t.at, t.report_id, t.number
    )
    SELECT d.reference, o.transfer_id, t.report_id, t.number, d.ours::bigint, d.theirs::bigint, d.ours_ever,
           d.theirs_ever, d.at
      FROM differing d LEFT JOIN our_first o USING (reference) LEFT JOIN their_first t USING (reference)
     ORDER BY d.at, d.reference
"""

_REPORTED = """
    SELECT coalesce(sum(l.amount_minor), 0)::bigint
      FROM wallet.provider_line l JOIN wallet.provider_report r ON r.id = l.report_id AND r.is_complete
     WHERE l.currency = %(currency)s AND l.occurred_at <= %(at)s
"""
