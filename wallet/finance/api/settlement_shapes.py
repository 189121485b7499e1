"""Settlements, shaped for their schemas, and their statements as answers."""

from datetime import datetime
from typing import Any

from flask import Response

from auth.models import Merchant
from core.db import transaction
from wallet.documents import csv
from wallet.documents.api import shapes as documents
from wallet.finance import bank_approvals, settlement_statements
from wallet.finance.bank_accounts import Kept
from wallet.finance.payout_files import Made
from wallet.finance.settlement_models import PayoutFile
from wallet.finance.settlement_rows import Closed
from wallet.finance.settlements import Run

_NAMES = (
    "id", "merchant_id", "currency", "sequence", "since", "until", "payment_count", "refund_count", "gross_minor",
    "tips_minor", "refunds_minor", "adjustments_minor", "fees_minor", "carried_in_minor", "net_minor", "payout_minor",
    "closed_at",
)  # fmt: skip


def settlement(closed: Closed) -> dict[str, Any]:
    return {
        **{name: getattr(closed.row, name) for name in _NAMES},
        "carried_out_minor": min(closed.row.net_minor, 0),
        "funding": [
            {
                "source": each.source,
                "campaign_id": each.funder.removeprefix("campaign:") or None,
                "paid_minor": each.paid,
                "refunded_minor": each.refunded,
            }
            for each in closed.fundings
        ],
        "payout_file_id": closed.payout_file_id,
    }


def run(found: Run) -> dict[str, Any]:
    return {"items": [settlement(each) for each in found.closed], "is_complete": found.is_complete}


def bank_account(kept: Kept, *, now: datetime) -> dict[str, Any]:
    row, account = kept.row, kept.account
    return {
        "id": row.id,
        "status": bank_approvals.standing(kept.approval, now=now) if kept.approval else "holding",
        "decided_by": kept.approval.decided_by if kept.approval else None,
        "currency": row.currency,
        "holder": account.holder,
        "number_ends": account.number[-4:],
        "bic": account.bic,
        "clearing_system": account.clearing_system,
        "set_by": row.set_by,
        "set_at": row.set_at,
    }


def payout_file(row: PayoutFile) -> dict[str, Any]:
    names = ("id", "currency", "payout_count", "control_sum_minor", "made_by", "made_at")
    return {name: getattr(row, name) for name in names}


def made(file: Made) -> dict[str, Any]:
    return {**payout_file(file.row), "without_bank_account": file.without_bank_account}


def statement_csv(closed: Closed) -> Response:
    """Sent as it is read, so that a merchant of millions of payments takes no memory."""
    return Response(
        settlement_statements.as_csv(closed),
        content_type=csv.CONTENT_TYPE,
        headers=attachment(f"settlement-{closed.row.id}.csv"),
    )


def statement_pdf(closed: Closed) -> Response:
    with transaction() as session:
        merchant = session.get(Merchant, closed.row.merchant_id)
    name = merchant.name if merchant else str(closed.row.merchant_id)
    words, house = documents.words(), documents.house()
    return documents.document(
        lambda: settlement_statements.as_pdf(closed, name, words, house), content_type="application/pdf",
        name=f"settlement-{closed.row.id}.pdf", of=(closed.row.id, name), written=words, by=house,
    )  # fmt: skip


def attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
