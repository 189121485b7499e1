"""What consents do when others announce: a STOP that a provider heard counts as a no."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader
from engage.consents import saying
from engage.consents.saying import Said


def mirror_opt_outs(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """A customer told the provider STOP: it carries nothing to them any more, so neither do we send marketing."""
    refused = {
        (event.customer_id, event.payload["channel"])
        for event in events
        if event.customer_id and event.payload["reason"] in _OPTED_OUT
    }
    said = [Said(customer_id, channel, saying.MARKETING, is_granted=False) for customer_id, channel in refused]
    saying.put_all(session, said, source="provider", now=now)


#: What providers answer for a number that has opted out.
_OPTED_OUT = frozenset({"twilio_21610"})

READERS = [Reader("engage.opt_outs", mirror_opt_outs, frozenset({"message.failed"}))]
