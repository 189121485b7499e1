"""Gift cards, shaped for who looks at them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rewards.gift_cards.activations import Activation
from rewards.gift_cards.liability import Liability
from rewards.vouchers.holdings import Holding
from wallet.documents import csv


def card(held: Holding) -> dict[str, Any]:
    return {**asdict(held), "value": {"amount_minor": held.value_minor or 0, "currency": held.currency}}


def activation(made: Activation) -> dict[str, Any]:
    return {
        "id": made.id,
        "voucher_id": made.voucher_id,
        "last4": made.last4,
        "value": {"amount_minor": made.amount_minor, "currency": made.currency},
        "till_reference": made.till_reference,
        "state": "active" if made.voided_at is None else "voided",
        "activated_at": made.activated_at,
        "voided_at": made.voided_at,
    }


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
