"""STOP and START: what a customer says to a number rather than to us, mirrored in their consents.

STOP takes marketing by its channel away and notes whether there was any; START gives back what STOP took, and nothing
that was never allowed.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from engage.consents import opt_outs, records, saying
from engage.consents.models import Consent
from engage.consents.saying import MARKETING, Said

#: Who heard the STOP: we, or the provider, which tells it when it refuses a message.
STOPPED_BY = ("stop", "provider")


def stop(
    session: Session, address_index: bytes | None, customer_id: UUID | None, channel: str, *, source: str, now: datetime
) -> None:
    """A number said STOP, whether we know whose it is or not.

    address_index  None where only the provider's refusal tells of it
    """
    if address_index is not None:
        opt_outs.lock(session, address_index, channel)
        opt_outs.add_all(session, [(address_index, channel)], source=source, now=now)
    if customer_id is None:
        return
    allowed = session.scalar(
        select(Consent.is_granted)
        .where(Consent.customer_id == customer_id, Consent.channel == channel, Consent.purpose == MARKETING)
        .with_for_update()
    )
    said = Said(customer_id, channel, MARKETING, is_granted=False)
    saying.put_all(session, [said], source=source, evidence={"took": bool(allowed)}, now=now)


def start(session: Session, address_index: bytes, customer_id: UUID | None, channel: str, *, now: datetime) -> None:
    """A number said START."""
    opt_outs.lock(session, address_index, channel)
    opt_outs.drop(session, address_index, channel)
    if customer_id is None:
        return
    last = records.latest(session, customer_id, channel=channel, purpose=MARKETING)
    if last is not None and last.source in STOPPED_BY and last.evidence.get("took"):
        said = Said(customer_id, channel, MARKETING, is_granted=True)
        saying.put_all(session, [said], source="start", evidence={"gives_back": str(last.id)}, now=now)
