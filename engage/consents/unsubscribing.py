"""Unsubscribing with one click, as mail programs do it for their users.

source  RFC 8058: the address stands in List-Unsubscribe, a POST with `List-Unsubscribe=One-Click` does it at once,
        without a cookie, a redirect or a question; a GET changes nothing, since scanners follow every link in a mail
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock
from engage.consents import saying, signing
from engage.consents.saying import MARKETING, Said


def url(customer_id: UUID, channel: str, *, now: datetime | None = None) -> str:
    """The signed link that stops marketing by one channel."""
    return signing.url("u", customer_id, channel, now=now or clock.now())


def stop(session: Session, customer_id: UUID, channel: str, *, now: datetime) -> None:
    """No more marketing by this channel; said twice it is said once."""
    said = Said(customer_id, channel, MARKETING, is_granted=False)
    saying.put_all(session, [said], source="one_click", now=now)
