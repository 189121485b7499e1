"""Outgoing: for each message that a journey means to send, whether and how it goes out, and why not where it does not.

A message that does not go out never stops its walk. It goes over the first of its channels that the customer allows and
that reaches them; a push goes to each of their devices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.contacts import Contact, contacts_of
from core.delivery import messages
from core.delivery.messages import NewMessage
from engage import consents, inbox, links
from engage.consents import Consents
from engage.inbox import NewItem
from engage.steps import Run, SendMessage
from engage.steps.message import Wording
from engage.templates import liquid as templates
from engage.templates.liquid import TemplateFailed
from engage.walks import giving
from engage.walks.walk import Walk
from rewards.vouchers import codes

#: What the providers take at most; a longer text is not sent rather than cut through a code or link.
LONGEST = {"push": 1_000, "sms": 1_600, "whatsapp": 1_600}


@dataclass(frozen=True, slots=True)
class Planned:
    """One message step of one walk, with the voucher that the walk held when it came there."""

    walk: Walk
    run: Run
    step: SendMessage
    voucher_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message that goes out: its addresses with their ids, and what it says."""

    planned: Planned
    channel: str
    addresses: Sequence[tuple[str, UUID | None]]
    content: dict[str, Any]
    item: NewItem


def send(session: Session, planned: Sequence[Planned], *, codes_at_hand: Mapping[UUID, str], now: datetime) -> None:
    """Decide, render and enqueue all messages of a batch, each with an item in the app's inbox.

    effects  sets each run's outcome ("sent" or "skipped"), reasons and message ids
    """
    if not planned:
        return
    customer_ids = {one.walk.customer_id for one in planned}
    contacts = contacts_of(session, customer_ids)
    said = consents.of_many(session, customer_ids)
    holders = [one.voucher_id for one in planned if one.step.says_voucher and one.voucher_id]
    voucher_codes = giving.codes_of(session, holders, codes_at_hand)

    letters = [
        letter
        for one in planned
        if (letter := _decide(one, contacts.get(one.walk.customer_id), said, voucher_codes)) is not None
    ]
    new = [_new(letter, *address, now=now) for letter in letters for address in letter.addresses]
    message_ids = iter(messages.enqueue_all(session, new, now=now))
    for letter in letters:
        letter.planned.run.outcome = "sent"
        letter.planned.run.message_ids = [next(message_ids) for _ in letter.addresses]
    inbox.put_all(session, [letter.item for letter in letters], now=now)


def _decide(
    planned: Planned, contact: Contact | None, said: Consents, voucher_codes: Mapping[UUID, str]
) -> _Letter | None:
    """The letter, or None with the reasons on the run."""
    run, step = planned.run, planned.step
    run.outcome = "skipped"
    if contact is None:
        run.because("no_contact", "Nothing is known of how to reach this customer.")
        return None
    code = voucher_codes.get(planned.voucher_id) if planned.voucher_id else None
    if step.says_voucher and code is None:
        run.because("no_voucher", "The voucher that the message names is not there.")
        return None
    try:
        said_text = _rendered(step.wording, contact, code)
    except TemplateFailed as error:
        run.because("template_failed", f"The template could not be rendered: {error}")
        return None
    for channel in step.channels:
        addresses = _addresses(channel, contact)
        if not said.allow(contact.customer_id, channel=channel, purpose=step.purpose):
            run.because("no_consent", f"No consent to {step.purpose} messages by {channel}.", channel=channel)
        elif not addresses:
            run.because("no_device", "No device of this customer takes push notifications.", channel=channel)
        elif len(said_text.body) > LONGEST[channel]:
            run.because("too_long", f"The text is too long for {channel}.", channel=channel)
        else:
            item = NewItem(contact.customer_id, said_text.title, said_text.body, planned.voucher_id if code else None)
            return _Letter(planned, channel, addresses, _content(channel, said_text, planned), item)
    return None


def _addresses(channel: str, contact: Contact) -> list[tuple[str, UUID | None]]:
    if channel == "push":
        return [(address.token, address.device_row) for address in contact.push]
    return [(contact.phone, None)]


def _rendered(wording: Wording, contact: Contact, code: str | None) -> Wording:
    """The wording with every variable filled in."""
    context: dict[str, Any] = {"customer": {"locale": contact.locale or ""}}
    if code is not None:
        context["voucher"] = {"code": codes.display(code), "link": links.to_voucher(code)}
    variables = wording.content_variables.items()
    return Wording(
        title=templates.render(wording.title, context) if wording.title else None,
        body=templates.render(wording.body, context),
        content_sid=wording.content_sid,
        content_variables={name: templates.render(source, context) for name, source in variables},
    )


def _content(channel: str, said: Wording, planned: Planned) -> dict[str, Any]:
    if channel == "push":
        data = {"step_run_id": str(planned.run.id)}
        if planned.voucher_id:
            data["voucher_id"] = str(planned.voucher_id)
        return {"title": said.title or "", "body": said.body, "data": data}
    if channel == "whatsapp" and said.content_sid:
        return {"content_sid": said.content_sid, "content_variables": dict(said.content_variables)}
    return {"body": said.body}


def _new(letter: _Letter, recipient: str, address_id: UUID | None, *, now: datetime) -> NewMessage:
    walk = letter.planned.walk
    return NewMessage(
        customer_id=walk.customer_id,
        channel=letter.channel,
        recipient=recipient,
        content=letter.content,
        purpose=letter.planned.step.purpose,
        due_at=now,
        address_id=address_id,
        caused_by=walk.caused_by,
        depth=walk.depth,
        trace=walk.trace,
    )
