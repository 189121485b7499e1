"""What consents do when others announce: a STOP that a provider heard counts as a no."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader
from engage.consents import opt_outs, stopping


def mirror_opt_outs(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """A customer told the provider STOP: it carries nothing to them any more, so neither do we send marketing."""
    refused = {
        (event.customer_id, event.payload["channel"])
        for event in events
        if event.customer_id and event.payload["reason"] in _OPTED_OUT and event.payload["channel"] in opt_outs.CHANNELS
    }
    # The number itself is not noted: the provider keeps that list, and where its START does not reach us a customer who
    # says yes in the app would be blocked for ever.
    for customer_id, channel in sorted(refused):
        stopping.stop(session, None, customer_id, channel, source="provider", now=now)


#: What providers answer for a number that has opted out.
_OPTED_OUT = frozenset({"twilio_21610"})

READERS = [Reader("engage.opt_outs", mirror_opt_outs, frozenset({"message.failed"}))]
