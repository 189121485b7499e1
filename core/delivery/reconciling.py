"""Messages in doubt, looked up at their provider: by its list, since sending has no key that would make it safe again.

Three looks, a minute, five and fifteen minutes after the call. Exactly one message of the same sender, recipient and
text from then on that is nobody else's is ours. None at the last look: it was not taken. Several: nobody can tell, so
it stays for an operator, and so does one to be sent again where anything else of that time is unknown to us: providers
change texts (a trial account's begin with a line of theirs). Push and e-mail have no list: the app's or the reader's
own word settles them, or a day does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from core.db import connection_of, transaction
from core.delivery import messages, progress, receipts
from core.delivery.models import Message
from core.delivery.receipts import Receipt
from core.gateways.lists import Listed, Lister
from core.gateways.outcomes import Unknown
from core.gateways.registry import Gateways
from core.work import Work

BATCH = 16

#: How long after its call a message is looked up; the last look decides.
LOOKS = (timedelta(seconds=60), timedelta(minutes=5), timedelta(minutes=15))
#: While the provider's list cannot be had, it is asked each hour, for a day.
AGAIN, GIVE_UP = timedelta(hours=1), timedelta(hours=24)
#: The provider's clock may be behind ours by so much.
SKEW = timedelta(seconds=60)
#: Longer than a look takes, so that another worker takes one up again only when this one died.
_HELD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A message in doubt with what its provider would know of it."""

    id: UUID
    channel: str
    provider: str
    called_at: datetime
    recipient: str
    text: str | None


def reconcile_due(gateways: Gateways, now: datetime) -> int:
    """Look up the next messages in doubt; says how many were dealt with.

    effects  settles what is certain; announces it
    """
    with transaction() as session:
        rows = connection_of(session).execute(_TAKE, [now + _HELD, now, BATCH]).fetchall()
        found = [session.get_one(Message, row[0]) for row in rows]
        doubts = [doubt for message in found if (doubt := _opened(session, gateways, message, now=now)) is not None]
    # No transaction is open while a provider is asked.
    for doubt in doubts:
        gateway = _lister(gateways, doubt.channel, doubt.provider)
        listed = gateway.listed(doubt.recipient) if gateway else Unknown("no_list")
        with transaction() as session:
            _settle(session, doubt, listed, now=now)
    return len(rows)


def work(gateways: Gateways) -> Work:
    return Work("delivery.reconcile", partial(reconcile_due, gateways))


def _opened(session: Session, gateways: Gateways, message: Message, *, now: datetime) -> _Doubt | None:
    """What to ask the provider; None where nobody can be asked, which a day or an operator settles."""
    provider = message.provider or ""
    if message.called_at is None or _lister(gateways, message.channel, provider) is None:
        _without_a_list(session, message, now=now)
        return None
    try:
        recipient, content = messages.open_sealed(session, message)
    except crypto.Erased:
        # Whether it was taken cannot be found out any more, and nobody is left to whom it matters.
        progress.mark_failed(session, message, reason="unknown", now=now)
        return None
    return _Doubt(message.id, message.channel, provider, message.called_at, recipient, content.get("body"))


def _without_a_list(session: Session, message: Message, *, now: datetime) -> None:
    if message.channel in ("push", "email"):
        message.settled_by = "time"
        progress.mark_failed(session, message, reason="unknown", now=now)
    else:
        message.due_at = None


def _settle(session: Session, doubt: _Doubt, listed: Sequence[Listed] | Unknown, *, now: datetime) -> None:
    message = progress.lock(session, doubt.id)
    if message is None or message.state != "in_doubt" or message.called_at != doubt.called_at:
        return  # a receipt was first, or another look, after which it was sent again
    age = now - doubt.called_at
    if isinstance(listed, Unknown):
        message.due_at = _next_look(doubt, now=now) or (now + AGAIN if age < GIVE_UP else None)
        return

    strange = _strange(session, doubt, listed)
    ours = [one for one in strange if doubt.text is None or one.body.strip() == doubt.text.strip()]
    if len(ours) == 1:
        _take(session, message, ours[0], now=now)
    elif ours:
        message.due_at = None  # for an operator
    elif (look := _next_look(doubt, now=now)) is not None:
        message.due_at = look
    elif strange and _is_sent_again(message):
        message.due_at = None
    else:
        _not_taken(session, message, now=now)


def _strange(session: Session, doubt: _Doubt, listed: Sequence[Listed]) -> list[Listed]:
    """What is as new as the call and not known as another message of ours. Of what a template of the provider's came to
    no text is ours to compare, so each of them may be it."""
    new = [one for one in listed if one.created_at >= doubt.called_at - SKEW]
    asked = [[one.provider_message_id for one in new], doubt.channel]
    known = {row[0] for row in connection_of(session).execute(_KNOWN, asked)} if new else set()
    return [one for one in new if one.provider_message_id not in known]


def _take(session: Session, message: Message, listed: Listed, *, now: datetime) -> None:
    receipt = receipts.of_twilio(sid=listed.provider_message_id, status=listed.status, error_code=listed.error_code)
    # Whatever its status says, the provider has it.
    receipt = receipt or Receipt(
        provider=message.provider or "", provider_message_id=listed.provider_message_id, state="sent"
    )
    receipts.apply(session, message, receipt, by="list", now=now)


def _not_taken(session: Session, message: Message, *, now: datetime) -> None:
    """It surely was not taken. What a customer waits for goes out once more, marketing does not."""
    goes_out_again = _is_sent_again(message)
    message.settled_by = "list"
    if goes_out_again:
        message.state, message.due_at, message.last_error = "pending", now, "not_taken"
    else:
        progress.mark_failed(session, message, reason="not_taken", now=now)


def _is_sent_again(message: Message) -> bool:
    """Whether it is, where it was not taken: once."""
    return message.purpose != "marketing" and message.settled_by != "list"


def _next_look(doubt: _Doubt, *, now: datetime) -> datetime | None:
    age = now - doubt.called_at
    return next((doubt.called_at + look for look in LOOKS if look > age), None)


def _lister(gateways: Gateways, channel: str, provider: str) -> Lister | None:
    found: list[Any] = [one for one in gateways.of_channel(channel) if one.name == provider]
    return found[0] if found and isinstance(found[0], Lister) else None


# Nobody else takes them up while they are looked up: due again only after that.
_TAKE = """
    UPDATE core.message m SET due_at = %s
      FROM (SELECT id FROM core.message WHERE state = 'in_doubt' AND due_at <= %s
             ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED) AS due
     WHERE m.id = due.id
    RETURNING m.id
"""

_KNOWN = """
    SELECT provider_message_id FROM core.message
     WHERE provider_message_id = ANY(%s) AND channel = %s AND channel IN ('sms', 'whatsapp')
"""
