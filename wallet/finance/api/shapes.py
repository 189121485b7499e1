"""Finance's answers, shaped for their schemas."""

from collections.abc import Sequence
from typing import Any

from wallet.finance.models import ProviderBalance, ProviderReport, SafeguardingFigure
from wallet.finance.provider_postings import Booked
from wallet.finance.safeguarding_reports import Reconciliation


def provider_report(report: ProviderReport, balances: Sequence[ProviderBalance]) -> dict[str, Any]:
    return {
        "id": report.id,
        "reference": report.reference,
        "closed_at": report.closed_at,
        "line_count": report.line_count,
        "balances": [
            {"amount_minor": each.amount_minor, "currency": each.currency}
            for each in balances
            if each.report_id == report.id
        ],
        "imported_by": report.imported_by,
        "imported_at": report.imported_at,
    }


def postings(booked: Sequence[Booked]) -> dict[str, Any]:
    return {
        "items": [
            {
                "transfer_id": each.transfer_id,
                "kind": each.kind,
                "amount": {"amount_minor": each.amount_minor, "currency": each.currency},
            }
            for each in booked
        ]
    }


def reconciliation(found: Reconciliation) -> dict[str, Any]:
    report = found.report
    named = ("id", "day", "run", "as_of", "status", "provider_report_id", "difference_count", "ran_by", "ran_at")
    return {
        **{name: getattr(report, name) for name in named},
        "figures": [_figure(each) for each in found.figures],
        "sign_off": found.sign_off,
    }


def _figure(of: SafeguardingFigure) -> dict[str, Any]:
    over = None if of.held_minor is None else of.held_minor - of.owed_minor
    names = ("cash", "gift_cards", "owed", "held", "booked", "promotional", "debts", "merchants")
    return {
        "currency": of.currency,
        **{f"{name}_minor": getattr(of, f"{name}_minor") for name in names},
        "shortfall_minor": None if over is None else max(-over, 0),
        "excess_minor": None if over is None else max(over, 0),
    }
