"""What a provider's report says of fees and payouts, booked: top-ups, refunds and disputes are in our books already."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit, ids
from core.db import connection_of
from wallet import accounts, ledger
from wallet.finance import provider_reports
from wallet.finance.models import ProviderReport
from wallet.ledger import Transfer

PRINCIPAL = "wallet"

#: How the posting of each kind of line is called, and the brand's account at its other side.
KINDS = {"fee": ("provider.fees", "fees"), "payout": ("provider.payouts", "bank")}


@dataclass(frozen=True, slots=True)
class Booked:
    """What was booked of a report, in one transfer for each kind and currency.

    units  amount_minor: taken from what the provider holds for us
    """

    transfer_id: UUID
    kind: str
    currency: str
    amount_minor: int


def book(session: Session, report_id: UUID, *, actor: str, now: datetime) -> list[Booked]:
    """Book a report's fees (the brand's cost, against the fees it earns) and payouts (to the brand's bank), once.

    raises  NotFound for one that is not there or not complete
    effects the next reconciliation finds these lines in our books
    """
    report = provider_reports.find(session, report_id).report
    connection = connection_of(session)
    sums = connection.execute(_SUMS, [report_id, list(KINDS)]).fetchall()
    accounts.open_all(
        session,
        {
            opening
            for kind, currency, _ in sums
            for opening in (accounts.of_provider(currency), accounts.of_brand(KINDS[kind][1], currency))
        },
    )
    posted = ledger.post_all(connection, [_transfer(report, *each) for each in sums])
    audit.record(
        session,
        actor=actor,
        action="provider_report.book",
        target=f"provider_report:{report_id}",
        change={"transfers": [str(done.transfer_id) for done in posted]},
        now=now,
    )
    return [
        Booked(done.transfer_id, KINDS[kind][0], currency, amount)
        for done, (kind, currency, amount) in zip(posted, sums, strict=True)
    ]


def name_of(kind: str, report_reference: str) -> str:
    """How the lines of a booked kind are called together, in the reconciliation."""
    return f"{kind}s:{report_reference}"


def key_of(report_id: UUID, kind: str, currency: str) -> str:
    return f"provider_report:{report_id}:{kind}:{currency}"


def _transfer(report: ProviderReport, kind: str, currency: str, amount: int) -> Transfer:
    key = key_of(report.id, kind, currency)
    name, purpose = KINDS[kind]
    return Transfer(
        id=ids.new(),
        principal=PRINCIPAL,
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        kind=name,
        legs=_legs(purpose, currency, amount),
        effective_at=report.closed_at,
        details={"provider_reference": name_of(kind, report.reference), "provider_report_id": str(report.id)},
    )


def _legs(purpose: str, currency: str, amount: int) -> Sequence[ledger.Leg]:
    return (accounts.of_provider(currency).leg(amount), accounts.of_brand(purpose, currency).leg(-amount))


_SUMS = """
    SELECT kind, currency, -sum(amount_minor)::bigint
      FROM wallet.provider_line WHERE report_id = %s AND kind = ANY (%s)
     GROUP BY kind, currency
     ORDER BY kind, currency
"""
