"""Gift cards and gifts, shaped for who looks at them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from rewards.gift_cards import giving
from rewards.gift_cards.liability import Liability
from rewards.gift_cards.models import DELIVERED, Gift
from rewards.vouchers.holdings import Holding
from wallet.documents import csv
from wallet.peers import people


def card(held: Holding) -> dict[str, Any]:
    return {**asdict(held), "value": {"amount_minor": held.value_minor or 0, "currency": held.currency}}


def gifts(session: Session, rows: Sequence[Gift], viewer_id: UUID) -> list[dict[str, Any]]:
    """Of who has a number the giver learns nothing before they have the card."""
    crypto.fetch_data_keys(session, [row.giver_id for row in rows])
    others = [
        row.giver_id if row.giver_id != viewer_id else row.receiver_id if row.state == DELIVERED else None
        for row in rows
    ]
    names = people.names_of(session, others)
    return [
        {
            "id": row.id,
            "direction": "out" if row.giver_id == viewer_id else "in",
            "status": row.state,
            "voucher_id": row.voucher_id,
            "amount": {"amount_minor": row.amount_minor, "currency": row.currency},
            "message": giving.opened(session, row, "message", row.message),
            "phone": giving.opened(session, row, "phone", row.phone) if row.giver_id == viewer_id else None,
            "name": names.get(other_id) if other_id is not None else None,
            "created_at": row.created_at,
            "deliver_at": row.deliver_at,
            "expires_at": row.expires_at,
            "ended_at": row.ended_at,
        }
        for row, other_id in zip(rows, others, strict=True)
    ]


def liability_table(found: Sequence[Liability]) -> bytes:
    """One row a figure: what it is of ("age", "funder", "breakage"), which one, and its amount in minor units."""
    return csv.table(["currency", "figure", "of", "amount_minor"], [row for each in found for row in _rows(each)])


def _rows(each: Liability) -> list[list[str | int | None]]:
    breakage = each.breakage
    figures: list[tuple[str, str | None, int]] = [
        ("outstanding", None, each.outstanding_minor),
        *[("age", f"{line.from_days} days and over" if line.to_days is None
           else f"{line.from_days} to {line.to_days - 1} days", line.amount_minor) for line in each.by_age],
        *[("funder", csv.words(line.funder), line.amount_minor) for line in each.by_funder],
        ("breakage observed", None, breakage.observed_minor),
        ("breakage unspent", None, breakage.unspent_minor),
        ("breakage expected", breakage.method, breakage.expected_minor),
    ]  # fmt: skip
    return [[each.currency, *figure] for figure in figures]
