"""Checkouts that come back whole: the uses of all their vouchers, whoever gives the money back.

Opened (locked), released (vouchers and counters), then the money goes back, then closed (rows and facts): the order in
which everybody locks, so that a return, a reversal and a new basket with the same voucher never wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.events import announce
from rewards.rollbacks import lines, redeemed, rows
from rewards.rollbacks.events import CheckoutRolledBack
from rewards.rollbacks.lines import Asked, Line, Returned
from rewards.rollbacks.redeemed import Back, Redeemed
from rewards.rollbacks.rows import Deed, Kept, Rollback


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkout under its lock, with what is left of its lines."""

    kept: Kept
    redeemed: list[Redeemed]
    lines: list[Line]

    @property
    def wholes(self) -> list[Back]:
        return [Back(each, each.left_minor, True) for each in self.redeemed if each.stands]


def open_all(connection: Connection, checkout_ids: Sequence[UUID]) -> list[Opened]:
    """effects  locks the checkouts by id"""
    kept = rows.lock_checkouts(connection, checkout_ids)
    of_checkout: dict[UUID | None, list[Redeemed]] = {}
    for each in redeemed.of_checkouts(connection, list(kept)):
        of_checkout.setdefault(each.checkout_id, []).append(each)
    found = [(each, of_checkout.get(each.id, [])) for each in kept.values()]
    return [Opened(each, uses, rows.lines_of(connection, each, uses)) for each, uses in found]


def release(connection: Connection, opened: Sequence[Opened]) -> None:
    """Lock the vouchers of all, and give the counters back what they counted."""
    backs = [back for each in opened for back in each.wholes]
    redeemed.lock_vouchers(connection, [back.redeemed for back in backs])
    redeemed.uncount(connection, backs)


def close(session: Session, opened: Opened, deed: Deed, *, amount_minor: int, transfer_id: UUID | None) -> Rollback:
    """Write that all of a checkout went back, of which `amount_minor` by the ledger just now.

    effects  lets its vouchers be used again; announces voucher.rolled_back and checkout.rolled_back
    """
    at_till_minor = opened.kept.at_till_minor - rows.at_till_back(connection_of(session), opened.kept.id)
    left = [line for line in opened.lines if line.left_minor or line.left_quantity]
    returned = lines.give_back(left, [Asked(position=line.position) for line in left])
    return write(
        session,
        opened,
        Rollback(
            checkout_id=opened.kept.id,
            kind=deed.kind,
            amount_minor=amount_minor + at_till_minor,
            at_till_minor=at_till_minor,
            currency=opened.kept.currency,
            lines=rows.lines_kept(returned),
            redemptions=rows.redemptions_of(opened.wholes),
            reason=deed.reason,
            transfer_id=transfer_id,
            store_id=opened.kept.store_id,
            made_at=deed.at,
        ),
        deed,
        returned=returned,
        backs=opened.wholes,
        gross_minor=opened.kept.left_minor,
    )


def write(
    session: Session,
    opened: Opened,
    made: Rollback,
    deed: Deed,
    *,
    returned: Sequence[Returned],
    backs: Sequence[Back],
    gross_minor: int,
) -> Rollback:
    """Write a rollback of a checkout with all that it moves; gross_minor: what its lines had cost."""
    connection, kept = connection_of(session), opened.kept
    redeemed.note(session, backs, at=deed.at)
    rows.keep_lines(connection, kept, opened.redeemed, returned)
    rows.count_back(connection, kept.id, gross_minor)
    rows.insert(connection, made, deed)
    announce(
        session,
        CheckoutRolledBack(
            customer_id=kept.customer_id,
            occurred_at=deed.at,
            checkout_id=kept.id,
            merchant_id=kept.merchant_id,
            store_id=kept.store_id,
            amount_minor=gross_minor,
            currency=kept.currency,
            is_whole=gross_minor == kept.left_minor,
        ),
    )
    return made
