"""Taking in one message that a customer, or a stranger, sent us: it counts once, however often it is brought.

A stranger's STOP counts as well: it belongs to the number, and holds for whoever signs up with it later.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth import phones
from auth.errors import PhoneInvalid
from auth.models import Customer
from core import crypto
from core.db import connection_of
from core.events import announce
from engage.consents import stopping
from engage.incoming import windows, words
from engage.incoming.events import MessageReceived
from engage.incoming.models import IncomingReceipt
from engage.incoming.words import Intent
from engage.journeys.doors import strangers

#: A text message has at most 1,600 characters, a WhatsApp message 4,096; what is longer was not sent by one.
LONGEST = 4_096

#: Where the texts of events from outside open, and nowhere else.
_PRIVATE_PLACE = "core.event_private.ciphertext"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message, as its provider brought it.

    sender        the number that wrote, in whatever way it is written
    opt_out_type  the provider's own reading of the text: STOP, START, HELP or nothing
    """

    provider: str
    provider_message_id: str
    channel: str
    sender: str
    body: str
    opt_out_type: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a message meant. is_news: False for one that was taken in before, which changed nothing."""

    is_news: bool
    intent: Intent | None = None
    customer_id: UUID | None = None


def take(session: Session, incoming: Incoming, *, now: datetime) -> Taken:
    """Take one message in.

    effects  opens the channel's window; changes consents and opt-outs; announces message.received for a customer's.
             A stranger's word is remembered where it is an open door's, until they sign up
    """
    if not _is_first(session, incoming, now=now):
        return Taken(is_news=False)
    try:
        index = phones.index_of(phones.normalised(incoming.sender))
    except PhoneInvalid:
        return Taken(is_news=True)  # a short code or a name: no customer's, and nothing that could be stopped
    customer_id = session.scalar(select(Customer.id).where(Customer.phone_index == index))
    intent = words.intent_of(incoming.body, opt_out_type=incoming.opt_out_type)

    if intent == "stop":
        stopping.stop(session, index, customer_id, incoming.channel, source="stop", now=now)
    if intent == "start":
        stopping.start(session, index, customer_id, incoming.channel, now=now)
    if customer_id is not None:
        windows.open_(session, customer_id, incoming.channel, now=now)
        _announce(session, customer_id, incoming, intent, now=now)
    elif intent is None and (word := words.keyword_of(incoming.body)):
        strangers.by_word(session, word, phone_index=index, now=now)
    return Taken(True, intent, customer_id)


def forget(session: Session, *, before: datetime, most: int) -> int:
    """Drop up to `most` receipts of what came in long ago; returns how many."""
    return connection_of(session).execute(_FORGET, [before, most]).rowcount


def _is_first(session: Session, incoming: Incoming, *, now: datetime) -> bool:
    """A twin that is taken in at this moment is waited for: its receipt is in, or it is undone."""
    receipt = insert(IncomingReceipt).values(
        provider=incoming.provider, provider_message_id=incoming.provider_message_id, received_at=now
    )
    kept = receipt.on_conflict_do_nothing().returning(IncomingReceipt.provider)
    return session.scalar(kept) is not None


def _announce(session: Session, customer_id: UUID, incoming: Incoming, intent: Intent | None, *, now: datetime) -> None:
    event_id = announce(
        session,
        MessageReceived(
            customer_id=customer_id,
            occurred_at=now,
            channel=incoming.channel,
            word=words.keyword_of(incoming.body),
            intent=intent,
        ),
    )
    try:
        sealed = crypto.seal(
            session,
            owner_id=customer_id,
            place=_PRIVATE_PLACE,
            row_id=event_id,
            text=json.dumps({"/body": incoming.body[:LONGEST]}),
        )
    except crypto.Erased:
        return
    connection_of(session).execute(_SEAL, [event_id, customer_id, sealed])


_SEAL = "INSERT INTO core.event_private (event_id, customer_id, ciphertext) VALUES (%s, %s, %s)"

_FORGET = """
    DELETE FROM engage.incoming_receipt WHERE (provider, provider_message_id) IN (
        SELECT provider, provider_message_id FROM engage.incoming_receipt WHERE received_at < %s LIMIT %s
           FOR UPDATE SKIP LOCKED)
"""
