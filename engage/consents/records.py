"""What a customer ever said: each yes and no, where it was said, in which words they were asked, and when."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.consents.models import ConsentRecord


def of(session: Session, customer_id: UUID, *, before: int | None, limit: int) -> Sequence[ConsentRecord]:
    """The latest first; before: the `seq` of the last one of the page before."""
    query = select(ConsentRecord).where(ConsentRecord.customer_id == customer_id)
    query = query.order_by(ConsentRecord.seq.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(ConsentRecord.seq < before)).all()


def latest(session: Session, customer_id: UUID, *, channel: str, purpose: str) -> ConsentRecord | None:
    """The last thing that was said of one channel and purpose."""
    query = select(ConsentRecord).where(
        ConsentRecord.customer_id == customer_id, ConsentRecord.channel == channel, ConsentRecord.purpose == purpose
    )
    return session.scalar(query.order_by(ConsentRecord.seq.desc()).limit(1))
