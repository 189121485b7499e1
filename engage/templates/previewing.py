"""Previews: a wording as one customer would read it, before anybody does. Nothing is written, no code is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.contacts import contacts_of
from core.db import connection_of
from core.errors import NotFound
from engage import links
from engage.links import codes
from engage.templates import brand, lengths, locales, variables
from engage.templates.errors import TemplateInvalid, WordingMissing
from engage.templates.lengths import Parts
from engage.templates.liquid import TELLER, TemplateFailed, grouped
from engage.templates.wording import Rendered, Wording, render

#: As long as a true one, and leads nowhere.
_CODE = "0" * codes.LENGTH


@dataclass(frozen=True, slots=True)
class Asked:
    """customer_id, event_id: whose data fill it in; None for examples. locale: None for the customer's own."""

    channel: str
    customer_id: UUID | None = None
    event_id: UUID | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """locale: the one that the text is written in ("" where it is one for all); parts: of a text message"""

    locale: str
    rendered: Rendered
    parts: Parts | None


def preview(session: Session, said: Wording, asked: Asked, *, now: datetime) -> Preview:
    """How a text reads.

    raises  WordingMissing; NotFound for an unknown customer or event; TemplateInvalid where it says what is not there
    """
    reader = _reader(session, asked.customer_id, now=now)
    locale = asked.locale or reader.locale
    text = said.text(asked.channel, locale)
    if text is None:
        raise WordingMissing(errors=[{"pointer": "/channel", "detail": f"There is no text for {asked.channel}."}])

    try:
        rendered = render(text, _context(session, text.says, reader, asked, locale))
    except TemplateFailed as error:
        raise TemplateInvalid(errors=[{"pointer": "/wording", "detail": f"It cannot be rendered: {error}."}]) from error
    written_in = next(
        (key for key, given in (said.texts.get(asked.channel) or said.texts["any"]).items() if given is text), ""
    )
    return Preview(written_in, rendered, lengths.of_sms(rendered.body) if asked.channel == "sms" else None)


@dataclass(frozen=True, slots=True)
class _Reader:
    locale: str | None
    time_zone: str | None
    traits: Mapping[str, Any] | None
    first_order_days: int | None


def _reader(session: Session, customer_id: UUID | None, *, now: datetime) -> _Reader:
    if customer_id is None:
        return _Reader(None, None, None, None)
    contact = contacts_of(session, [customer_id]).get(customer_id)
    if contact is None:
        raise NotFound
    connection = connection_of(session)
    traits: list[tuple[str, Any]] = connection.execute(
        "SELECT name, value FROM insights.trait WHERE customer_id = %s", [customer_id]
    ).fetchall()
    row = connection.execute(
        "SELECT first_order_at FROM insights.profile WHERE customer_id = %s", [customer_id]
    ).fetchone()
    days = max((now - row[0]).days, 0) if row and row[0] else None
    return _Reader(contact.locale, contact.time_zone, dict(traits), days)


def _context(
    session: Session, says: frozenset[str], reader: _Reader, asked: Asked, locale: str | None
) -> dict[str, Any]:
    context: dict[str, Any] = variables.examples(says)
    context |= {TELLER: locales.teller(locale, reader.time_zone), "brand": {"name": brand.name()}}
    context["links"] = {name.partition(".")[2]: links.short(_CODE) for name in says if name.startswith("links.")}
    context["voucher"] |= {"link": links.short(_CODE), "qr": links.to_qr(_CODE)}
    if reader.traits is not None:
        told = {"first_order_days": reader.first_order_days} if reader.first_order_days is not None else {}
        context |= {"customer": {"locale": reader.locale or "", **told}, "traits": grouped(reader.traits)}
    if asked.event_id is not None:
        context["event"] = _payload(session, asked)
    return context


def _payload(session: Session, asked: Asked) -> dict[str, Any]:
    """What an event told; one of somebody else's is as good as none."""
    row = connection_of(session).execute(_EVENT, [asked.event_id, asked.customer_id]).fetchone()
    if row is None:
        raise NotFound
    payload: dict[str, Any] = grouped(row[0])
    return payload


_EVENT = "SELECT payload FROM core.event WHERE id = %s AND customer_id = coalesce(%s, customer_id)"
