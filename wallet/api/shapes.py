"""The wallet's answers, shaped for their schemas."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from core.web.schemas import decode_cursor, encode_cursor
from wallet.balances import Balance
from wallet.statements import Line, Position


def wallet(found: Iterable[Balance]) -> dict[str, Any]:
    return {
        "items": [
            {
                "purpose": each.purpose,
                "balance": _money(each.posted, each.asset),
                "available": _money(each.available, each.asset),
            }
            for each in found
        ]
    }


def payable(found: Iterable[Balance]) -> dict[str, Any]:
    return {"items": [_money(each.posted, each.asset) for each in found if each.purpose == "payable"]}


def entry_before(cursor: str | None) -> Position | None:
    """raises  CursorInvalid for a cursor that we did not make"""
    position = decode_cursor(cursor, UUID, UUID)
    return (position[0], position[1]) if position else None


def page_of_entries(lines: Sequence[Line], limit: int) -> dict[str, Any]:
    """One page of at most `limit` of the lines; one more than that says that there is a next page."""
    page = lines[:limit]
    return {
        "items": [_entry(line) for line in page],
        "next_cursor": encode_cursor(page[-1].transfer_id, page[-1].account_id) if len(lines) > limit else None,
    }


def replay_header(replayed: bool) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if replayed else {}


def _entry(line: Line) -> dict[str, Any]:
    return {
        "id": f"{line.transfer_id}:{line.purpose}:{line.asset}",
        "transfer_id": line.transfer_id,
        "kind": line.kind,
        "purpose": line.purpose,
        "amount": _money(line.amount, line.asset),
        "balance_after": _money(line.balance_after, line.asset),
        "merchant_id": line.details.get("merchant_id"),
        "reference": line.details.get("reference"),
        "occurred_at": line.effective_at,
        "recorded_at": line.recorded_at,  # shown to staff alone
    }


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
