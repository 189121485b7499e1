"""Customers' quarrels with their banks over top-ups, as the provider tells how they stand."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.events import announce
from core.gateways.payments import Notice
from wallet.topups.events import DisputeClosed, TopupDisputed
from wallet.topups.models import Dispute, Topup

#: A dispute only goes on to the right, so that notices may come in any order. What was lost may be won on appeal.
_ORDER = ("inquiry", "open", "lost", "won")


def move(session: Session, topup: Topup, notice: Notice, *, now: datetime) -> None:
    """Take a dispute forward to where a notice says that it stands; what is behind is passed over.

    effects  announces topup.disputed when money is at stake, dispute.closed when it is decided; the top-up is locked
    """
    standing = notice.standing or "inquiry"
    dispute = session.get(Dispute, notice.dispute)
    if dispute is None:
        dispute = Dispute(
            provider_reference=notice.dispute,
            topup_id=topup.id,
            amount_minor=notice.amount_minor,
            status="inquiry",
            reason=notice.code,
            opened_at=now,
        )
        session.add(dispute)
    before = dispute.status
    if _ORDER.index(standing) <= _ORDER.index(before):
        return

    dispute.status, dispute.amount_minor = standing, notice.amount_minor
    if standing == "open":
        announce(
            session,
            TopupDisputed(
                customer_id=topup.customer_id,
                occurred_at=now,
                topup_id=topup.id,
                amount_minor=notice.amount_minor,
                currency=topup.currency,
            ),
        )
    else:
        announce(
            session,
            DisputeClosed(
                customer_id=topup.customer_id,
                occurred_at=now,
                topup_id=topup.id,
                amount_minor=notice.amount_minor,
                currency=topup.currency,
                is_won=standing == "won",
            ),
        )


def at_stake(dispute: Dispute) -> int:
    """What the provider has taken from us for it."""
    return dispute.amount_minor if dispute.status in ("open", "lost") else 0
